// One keep-alive connection of the load generator: writes a prepared request, reads the reply with as little work as
// possible, and says so. Not a general HTTP client: it takes replies with a Content-Length only.

import Glibc
import NIOCore
import Primitives

/// A request that is ready to be sent.
struct PreparedRequest: Sendable {
  var bytes: ByteBuffer
  var hash: Digest
  var actions: Int

  init(transaction: [UInt8], hash: Digest, actions: Int) {
    let head =
      "POST /v1/transactions?wait=final HTTP/1.1\r\nHost: novation\r\nContent-Type: application/octet-stream\r\n"
      + "Content-Length: \(transaction.count)\r\n\r\n"
    bytes = ByteBuffer()
    bytes.reserveCapacity(head.utf8.count + transaction.count)
    bytes.writeString(head)
    bytes.writeBytes(transaction)
    self.hash = hash
    self.actions = actions
  }
}

/// What came of a request.
enum LoadResult: Sendable {
  /// Executed; `refused` of its orders were not accepted.
  case final(refused: Int)
  /// Final, and refused by the engine.
  case rejected
  /// Told to slow down: nothing happened.
  case busy
  /// The node does not know, or the connection ended.
  case unknown
  /// Anything else: a fault of the generator or of the node.
  case failed(Int)
}

/// Confined to the event loop of its channel, as is its driver.
final class LoadConnection: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  let node: Int
  /// What this connection sends, in order; orders of one account stay in sequence.
  var script: [PreparedRequest] = []
  var next = 0
  private(set) var inFlight: (request: PreparedRequest, since: Instant)?
  private(set) var isOpen = true
  private var channel: (any Channel)?
  private var received = ByteBuffer()
  private var bodyEnd: (status: Int, start: Int, end: Int)?
  private let onReply: (LoadConnection, PreparedRequest, Instant, LoadResult) -> Void

  init(node: Int, onReply: @escaping (LoadConnection, PreparedRequest, Instant, LoadResult) -> Void) {
    self.node = node
    self.onReply = onReply
  }

  var canSend: Bool { isOpen && inFlight == nil && next < script.count }

  /// Sends the next request of the script; its latency counts from `since`.
  func send(since: Instant) {
    guard canSend, let channel else { return }
    let request = script[next]
    next += 1
    inFlight = (request, since)
    channel.writeAndFlush(request.bytes, promise: nil)
  }

  func close() { channel?.close(promise: nil) }

  func channelActive(context: ChannelHandlerContext) { channel = context.channel }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if received.readableBytes == 0 { received = bytes } else { received.writeBuffer(&bytes) }
    if bodyEnd == nil { readHead() }
    guard let reply = bodyEnd, received.readableBytes >= reply.end else { return }
    let result = judge(status: reply.status, body: reply.start..<reply.end)
    received.moveReaderIndex(forwardBy: reply.end)
    received = received.readableBytes == 0 ? ByteBuffer() : received
    bodyEnd = nil
    finish(result)
  }

  func channelInactive(context: ChannelHandlerContext) {
    isOpen = false
    finish(.unknown)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func finish(_ result: LoadResult) {
    guard let (request, since) = inFlight else { return }
    inFlight = nil
    onReply(self, request, since, result)
  }

  // MARK: Replies

  private func readHead() {
    received.withUnsafeReadableBytes { bytes in
      guard let end = Self.find("\r\n\r\n", in: bytes), bytes.count > 12 else { return }
      let digits = bytes[9..<12].map { Int($0) - 0x30 }
      let head = String(decoding: bytes[..<end], as: UTF8.self).lowercased()
      var length = 0
      for line in head.split(separator: "\r\n") where line.hasPrefix("content-length:") {
        length = line.split(separator: ":").last.map { $0.filter { $0 != " " } }.flatMap { Int($0) } ?? 0
      }
      bodyEnd = (digits[0] * 100 + digits[1] * 10 + digits[2], end + 4, end + 4 + max(0, length))
    }
  }

  private func judge(status: Int, body: Range<Int>) -> LoadResult {
    switch status {
    case 200:
      return received.withUnsafeReadableBytes { bytes in
        let body = UnsafeRawBufferPointer(rebasing: bytes[body])
        guard Self.find("final\"", in: body) != nil else { return .unknown }
        return .final(refused: Self.occurrences(of: "rejected\"", in: body))
      }
    case 422: return .rejected
    case 429: return .busy
    case 503: return .unknown
    default: return .failed(status)
    }
  }

  private static func find(_ needle: StaticString, in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let length = needle.utf8CodeUnitCount
    var place = 0
    while place + length <= bytes.count {
      guard let hit = memchr(base + place, Int32(needle.utf8Start.pointee), bytes.count - length - place + 1) else {
        return nil
      }
      place = UnsafeRawPointer(hit) - base
      if memcmp(hit, needle.utf8Start, length) == 0 { return place }
      place += 1
    }
    return nil
  }

  private static func occurrences(of needle: StaticString, in bytes: UnsafeRawBufferPointer) -> Int {
    var rest = bytes
    var count = 0
    while let place = find(needle, in: rest) {
      count += 1
      rest = UnsafeRawBufferPointer(rebasing: rest[(place + needle.utf8CodeUnitCount)...])
    }
    return count
  }
}
