// Holds a printed document against what its proof says it must be.

struct DocumentComparison {
  /// Why a field cannot be proven, by its path, by the first part of its path, or under "" for all others.
  let reasons: [String: String]
  private(set) var proven: [String] = []
  private(set) var unproven: [ProofReport.Unproven] = []

  init(reasons: [String: String]) { self.reasons = reasons }

  /// Notes every field as proven or not; refuses the first that differs.
  mutating func compare(_ printed: JSONValue, _ expected: JSONValue?, at path: String) throws(ProofFault) {
    guard let expected else { return note(printed, at: path) }
    if printed == expected, !path.isEmpty { return proven.append(path) }
    switch (printed, expected) {
    case (.object(let members), .object(let wanted)):
      for (key, value) in members.sorted(by: { $0.key < $1.key }) {
        try compare(value, wanted[key], at: path.isEmpty ? key : "\(path).\(key)")
      }
    case (.array(let elements), .array(let wanted)):
      guard elements.count == wanted.count else {
        throw ProofFault("\(path) has \(elements.count) entries in print and \(wanted.count) in the proof")
      }
      for (place, (element, want)) in zip(elements, wanted).enumerated() {
        try compare(element, want, at: "\(path).\(place)")
      }
    default:
      throw ProofFault(
        "\(path) is printed as \(Self.text(printed)), but the proof says \(Self.text(expected))")
    }
  }

  private mutating func note(_ printed: JSONValue, at path: String) {
    guard printed != .null else { return }
    let first = path.split(separator: ".").first.map(String.init) ?? ""
    unproven.append(
      .init(field: path, reason: reasons[path] ?? reasons[first] ?? reasons[""] ?? "not part of the proof"))
  }

  private static func text(_ value: JSONValue) -> String {
    String(printable(JSONText.render(value, pretty: false)).prefix(120))
  }
}
