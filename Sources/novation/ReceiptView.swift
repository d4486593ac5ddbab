// A receipt as people read it.

import Node

enum ReceiptView {
  static func render(_ receipt: JSONValue, style: Style) -> String {
    let status = receipt["status"]?.string ?? "unknown"
    var facts = Facts()
    facts.add("status", TextTable.Cell(status, colour(status)))
    facts.add("transaction", receipt["transaction"]?.string)
    if let height = receipt["height"]?.integer {
      facts.add("height", "\(height), place \(receipt["index"]?.integer ?? 0)")
    }
    facts.add("state root", receipt["stateRoot"]?.string)
    if let proof = receipt["proof"], proof != .null {
      facts.add("proven by", "certificate of height \(proof["height"]?.integer ?? 0)")
    }
    return facts.render(style: style) + orders(receipt, style) + fills(receipt, style)
  }

  private static func colour(_ status: String) -> Style.Colour {
    switch status {
    case "final": .green
    case "rejected": .red
    default: .yellow
    }
  }

  private static func orders(_ receipt: JSONValue, _ style: Style) -> String {
    guard let orders = receipt["orders"]?.array, !orders.isEmpty else { return "" }
    var table = TextTable([
      .init("ORDER"), .init("INSTRUMENT"), .init("FILLED", .decimal), .init("REMAINING", .decimal), .init("STATE"),
    ])
    for order in orders {
      table.add(["id", "instrument", "filled", "remaining", "state"].map { TextTable.Cell(order.text($0)) })
    }
    return "\n" + table.render(style: style)
  }

  private static func fills(_ receipt: JSONValue, _ style: Style) -> String {
    guard let fills = receipt["fills"]?.array, !fills.isEmpty else { return "" }
    var table = TextTable([
      .init("FILL"), .init("PRICE", .decimal), .init("QUANTITY", .decimal), .init("MAKER"),
    ])
    for fill in fills {
      table.add([
        TextTable.Cell(fill.text("instrument")), TextTable.Cell(HumanText.decimal(fill.text("price"))),
        TextTable.Cell(HumanText.decimal(fill.text("quantity"))), TextTable.Cell(HumanText.short(fill.text("maker"))),
      ])
    }
    return "\n" + table.render(style: style)
  }
}

extension JSONValue {
  /// A member as text; empty if there is none.
  func text(_ key: String) -> String { self[key]?.scalarText ?? "" }
}
