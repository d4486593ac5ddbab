// Where each key of a TOML document stands. The library that parses the document gives positions for syntax errors
// only, so this reads the keys of a document that is already known to be valid, and nothing of their values' meaning.

/// Lines of key paths such as "network.max_peers", from 1.
struct SourceLines {
  private(set) var lines: [String: Int] = [:]

  /// `text` must have parsed as TOML; on anything else the lines may be wrong, but it ends and does not trap.
  init(_ text: String) {
    var scanner = KeyScanner(text)
    scanner.scanDocument()
    lines = scanner.lines
  }

  /// The line of the key, or else of the nearest table around it.
  func line(of path: [String]) -> Int {
    var path = path
    while !path.isEmpty {
      if let line = lines[path.joined(separator: ".")] { return line }
      path.removeLast()
    }
    return 1
  }
}

private struct KeyScanner {
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  var lines: [String: Int] = [:]

  init(_ text: String) { bytes = Array(text.utf8) }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func advance() {
    if current == UInt8(ascii: "\n") { line += 1 }
    position += 1
  }

  private mutating func note(_ path: [String]) {
    for depth in 1...max(1, path.count) {
      let key = path.prefix(depth).joined(separator: ".")
      if lines[key] == nil { lines[key] = line }
    }
  }

  mutating func scanDocument() {
    var table: [String] = []
    while true {
      skip { isSpace($0) || $0 == UInt8(ascii: "\n") }
      guard let byte = current else { return }
      switch byte {
      case UInt8(ascii: "#"): skipLine()
      case UInt8(ascii: "["):
        skip { $0 == UInt8(ascii: "[") || isSpace($0) }
        table = scanKey()
        if !table.isEmpty { note(table) }
        skipLine()
      default:
        let key = scanKey()
        guard !key.isEmpty else {
          advance()
          continue
        }
        note(table + key)
        skip { isSpace($0) || $0 == UInt8(ascii: "=") }
        skipValue()
      }
    }
  }

  /// A bare, quoted or dotted key.
  private mutating func scanKey() -> [String] {
    var parts: [String] = []
    while let byte = current {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        let start = position
        skipString(byte)
        parts.append(String(decoding: bytes[min(start + 1, position)..<max(start + 1, position - 1)], as: UTF8.self))
      } else {
        let start = position
        skip(isBare)
        if start == position { return parts }
        parts.append(String(decoding: bytes[start..<position], as: UTF8.self))
      }
      skip(isSpace)
      guard current == UInt8(ascii: ".") else { return parts }
      skip { $0 == UInt8(ascii: ".") || isSpace($0) }
    }
    return parts
  }

  /// Up to the end of the value: brackets and braces may hold line ends, comments and strings.
  private mutating func skipValue() {
    var depth = 0
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "'"): skipString(byte)
      case UInt8(ascii: "#"): skipLine()
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        depth += 1
        advance()
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        depth -= 1
        advance()
      case UInt8(ascii: "\n"):
        if depth <= 0 { return }
        advance()
      default: advance()
      }
    }
  }

  /// One string of either quote, or of three of them over several lines.
  private mutating func skipString(_ quote: UInt8) {
    let long = position + 2 < bytes.count && bytes[position + 1] == quote && bytes[position + 2] == quote
    for _ in 0..<(long ? 3 : 1) { advance() }
    var quotes = 0
    while let byte = current {
      if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        advance()
        quotes = 0
      } else if byte == quote {
        quotes += 1
        if quotes == (long ? 3 : 1) {
          advance()
          return
        }
      } else {
        quotes = 0
        if byte == UInt8(ascii: "\n"), !long { return }
      }
      advance()
    }
  }

  private mutating func skipLine() { skip { $0 != UInt8(ascii: "\n") } }

  private mutating func skip(_ matches: (UInt8) -> Bool) {
    while let byte = current, matches(byte) { advance() }
  }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }

private func isBare(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f: true
  default: false
  }
}
