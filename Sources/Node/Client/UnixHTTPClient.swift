// HTTP/1.1 to a node over its Unix socket. Connections are kept and used again, one request at a time on each; as many
// are open as requests run at once.

public import NIOCore
import NIOHTTP1
public import NIOPosix
import Primitives
import Synchronization

public final class UnixHTTPClient: Sendable {
  public let socket: String
  /// Largest reply that is taken.
  public let replyLimit: Int
  private let group: any EventLoopGroup
  private let idle = Mutex<[Connection]>([])

  public init(
    socket: String, replyLimit: Int = 64 << 20, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) {
    self.socket = socket
    self.replyLimit = replyLimit
    self.group = group
  }

  deinit { close() }

  /// Closes the connections that wait for use.
  public func close() {
    let connections = idle.withLock { idle in
      defer { idle = [] }
      return idle
    }
    for connection in connections { connection.channel.close(promise: nil) }
  }

  /// Sends a request and gives its whole reply, whatever its status.
  public func send(_ request: HTTPRequest, timeout: Duration = .seconds(30)) async throws(ClientError) -> HTTPReply {
    let deadline = NIODeadline.now() + TimeAmount(timeout)
    if let kept = takeIdle() {
      do {
        return try await exchange(request, on: kept, deadline: deadline, timeout: timeout)
      } catch ClientError.connectionLost where request.method == .get {
        // The node may have closed a connection that was idle: reading again is safe.
      }
    }
    return try await exchange(request, on: connect(deadline: deadline), deadline: deadline, timeout: timeout)
  }

  /// Opens a stream of server-sent events. The status of a refusal comes as `.refused`.
  public func events(
    _ target: String, timeout: Duration = .seconds(30)
  ) async throws(ClientError) -> EventStreamReply {
    let deadline = NIODeadline.now() + TimeAmount(timeout)
    let connection = try await connect(deadline: deadline)
    let receiver = StreamReceiver(channel: connection.channel, errorLimit: replyLimit)
    return try await run(.get(target), accept: "text/event-stream", on: connection, receiver, deadline, timeout)
  }

  private func exchange(
    _ request: HTTPRequest, on connection: Connection, deadline: NIODeadline, timeout: Duration
  ) async throws(ClientError) -> HTTPReply {
    let receiver = WholeReceiver(limit: replyLimit, promise: connection.channel.eventLoop.makePromise())
    let (reply, reusable) = try await run(
      request, accept: "application/json", on: connection, receiver, deadline, timeout)
    if reusable { idle.withLock { $0.append(connection) } } else { connection.channel.close(promise: nil) }
    return reply
  }

  /// Writes the request and waits for what the receiver makes of the reply.
  private func run<Receiver: PromisedReceiver>(
    _ request: HTTPRequest, accept: String, on connection: Connection, _ receiver: Receiver, _ deadline: NIODeadline,
    _ timeout: Duration
  ) async throws(ClientError) -> Receiver.Value {
    let channel = connection.channel
    let expiry = channel.eventLoop.scheduleTask(deadline: deadline) {
      connection.handler.value.fail(.timedOut(seconds: timeout.components.seconds))
      channel.close(promise: nil)
    }
    defer { expiry.cancel() }
    channel.eventLoop.execute {
      // The expiry above may have closed the connection before anybody waited on it.
      guard NIODeadline.now() < deadline else {
        return receiver.failed(.timedOut(seconds: timeout.components.seconds))
      }
      guard channel.isActive else { return receiver.failed(.connectionLost) }
      connection.handler.value.expect(receiver)
      Self.write(request, accept: accept, to: channel)
    }
    do {
      return try await withTaskCancellationHandler {
        try await receiver.promise.futureResult.get()
      } onCancel: {
        channel.close(promise: nil)
      }
    } catch {
      throw error as? ClientError ?? .connectionLost
    }
  }

  private static func write(_ request: HTTPRequest, accept: String, to channel: any Channel) {
    var head = HTTPRequestHead(
      version: .http1_1, method: request.method == .get ? .GET : .POST, uri: request.target,
      headers: ["Host": "novation", "Accept": accept])
    if request.method == .post { head.headers.add(name: "Content-Length", value: String(request.body.count)) }
    if let type = request.contentType { head.headers.add(name: "Content-Type", value: type) }
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    if !request.body.isEmpty {
      channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: request.body))), promise: nil)
    }
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }

  private func takeIdle() -> Connection? {
    idle.withLock { idle in
      while let connection = idle.popLast() {
        if connection.channel.isActive { return connection }
      }
      return nil
    }
  }

  private func connect(deadline: NIODeadline) async throws(ClientError) -> Connection {
    let left = deadline - .now()
    do {
      return try await ClientBootstrap(group: group)
        .connectTimeout(left > .zero ? left : .milliseconds(1))
        .connect(unixDomainSocketPath: socket) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
            let handler = ReplyHandler()
            try channel.pipeline.syncOperations.addHandler(handler)
            return Connection(channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
          }
        }
    } catch let error as IOError {
      throw .cannotConnect(socket: socket, reason: Self.reason(error.errnoCode))
    } catch {
      throw .cannotConnect(socket: socket, reason: "\(error)")
    }
  }

  private static func reason(_ code: CInt) -> String {
    switch code {
    case 2: "there is no such socket"
    case 111: "nobody listens on it"
    case 13: "permission denied"
    case 91, 36: "the path is too long for a socket"
    default: "system error \(code)"
    }
  }
}

private struct Connection: Sendable {
  let channel: any Channel
  let handler: NIOLoopBound<ReplyHandler>
}

/// A receiver that ends in a value.
protocol PromisedReceiver: ReplyReceiver {
  associatedtype Value: Sendable
  var promise: EventLoopPromise<Value> { get }
}

/// Collects a whole reply. Its state belongs to the connection's event loop.
private final class WholeReceiver: PromisedReceiver, @unchecked Sendable {
  let promise: EventLoopPromise<(HTTPReply, reusable: Bool)>
  private let limit: Int
  private var reply = HTTPReply(status: 0, contentType: nil, retryAfter: nil, body: [])

  init(limit: Int, promise: EventLoopPromise<(HTTPReply, reusable: Bool)>) {
    self.limit = limit
    self.promise = promise
  }

  func head(_ head: HTTPResponseHead) {
    reply.status = Int(head.status.code)
    reply.contentType = head.headers.first(name: "Content-Type")
    reply.retryAfter = head.headers.first(name: "Retry-After").flatMap { Int($0) }
  }

  func body(_ bytes: [UInt8]) -> Bool {
    guard reply.body.count + bytes.count <= limit else {
      promise.fail(ClientError.tooLarge(limit: limit))
      return false
    }
    reply.body += bytes
    return true
  }

  func end(reusable: Bool) { promise.succeed((reply, reusable)) }
  func failed(_ error: ClientError) { promise.fail(error) }
}
