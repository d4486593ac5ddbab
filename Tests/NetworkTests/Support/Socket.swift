// Raw stream sockets, and HTTP/1.1 over them by hand: what no client library would send can be sent too.

import Foundation
import Glibc
import Testing

final class Socket {
  private let descriptor: Int32

  init?(unix path: String) {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path) - 1
    guard descriptor >= 0, bytes.count <= room else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else { return nil }
  }

  init?(loopbackPort port: UInt16) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    guard descriptor >= 0 else { return nil }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// False if the other side has gone, has answered already, or takes nothing more for five seconds.
  @discardableResult func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN | POLLOUT), revents: 0)
      guard poll(&poller, 1, 5_000) > 0, poller.revents & Int16(POLLOUT) != 0 else { return false }
      if poller.revents & Int16(POLLIN) != 0, sent > 0 { return false }
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.send(
          descriptor, buffer.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }

  @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// Says that nothing more will be sent.
  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// What arrives until the other side closes, `isEnough` holds or the time is up.
  func receive(seconds: Double, isEnough: ([UInt8]) -> Bool = { _ in false }) -> (bytes: [UInt8], isClosed: Bool) {
    let deadline = Moment.now + seconds
    var received: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = deadline - Moment.now
      guard left > 0, poll(&poller, 1, Int32(left * 1000) + 1) > 0 else { return (received, false) }
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count <= 0 { return (received, true) }
      received += chunk[..<count]
      if isEnough(received) { return (received, false) }
    }
  }
}

/// A parsed answer; status 0 where none came.
struct Answer: Sendable {
  var status = 0
  var headers: [String: String] = [:]
  var body = ""

  var json: JSON { JSON.parse(body) ?? .null }
  var code: String { json["error"]["code"].text }
  /// Whether it is the document of an error, as the API promises for every refusal.
  var isError: Bool { json["error"].keys == ["code", "message", "hint"] && !json["error"]["message"].text.isEmpty }
  var summary: Comment { Comment(rawValue: "status \(status): \(body.prefix(1000))") }

  init() {}

  init(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let gap = text.range(of: "\r\n\r\n") else { return }
    let lines = text[..<gap.lowerBound].components(separatedBy: "\r\n")
    status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    body = String(text[gap.upperBound...])
    if headers["transfer-encoding"] == "chunked" { body = Self.joined(body) }
  }

  private static func joined(_ chunks: String) -> String {
    var rest = Array(chunks.utf8)
    var whole: [UInt8] = []
    while let end = rest.firstIndex(of: 0x0d) {
      guard let size = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16), size > 0,
        rest.count >= end + 2 + size
      else { break }
      whole += rest[(end + 2)..<(end + 2 + size)]
      rest.removeFirst(min(rest.count, end + 4 + size))
    }
    return String(decoding: whole, as: UTF8.self)
  }
}

/// One request a connection.
struct API: Sendable {
  /// Path of a Unix socket, or the number of a loopback port.
  let socket: String

  func get(_ target: String, seconds: Double = 15) -> Answer {
    exchange("GET \(target) HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n", seconds: seconds)
  }

  func post(
    _ target: String, type: String = "application/json", _ body: [UInt8], method: String = "POST", seconds: Double = 15
  ) -> Answer {
    let head =
      "\(method) \(target) HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n"
    return exchange(Array(head.utf8) + body, seconds: seconds)
  }

  func exchange(_ text: String, seconds: Double = 15) -> Answer { exchange(Array(text.utf8), seconds: seconds) }

  func exchange(_ bytes: [UInt8], seconds: Double = 15) -> Answer {
    guard let socket = UInt16(socket).map(Socket.init(loopbackPort:)) ?? Socket(unix: socket) else { return Answer() }
    // A refusal may arrive, and the connection close, before everything was sent.
    socket.send(bytes)
    return Answer(socket.receive(seconds: seconds).bytes)
  }

  var status: JSON { self.get("/v1/status", seconds: 5).json }
  var height: Int { status["height"].integer }
}
