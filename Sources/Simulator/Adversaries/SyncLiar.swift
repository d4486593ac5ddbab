// Its disk says that it has synced when it has not: messages leave at once, and a crash takes back what they promised.

import Replica

final class SyncLiar: Adversary {
  var liesAboutSync: Bool { true }
}
