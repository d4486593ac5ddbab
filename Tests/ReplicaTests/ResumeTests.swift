// R1 to R4: the state of a network that lost too many validators goes on under another genesis.

import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Sodium
import Testing
import Threshold
import Wire

@Suite struct ResumeTests {
  static let second = Duration64.second
  private let sender = AccountID(Cluster.key(100))
  private let receiver = AccountID(Cluster.key(101))

  /// Four validators with a group key, some transfers, a delegation and an open change of the validators; all stopped.
  private func former() throws -> Cluster {
    let cluster = Cluster(epochBlocks: 80)
    _ = try #require(cluster.groupKey())
    let helper = Delegation(key: Cluster.key(120), scope: .trade, until: 100_000)
    var tickets = [
      cluster.submit(cluster.transaction(100, [.transfer(to: receiver, amount: 5)]), to: 0),
      cluster.submit(cluster.transaction(100, [.delegate(helper)]), to: 1),
    ]
    let change = ValidatorChange.data(cluster.key(3), OperatorData(country: "FI"))
    tickets.append(cluster.submit(cluster.transaction(of: 0, [.proposeChange(change)]), to: 0))
    let height = try #require(cluster.heights.max())
    #expect(
      cluster.run(for: 60 * Self.second) { cluster.nodes[0].proven > height + 5 && cluster.heights[0] > height + 5 })
    _ = tickets
    cluster.run(for: 3 * Self.second)
    for node in cluster.nodes.indices { cluster.crash(node) }
    return cluster
  }

  private func genesis(
    _ state: ExportedState, _ former: Genesis, keys: [PublicKey]
  ) -> Genesis {
    var genesis = former
    genesis.validators = keys.enumerated().map {
      GenesisValidator(name: "n\($0.offset)", key: $0.element, host: "host", port: UInt16($0.offset + 1))
    }
    genesis.market.validators = keys
    genesis.market.accounts = []
    genesis.market.listings = []
    genesis.resume = state.resumePoint
    return genesis
  }

  private func keys(_ numbers: ClosedRange<UInt8>) -> [PublicKey] { numbers.map { Cluster.key($0) } }

  @Test func nothingIsLost() throws {
    let old = try former()
    let exported = try ExportedState(of: old.nodes[0].store, chain: old.genesis.chain)
    let state = try WireReader.decode(ExportedState.self, from: exported.wireBytes)
    #expect(state.wireBytes == exported.wireBytes)
    #expect(state.fault(anchor: .genesis(old.genesis), scheme: .standIn) == nil)
    let before = try LedgerState(of: old.nodes[0].store, genesis: old.genesis, scheme: .standIn)

    // One of the old keys and three new ones: an emergency re-key of the others.
    let genesis = genesis(state, old.genesis, keys: [Cluster.key(2)] + keys(11...13))
    #expect(genesis.fault() == nil && genesis.chain != old.genesis.chain)
    let new = try Cluster(resuming: genesis, from: state, after: old)
    let begun = try LedgerState(of: new.nodes[0].store, genesis: genesis, scheme: .standIn)
    #expect(begun.clearing.height == state.height + 1 && begun.clearing.committeeNumber == 1)
    #expect(begun.clearing.committeeKeys(0) == old.genesis.validators.map(\.key))
    #expect(begun.clearing.validators == genesis.members && begun.clearing.changes.isEmpty)
    #expect(!before.clearing.changes.isEmpty)
    var checked = begun.clearing
    #expect(checked.checkInvariants().isEmpty)
    for account in 0..<4 {
      let id = AccountID(Cluster.key(UInt8(100 + account)))
      #expect(begun.clearing.tables.accounts[AccountKey(id)] == before.clearing.tables.accounts[AccountKey(id)])
    }
    #expect(begun.clearing.tables.delegations[AccountKey(sender)]?.delegations.count == 1)
    // Every table but those of the committee and of the system is the same, byte by byte.
    let changed: Set<UInt8> = [1, 2, 10, 22, 23, 24, 64, 65, 66]
    #expect(records(old.nodes[0].store, without: changed) == records(new.nodes[0].store, without: changed))

    // It runs: a new key of the group, heights that go on, and a client's next transaction.
    let key = try #require(new.groupKey())
    #expect(key != state.groupKey && new.heights.allSatisfy { $0 > state.height + 1 })
    let ticket = new.submit(new.transaction(100, [.transfer(to: receiver, amount: 7)]), to: 2)
    #expect(new.run(for: 20 * Self.second) { new.nodes[2].receipts[ticket] != nil })
    #expect(new.nodes[2].receipts[ticket]?.outcome.status == .executed)
    // A restart, from ledger and journal, and another epoch with the same key.
    new.crash(1)
    new.start(1)
    let height = try #require(new.heights.max())
    #expect(new.run(for: 400 * Self.second) { new.heights.allSatisfy { $0 > height + 170 } })
    #expect(new.nodes.allSatisfy { $0.replica?.groupKey == key && $0.halted == nil })
    SuccessionTests.check(new)

    // And once more.
    for node in new.nodes.indices { new.crash(node) }
    let second = try ExportedState(of: new.nodes[3].store, chain: genesis.chain)
    #expect(second.fault(anchor: .genesis(genesis), scheme: .standIn) == nil)
    let third = try Cluster(
      resuming: self.genesis(second, genesis, keys: keys(21...27)), from: second, after: new)
    #expect(third.groupKey() != nil && third.nodes[0].replica?.committee.epoch == 2)
    SuccessionTests.check(third)
  }

  private func records(_ store: InMemoryStore, without tables: Set<UInt8>) -> [[UInt8]] {
    var found: [[UInt8]] = []
    try? store.records { table, key, value in
      if !tables.contains(table.rawValue) { found.append([table.rawValue] + key + value) }
      return true
    }
    return found
  }

  /// R2: what is not certified by whom one believes.
  @Test func forgeriesAreRefused() throws {
    let old = try former()
    let state = try ExportedState(of: old.nodes[0].store, chain: old.genesis.chain)
    func fault(_ change: (inout ExportedState) -> Void) -> String? {
      var forged = state
      change(&forged)
      return forged.fault(anchor: .genesis(old.genesis), scheme: .standIn)
    }
    #expect(fault { _ in } == nil)
    #expect(fault { $0.records.removeLast() } != nil)
    #expect(fault { $0.records[3].value?.append(0) } != nil)
    #expect(fault { $0.chain = .zero } != nil)
    #expect(fault { $0.proposal.header.timestamp += 1 } != nil)
    #expect(fault { $0.votes.entries.removeLast(2) } != nil)
    #expect(fault { $0.votes.entries[0] = $0.votes.entries[1] } != nil)
    #expect(fault { $0.votes.stateRoot = .zero } != nil)

    // A committee of the forger's own, in records of its own: nobody but the records says that it is one.
    var other = old.genesis
    other.validators[0].key = Cluster.key(99)
    #expect(state.fault(anchor: .genesis(other), scheme: .standIn) != nil)
    #expect(state.fault(anchor: .ledger(block: state.block, stateRoot: state.root()), scheme: .standIn) == nil)
    #expect(state.fault(anchor: .ledger(block: state.block, stateRoot: .zero), scheme: .standIn) != nil)
    #expect(state.fault(anchor: .ledger(block: .zero, stateRoot: state.root()), scheme: .standIn) != nil)
    #expect(state.fault(anchor: .groupKey(Cluster.key(1)), scheme: .standIn) != nil)
  }

  @Test func anotherStateDoesNotFitTheGenesis() throws {
    let old = try former()
    let state = try ExportedState(of: old.nodes[0].store, chain: old.genesis.chain)
    let genesis = genesis(state, old.genesis, keys: keys(11...14))
    var other = state
    other.records.removeLast()
    let store = InMemoryStore()
    #expect(throws: StoreError.self) { try LedgerState.resume(other, into: store, genesis: genesis, scheme: .standIn) }
    #expect(throws: StoreError.self) {
      try LedgerState.resume(state, into: store, genesis: old.genesis, scheme: .standIn)
    }
    // An empty ledger alone is not enough: the state has to be put in place.
    #expect(throws: StoreError.self) { try LedgerState(of: store, genesis: genesis, scheme: .standIn) }
    try LedgerState.resume(state, into: store, genesis: genesis, scheme: .standIn)
    #expect(throws: StoreError.self) { try LedgerState.resume(state, into: store, genesis: genesis, scheme: .standIn) }
    // Each word of the resume point is in the chain's name.
    for change in [
      { $0.height += 1 }, { $0.stateRoot = .zero }, { $0.block = .zero }, { $0.groupKey = .zero },
      { $0.timestamp += 1 },
      { $0.chain = .zero }, { $0.committee += 1 },
    ] as [(inout ResumePoint) -> Void] {
      var changed = genesis
      if var point = changed.resume {
        change(&point)
        changed.resume = point
      }
      #expect(changed.chain != genesis.chain)
      #expect(try WireReader.decode(Genesis.self, from: changed.wireBytes) == changed)
    }
    var founding = genesis
    founding.market.accounts = [FundedAccount(account: sender, amount: 1)]
    #expect(founding.fault() != nil, "money comes with the state alone")
  }

  @Test func codecRefusesDisorder() throws {
    let old = try former()
    let state = try ExportedState(of: old.nodes[0].store, chain: old.genesis.chain)
    let bytes = state.wireBytes
    #expect(throws: WireError.self) { try WireReader.decode(ExportedState.self, from: bytes + [0]) }
    for cut in stride(from: 0, to: bytes.count, by: 997) {
      #expect(throws: WireError.self) { try WireReader.decode(ExportedState.self, from: Array(bytes.prefix(cut))) }
    }
    var swapped = state
    swapped.records.swapAt(2, 3)
    #expect(throws: WireError.self) { try WireReader.decode(ExportedState.self, from: swapped.wireBytes) }
    var doubled = state
    doubled.records.insert(doubled.records[4], at: 4)
    #expect(throws: WireError.self) { try WireReader.decode(ExportedState.self, from: doubled.wireBytes) }
  }
}
