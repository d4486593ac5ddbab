// A few validators' lanes on an unreliable network in virtual time, for tests: it carries effects out, keeps each node's
// journal, and delivers messages encoded, late, twice, or never.

import Gossip
import Primitives
import Sodium
import Wire

struct LaneNetwork {
  struct Packet {
    var at: Instant
    var order: Int
    var from: Int
    var to: Int
    var bytes: [UInt8]
  }

  static let chain = Blake2b.hash([1, 2, 3])

  static func key(_ index: Int) -> PublicKey { PublicKey(words: (7, 7, 7, UInt64(index))) }
  static func signer(_ index: Int) -> Signer { .standIn(key(index)) }

  let n: Int
  let f: Int
  let settings: LaneSettings
  var nodes: [Lanes] = []
  var journals: [[LaneJournalEntry]]
  var timers: [Instant?]
  var now: Instant = 0
  var packets: [Packet] = []
  var sent = 0
  var random: SeededRandom
  var reports: [(node: Int, peer: ValidatorIndex, fault: LaneFault)] = []
  var refusals: [(node: Int, refusal: LaneRefusal)] = []
  var held: [[Digest]]
  var standingLost: [(node: Int, lane: ValidatorIndex, until: View)] = []
  /// Kinds of messages sent, by the first byte of their encoding.
  var kinds = [Int](repeating: 0, count: 9)
  /// In percent.
  var loss: UInt64 = 0
  var duplication: UInt64 = 0
  var latency: Int64 = Duration64.millisecond
  var jitter: UInt64 = 0
  /// True drops the message.
  var isCut: (_ from: Int, _ to: Int, _ message: LaneMessage) -> Bool = { _, _, _ in false }

  /// The last `observers` of the `n` + `observers` nodes have no lane.
  init(n: Int, observers: Int = 0, settings: LaneSettings = LaneSettings(), seed: UInt64 = 1) {
    self.n = n
    f = (n - 1) / 3
    self.settings = settings
    random = SeededRandom(seed: seed)
    journals = Array(repeating: [], count: n + observers)
    timers = Array(repeating: nil, count: n + observers)
    held = Array(repeating: [], count: n + observers)
    for index in 0..<(n + observers) { nodes.append(make(index)) }
  }

  func make(_ index: Int) -> Lanes {
    Lanes(
      chain: Self.chain, keys: (0..<n).map(Self.key), f: f, index: index < n ? ValidatorIndex(index) : nil,
      signer: Self.signer(index), scheme: .standIn, settings: settings, recovered: journals[index])
  }

  mutating func restart(_ index: Int, final: LaneCut? = nil) {
    nodes[index] = make(index)
    timers[index] = nil
    if let final { step(index, .final(final)) }
    step(index, .start)
  }

  mutating func step(_ index: Int, _ input: Lanes.Input) {
    var effects: [Lanes.Effect] = []
    nodes[index].step(input, at: now, into: &effects)
    perform(effects, of: index)
  }

  mutating func fetch(_ index: Int, _ missing: [MissingBatch], from leader: ValidatorIndex) {
    var effects: [Lanes.Effect] = []
    nodes[index].fetch(missing, from: leader, at: now, into: &effects)
    perform(effects, of: index)
  }

  mutating func perform(_ effects: [Lanes.Effect], of index: Int) {
    for effect in effects {
      switch effect {
      case .persist(let entry): journals[index].append(entry)
      case .send(let to, let message): send(message, from: index, to: Int(to))
      case .broadcast(let message):
        for to in nodes.indices where to != index { send(message, from: index, to: to) }
      case .timer(let at): timers[index] = at
      case .held(_, let hash): held[index].append(hash)
      case .refused(_, let refusal): refusals.append((index, refusal))
      case .report(let peer, let fault): reports.append((index, peer, fault))
      case .standingLost(let lane, let until): standingLost.append((index, lane, until))
      }
    }
  }

  mutating func send(_ message: LaneMessage, from: Int, to: Int) {
    guard to < nodes.count, !isCut(from, to, message) else { return }
    let bytes = message.wireBytes
    kinds[Int(bytes[0])] += 1
    for _ in 0..<(random.below(100) < duplication ? 2 : 1) where random.below(100) >= loss {
      sent += 1
      let at = now + latency + Int64(random.below(jitter + 1))
      packets.append(Packet(at: at, order: sent, from: from, to: to, bytes: bytes))
    }
  }

  /// Delivers and ticks whatever is due until `end`.
  mutating func run(until end: Instant) throws {
    while let next = nextEvent, next <= end {
      now = max(now, next)
      for index in nodes.indices {
        if let at = timers[index], at <= now {
          timers[index] = nil
          step(index, .tick)
        }
      }
      let due = packets.filter { $0.at <= now }.sorted { ($0.at, $0.order) < ($1.at, $1.order) }
      packets.removeAll { $0.at <= now }
      for packet in due {
        let message = try WireReader.decode(LaneMessage.self, from: packet.bytes)
        step(packet.to, .message(from: ValidatorIndex(packet.from), message))
      }
    }
    now = end
  }

  mutating func run(for duration: Int64) throws { try run(until: now + duration) }

  private var nextEvent: Instant? {
    (timers.compactMap { $0 } + packets.map(\.at)).min()
  }

  /// Everybody learns that `cut` is final.
  mutating func finalize(_ cut: LaneCut) {
    for index in nodes.indices { step(index, .final(cut)) }
  }

  mutating func enter(_ view: View, leader: Int, nullified: Int = 0, delay: Int64 = 10 * Duration64.millisecond) {
    for index in nodes.indices {
      step(
        index, .enteredView(view, leader: ValidatorIndex(leader), nullifiedInARow: nullified, delay: delay))
    }
  }
}

/// A batch as lane `lane`'s owner would sign it.
func signedBatch(
  lane: Int, sequence: UInt64, previous: Digest = .zero, transactions: [[UInt8]]
) -> LaneBatch {
  var batch = LaneBatch(
    lane: ValidatorIndex(lane), sequence: sequence, previousHash: previous, transactions: transactions)
  batch.signature = LaneNetwork.signer(lane).sign(batch.hash(chain: LaneNetwork.chain).bytes)
  return batch
}

/// A chain of batches of one lane.
func signedChain(lane: Int, count: Int, salt: UInt8 = 0, bytes: Int = 4) -> [LaneBatch] {
  var previous = Digest.zero
  return (0..<count).map { index in
    let content = [UInt8](repeating: salt, count: bytes) + [UInt8(index & 255)]
    let batch = signedBatch(lane: lane, sequence: UInt64(index + 1), previous: previous, transactions: [content])
    previous = batch.hash(chain: LaneNetwork.chain)
    return batch
  }
}

func point(_ batch: LaneBatch) -> LanePoint {
  LanePoint(lane: batch.lane, sequence: batch.sequence, hash: batch.hash(chain: LaneNetwork.chain))
}

func tip(_ batch: LaneBatch, proof: LaneProof? = nil) -> LaneTip { LaneTip(point: point(batch), proof: proof) }

func proof(of batch: LaneBatch, by voters: [Int]) -> LaneProof {
  let at = point(batch)
  let message = at.ackBytes(chain: LaneNetwork.chain)
  return LaneProof(
    point: at,
    vouchers: voters.map { .init(voter: ValidatorIndex($0), signature: LaneNetwork.signer($0).sign(message)) })
}

func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt64(value).littleEndian) { Array($0) } }
