// The channel handler of one connection: gives the parts of a reply to whoever waits for it.

import NIOCore
import NIOHTTP1

/// Who waits on a connection. Called on its event loop.
protocol ReplyReceiver: AnyObject, Sendable {
  func head(_ head: HTTPResponseHead)
  func body(_ bytes: [UInt8]) -> Bool
  /// The connection can carry another request if `reusable`.
  func end(reusable: Bool)
  func failed(_ error: ClientError)
}

/// Forwards one reply at a time. All state belongs to the channel's event loop.
final class ReplyHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  private var receiver: (any ReplyReceiver)?
  private var keepAlive = true

  func expect(_ receiver: any ReplyReceiver) { self.receiver = receiver }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      // 1xx says that the answer is still to come.
      guard head.status.code >= 200 else { return }
      keepAlive = head.isKeepAlive
      receiver?.head(head)
    case .body(let buffer):
      if receiver?.body(Array(buffer.readableBytesView)) == false {
        receiver = nil
        context.close(promise: nil)
      }
    case .end:
      let finished = receiver
      receiver = nil
      if !keepAlive { context.close(promise: nil) }
      finished?.end(reusable: keepAlive)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(.connectionLost)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(error is HTTPParserError ? .malformed("not HTTP: \(error)") : .connectionLost)
    context.close(promise: nil)
  }

  func fail(_ error: ClientError) {
    let waiting = receiver
    receiver = nil
    waiting?.failed(error)
  }
}
