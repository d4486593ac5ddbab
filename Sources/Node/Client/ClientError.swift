// How a request to a node fails before the node could answer.

public enum ClientError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing was sent.
  case cannotConnect(socket: String, reason: String)
  /// Nothing came back in time: what the request asked for may have happened.
  case timedOut(seconds: Int64)
  /// The connection ended before the reply did: what the request asked for may have happened.
  case connectionLost
  /// The reply is larger than the limit.
  case tooLarge(limit: Int)
  /// The reply is not HTTP, or not what its path promises.
  case malformed(String)

  public var description: String {
    switch self {
    case .cannotConnect(let socket, let reason): "cannot reach a node at \(socket): \(reason)"
    case .timedOut(let seconds): "no answer within \(seconds) s"
    case .connectionLost: "the node closed the connection before it answered"
    case .tooLarge(let limit): "the answer is longer than the limit of \(ByteSize.format(Int64(limit)))"
    case .malformed(let what): "the answer is malformed: \(what)"
    }
  }
}
