// Replicated state beside the clearing house: the group key, key generation, and the receipts' root of the last block.

public import Clearing
import Consensus
public import Ledger
public import Primitives
public import Sodium
public import Threshold
import Wire

/// The tables, in ascending order of number, above those of the clearing house.
public struct SystemTables: StateTables {
  public var blocks = Table<SystemKey, BlockRecord>(id: TableID(64), limit: 1)
  public var keys = Table<SystemKey, KeyScheduleRecord>(id: TableID(65), limit: 1)
  public var keyMessages = Table<KeyMessageKey, KeyMessageRecord>(id: TableID(66))

  public init() {}

  public mutating func visit(_ visitor: inout some TableVisitor) {
    visitor.visit(&blocks)
    visitor.visit(&keys)
    visitor.visit(&keyMessages)
  }
}

public struct SystemState: Sendable {
  public private(set) var tables = SystemTables()
  /// Derived from the tables.
  public private(set) var keys: KeySchedule
  /// As it was before each applied block that may still be rolled back, oldest first.
  private var earlier: [KeySchedule] = []
  private let underlyings: [UnderlyingTerms]
  private let base: Height

  /// The state of genesis without its records. Then `sealGenesis`, or load the records and `rebuild`.
  public init(genesis: Genesis, chain: Digest, scheme: SignatureScheme) {
    underlyings = genesis.market.underlyings
    keys = KeySchedule(
      chain: chain, committee: KeyCommittee(genesis.validators.map(\.key)), settings: genesis.keys, scheme: scheme,
      from: genesis.base)
    base = genesis.base
  }

  /// For a ledger without blocks; these records cannot be rolled back.
  public mutating func sealGenesis(into changes: inout [RecordChange]) {
    tables.blocks.put(
      BlockRecord(height: base, receipts: 0, receiptsRoot: .zero, events: .zero, underlyings: underlyings),
      for: SystemKey())
    tables.keys.put(KeyScheduleRecord(schedule: keys.record, messages: 0), for: SystemKey())
    tables.sealBlock(into: &changes)
    releaseBlock()
  }

  public mutating func visitTables(_ visitor: inout some TableVisitor) { tables.visit(&visitor) }

  /// After all records were loaded: the key generation under way hears its messages again.
  public mutating func rebuild() {
    guard let record = tables.keys[SystemKey()], let top = tables.blocks[SystemKey()]?.height else { return }
    keys.restore(record.schedule)
    guard let since = record.schedule.running?.since, since < top else { return }
    var next: UInt32 = 0
    for height in (since + 1)...top {
      while let kept = tables.keyMessages[KeyMessageKey(next)], kept.height == height {
        _ = keys.apply(kept.message)
        next &+= 1
      }
      keys.endBlock(height)
    }
  }

  /// First of a block: its key generation messages, in the order of the chain. `next`: the committee that is to succeed
  /// the present one. Gives what the engine has to do about it before the block's transactions.
  public mutating func advance(
    height: Height, messages: [LaneKeyMessage], next: [PublicKey]?
  ) -> [ClearingHouse.MembershipStep] {
    earlier.append(keys)
    guard keys.settings.isOn else { return [] }
    return applyKeys(height: height, messages, next: next.map { KeyCommittee($0) }).map { step in
      switch step {
      case .scheduled: .schedule
      case .adopted: .adopt
      case .failed: .fail
      }
    }
  }

  /// Last of a block: keeps the root of its receipts, and binds its events to those before. Gives the link's bytes.
  public mutating func seal(
    height: Height, timestamp: Timestamp, receipts: [[UInt8]], events: [Event], into changes: inout [RecordChange]
  ) -> [UInt8] {
    let link = BlockEvents(
      timestamp: timestamp, previous: tables.blocks[SystemKey()]?.events ?? .zero, events: events
    ).wireBytes
    tables.blocks.put(
      BlockRecord(
        height: height, receipts: UInt32(truncatingIfNeeded: receipts.count), receiptsRoot: ReceiptTree.root(receipts),
        events: BlockEvents.hash(of: link), underlyings: underlyings), for: SystemKey())
    tables.sealBlock(into: &changes)
    return link
  }

  private mutating func applyKeys(
    height: Height, _ messages: [LaneKeyMessage], next: KeyCommittee?
  ) -> [KeySchedule.Step] {
    let before = keys.record
    var count = tables.keys[SystemKey()]?.messages ?? 0
    var heard: [Speaker: (messages: Int, faults: Int)] = [:]
    let most = max(keys.holders.keys.count, keys.successors?.keys.count ?? 0) + 4
    for said in messages {
      // Each proof costs everybody some time: who sends false ones is not listened to any more in this block. In each lane
      // apart, for anybody can put another's name to what is false.
      let message = said.message
      let speaker = Speaker(lane: said.lane, sender: message.sender)
      let known = heard[speaker] ?? (0, 0)
      guard known.messages < most, known.faults < 2 else { continue }
      let refusal = keys.apply(message)
      let isFaulty = [.badSignature, .badProof, .invalidPoint, .noSuchDealing, .falseComplaint].contains(refusal)
      heard[speaker] = (known.messages + 1, known.faults + (isFaulty ? 1 : 0))
      switch refusal {
      // A false complaint is held against its sender.
      case nil, .falseComplaint:
        tables.keyMessages.put(KeyMessageRecord(height: height, message: message), for: KeyMessageKey(count))
        count &+= 1
      default: continue
      }
    }
    let steps = keys.endBlock(height, next: next)
    if keys.record.running != before.running {
      for place in 0..<count { tables.keyMessages.remove(KeyMessageKey(place)) }
      count = 0
    }
    let record = KeyScheduleRecord(schedule: keys.record, messages: count)
    if tables.keys[SystemKey()] != record { tables.keys.put(record, for: SystemKey()) }
    return steps
  }

  private struct Speaker: Hashable {
    var lane: ValidatorIndex
    var sender: Participant
  }

  /// Takes the newest applied block back and reports the changes that undo it.
  public mutating func rollbackBlock(into changes: inout [RecordChange]) {
    tables.rollbackBlock(into: &changes)
    if let before = earlier.popLast() { keys = before }
  }

  /// The oldest applied block is final.
  public mutating func releaseBlock() {
    tables.releaseBlock()
    if !earlier.isEmpty { earlier.removeFirst() }
  }

  /// The schedule after the last block that cannot be rolled back any more.
  public var finalKeys: KeySchedule { earlier.first ?? keys }
}

/// A key generation message in the lane of whoever said it or passed it on.
public struct LaneKeyMessage: Sendable {
  public var lane: ValidatorIndex
  public var message: KeyGenerationMessage

  public init(lane: ValidatorIndex, message: KeyGenerationMessage) {
    self.lane = lane
    self.message = message
  }
}

extension KeyCommittee {
  /// A quorum of the committee signs.
  public init(_ keys: [PublicKey]) { self.init(keys: keys, threshold: VoteRules(n: keys.count).quorum) }
}
