// Four replicas on a perfect network for two seconds: what they said and stored is what the fuzzer starts from.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Sodium
import Wire

struct Traffic {
  struct Heard {
    var at: Instant
    var from: ValidatorIndex
    var message: PeerMessage
  }

  /// What validator 0 heard.
  private(set) var messages: [Heard] = []
  private(set) var journal: [JournalRecord] = []
  private(set) var storedBlocks: [StoredBlock] = []
  private(set) var histories: [HistoryTree] = []
  private(set) var certificates: [Certificate] = []

  static let recorded = Traffic()

  private init() {
    var rigs = (0..<4).map { ReplicaRig(index: ValidatorIndex($0)) }
    var queue: [(at: Instant, from: Int, to: Int, message: PeerMessage)] = []
    let start = rigs[0].now
    var transactions = Market.transactions.makeIterator()
    for now in stride(from: start, to: start + 2 * Duration64.second, by: Int64.Stride(5 * Duration64.millisecond)) {
      let due = queue.filter { $0.at <= now }
      queue.removeAll { $0.at <= now }
      for (at, from, to, message) in due {
        if to == 0 { messages.append(Heard(at: at, from: ValidatorIndex(from), message: message)) }
        note(
          rigs[to].effects(of: .message(from: ValidatorIndex(from), message.wireBytes), at: now), of: to, now, &queue)
      }
      for node in rigs.indices {
        if now == start {
          for peer in rigs.indices where peer != node {
            note(rigs[node].effects(of: .connected(ValidatorIndex(peer)), at: now), of: node, now, &queue)
          }
        }
        note(rigs[node].effects(of: .tick, at: now), of: node, now, &queue)
      }
      if (now - start) % (100 * Duration64.millisecond) == 0, let transaction = transactions.next() {
        let node = Int(now / Duration64.millisecond / 100 % 4)
        note(rigs[node].effects(of: .submit(bytes: transaction.wireBytes), at: now), of: node, now, &queue)
      }
    }
  }

  private mutating func note(
    _ effects: [Effect], of node: Int, _ now: Instant,
    _ queue: inout [(at: Instant, from: Int, to: Int, message: PeerMessage)]
  ) {
    let arrival = now + 5 * Duration64.millisecond
    for effect in effects {
      switch effect {
      case .send(let peer, let message): queue.append((arrival, node, Int(peer), message))
      case .broadcast(let message):
        for peer in 0..<4 where peer != node { queue.append((arrival, node, peer, message)) }
      case .persist(let record): if node == 0 { journal.append(record) }
      case .commit(let commit):
        guard node == 0 else { break }
        storedBlocks += commit.blocks
        if let bytes = commit.meta[LedgerMeta.history],
          let history = try? WireReader.decode(HistoryTree.self, from: bytes)
        {
          histories.append(history)
        }
        for block in commit.blocks {
          guard let held = try? WireReader.decode(Certificates.self, from: block.certificates) else { continue }
          certificates += [held.final] + (held.state.map { [$0] } ?? [])
        }
      default: break
      }
    }
  }

  // MARK: - Parts

  var consensusMessages: [ConsensusMessage] {
    messages.compactMap { if case .consensus(let message) = $0.message { message } else { nil } }
  }

  var laneMessages: [LaneMessage] {
    messages.compactMap { if case .lane(let message) = $0.message { message } else { nil } }
  }

  var proposals: [Proposal] {
    consensusMessages.compactMap { if case .proposal(let proposal) = $0 { proposal } else { nil } }
  }

  var finalBlocks: [FinalBlock] { storedBlocks.compactMap { FinalBlock($0) } }

  /// The first messages that validator 0 heard, as programs for the replica target.
  var scripts: [[UInt8]] {
    [10, 40, 160].map { count in
      var last = messages.first?.at ?? 0
      return messages.prefix(count).flatMap { heard -> [UInt8] in
        defer { last = heard.at }
        let pause = UInt8(clamping: (heard.at - last) / Duration64.millisecond)
        return [0, pause, UInt8(heard.from)] + (Script.encode(heard.message.wireBytes) ?? [0, 0])
      }
    } + [Market.transactions.prefix(3).flatMap { [4, 5, 0] + (Script.encode($0.wireBytes) ?? [0, 0]) }]
  }

  var laneScripts: [[UInt8]] {
    let said = messages.flatMap { heard -> [UInt8] in
      guard case .lane(let message) = heard.message else { return [] }
      return [0, 3, UInt8(heard.from)] + (Script.encode(message.wireBytes) ?? [0, 0])
    }
    let cuts = proposals.prefix(8).flatMap { [4, 1, 5] + (Script.encode($0.cut) ?? [0, 0]) }
    return [Array(said.prefix(4000)) + cuts, [3, 1, 0, 0, 2, 9, 9, 3, 1, 0, 0, 1, 7, 5, 90, 0]]
  }

  // MARK: - Signing

  /// The message with the signatures that its senders would have given it.
  static func signedAnew(_ bytes: [UInt8]) -> [UInt8] {
    guard let message = try? WireReader.decode(PeerMessage.self, from: bytes) else { return bytes }
    let committee = Committee(chain: Market.chain, epoch: 0, keys: Market.validators)
    switch message {
    case .consensus(.vote(let vote)):
      guard Int(vote.voter) < committee.n else { return bytes }
      let key = Market.validators[Int(vote.voter)]
      return PeerMessage.consensus(.vote(vote.signed(by: .standIn(key), committee: committee))).wireBytes
    case .consensus(.proposal(var proposal)):
      guard Int(proposal.header.leader) < committee.n else { return bytes }
      let key = Market.validators[Int(proposal.header.leader)]
      proposal.header.cutHash = Proposal.hash(ofCut: proposal.cut)
      proposal.signature = Signer.standIn(key).sign(
        Array("novation/propose/v1".utf8) + proposal.header.hash(chain: Market.chain).bytes)
      return PeerMessage.consensus(.proposal(proposal)).wireBytes
    case .lane(let message): return PeerMessage.lane(signedAnew(message)).wireBytes
    default: return bytes
    }
  }

  static func signedAnew(_ message: LaneMessage) -> LaneMessage {
    switch message {
    case .batch(var batch):
      guard Int(batch.lane) < Market.validators.count else { return message }
      batch.signature = Signer.standIn(Market.validators[Int(batch.lane)]).sign(batch.hash(chain: Market.chain).bytes)
      return .batch(batch)
    case .ack(var ack):
      guard Int(ack.voter) < Market.validators.count else { return message }
      let key = Market.validators[Int(ack.voter)]
      ack.signature = Signer.standIn(key).sign(ack.point.ackBytes(chain: Market.chain))
      return .ack(ack)
    default: return message
    }
  }
}

extension ReplicaRig {
  fileprivate mutating func effects(of input: Step, at now: Instant) -> [Effect] {
    self.now = now
    step(input)
    return effects
  }
}
