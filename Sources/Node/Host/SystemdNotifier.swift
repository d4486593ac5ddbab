// The notification protocol of systemd (sd_notify(3)): readiness, status lines and the watchdog.

import Glibc

/// Silent where there is no service manager.
struct SystemdNotifier: Sendable {
  private let path: String?

  init() { path = getenv("NOTIFY_SOCKET").map { String(cString: $0) } }

  /// Microseconds between two signs of life that the manager expects; nil without a watchdog.
  var watchdogMicroseconds: Int64? { getenv("WATCHDOG_USEC").flatMap { Int64(String(cString: $0)) } }

  func send(_ message: String) {
    guard let path, !path.isEmpty, path.utf8.count < 108 else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { buffer in
      var bytes = Array(path.utf8)
      // An abstract address begins with '@' in the variable and with a zero byte on the wire.
      if bytes[0] == 0x40 { bytes[0] = 0 }
      buffer.copyBytes(from: bytes)
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count)
    let bytes = Array(message.utf8)
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
        _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), target, length)
      }
    }
  }
}
