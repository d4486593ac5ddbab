// A running stream of server-sent events over one connection.

import NIOCore
import NIOHTTP1

/// What a request for events was answered with.
public enum EventStreamReply: Sendable {
  case events(AsyncThrowingStream<ServerSentEvent, any Error>)
  /// The node refused, with this reply.
  case refused(HTTPReply)
}

/// Turns a reply into events. Its state belongs to the connection's event loop.
final class StreamReceiver: PromisedReceiver, @unchecked Sendable {
  /// Events that may wait for a slow reader; one that falls further behind is cut off and must resume.
  static let backlog = 100_000

  let promise: EventLoopPromise<EventStreamReply>
  private let errorLimit: Int
  private let stream: AsyncThrowingStream<ServerSentEvent, any Error>
  private let continuation: AsyncThrowingStream<ServerSentEvent, any Error>.Continuation
  private var parser = ServerSentEventParser()
  private var refusal: HTTPReply?

  init(channel: any Channel, errorLimit: Int) {
    promise = channel.eventLoop.makePromise()
    self.errorLimit = errorLimit
    (stream, continuation) = AsyncThrowingStream.makeStream(bufferingPolicy: .bufferingOldest(Self.backlog))
    continuation.onTermination = { _ in channel.close(promise: nil) }
  }

  func head(_ head: HTTPResponseHead) {
    let type = head.headers.first(name: "Content-Type")
    if head.status == .ok, type?.hasPrefix("text/event-stream") == true {
      promise.succeed(.events(stream))
    } else {
      refusal = HTTPReply(status: Int(head.status.code), contentType: type, retryAfter: nil, body: [])
    }
  }

  func body(_ bytes: [UInt8]) -> Bool {
    if refusal != nil { return collect(bytes) }
    var events: [ServerSentEvent] = []
    guard parser.read(bytes, into: &events) else { return stop(.malformed("an event is too long")) }
    for event in events {
      if case .dropped = continuation.yield(event) { return stop(.connectionLost) }
    }
    return true
  }

  private func collect(_ bytes: [UInt8]) -> Bool {
    guard (refusal?.body.count ?? 0) + bytes.count <= errorLimit else { return stop(.tooLarge(limit: errorLimit)) }
    refusal?.body += bytes
    return true
  }

  private func stop(_ error: ClientError) -> Bool {
    failed(error)
    return false
  }

  func end(reusable: Bool) {
    if let refusal { promise.succeed(.refused(refusal)) }
    continuation.finish()
  }

  func failed(_ error: ClientError) {
    // After the head the promise is kept already: failing it again does nothing.
    promise.fail(error)
    continuation.finish(throwing: error)
  }
}
