// Serving observers: peers that are no validators. They are pushed the final blocks that the ledger here holds, may ask
// for earlier ones, may probe for linearizable reads and hand in transactions. Nothing else that they say is even decoded.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Sodium
import Threshold
import Wire

extension Replica {
  /// Observers that are connected.
  public var observers: Int { audience.count }

  func isObserver(_ peer: ValidatorIndex) -> Bool { Int(peer) >= committee.n }

  mutating func admit(_ observer: ValidatorIndex, at now: Moment, into effects: inout [Effect]) {
    audience.admit(observer, at: now.monotonic)
    effects.append(.send(to: observer, .tip(committed)))
    if let newest = certifier.newest { effects.append(.send(to: observer, .certificate(newest))) }
  }

  /// O1: the cheap checks first. The first byte of a message is its kind.
  mutating func hear(_ bytes: [UInt8], from observer: ValidatorIndex, at now: Moment, into effects: inout [Effect]) {
    guard audience[observer] != nil else { return }
    guard audience[observer]?.messages.take(1, at: now.monotonic) == true else {
      counters.observerMessagesRefused &+= 1
      return strike(observer, 1, "sends too much", into: &effects)
    }
    guard let kind = bytes.first, PeerMessage.isForValidators(kind) else {
      counters.observerMessagesRefused &+= 1
      // E3: one that was a validator and has not heard of the change yet means no harm, and has to hear of it.
      // Nor does one that is a validator by now, where this node is the one that has not come so far.
      let mayChange = committee.epoch > 0 || isCommitteeOver || system.finalKeys.successors != nil
      guard !mayChange || !PeerMessage.isOfCommittee(bytes.first ?? 0) else { return }
      return strike(observer, Audience.strikesOfForbidden, "sends what only validators may", into: &effects)
    }
    guard let message = try? WireReader.decode(PeerMessage.self, from: bytes) else {
      counters.malformedMessages &+= 1
      return strike(observer, Audience.strikesOfForbidden, "sends malformed messages", into: &effects)
    }
    switch message {
    case .getBlocks(let height):
      audience.asked(observer, from: max(1, height))
      serveObservers(at: now.monotonic, into: &effects)
    case .readProbe(let nonce): answerProbe(nonce, from: observer, into: &effects)
    case .transaction(let transaction): takeIn(transaction, from: observer, at: now, into: &effects)
    default: break
    }
  }

  private mutating func strike(
    _ observer: ValidatorIndex, _ strikes: Int, _ reason: String, into effects: inout [Effect]
  ) {
    if audience.strike(observer, strikes) { dismissObserver(observer, reason, into: &effects) }
  }

  private mutating func dismissObserver(
    _ observer: ValidatorIndex, _ reason: String, into effects: inout [Effect]
  ) {
    audience.leave(observer)
    counters.observersDismissed &+= 1
    effects.append(.dismiss(observer, reason))
  }

  // MARK: Blocks

  /// O3: answers from the ledger whoever asked for blocks that it holds.
  mutating func serveObservers(at now: Instant, into effects: inout [Effect]) {
    while let (observer, height) = audience.nextLoad(upTo: committed, at: now) {
      effects.append(.loadBlocks(for: observer, from: height))
    }
  }

  mutating func loaded(
    _ blocks: [FinalBlock], for observer: ValidatorIndex, at now: Instant, into effects: inout [Effect]
  ) {
    let bytes = blocks.reduce(0) { sum, block in
      block.batches.reduce(sum + 4096) { $1.transactions.reduce($0 + 256) { $0 + $1.count } }
    }
    guard audience.loaded(observer, from: blocks.first?.proposal.header.height, bytes: bytes),
      let last = blocks.last?.proposal.header.height
    else {
      // A history that begins later: somebody else may have it.
      if blocks.isEmpty, audience[observer] != nil { audience[observer]?.next = nil }
      return
    }
    effects.append(.send(to: observer, .blocks(blocks)))
    audience.answered(observer, upTo: last + 1, at: now)
  }

  /// The blocks of a commit, for those who have everything below; nil where nobody waits or they are too many for one
  /// message.
  mutating func preparePublication(of chain: ArraySlice<Digest>) {
    publication = nil
    guard let first = chain.first.flatMap({ blocks[$0]?.header.height }), chain.count <= PeerMessage.blocksMax,
      audience.count > 0
    else { return }
    var sent: [FinalBlock] = []
    var bytes = 0
    for hash in chain {
      guard let block = blocks[hash], let certificate = block.certificate else { return }
      let batches = (block.batches ?? []).map(\.batch)
      bytes += batches.reduce(0) { $1.transactions.reduce($0) { $0 + $1.count } }
      sent.append(
        FinalBlock(
          proposal: block.proposal, batches: batches, certificate: certificate,
          stateCertificate: block.stateCertificate))
    }
    guard bytes <= Self.publicationBytesMax else { return }
    publication = (first, PeerMessage.blocks(sent).wireBytes)
  }

  private static let publicationBytesMax = 4 << 20

  /// What was committed goes to all observers that wait for it, encoded once.
  mutating func publish(upTo height: Height, at now: Instant, into effects: inout [Effect]) {
    guard audience.count > 0 else { return publication = nil }
    if let (first, message) = publication {
      let waiting = audience.waiting(for: first)
      if !waiting.isEmpty {
        effects.append(.publish(to: waiting, message))
        for observer in waiting { audience.answered(observer, upTo: height + 1, at: now) }
      }
    }
    publication = nil
    serveObservers(at: now, into: &effects)
  }

  /// With the tips for the validators.
  mutating func attendToObservers(at now: Instant, into effects: inout [Effect]) {
    let numbers = audience.numbers
    guard !numbers.isEmpty else { return }
    effects.append(.publish(to: numbers, PeerMessage.tip(committed).wireBytes))
    for observer in audience.late(at: now) {
      dismissObserver(observer, "reads too slowly", into: &effects)
    }
    serveObservers(at: now, into: &effects)
  }

  mutating func tellObservers(_ certificate: GroupCertificate, into effects: inout [Effect]) {
    let numbers = audience.numbers
    guard !numbers.isEmpty else { return }
    effects.append(.publish(to: numbers, PeerMessage.certificate(certificate).wireBytes))
  }

  // MARK: Transactions

  /// O5: bounded before anything is verified; the host checks the signature elsewhere.
  private mutating func takeIn(
    _ transaction: [UInt8], from observer: ValidatorIndex, at now: Moment, into effects: inout [Effect]
  ) {
    if KeyMessageEnvelope.isOne(transaction) {
      return takeIn(keyMessage: transaction, from: observer, at: now, into: &effects)
    }
    guard index != nil, let listener = audience[observer], listener.checks < Audience.checksMax,
      transaction.count <= TransactionCheck.bytesMax,
      audience[observer]?.transactionBytes.take(Int64(transaction.count), at: now.monotonic) == true,
      lanes.canAccept(bytes: transaction.count)
    else {
      counters.observerTransactionsRefused &+= 1
      return
    }
    audience[observer]?.checks += 1
    effects.append(.check(transaction, from: observer))
  }

  /// Somebody who is to become a validator has no lane yet.
  private mutating func takeIn(
    keyMessage bytes: [UInt8], from observer: ValidatorIndex, at now: Moment, into effects: inout [Effect]
  ) {
    guard index != nil, bytes.count <= TransactionCheck.bytesMax,
      audience[observer]?.transactionBytes.take(Int64(bytes.count), at: now.monotonic) == true,
      lanes.canAccept(bytes: bytes.count), isOfSuccessor(bytes)
    else {
      counters.observerTransactionsRefused &+= 1
      return
    }
    stepLanes(.submit(transaction: bytes, isMoreComing: false), at: now)
  }

  /// A transaction of an observer whose signature was looked at; nil where the ledger holds its receipt, or it expired.
  mutating func takeIn(
    _ bytes: [UInt8], _ input: TransactionInput?, from observer: ValidatorIndex, at now: Moment,
    into effects: inout [Effect]
  ) {
    if let checks = audience[observer]?.checks { audience[observer]?.checks = max(0, checks - 1) }
    guard let input else { return }
    guard input.signatureValid else {
      counters.observerTransactionsRefused &+= 1
      return strike(observer, Audience.strikesOfForbidden, "hands in forged transactions", into: &effects)
    }
    // On its way already, from here or from a client of this node.
    guard index != nil, submitted[input.hash] == nil, tickets[input.hash] == nil,
      tickets.count + submitted.count < Self.waitingTransactionsMax, lanes.canAccept(bytes: bytes.count)
    else {
      counters.observerTransactionsRefused &+= 1
      return
    }
    counters.observerTransactions &+= 1
    submitted[input.hash] = input
    stepLanes(.submit(transaction: bytes, isMoreComing: false), at: now)
  }
}

extension PeerMessage {
  /// O1: whether an observer may send this kind to a validator.
  static func isForValidators(_ kind: UInt8) -> Bool { kind == 3 || kind == 6 || kind == 11 }

  /// What validators alone say to each other, or `bound`, and tell whoever is connected of their tips and certificates.
  static func isOfCommittee(_ kind: UInt8) -> Bool { [1, 2, 4, 5, 8, 9, 10, 12].contains(kind) }

  /// O2: what an observer listens to. It takes no part in agreement or lanes.
  var isForObservers: Bool {
    switch self {
    case .readAnswer, .tip, .blocks, .certificate: true
    case .consensus, .lane, .readProbe, .getBlocks, .nonces, .share, .transaction, .bound: false
    }
  }
}
