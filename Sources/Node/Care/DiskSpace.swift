// How much room a node has on its disk, and how much it wants.

import Glibc

public enum DiskSpace {
  /// Below this a node may soon have to stop, and says so.
  static let wanted: UInt64 = 1 << 30
  /// Below this none starts: its first commits would fail.
  static let least: UInt64 = 64 << 20

  /// Bytes that the node's account may still write; nil, with `errno`, where that cannot be told.
  public static func free(at path: String) -> UInt64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return UInt64(status.f_bavail) &* UInt64(status.f_frsize)
  }

  static func text(_ bytes: UInt64) -> String { "\(bytes >> 20) MiB" }
}
