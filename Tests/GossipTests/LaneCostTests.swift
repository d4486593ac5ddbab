// What dissemination costs in processor time, with real signatures: run in a release build to read the figures. It
// asserts results, never times.

import Gossip
import Primitives
import Sodium
import Testing

@Suite struct LaneCostTests {
  @Test func batchesOfAReplicaWithRealSignatures() throws {
    let n = 4
    let keys = (0..<n).map { SigningKey(seed: [UInt8](repeating: UInt8($0 + 1), count: 32)) }.compactMap { $0 }
    try #require(keys.count == n)
    var nodes = (0..<n).map { index in
      Lanes(
        chain: LaneNetwork.chain, keys: keys.map(\.publicKey), f: 1, index: ValidatorIndex(index),
        signer: .ed25519(keys[index]), scheme: .ed25519)
    }
    let rounds = 500
    let perRound = 20
    var final = LaneCut()
    var now: Instant = 0
    var effects: [Lanes.Effect] = []
    var ordered = 0
    var spent = Duration.zero
    let clock = ContinuousClock()
    for round in 0..<rounds {
      var messages: [(Int, LaneMessage)] = []
      spent += clock.measure {
        for node in 0..<n {
          effects.removeAll(keepingCapacity: true)
          for item in 0..<perRound {
            let content = number((round * n + node) * perRound + item) + [UInt8](repeating: 1, count: 300)
            nodes[node].step(.submit(transaction: content, isMoreComing: true), at: now, into: &effects)
          }
          nodes[node].step(.tick, at: now, into: &effects)
          for case .broadcast(let message) in effects { messages.append((node, message)) }
        }
        now += 5 * Duration64.millisecond
        for (from, message) in messages {
          for node in 0..<n where node != from {
            nodes[node].step(.message(from: ValidatorIndex(from), message), at: now, into: &effects)
          }
        }
        let cut = nodes[round % n].cut(over: final)
        for node in 0..<n {
          let verdict = nodes[node].verdict(cut, over: final, view: View(round), leader: 0)
          #expect(verdict == .available)
          let batches = nodes[node].batches(after: final, upTo: cut, view: View(round))
          ordered += batches?.reduce(0) { $0 + $1.batch.transactions.count } ?? 0
          nodes[node].step(.final(cut), at: now, into: &effects)
        }
        final = cut
      }
    }
    #expect(ordered == n * rounds * n * perRound)
    let sealed = nodes.reduce(0) { $0 + $1.statistics.sealed }
    let each = spent / (rounds * n)
    print("\(sealed) batches in \(rounds) blocks; a block costs a replica \(each)")
  }
}
