// Pieces of HTML and SVG. Every text that is not ours goes through `escaped`.

import Primitives

/// Text as content or as the value of a quoted attribute.
func escaped(_ text: String) -> String {
  var out = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": out += "&amp;"
    case "<": out += "&lt;"
    case ">": out += "&gt;"
    case "\"": out += "&quot;"
    case "'": out += "&#39;"
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out
}

enum HTML {
  struct Column {
    var title: String
    /// Of cells and heading: "n" for numbers.
    var style = ""
  }

  struct Cell {
    var html: String
    var style = ""

    init(_ text: String, _ style: String = "") {
      html = escaped(text)
      self.style = style
    }

    init(html: String, _ style: String = "") {
      self.html = html
      self.style = style
    }
  }

  static func table(_ columns: [Column], _ rows: [[Cell]], caption: String) -> String {
    var text = "<div class=scroll><table><caption>\(escaped(caption))</caption><thead><tr>"
    for column in columns {
      text += "<th scope=col\(attribute(column.style))>\(escaped(column.title))</th>"
    }
    text += "</tr></thead><tbody>"
    for row in rows {
      text += "<tr>"
      for (column, cell) in zip(columns, row) {
        text +=
          "<td\(attribute([column.style, cell.style].filter { !$0.isEmpty }.joined(separator: " ")))>\(cell.html)</td>"
      }
      text += "</tr>"
    }
    return text + "</tbody></table></div>"
  }

  static func attribute(_ style: String) -> String { style.isEmpty ? "" : " class=\"\(style)\"" }

  static func section(_ id: String, _ title: String, _ body: String) -> String {
    "<section id=\(id) aria-labelledby=\(id)-h><h2 id=\(id)-h>\(escaped(title))</h2>\(body)</section>"
  }

  static func nothing(_ text: String) -> String { "<p class=quiet>\(escaped(text))</p>" }

  // MARK: Numbers

  /// USD with two decimals and grouped thousands.
  static func usd(_ value: Int64) -> String {
    let cents = value / 10_000
    let rest = String(cents.magnitude % 100)
    let sign = cents < 0 ? "-" : ""
    return sign + HumanText.count(Int64(cents.magnitude / 100)) + "." + (rest.count < 2 ? "0" : "") + rest
  }

  static func contracts(_ value: Int64) -> String {
    HumanText.decimal(Decimal.format(value, scale: Decimal.quantityScale))
  }

  static func percent(_ millionths: Int64) -> String {
    let tenths = (millionths + 500) / 1000
    return "\(tenths / 10).\(tenths % 10)%"
  }

  /// A coordinate with two decimals.
  static func point(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
