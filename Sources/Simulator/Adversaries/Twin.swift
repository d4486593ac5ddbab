// One of two machines with the same identity: each is honest, together they are Byzantine (Bano et al., "Twins: BFT
// Systems Made Robust", OPODIS 2021).

import Replica

final class Twin: Adversary {}
