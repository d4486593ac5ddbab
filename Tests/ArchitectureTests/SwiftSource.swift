/// A Swift file as this suite reads it: its code without comments and without the text of string literals, and the
/// modules it imports. It is a scanner, not a parser: regular-expression literals are taken for code.
struct SwiftSource {
  /// Line by line; what stood in comments and strings is gone, interpolated code stays.
  let lines: [String]

  init(_ text: String) {
    var scanner = Scanner(text)
    lines = scanner.code().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// The imported modules with their line numbers, submodules cut off: `public import struct NIOCore.ByteBuffer` is
  /// NIOCore.
  var imports: [(line: Int, module: String)] {
    lines.enumerated().flatMap { index, line in
      line.split(separator: ";").compactMap { statement in
        statement.firstMatch(of: importStatement).map { (index + 1, String($0.module)) }
      }
    }
  }

  private var importStatement: Regex<(Substring, module: Substring)> {
    /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(?<module>\w+)/
  }
}

/// Copies code and drops the rest, a character at a time.
private struct Scanner {
  private let input: [Character]
  private var position = 0
  private var output = ""

  init(_ text: String) { input = Array(text) }

  mutating func code() -> String {
    copyCode(untilParenthesis: false)
    return output
  }

  /// Up to the end, or up to the parenthesis that closes an interpolation.
  private mutating func copyCode(untilParenthesis: Bool) {
    var depth = 0
    while position < input.count {
      if starts(with: "//") {
        while position < input.count, !input[position].isNewline { position += 1 }
      } else if starts(with: "/*") {
        skipBlockComment()
      } else if let hashes = stringHashes() {
        skipString(hashes: hashes)
      } else {
        let character = input[position]
        if character == "(" { depth += 1 }
        if character == ")" { depth -= 1 }
        if untilParenthesis, depth < 0 { return }
        output.append(character)
        position += 1
      }
    }
  }

  private func starts(with text: String) -> Bool { input[position...].starts(with: text) }

  /// Comments nest in Swift. Line ends are kept so that line numbers stay true.
  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        position += 2
      } else if starts(with: "*/") {
        depth -= 1
        position += 2
      } else {
        if input[position].isNewline { output.append("\n") }
        position += 1
      }
    } while depth > 0 && position < input.count
  }

  /// The number of `#` before an opening quote here, or nil if no string opens here.
  private func stringHashes() -> Int? {
    var hashes = 0
    while position + hashes < input.count, input[position + hashes] == "#" { hashes += 1 }
    return position + hashes < input.count && input[position + hashes] == "\"" ? hashes : nil
  }

  private mutating func skipString(hashes: Int) {
    position += hashes
    let quote = starts(with: "\"\"\"") ? "\"\"\"" : "\""
    position += quote.count
    let pounds = String(repeating: "#", count: hashes)
    while position < input.count {
      if starts(with: quote + pounds) {
        position += quote.count + hashes
        output.append("\"\"")
        return
      }
      if starts(with: "\\" + pounds) {
        skipEscape(length: 1 + hashes)
      } else {
        if input[position].isNewline { output.append("\n") }
        position += 1
      }
    }
  }

  private mutating func skipEscape(length: Int) {
    position += length
    guard position < input.count else { return }
    let interpolates = input[position] == "("
    position += 1
    guard interpolates else { return }
    output.append("(")
    copyCode(untilParenthesis: true)
    output.append(")")
    position += 1
  }
}
