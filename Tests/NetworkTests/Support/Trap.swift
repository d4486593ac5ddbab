// A socket that plays a node to a command, to see what the command sends.

import Foundation
import Glibc

final class Trap: @unchecked Sendable {
  private let listener: Int32

  init?(path: String) {
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard listener >= 0, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, listen(listener, 4) == 0 else { return nil }
  }

  deinit { close(listener) }

  /// Answers every GET with `document` until a POST comes, and returns its body; empty if none comes in ten seconds.
  func serve(_ document: String) -> [UInt8] {
    let deadline = Moment.now + 10
    while Moment.now < deadline {
      var poller = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, 500) > 0 else { continue }
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { continue }
      defer { close(connection) }
      if let body = converse(connection, document, deadline) { return body }
    }
    return []
  }

  private func converse(_ connection: Int32, _ document: String, _ deadline: Double) -> [UInt8]? {
    var received: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while Moment.now < deadline {
      var poller = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, 500) > 0 else { continue }
      let count = recv(connection, &chunk, chunk.count, 0)
      guard count > 0 else { return nil }
      received += chunk[..<count]
      guard let gap = received.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
      let head = String(decoding: received[..<gap.lowerBound], as: UTF8.self).lowercased()
      if head.hasPrefix("get ") {
        let answer =
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(document.utf8.count)\r\n\r\n\(document)"
        _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        received = []
        continue
      }
      let length = head.firstMatch(of: /content-length: *([0-9]+)/).flatMap { Int($0.1) } ?? 0
      if received.count - gap.upperBound >= length { return Array(received[gap.upperBound...]) }
    }
    return nil
  }
}

extension Thread {
  /// Runs `body` on a thread of its own; the returned function waits for its result.
  static func detached<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> () -> Value {
    let box = Box<Value>()
    detachNewThread { box.fill(body()) }
    return { box.take() }
  }

  private final class Box<Value: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Value?

    func fill(_ value: Value) {
      condition.withLock {
        self.value = value
        condition.signal()
      }
    }

    func take() -> Value {
      condition.lock()
      defer { condition.unlock() }
      while true {
        if let value { return value }
        condition.wait()
      }
    }
  }
}
