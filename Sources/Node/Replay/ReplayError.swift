// Why a replay is refused or ends early: a sentence for the one who asked, with file and line where there is one.

public struct ReplayError: Error, Equatable, CustomStringConvertible {
  public var description: String
  /// No node answers.
  public var isUnreachable = false

  public init(_ text: String) { description = text }

  static func file(_ path: String, line: Int, _ text: String) -> ReplayError { .init("\(path):\(line): \(text)") }
}
