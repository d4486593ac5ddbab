// Tables for people: columns aligned, numbers at their decimal point, colour added after the widths are known.

/// A table with a heading line. Cells are plain text.
public struct TextTable: Sendable {
  public enum Alignment: Sendable {
    case left
    case right
    /// Right, with decimal points in one column: "12.5" above "1200".
    case decimal
  }

  public struct Column: Sendable {
    public var title: String
    public var alignment: Alignment

    public init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  public struct Cell: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    public var text: String
    public var colour: Style.Colour?

    public init(_ text: String, _ colour: Style.Colour? = nil) {
      self.text = printable(text)
      self.colour = colour
    }

    public init(stringLiteral value: String) { self.init(value) }
  }

  public let columns: [Column]
  public private(set) var rows: [[Cell]] = []

  public init(_ columns: [Column]) { self.columns = columns }

  /// Missing cells are empty; there must not be more cells than columns.
  public mutating func add(_ cells: [Cell]) {
    precondition(cells.count <= columns.count)
    rows.append(cells + Array(repeating: "", count: columns.count - cells.count))
  }

  /// Lines that end in a line end, without trailing spaces.
  public func render(style: Style = Style(isOn: false)) -> String {
    let body = columns.indices.map { column in padDecimals(column) }
    let widths = columns.indices.map { column in
      max(columns[column].title.count, body[column].map(\.count).max() ?? 0)
    }
    var text = line(style) { (pad(columns[$0].title, widths[$0], columns[$0].alignment), .dim) }
    for row in rows.indices {
      text += line(style) { (pad(body[$0][row], widths[$0], columns[$0].alignment), rows[row][$0].colour) }
    }
    return text
  }

  private func line(_ style: Style, _ cell: (Int) -> (String, Style.Colour?)) -> String {
    var text = ""
    var pending = ""
    for column in columns.indices {
      let (padded, colour) = cell(column)
      let content = padded.trimmedEnd
      if !content.isEmpty {
        text += pending + (colour.map { style($0, content) } ?? content)
        pending = ""
      }
      pending += String(repeating: " ", count: padded.count - content.count + 2)
    }
    return text + "\n"
  }

  /// The column's cells with room after the point, so that aligning right aligns the points.
  private func padDecimals(_ column: Int) -> [String] {
    let texts = rows.map { $0[column].text }
    guard columns[column].alignment == .decimal else { return texts }
    let tails = texts.map { text in text.firstIndex(of: ".").map { text.distance(from: $0, to: text.endIndex) } ?? 0 }
    let longest = tails.max() ?? 0
    return zip(texts, tails).map { $0 + String(repeating: " ", count: longest - $1) }
  }

  private func pad(_ text: String, _ width: Int, _ alignment: Alignment) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return alignment == .left ? text + space : space + text
  }
}

extension String {
  fileprivate var trimmedEnd: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

/// Lines of `name  value`, names aligned: one screen about one thing.
public struct Facts: Sendable {
  private var lines: [(name: String, value: TextTable.Cell)] = []
  public init() {}

  public mutating func add(_ name: String, _ value: TextTable.Cell) { lines.append((name, value)) }

  /// Nothing if the value is nil.
  public mutating func add(_ name: String, _ value: String?) {
    if let value { add(name, TextTable.Cell(value)) }
  }

  public func render(style: Style = Style(isOn: false)) -> String {
    let width = lines.map(\.name.count).max() ?? 0
    return lines.map { name, value in
      let padded = name + String(repeating: " ", count: width - name.count + 2)
      return style(.dim, padded) + (value.colour.map { style($0, value.text) } ?? value.text) + "\n"
    }.joined()
  }
}
