// The plain part of YAML that docs/openapi.yaml keeps to: block mappings and lists, flow lists of scalars, plain and
// double-quoted scalars, comments on lines of their own.

struct PlainYAML {
  struct Fault: Error, CustomStringConvertible {
    var line: Int
    var description: String
  }

  private var lines: [(number: Int, indent: Int, text: Substring)] = []
  private var position = 0

  static func parse(_ text: String) throws(Fault) -> JSON {
    var reader = PlainYAML()
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let content = line.drop { $0 == " " }
      if content.isEmpty || content.hasPrefix("#") { continue }
      reader.lines.append((index + 1, line.count - content.count, content))
    }
    guard let first = reader.lines.first else { return .null }
    let value = try reader.block(first.indent)
    guard reader.position == reader.lines.count else { throw reader.fault("unexpected indentation") }
    return value
  }

  private func fault(_ what: String) -> Fault {
    let line = position < lines.count ? lines[position].number : 0
    return Fault(line: line, description: "openapi.yaml:\(line): \(what)")
  }

  private mutating func block(_ indent: Int) throws(Fault) -> JSON {
    lines[position].text.hasPrefix("- ") ? try list(indent) : try mapping(indent)
  }

  private mutating func list(_ indent: Int) throws(Fault) -> JSON {
    var values: [JSON] = []
    while position < lines.count, lines[position].indent == indent, lines[position].text.hasPrefix("- ") {
      let content = lines[position].text.dropFirst(2)
      if Self.split(content) != nil {
        // The dash is indentation of the mapping that begins behind it.
        lines[position].indent += 2
        lines[position].text = content
        values.append(try mapping(indent + 2))
      } else {
        values.append(try scalar(content))
        position += 1
      }
    }
    return .array(values)
  }

  private mutating func mapping(_ indent: Int) throws(Fault) -> JSON {
    var members: [String: JSON] = [:]
    while position < lines.count, lines[position].indent == indent {
      guard let (key, value) = Self.split(lines[position].text) else { throw fault("expected `key: value`") }
      guard members[key] == nil else { throw fault("\(key) stands here twice") }
      if value.isEmpty {
        position += 1
        guard position < lines.count, lines[position].indent > indent else { throw fault("\(key) has no value") }
        members[key] = try block(lines[position].indent)
      } else {
        members[key] = try value.hasPrefix("[") ? flowList(value) : scalar(value)
        position += 1
      }
    }
    return .object(members)
  }

  /// Key and value of a line; nil if it is no member of a mapping.
  private static func split(_ text: Substring) -> (key: String, value: Substring)? {
    if let match = text.wholeMatch(of: /"([^"]*)":(?: (.*))?/) { return (String(match.1), match.2 ?? "") }
    if let match = text.wholeMatch(of: /([^\s"\[\]{}:][^\s:]*):(?: (.*))?/) { return (String(match.1), match.2 ?? "") }
    return nil
  }

  private func flowList(_ text: Substring) throws(Fault) -> JSON {
    guard text.hasSuffix("]") else { throw fault("a flow list must end on its line") }
    var values: [JSON] = []
    for entry in text.dropFirst().dropLast().split(separator: ",") {
      values.append(try scalar(entry.drop { $0 == " " }))
    }
    return .array(values)
  }

  private func scalar(_ text: Substring) throws(Fault) -> JSON {
    if text.hasPrefix("\"") {
      guard let value = JSON.parse(String(text)) else { throw fault("the string does not end") }
      return value
    }
    if let first = text.first, "[]{}&*!|>'%@`".contains(first) { throw fault("\(text) is beyond plain YAML") }
    guard text.firstRange(of: ": ") == nil, text.firstRange(of: " #") == nil else { throw fault("quote this value") }
    switch text {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    default: return Double(text).map { .number($0) } ?? .string(String(text))
    }
  }
}
