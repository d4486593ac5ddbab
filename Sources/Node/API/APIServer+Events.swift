// What moved money and positions, by height, from the ledger on disk: gap-free and resumable.

import Clearing
import Hummingbird
import Ledger
import NIOCore
import Primitives
import Replica
import Storage
import Wire

extension APIServer {
  /// Blocks that one answer looks at, and events after which it ends with the block it is in.
  private static let eventBlocksMax: Height = 2_000
  private static let eventsMax = 5_000
  static let eventTypes: Set<String> = [
    "deposit", "withdrawal", "withdrawalPaid", "withdrawalRefused", "transfer", "trade", "settlement", "positionMoved",
    "waterfall", "fundShare", "claimPaid", "bond", "offence", "positionsTransferred",
  ]

  func events(_ request: Request) async throws -> Response {
    let query = request.uri.queryParameters
    let head = try host.store.head()?.height ?? 0
    let first = max(1, try host.store.firstHeight() ?? 1)
    let from = try height(query["from"], "from") ?? first
    let last = min(head, try height(query["to"], "to") ?? head)
    guard from >= first else {
      throw APIError(
        .gone, "pruned", "this ledger begins with height \(first); what was before is gone",
        hint: "Ask from \(first) on, or ask a node with ledger.history = \"full\".")
    }
    var account: AccountID?
    if let text = query["account"] {
      guard let id = AccountID(hex: String(text)) else {
        throw APIError.malformed(
          "account \"\(text.prefix(80))\" is not 64 hex digits", hint: "An account is its public key.")
      }
      account = id
    }
    let types = Set((query["types"] ?? "").split(separator: ",").map(String.init))
    guard types.isSubset(of: Self.eventTypes) else {
      throw APIError.malformed(
        "unknown type in \"\(types.sorted().joined(separator: ",").prefix(80))\"",
        hint: "Use some of \(Self.eventTypes.sorted().joined(separator: ", ")).")
    }
    var document = EventsDocument(
      events: [], from: from, to: from.subtracting(1) ?? 0, next: nil, first: first, head: head)
    var height = from
    while height <= last {
      guard height - from < Self.eventBlocksMax, document.events.count < Self.eventsMax else {
        document.next = height
        break
      }
      document.events += try events(at: height).filter { event in
        (account == nil || event.account == account?.hex) && (types.isEmpty || types.contains(event.type))
      }
      document.to = height
      height += 1
    }
    return APIResponse.json(document)
  }

  private func events(at height: Height) throws -> [EventDocument] {
    guard let bytes = try host.store.events(at: height) else {
      throw APIError(
        .gone, "noEvents", "block \(height) was stored by a version that did not keep events",
        hint: "Ask from a later height on, or ask another node.")
    }
    guard let happened = try? WireReader.decode(BlockEvents.self, from: bytes) else {
      throw StoreError(
        .damaged, "The events of block \(height) in the ledger are damaged.", advice: "Run novation doctor.")
    }
    return EventDocuments(happened, height: height, underlyings: info.genesis.market.underlyings).documents
  }

  private func height(_ text: Substring?, _ name: String) throws -> Height? {
    guard let text else { return nil }
    guard let height = Height(text), height < ordinalLimit else {
      throw APIError.malformed("\(name) \"\(text.prefix(40))\" is not a height", hint: "Use a whole number.")
    }
    return height
  }
}
