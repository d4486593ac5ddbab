// Printed records with their paths in the state tree, verified, and what an account document must say by them.

import Clearing
import Ledger
import Primitives
import Replica
import Wire

struct ProvenRecords {
  private struct Item {
    var table: TableID
    var key: [UInt8]
    var value: [UInt8]
  }

  private var items: [Item] = []
  /// The records as they were printed; everything in them was checked.
  let document: JSONValue
  private static let countMax = 100_000

  /// Refuses a record whose path does not end in the root.
  init(_ proof: JSONValue, root: Digest) throws(ProofFault) {
    guard let records = proof["records"], let list = records.array, !list.isEmpty, list.count <= Self.countMax else {
      throw ProofFault("proof.records is not a list of 1 to \(Self.countMax) records")
    }
    document = records
    for (place, record) in list.enumerated() {
      let name = "proof.records.\(place)"
      guard let members = record.object, members.keys.allSatisfy(["table", "key", "value", "path"].contains) else {
        throw ProofFault("\(name) is not a record")
      }
      guard let number = record["table"]?.integer, let table = UInt8(exactly: number) else {
        throw ProofFault("\(name).table is not a table's number")
      }
      guard let value = record["value"], value != .null else {
        throw ProofFault("\(name) shows that there is no such record, so it proves nothing that is printed")
      }
      let item = Item(
        table: TableID(table), key: try Self.hex(record["key"], name + ".key"),
        value: try Self.hex(value, name + ".value"))
      let path: StateProof = try Self.decode(try Self.hex(record["path"], name + ".path"), name + ".path")
      guard path.verify(root: root, table: item.table, key: item.key, value: item.value) else {
        throw ProofFault("\(name) is not under the certified state root")
      }
      guard !items.contains(where: { $0.table == item.table && $0.key == item.key }) else {
        throw ProofFault("\(name) is there twice")
      }
      items.append(item)
    }
  }

  private static func hex(_ value: JSONValue?, _ name: String) throws(ProofFault) -> [UInt8] {
    guard let text = value?.string, let bytes = Hex.decode(text) else {
      throw ProofFault("\(name) is not hexadecimal text")
    }
    return bytes
  }

  private static func decode<Value: WireDecodable>(_ bytes: [UInt8], _ name: String) throws(ProofFault) -> Value {
    do throws(WireError) {
      return try WireReader.decode(Value.self, from: bytes)
    } catch {
      throw ProofFault("\(name) does not decode: \(error)")
    }
  }

  /// What the numbers of underlyings mean.
  func underlyings() throws(ProofFault) -> [UnderlyingTerms] {
    guard let item = items.first(where: { $0.table == SystemTables().blocks.id }) else {
      throw ProofFault("the record of the block, which names the underlyings, is not in the proof")
    }
    let record: BlockRecord = try Self.decode(item.value, "the record of the block")
    return record.underlyings
  }

  // MARK: Accounts

  /// The fields of an account's document that its records determine. Refuses records of anything else.
  func expectedAccount(
    _ account: AccountID, underlyings: [UnderlyingTerms]
  ) throws(ProofFault) -> [String: JSONValue] {
    let tables = ClearingTables()
    var own: AccountRecord?
    var positions: [(key: InstrumentID, document: JSONValue)] = []
    var orders: [(key: OrderID, document: JSONValue)] = []
    for (place, item) in items.enumerated() {
      let name = "proof.records.\(place)"
      let owner: AccountID
      switch item.table {
      case tables.accounts.id:
        let key: AccountKey = try Self.decode(item.key, name)
        owner = key.id
        own = try Self.decode(item.value, name)
      case tables.positions.id:
        let key: PositionKey = try Self.decode(item.key, name)
        owner = key.account
        positions.append((key.instrument, Self.document(key, try Self.decode(item.value, name), underlyings)))
      case tables.orders.id:
        let key: OrderKey = try Self.decode(item.key, name)
        let record: OrderRecord = try Self.decode(item.value, name)
        owner = record.account
        orders.append((key.id, Self.document(key.id, record, underlyings)))
      case SystemTables().blocks.id: continue
      default: throw ProofFault("\(name) is of table \(item.table.rawValue), which is not an account's")
      }
      guard owner == account else { throw ProofFault("\(name) belongs to another account") }
    }
    guard let own else { throw ProofFault("the account's own record is not in the proof") }
    return [
      "account": .string(account.hex), "balances": .object(["USD": .string(money(own.cash))]),
      "margin": .object(["mode": .string((own.marginCall ? MarginMode.marginCall : .standard).rawValue)]),
      "positions": .array(positions.sorted { $0.key < $1.key }.map(\.document)),
      "orders": .array(orders.sorted { $0.key < $1.key }.map(\.document)),
    ]
  }

  private static func document(
    _ key: PositionKey, _ record: PositionRecord, _ underlyings: [UnderlyingTerms]
  ) -> JSONValue {
    // Entry is price per lot times signed lots, so this is the price of a contract.
    let average = Int128(record.entry) * Int128(Limits.pricePerLot) / Int128(max(1, record.quantity.magnitude))
    return .object([
      "instrument": .string(InstrumentName.format(key.instrument, underlyings: underlyings)),
      "quantity": .string(lots(record.quantity)),
      "averagePrice": .string(money(Int64(clamping: Int128(record.quantity.signum()) * average))),
    ])
  }

  private static func document(_ id: OrderID, _ record: OrderRecord, _ underlyings: [UnderlyingTerms]) -> JSONValue {
    let filled = record.quantity.subtracting(record.remaining) ?? 0
    return .object([
      "id": .string(String(id)), "state": "open",
      "instrument": .string(InstrumentName.format(record.instrument, underlyings: underlyings)),
      "side": .string(record.side == .buy ? "buy" : "sell"), "price": .string(money(record.price)),
      "quantity": .string(lots(record.quantity)), "filled": .string(lots(filled)),
      "remaining": .string(lots(record.remaining)),
      "timeInForce": .string(record.timeInForce.name),
      "clientId": record.clientID.map { .string(String($0)) } ?? .null,
    ])
  }
}
