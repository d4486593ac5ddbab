// Finds a name that stands twice in one object of a JSON text (RFC 8259, section 4: what that means is left open, so what
// one program has verified another could read otherwise).

import FoundationEssentials

enum RepeatedNames {
  /// The first such name; `bytes` are a JSON text.
  static func first(in bytes: [UInt8]) -> String? {
    /// Names of the objects that are open; nil for an array.
    var open: [Set<String>?] = []
    var place = 0
    var isName = false
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "{"):
        open.append([])
        isName = true
      case UInt8(ascii: "["):
        open.append(nil)
        isName = false
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = open.popLast()
        isName = false
      case UInt8(ascii: ","): isName = (open.last ?? nil) != nil
      case UInt8(ascii: ":"): isName = false
      case UInt8(ascii: "\""):
        let start = place
        place += 1
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
          place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard isName, place < bytes.count, let depth = open.indices.last else { break }
        let text = Array(bytes[start...place])
        let name = JSONText.parse(String.self, text) ?? String(decoding: text, as: UTF8.self)
        if open[depth]?.insert(name).inserted == false { return name }
      default: break
      }
      place += 1
    }
    return nil
  }
}
