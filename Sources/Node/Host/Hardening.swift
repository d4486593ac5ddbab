// What keeps secrets out of core dumps.

import CLinux
import Glibc

public enum Hardening {
  /// No core dump of this process, and no debugger of another one of the same user: its memory holds keys. The limit alone
  /// would not do: the kernel ignores a limit of 0 where it pipes dumps to a program.
  public static func apply() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = linux_set_dumpable(0)
  }
}
