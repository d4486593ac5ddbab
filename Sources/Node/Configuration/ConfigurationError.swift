// Why a configuration was refused: every problem with its file, line and key.

/// One or more problems, in the order of the file; each prints as `FILE:LINE: KEY: what is wrong and what is accepted`.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  public struct Problem: Sendable, Equatable, CustomStringConvertible {
    public var file: String
    /// From 1; nil when the file as a whole is meant.
    public var line: Int?
    /// For instance "network.max_peers"; nil for syntax.
    public var key: String?
    public var message: String

    public var description: String {
      [line.map { "\(file):\($0)" } ?? file, key, message].compactMap(\.self).joined(separator: ": ")
    }
  }

  public var problems: [Problem]
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
