// Actions on sub-accounts and transfers of positions, as JSON.

import Clearing
import Primitives

extension ActionDocument {
  /// `{"type": "openSubAccount", "number": 1}`,
  /// `{"type": "transferPositions", "to": ..., "positions": [{"instrument": ..., "quantity": "-0.5"}], "cash": "100"}`,
  /// `{"type": "acceptPositions", "from": ..., "positions": [...], "cash": "100", "until": "2026-03-27T08:00:00Z"}`
  static func account(
    _ entry: JSONValue, at place: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> Action {
    switch entry["type"]?.string {
    case "openSubAccount":
      let fields = try JSONFields(entry, at: place, allowed: ["type", "number"])
      guard let number = try fields.optionalNumber("number"), let small = SubAccountNumber(exactly: number),
        (1...Limits.maxSubAccounts).contains(small)
      else { throw fields.refusal("number", "expected 1 to \(Limits.maxSubAccounts)") }
      return .openSubAccount(small)
    case "transferPositions":
      let fields = try JSONFields(entry, at: place, allowed: ["type", "to", "positions", "cash"])
      return .transferPositions(try transfer(entry, fields, "to", terms))
    default:
      let fields = try JSONFields(entry, at: place, allowed: ["type", "from", "positions", "cash", "until"])
      guard let until = ISO8601.parse(try fields.text("until")) else {
        throw fields.refusal("until", "expected an ISO 8601 time")
      }
      return .acceptPositions(Acceptance(transfer: try transfer(entry, fields, "from", terms), until: until))
    }
  }

  private static func transfer(
    _ entry: JSONValue, _ fields: JSONFields, _ side: String, _ terms: NetworkTerms
  ) throws(CommandFailure) -> PositionTransfer {
    guard let account = AccountID(hex: try fields.text(side)) else {
      throw fields.refusal(side, "expected an account of 64 hexadecimal digits")
    }
    guard let list = entry["positions"]?.array, list.count <= Limits.maxMovedPositions else {
      throw fields.refusal("positions", "expected a list of at most \(Limits.maxMovedPositions) positions")
    }
    var positions: [MovedPosition] = []
    for (index, position) in list.enumerated() {
      let item = try JSONFields(
        position, at: "\(fields.place).positions[\(index)]", allowed: ["instrument", "quantity"])
      positions.append(
        MovedPosition(
          instrument: try terms.instrument(try item.text("instrument")), quantity: try item.quantity("quantity")))
    }
    let cash = try fields.optionalText("cash") == nil ? 0 : try fields.money("cash")
    return PositionTransfer(
      account: account, positions: positions.sorted { $0.instrument < $1.instrument }, cash: cash)
  }
}
