// Starts again and again from an empty journal, as if it had never voted.

import Replica

final class Amnesiac: Adversary {
  var forgetsVotes: Bool { true }
}
