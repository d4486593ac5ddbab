// JSON as a value to look into.

import Foundation

enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  static func parse(_ text: String) -> JSON? {
    (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)).map(JSON.init)
  }

  private init(_ value: Any) {
    switch value {
    case let text as String: self = .string(text)
    case let list as [Any]: self = .array(list.map(JSON.init))
    case let members as [String: Any]: self = .object(members.mapValues(JSON.init))
    case let number as NSNumber:
      self = CFBooleanLike.isBoolean(number) ? .bool(number.boolValue) : .number(number.doubleValue)
    default: self = .null
    }
  }

  /// Null where there is no such member.
  subscript(_ key: String) -> JSON {
    if case .object(let members) = self { members[key] ?? .null } else { .null }
  }

  subscript(_ index: Int) -> JSON { list.indices.contains(index) ? list[index] : .null }

  var list: [JSON] { if case .array(let values) = self { values } else { [] } }
  var keys: Set<String> { if case .object(let members) = self { Set(members.keys) } else { [] } }
  var text: String { if case .string(let text) = self { text } else { "" } }
  var integer: Int { if case .number(let number) = self { Int(exactly: number) ?? -1 } else { -1 } }
  var flag: Bool { self == .bool(true) }

  /// A decimal string as a number; nil for anything else, so that a JSON number where a string belongs is noticed.
  var decimal: Decimal? {
    guard case .string(let text) = self, text.wholeMatch(of: /-?[0-9]+(\.[0-9]+)?/) != nil else { return nil }
    return Decimal(string: text)
  }

  /// As JSON text.
  var rendered: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let value): value == value.rounded() ? String(Int64(value)) : String(value)
    case .string(let text):
      (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    case .array(let values): "[" + values.map(\.rendered).joined(separator: ",") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.key < $1.key }.map { JSON.string($0.key).rendered + ":" + $0.value.rendered }
        .joined(separator: ",") + "}"
    }
  }
}

private enum CFBooleanLike {
  /// Foundation hands out true and false as numbers of type "c".
  static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
