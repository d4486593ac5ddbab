// How a command ends when it does not succeed: an exit code that scripts can rely on, one line, and what to do.

public struct CommandFailure: Error, Equatable, CustomStringConvertible {
  public enum Code: Int32, Sendable {
    /// Refused or failed.
    case failed = 1
    /// The command line is wrong.
    case usage = 2
    /// The node cannot be reached.
    case unreachable = 3
    /// Nothing final within the timeout; asking again with the same client id is safe.
    case unknown = 4
  }

  public var code: Code
  public var message: String
  public var hint: String?

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// One line.
  public var description: String { hint.map { "\(message); \($0)" } ?? message }
}
