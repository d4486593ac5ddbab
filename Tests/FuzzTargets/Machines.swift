// State machines fed with what others send: a whole replica, its lanes alone, and the clearing engine.

import Clearing
import Consensus
import Gossip
import Ledger
import Primitives
import Replica
import Sodium
import Wire

extension FuzzTarget {
  static let machines: [FuzzTarget] = [replica, lanes, clearing]

  /// Messages, ticks and submissions to one of four validators, from the beginning of the chain. The stand-in signatures
  /// can be made for anybody, so the fuzzer may have what it changed signed anew.
  private static let replica = FuzzTarget(
    "replica", seeds: { Traffic.recorded.scripts },
    run: { bytes in
      var script = Script(bytes)
      var node = ReplicaRig(index: 0)
      for _ in 0..<2_000 where !script.isAtEnd {
        let kind = script.byte()
        node.now += Instant(script.byte()) * Duration64.millisecond
        let peer = ValidatorIndex(script.byte() % 5)
        switch kind % 8 {
        case 0, 1, 2: node.step(.message(from: peer, script.bytes()))
        case 3: node.step(.message(from: peer, Traffic.signedAnew(script.bytes())))
        case 4: node.step(.submit(bytes: script.bytes()))
        case 5: node.step(.connected(peer))
        case 6: node.step(.read)
        default: node.step(.tick)
        }
      }
    })

  private static let lanes = FuzzTarget(
    "lanes", seeds: { Traffic.recorded.laneScripts },
    run: { bytes in
      var script = Script(bytes)
      var lanes = Lanes(
        chain: Market.chain, keys: Market.validators, f: 1, index: 0, signer: .standIn(Market.validators[0]),
        scheme: .standIn)
      var effects: [Lanes.Effect] = []
      var now: Instant = 1_000_000_000
      for _ in 0..<2_000 where !script.isAtEnd {
        let kind = script.byte()
        now += Instant(script.byte()) * Duration64.millisecond
        let peer = ValidatorIndex(script.byte() % 6)
        let content = script.bytes()
        switch kind % 6 {
        case 0, 1:
          guard let message = try? WireReader.decode(LaneMessage.self, from: content) else { continue }
          lanes.step(.message(from: peer, message), at: now, into: &effects)
        case 2:
          guard let message = try? WireReader.decode(LaneMessage.self, from: content) else { continue }
          lanes.step(.message(from: peer, Traffic.signedAnew(message)), at: now, into: &effects)
        case 3: lanes.step(.submit(transaction: content), at: now, into: &effects)
        case 4:
          guard let cut = try? WireReader.decode(LaneCut.self, from: content) else { continue }
          switch lanes.verdict(cut, over: LaneCut(), view: UInt64(peer), leader: peer % 4) {
          case .missing(let missing): lanes.fetch(missing, from: peer % 4, at: now, into: &effects)
          case .available:
            _ = lanes.batches(after: LaneCut(), upTo: cut, view: UInt64(peer))
            if peer == 5 { lanes.step(.final(cut), at: now, into: &effects) }
          default: break
          }
        default: lanes.step(.tick, at: now, into: &effects)
        }
        if effects.count > 10_000 { effects.removeAll() }
      }
      _ = lanes.journalSnapshot()
    })

  /// Blocks of any actions of known traders and authorities: every invariant holds after each, and a block taken back
  /// and applied again gives the same.
  private static let clearing = FuzzTarget(
    "clearing", seeds: { Market.scripts },
    run: { bytes in
      var script = Script(bytes)
      var house = Market.house
      var height = house.height
      var time = house.timestamp
      for number in 0..<64 where !script.isAtEnd {
        // Up to 42 days.
        let pause = script.byte()
        time += Int64(pause & 0x3f) * [1_000_000, 1_000_000_000, 60_000_000_000, 57_600_000_000_000][Int(pause >> 6)]
        height += 1
        var inputs: [TransactionInput] = []
        for place in 0..<1 + Int(script.byte() % 4) {
          guard let input = Market.input(&script, at: time, salt: UInt64(number * 8 + place)) else { continue }
          inputs.append(input)
        }
        let block = BlockInput(height: height, timestamp: time, transactions: inputs)
        var (first, again) = (BlockResult(), BlockResult())
        house.apply(block, into: &first)
        if number % 4 == 1 {
          var undone: [RecordChange] = []
          house.rollbackBlock(into: &undone)
          house.apply(block, into: &again)
          precondition(again.changes == first.changes && again.outcomes == first.outcomes, "a block done again differs")
        }
        house.releaseBlock()
        let violations = house.checkInvariants()
        precondition(violations.isEmpty, "\(violations)")
      }
    })
}

/// One replica with a host that answers at once.
struct ReplicaRig {
  enum Step {
    case message(from: ValidatorIndex, [UInt8])
    case submit(bytes: [UInt8])
    case connected(ValidatorIndex)
    case read
    case tick
  }

  var now: Instant = 1_000_000_000
  private(set) var replica: Replica
  private var ticket: UInt64 = 0
  /// What left the replica in the last step.
  private(set) var effects: [Effect] = []

  init(index: ValidatorIndex) {
    var house = ClearingHouse(genesis: Market.genesis, chain: Market.chain)
    var changes: [RecordChange] = []
    house.sealGenesis(into: &changes)
    var system = SystemState(genesis: Market.network, chain: Market.chain, scheme: .standIn)
    system.sealGenesis(into: &changes)
    var tree = StateTree()
    tree.update(changes)
    var history = HistoryTree()
    history.append(Market.chain)
    replica = Replica(
      chain: Market.chain, signer: .standIn(Market.validators[Int(index)]),
      scheme: .standIn, settings: ReplicaSettings(), clearing: house, system: system, tree: tree,
      recovery: Recovery(head: nil, history: history, journal: [], amnesiac: false),
      secrets: ReplicaSecrets(seed: SecretBytes(count: 32)), bootId: UInt64(index) + 1)
    perform(.start)
  }

  var moment: Moment { Moment(monotonic: now, wall: Market.start + now) }

  mutating func step(_ step: Step) {
    effects = []
    switch step {
    case .message(let peer, let bytes): perform(.message(from: peer, bytes))
    case .submit(let bytes):
      ticket += 1
      let input = TransactionCheck.run(bytes, chain: Market.chain, scheme: .standIn)
      perform(.submit(bytes: bytes, input, ticket: ticket))
    case .connected(let peer): perform(.connected(peer))
    case .read:
      ticket += 1
      perform(.read(ticket: ticket))
    case .tick: perform(.tick)
    }
    precondition(effects.count < 5_000, "one input had \(effects.count) effects")
  }

  private mutating func perform(_ input: Input) {
    var fresh: [Effect] = []
    replica.step(input, at: moment, into: &fresh)
    effects += fresh
    for effect in fresh {
      switch effect {
      case .verify(let batch, let transactions):
        let inputs = transactions.map { TransactionCheck.run($0, chain: Market.chain, scheme: .standIn) }
        perform(.verified(batch: batch, inputs))
      case .commit(let commit): perform(.committed(commit.blocks.last?.height ?? 0))
      case .loadBlocks(let peer, _): perform(.loaded(for: peer, []))
      default: break
      }
    }
  }
}
