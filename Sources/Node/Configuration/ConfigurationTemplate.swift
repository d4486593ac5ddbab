// Writes a configuration as a file in which every key is documented.

extension NodeConfiguration {
  /// The documented file with the default values, for `init`.
  public static func template() -> String { NodeConfiguration().documentedText() }

  /// This configuration as a file that documents every key; parsing it gives the same values.
  public func documentedText() -> String {
    var text = """
      # Configuration of a Novation node. Every key is optional; the values shown are in force.
      # Paths may be relative to this file. Check it with `novation start --config FILE --check`.

      """
    for section in Setting.sections {
      text += "\n# \(section.documentation)\n[\(section.name)]\n"
      for setting in Setting.all where setting.section == section.name {
        text += "\n"
        for line in setting.documentation { text += "# \(line)\n" }
        text += "# Accepted: \(setting.kind.accepted).\n\(setting.name) = \(literal(setting.kind))\n"
      }
    }
    return text
  }

  /// The keys whose values differ from those of another configuration.
  func changes(from other: NodeConfiguration) -> [String] {
    Setting.all.filter { literal($0.kind) != other.literal($0.kind) }.map(\.path)
  }

  /// The value as TOML.
  private func literal(_ kind: Setting.Kind) -> String {
    switch kind {
    case .text(let place, _, _), .path(let place), .secret(let place, _): quoted(self[keyPath: place])
    case .choice(_, let get, _): quoted(get(self))
    case .integer(let place, _): String(self[keyPath: place])
    case .size(let place, _): quoted(ByteSize.format(self[keyPath: place]))
    case .duration(let place, _): quoted(TimeSpan.format(self[keyPath: place]))
    case .peers(let place, _): "[" + self[keyPath: place].map { quoted($0.description) }.joined(separator: ", ") + "]"
    }
  }

  /// A basic string of TOML 1.0.
  private func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\u{0}"..<" ", "\u{7f}":
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
