// A small HTTP server on a Unix socket, with answers that the tests choose.

import NIOCore
import NIOHTTP1
import NIOPosix
import Node

/// What the server does with a request.
enum TestAnswer: Sendable {
  case reply(status: Int, type: String = "application/json", body: String, close: Bool = false)
  /// Pieces of a body that end with the connection still open.
  case stream([String], ends: Bool)
  case silence
  case hangUp
  case garbage
}

/// Serves until it goes away. The number of the connection comes before the target.
final class TestServer: Sendable {
  let directory = TemporaryDirectory()
  var socket: String { directory.path + "/s" }
  private let channel: any Channel

  init(_ answer: @escaping @Sendable (_ request: TestRequest) -> TestAnswer) async throws {
    let connections = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: MultiThreadedEventLoopGroup.singleton.any())
    channel = try await ServerBootstrap(group: connections.eventLoop)
      .childChannelInitializer { channel in
        connections.eventLoop.submit {
          connections.value += 1
          return connections.value
        }.hop(to: channel.eventLoop).flatMap { number in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline()
            try channel.pipeline.syncOperations.addHandler(TestHandler(connection: number, answer))
          }
        }
      }
      .bind(unixDomainSocketPath: directory.path + "/s").get()
  }

  deinit { channel.close(promise: nil) }
}

struct TestRequest: Sendable {
  var connection: Int
  var method: String
  var target: String
  var contentType: String?
  var body: [UInt8]
}

private final class TestHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let connection: Int
  private let answer: @Sendable (TestRequest) -> TestAnswer
  private var request: TestRequest?

  init(connection: Int, _ answer: @escaping @Sendable (TestRequest) -> TestAnswer) {
    self.connection = connection
    self.answer = answer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      request = TestRequest(
        connection: connection, method: head.method.rawValue, target: head.uri,
        contentType: head.headers.first(name: "Content-Type"), body: [])
    case .body(let buffer): request?.body += Array(buffer.readableBytesView)
    case .end:
      if let request { perform(answer(request), context) }
    }
  }

  private func perform(_ answer: TestAnswer, _ context: ChannelHandlerContext) {
    switch answer {
    case .reply(let status, let type, let body, let close):
      head(status, ["Content-Type": type, "Content-Length": "\(body.utf8.count)"], context)
      write(body, context)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      if close { context.close(promise: nil) }
    case .stream(let pieces, let ends):
      head(200, ["Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"], context)
      for piece in pieces { write(piece, context) }
      context.flush()
      if ends { context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
    case .silence: break
    case .hangUp: context.close(promise: nil)
    case .garbage:
      head(200, ["Content-Length": "10"], context)
      write("abc", context)
      context.flush()
      context.close(promise: nil)
    }
  }

  private func head(_ status: Int, _ headers: HTTPHeaders, _ context: ChannelHandlerContext) {
    let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
  }

  private func write(_ text: String, _ context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
  }
}
