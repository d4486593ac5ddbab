// Fields of one line of comma-separated values (RFC 4180, without line ends inside quotes).

enum CSVLine {
  /// Nil where a quote is not closed or stands inside a plain field.
  static func fields(_ line: ArraySlice<UInt8>) -> [String]? {
    var fields: [String] = []
    var place = line.startIndex
    while true {
      guard let (field, end) = field(line, from: place) else { return nil }
      fields.append(field)
      if end == line.endIndex { return fields }
      guard line[end] == comma else { return nil }
      place = end + 1
    }
  }

  private static let comma = UInt8(ascii: ",")
  private static let quote = UInt8(ascii: "\"")

  private static func field(_ line: ArraySlice<UInt8>, from start: Int) -> (String, end: Int)? {
    guard start < line.endIndex, line[start] == quote else {
      let end = line[start...].firstIndex(of: comma) ?? line.endIndex
      return (String(decoding: line[start..<end], as: UTF8.self), end)
    }
    var bytes: [UInt8] = []
    var place = start + 1
    while place < line.endIndex {
      if line[place] == quote {
        guard place + 1 < line.endIndex, line[place + 1] == quote else {
          return (String(decoding: bytes, as: UTF8.self), place + 1)
        }
        place += 1
      }
      bytes.append(line[place])
      place += 1
    }
    return nil
  }
}
