// Replicas on a virtual network with virtual time: small and deterministic, for tests of the composition. Crash, restart
// and partition work on the same journal and ledger that a host would keep.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Sodium
import Threshold
import Wire

final class Cluster {
  struct Event {
    var at: Instant
    var order: UInt64
    var node: Int
    var life: Int
    var input: Input
  }

  final class Node {
    var replica: Replica?
    var life = 0
    var journal: [JournalRecord] = []
    var store = InMemoryStore()
    var receipts: [UInt64: Receipt] = [:]
    var refusals: [UInt64: Refusal] = [:]
    var ready: Set<UInt64> = []
    var finalized: [FinalizedBlock] = []
    var proven: Height = 0
    var certified: Height = 0
    var secrets: SecretBytes?
    var halted: String?
    /// The disk does not finish any commit.
    var isDiskStuck = false
    var stuckCommit: Input?
    var wake: Instant = .max
    /// Rules that peers broke, as this node says.
    var reports: [String] = []
    /// Why validators ended the session with it.
    var dismissals: [String] = []
    /// Latest broadcasts.
    var sent: [PeerMessage] = []
  }

  let genesis: Genesis
  private(set) var identities: [Signer]
  /// The nodes after them are observers, and their places the numbers by which validators know them.
  let validators: Int
  var nodes: [Node] = []
  var queue: [Event] = []
  var now: Instant = 1_000_000_000
  var order: UInt64 = 0
  var random: SeededRandom
  /// Probability of loss in thousandths.
  var loss: UInt64 = 0
  var isCut: (Int, Int) -> Bool = { _, _ in false }
  /// How many times longer than usual messages take between two nodes.
  var slowness: (Int, Int) -> Instant = { _, _ in 1 }
  /// What a sender holds a message back, besides.
  var heldBack: (PeerMessage, Int, Int) -> Instant = { _, _, _ in 0 }
  let wallOrigin: Timestamp

  static func key(_ number: UInt8) -> PublicKey {
    SigningKey(seed: [UInt8](repeating: number, count: 32))?.publicKey ?? .zero
  }
  static let custodian: UInt8 = 200
  static let authority: UInt8 = 201

  var settings = ReplicaSettings()

  init(
    validators: Int = 4, seed: UInt64 = 1, listings: [Listing] = [], settings: ReplicaSettings = ReplicaSettings(),
    epochBlocks: UInt64 = 0
  ) {
    self.settings = settings
    random = SeededRandom(seed: seed)
    self.validators = validators
    let keys = (0..<validators).map { Self.key(UInt8($0 + 1)) }
    identities = keys.map { .standIn($0) }
    wallOrigin = 1_767_600_000 * Duration64.second
    let market = MarketGenesis(
      network: "test", time: wallOrigin, underlyings: [UnderlyingTerms(symbol: "BTC")], listings: listings,
      custodian: Self.key(Self.custodian), listingAuthority: Self.key(Self.authority), validators: keys,
      accounts: (0..<4).map {
        FundedAccount(account: AccountID(Self.key(UInt8(100 + $0))), amount: 1_000_000_000_000)
      })
    genesis = Genesis(
      name: "cluster",
      validators: keys.enumerated().map {
        GenesisValidator(name: "v\($0.offset)", key: $0.element, host: "host", port: 1)
      }, market: market, keys: KeyScheduleSettings(epochBlocks: epochBlocks))
    for _ in 0..<validators { nodes.append(Node()) }
    for node in 0..<validators { start(node) }
  }

  /// A network that goes on from a state under another genesis, at a later time.
  init(resuming genesis: Genesis, from state: ExportedState, after former: Cluster) throws {
    self.genesis = genesis
    random = SeededRandom(seed: 7)
    validators = genesis.validators.count
    identities = genesis.validators.map { .standIn($0.key) }
    wallOrigin = former.wallOrigin
    now = former.now + 3600 * Duration64.second
    for node in 0..<validators {
      nodes.append(Node())
      try LedgerState.resume(state, into: nodes[node].store, genesis: genesis, scheme: .standIn)
    }
    for node in 0..<validators { start(node) }
  }

  /// A node that follows; returns its place.
  @discardableResult func addObserver() -> Int {
    nodes.append(Node())
    identities.append(.standIn(Self.key(UInt8(150 + nodes.count))))
    start(nodes.count - 1)
    return nodes.count - 1
  }

  /// Whether two nodes have a session: observers have none with each other.
  private func areConnected(_ one: Int, _ other: Int) -> Bool {
    one != other && [one, other].contains { $0 < validators || nodes[$0].replica?.index != nil }
  }

  func key(_ node: Int) -> PublicKey { identities[node].publicKey }

  /// By which number `node` knows `peer` at present: its place in the committee, or an observer's.
  func number(of peer: Int, at node: Int) -> ValidatorIndex {
    guard let committee = nodes[node].replica?.committee else { return ValidatorIndex(peer) }
    if let place = committee.keys.firstIndex(of: key(peer)) { return ValidatorIndex(place) }
    return ValidatorIndex(committee.n + (peer >= validators ? peer - validators : Self.formerValidators + peer))
  }

  /// Places of observers that were validators of the genesis.
  private static let formerValidators = 40

  private func node(_ number: Int, at node: Int) -> Int? {
    guard let committee = nodes[node].replica?.committee else { return nil }
    if number < committee.n { return identities.firstIndex { $0.publicKey == committee.keys[number] } }
    let place = number - committee.n
    return place >= Self.formerValidators ? place - Self.formerValidators : validators + place
  }

  var moment: Moment { Moment(monotonic: now, wall: wallOrigin + now) }

  /// Starts a node from what it kept.
  func start(_ index: Int, amnesiac: Bool = false) {
    let node = nodes[index]
    node.life += 1
    let chain = genesis.chain
    var clearing: ClearingHouse
    var tree = StateTree()
    var history = HistoryTree()
    history.append(chain)
    var system = SystemState(genesis: genesis, chain: chain, scheme: .standIn)
    var head: FinalBlock?
    var roots: [(height: Height, root: Digest)] = []
    if let stored = try? node.store.head() {
      clearing = ClearingHouse(restoring: genesis.market, chain: chain)
      try? node.store.records { table, key, value in
        var loader = LoadRecord(table: table, key: key, value: value)
        clearing.visitTables(&loader)
        if !loader.isTaken { system.visitTables(&loader) }
        tree.update([RecordChange(table: table, key: key, value: value)])
        return true
      }
      clearing.rebuildIndices()
      system.rebuild()
      head = (try? node.store.block(at: stored.height)).flatMap { $0 }.flatMap { FinalBlock($0) }
      for height in (stored.height.subtracting(ConsensusLimits.executionLag) ?? 0)...stored.height {
        if let block = try? node.store.block(at: height) { roots.append((height, block.stateRoot)) }
      }
      if let bytes = try? node.store.meta(LedgerMeta.history),
        let kept = try? WireReader.decode(HistoryTree.self, from: bytes)
      {
        history = kept
      }
    } else {
      clearing = ClearingHouse(genesis: genesis.market, chain: chain, validators: genesis.members)
      var changes: [RecordChange] = []
      clearing.sealGenesis(into: &changes)
      system.sealGenesis(into: &changes)
      tree.update(changes)
      try? node.store.commit(
        LedgerCommit(
          blocks: [
            StoredBlock(
              height: 0, hash: chain, timestamp: genesis.market.time, stateRoot: tree.root, proposal: [], batches: [],
              certificates: [], transactions: [], receipts: [])
          ], changes: changes, meta: [LedgerMeta.history: history.wireBytes]))
    }
    var recovery = Recovery(
      head: head, history: history, journal: node.journal, amnesiac: amnesiac, recentRoots: roots)
    recovery.genesis = genesis.block
    node.replica = Replica(
      chain: chain, signer: identities[index], scheme: .standIn, settings: settings, clearing: clearing, system: system,
      tree: tree,
      recovery: recovery,
      secrets: ReplicaSecrets(
        seed: seed(of: index, life: node.life),
        kept: node.secrets.flatMap { ShareKeeper(contents: $0) } ?? ShareKeeper()),
      bootId: UInt64(index + 1) << 32 | UInt64(node.life))
    push(index, .start, after: 0)
    for peer in nodes.indices where areConnected(peer, index) && nodes[peer].replica != nil {
      push(index, .connected(number(of: peer, at: index)), after: 1_000_000)
      push(peer, .connected(number(of: index, at: peer)), after: 1_000_000)
    }
  }

  /// As a host does it: what was on its way by former numbers is lost, and every session is told of again.
  private func succeed(_ index: Int) {
    let life = nodes[index].life
    queue.removeAll { event in
      guard event.node == index, event.life == life else { return false }
      switch event.input {
      case .message, .connected, .disconnected, .loaded, .checked: return true
      default: return false
      }
    }
    for peer in nodes.indices where areConnected(peer, index) && nodes[peer].replica != nil {
      push(index, .connected(number(of: peer, at: index)), after: 1_000_000)
      if nodes[peer].replica?.committee.epoch == nodes[index].replica?.committee.epoch {
        push(peer, .connected(number(of: index, at: peer)), after: 1_000_000)
      }
    }
  }

  private func seed(of node: Int, life: Int) -> SecretBytes {
    SecretBytes(
      copying: [UInt8](repeating: UInt8(truncatingIfNeeded: node + 1), count: 31) + [UInt8(truncatingIfNeeded: life)])
  }

  /// Memory is lost; journal and ledger stay.
  func crash(_ index: Int) { nodes[index].replica = nil }

  func push(_ node: Int, _ input: Input, after delay: Instant) {
    order += 1
    queue.append(Event(at: now + delay, order: order, node: node, life: nodes[node].life, input: input))
  }

  /// Runs for a span of virtual time, or until `done`. Returns whether it was done.
  @discardableResult func run(for span: Instant, until done: () -> Bool = { false }) -> Bool {
    let end = now + span
    while now < end {
      if done() { return true }
      var next = end
      if let first = queue.min(by: { ($0.at, $0.order) < ($1.at, $1.order) }) { next = min(next, first.at) }
      for node in nodes where node.replica != nil { next = min(next, node.wake) }
      now = max(now, next)
      guard now < end else { return done() }
      if let place = queue.indices.filter({ queue[$0].at <= now }).min(by: { queue[$0].order < queue[$1].order }) {
        let event = queue.remove(at: place)
        if event.life == nodes[event.node].life { step(event.node, event.input) }
      } else if let node = nodes.indices.first(where: { nodes[$0].replica != nil && nodes[$0].wake <= now }) {
        nodes[node].wake = .max
        step(node, .tick)
      }
    }
    return done()
  }

  private func step(_ index: Int, _ input: Input) {
    let node = nodes[index]
    guard node.replica != nil else { return }
    var effects: [Effect] = []
    node.replica?.noteJournal(bytes: node.journal.count * 256)
    node.replica?.step(input, at: moment, into: &effects)
    for effect in effects { perform(effect, index, node) }
  }

  private func perform(_ effect: Effect, _ index: Int, _ node: Node) {
    switch effect {
    case .persist(let record): node.journal.append(record)
    case .rewriteJournal(let records): node.journal = records
    case .send(let peer, let message):
      if let peer = self.node(Int(peer), at: index) { deliver(message, from: index, to: peer) }
    case .broadcast(let message):
      node.sent.append(message)
      if node.sent.count > 1000 { node.sent.removeFirst(500) }
      for place in 0..<(node.replica?.committee.n ?? 0) {
        if let peer = self.node(place, at: index), peer != index { deliver(message, from: index, to: peer) }
      }
    case .publish(let observers, let bytes):
      for observer in observers {
        if let peer = self.node(Int(observer), at: index) { deliver(bytes, from: index, to: peer) }
      }
    case .dismiss(let observer, let reason):
      guard let peer = self.node(Int(observer), at: index), nodes.indices.contains(peer) else { return }
      nodes[peer].dismissals.append(reason)
      push(peer, .disconnected(number(of: index, at: peer)), after: 1_000_000)
    case .committee: succeed(index)
    case .check(let bytes, let observer):
      let input = TransactionCheck.run(bytes, chain: genesis.chain, scheme: .standIn)
      push(index, .checked(bytes, input, from: observer), after: 100_000)
    case .verify(let batch, let transactions):
      let inputs = transactions.map { TransactionCheck.run($0, chain: genesis.chain, scheme: .standIn) }
      push(index, .verified(batch: batch, inputs), after: 100_000)
    case .commit(let commit):
      do {
        try node.store.commit(commit)
        let done = Input.committed(commit.blocks.last?.height ?? 0)
        if node.isDiskStuck { node.stuckCommit = done } else { push(index, done, after: 1_000_000) }
      } catch {
        node.halted = "\(error)"
      }
    case .loadBlocks(let peer, let from):
      var blocks: [FinalBlock] = []
      var height = from
      while blocks.count < 16, let stored = try? node.store.block(at: height), let block = FinalBlock(stored) {
        blocks.append(block)
        height += 1
      }
      push(index, .loaded(for: peer, blocks), after: 100_000)
    case .receipt(let ticket, let receipt, _): node.receipts[ticket] = receipt
    case .refused(let ticket, let refusal): node.refusals[ticket] = refusal
    case .readReady(let ticket): node.ready.insert(ticket)
    case .finalized(let block): node.finalized.append(block)
    case .proven(let height, _): node.proven = max(node.proven, height)
    case .certified(let certificate): node.certified = max(node.certified, certificate.height)
    case .keepSecrets(let secrets): node.secrets = secrets
    case .needSeed: push(index, .seed(SecretBytes(count: 32)), after: 0)
    case .wake(let at): node.wake = at
    case .report(let peer, let reason): node.reports.append("\(peer): \(reason)")
    case .halt(let reason): node.halted = reason
    }
  }

  private func deliver(_ message: PeerMessage, from: Int, to: Int) {
    deliver(message.wireBytes, from: from, to: to, after: heldBack(message, from, to))
  }

  private func deliver(_ message: [UInt8], from: Int, to: Int, after extra: Instant = 0) {
    guard nodes.indices.contains(to), nodes[to].replica != nil, !isCut(from, to), random.below(1000) >= loss else {
      return
    }
    let delay = 500_000 + Instant(random.below(1_000_000))
    push(to, .message(from: number(of: from, at: to), message), after: delay * slowness(from, to) + extra)
  }

  // MARK: Clients

  /// A signed transaction of one of the funded traders (100, 101, ...) or of the custodian or authority.
  func transaction(_ trader: UInt8, _ actions: [Action], mode: TransactionMode = .bestEffort) -> [UInt8] {
    let key = Self.key(trader)
    var transaction = Transaction(
      chain: genesis.chain, signer: key, nonce: Nonce.make(time: moment.wall, random: random.next()),
      expiry: moment.wall + 60 * Duration64.second, mode: mode, actions: actions)
    transaction.signature = Signer.standIn(key).sign(transaction.signingBytes)
    return transaction.wireBytes
  }

  func sent(by node: Int) -> [PeerMessage] { nodes[node].sent }

  private var nextTicket: UInt64 = 0

  @discardableResult func submit(_ bytes: [UInt8], to node: Int) -> UInt64 {
    nextTicket += 1
    let input = TransactionCheck.run(bytes, chain: genesis.chain, scheme: .standIn)
    push(node, .submit(bytes: bytes, input, ticket: nextTicket), after: 0)
    return nextTicket
  }

  func read(at node: Int) -> UInt64 {
    nextTicket += 1
    push(node, .read(ticket: nextTicket), after: 0)
    return nextTicket
  }

  var heights: [Height] { nodes.map { $0.replica?.finalHeight ?? 0 } }
  func root(_ node: Int, at height: Height) -> Digest? {
    nodes[node].finalized.last { $0.header.height == height }?.executed.stateRoot
  }
}
