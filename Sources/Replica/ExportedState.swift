// The last certified state of a chain as one file, so that another genesis can go on from it (R1 to R4).
//
// R1  A state is exported with the block it belongs to, and with the votes by which a quorum of its committee certified it.
// R2  It counts where the root of its records is the one that is certified, by the committee of a genesis, by the group key,
//     or by one's own ledger. The committee that the records themselves name proves nothing by itself.
// R3  A genesis that goes on names the former chain, its last block, the root and the group key. Its own block stands at the
//     next height, its validators are the next committee, and they make a group key of their own.
// R4  Everything but the committee, its changes under way, its observations and its key goes on as it was. What was signed for
//     the former chain is void in the new one.

import Clearing
public import Consensus
public import Ledger
public import Primitives
public import Sodium
public import Threshold
public import Wire

/// What a genesis says of the chain that it goes on from.
public struct ResumePoint: Hashable, Sendable, WireCodable {
  public var chain: Digest
  /// Of its last block.
  public var height: Height
  public var block: Digest
  public var timestamp: Timestamp
  public var stateRoot: Digest
  /// Zero for a chain that had none.
  public var groupKey: PublicKey
  /// Number of the new genesis's validators among all committees.
  public var committee: Epoch

  public init(
    chain: Digest, height: Height, block: Digest, timestamp: Timestamp, stateRoot: Digest, groupKey: PublicKey,
    committee: Epoch
  ) {
    self.chain = chain
    self.height = height
    self.block = block
    self.timestamp = timestamp
    self.stateRoot = stateRoot
    self.groupKey = groupKey
    self.committee = committee
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(chain)
    writer.write(height)
    writer.write(block)
    writer.write(timestamp)
    writer.write(stateRoot)
    writer.write(groupKey)
    writer.write(committee)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    chain = try reader.readBytes32()
    height = try reader.readOrdinal()
    block = try reader.readBytes32()
    timestamp = try reader.read()
    stateRoot = try reader.readBytes32()
    groupKey = try reader.readBytes32()
    committee = try reader.readOrdinal()
  }
}

public struct ExportedState: Sendable, WireCodable {
  /// The first bytes of a file.
  public static let magic = Array("novation-state/1\n".utf8)
  private static let recordsMax = 1 << 30
  private static let valueBytesMax = 16 << 20

  public var chain: Digest
  public var proposal: Proposal
  /// Of a quorum, for the state after the block.
  public var votes: Certificate
  /// The group's signature on the same, where it was made in time.
  public var group: GroupCertificate?
  /// Every record after the block, ascending by table and key.
  public var records: [RecordChange]

  public init(
    chain: Digest, proposal: Proposal, votes: Certificate, group: GroupCertificate?, records: [RecordChange]
  ) {
    self.chain = chain
    self.proposal = proposal
    self.votes = votes
    self.group = group
    self.records = records
  }

  /// R1: of a ledger's newest block. Throws `missing` where that is genesis, or no quorum certified it.
  public init(of store: any LedgerStore, chain: Digest) throws(StoreError) {
    guard let head = try store.head(), let stored = try store.block(at: head.height), let block = FinalBlock(stored)
    else {
      throw StoreError(.missing, "The ledger has no block after its genesis.")
    }
    guard let votes = block.stateCertificate else {
      throw StoreError(.missing, "No quorum certified the state after block \(head.height).")
    }
    var records: [RecordChange] = []
    try store.records { table, key, value in
      records.append(RecordChange(table: table, key: key, value: value))
      return true
    }
    let group = try store.certificate(at: head.height).flatMap {
      try? WireReader.decode(GroupCertificate.self, from: $0.bytes)
    }
    self.init(chain: chain, proposal: block.proposal, votes: votes, group: group, records: records)
  }

  public var height: Height { proposal.header.height }
  public var block: Digest { proposal.header.hash(chain: chain) }

  /// Root over the records.
  public func root() -> Digest {
    var tree = StateTree()
    tree.update(records)
    return tree.root
  }

  /// The value of one record.
  public func value(table: TableID, key: [UInt8]) -> [UInt8]? {
    var (low, high) = (0, records.count)
    while low < high {
      let middle = low + (high - low) / 2
      if Self.precedes(records[middle], table, key) { low = middle + 1 } else { high = middle }
    }
    guard low < records.count, records[low].table == table, records[low].key == key else { return nil }
    return records[low].value
  }

  private static func precedes(_ record: RecordChange, _ table: TableID, _ key: [UInt8]) -> Bool {
    record.table == table ? bytesPrecede(record.key, key) : record.table < table
  }

  /// As the records name it; nil before the first key.
  public var groupKey: PublicKey? {
    value(table: SystemTables().keys.id, key: SystemKey().wireBytes)
      .flatMap { try? WireReader.decode(KeyScheduleRecord.self, from: $0) }?.schedule.active?.groupKey
  }

  /// As the records name them.
  public func committeeKeys(_ number: Epoch) -> [PublicKey]? {
    value(table: ClearingTables().committees.id, key: CommitteeKey(number).wireBytes)
      .flatMap { try? WireReader.decode(CommitteeRecord.self, from: $0) }?.keys
  }

  /// What a genesis says that goes on from here. The committee is found by its votes: it was the last one.
  public var resumePoint: ResumePoint {
    ResumePoint(
      chain: chain, height: height, block: block, timestamp: proposal.header.timestamp, stateRoot: root(),
      groupKey: groupKey ?? .zero, committee: lastCommittee + 1)
  }

  private var lastCommittee: Epoch {
    var last: Epoch = 0
    let table = ClearingTables().committees.id
    for record in records where record.table == table {
      if let key = try? WireReader.decode(CommitteeKey.self, from: record.key) { last = max(last, key.number) }
    }
    return last
  }

  /// R2: whom to believe.
  public enum Anchor: Sendable {
    /// The chain's genesis: its validators certified the state.
    case genesis(Genesis)
    /// The group key: it signed the state.
    case groupKey(PublicKey)
    /// A ledger in which a node of one's own checked every block: what it holds at that height.
    case ledger(block: Digest, stateRoot: Digest)
  }

  /// R2: what keeps it from being the certified state of its chain, as a sentence; nil where it is.
  public func fault(anchor: Anchor, scheme: SignatureScheme) -> String? {
    let (root, block) = (root(), block)
    guard height > 0 else { return "it is the state of a genesis" }
    guard votes.kind == .state, votes.block == block, votes.stateRoot == root else {
      return "the votes are for another block or another state than the records: the root of these is \(root.hex)"
    }
    switch anchor {
    case .genesis(let genesis):
      guard genesis.chain == chain else { return "it is a state of chain \(chain.hex), and the genesis of another one" }
      let committee = genesis.committee
      guard votes.epoch == committee.epoch else {
        return "it was certified by a later committee than that of the genesis, which cannot say who that is: give the "
          + "group key, or a ledger of your own"
      }
      guard votes.verify(committee: committee, scheme: scheme) else {
        return "the votes are not those of a quorum of the genesis's validators"
      }
    case .groupKey(let key):
      guard let group, group.headerHash == block, group.stateRoot == root else {
        return "it holds no signature of the group on this state: give the genesis, or a ledger of your own"
      }
      guard group.verify(chain: chain, groupKey: key) else { return "the signature is not that of this group key" }
    case .ledger(let trusted, let trustedRoot):
      guard trusted == block, trustedRoot == root else {
        return "the ledger holds another block or state at height \(height)"
      }
      guard let keys = committeeKeys(votes.epoch),
        votes.verify(committee: Committee(chain: chain, epoch: votes.epoch, keys: keys), scheme: scheme)
      else { return "the votes are not those of a quorum of committee \(votes.epoch)" }
    }
    return nil
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(raw: Self.magic)
    writer.write(chain)
    writer.write(proposal)
    writer.write(votes)
    writer.write(group)
    writer.write(UInt32(truncatingIfNeeded: records.count))
    for record in records {
      writer.write(record.table.rawValue)
      writer.write(bytes: record.key)
      writer.write(bytes: record.value ?? [])
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard try reader.read(raw: Self.magic.count) == Self.magic else { throw reader.invalid("exported state") }
    chain = try reader.readBytes32()
    proposal = try Proposal(from: &reader)
    votes = try Certificate(from: &reader)
    group = try reader.readOptional()
    let count = try reader.readCount(limit: Self.recordsMax)
    var records: [RecordChange] = []
    records.reserveCapacity(min(count, reader.remaining / 9))
    for _ in 0..<count {
      let table = TableID(try reader.read())
      let key = try reader.readBytes(limit: maximumKeyBytes)
      if let last = records.last, !Self.precedes(last, table, key) { throw reader.invalid("order of records") }
      records.append(RecordChange(table: table, key: key, value: try reader.readBytes(limit: Self.valueBytesMax)))
    }
    self.records = records
  }
}
