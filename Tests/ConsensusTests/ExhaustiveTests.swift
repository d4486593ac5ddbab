// An exhaustive check of one view for n = 4...7. The model has the rules' states and nothing else, decides through the
// product's own VoteRules, and over-approximates: any validator may have received any subset of what honest validators
// sent, and the Byzantine ones may have told it anything.
//
// State: the multiset of honest validators' votes. Messages are never unsent, so "some honest validator can do X now"
// depends on the votes cast so far alone. Blocks are interchangeable, and so are honest non-leaders.

import Consensus
import Testing

/// Votes of one honest validator: first (0 none, 1 nullify, 2... block), fallbacks as bits, finalized block or 0.
private struct Local: Hashable, Comparable {
  var first: UInt8 = 0
  var fallbacks: UInt8 = 0
  var final: UInt8 = 0
  static func < (a: Local, b: Local) -> Bool {
    (a.first, a.fallbacks, a.final) < (b.first, b.fallbacks, b.final)
  }
  func backs(_ choice: UInt8) -> Bool { first == choice + 1 || fallbacks & (1 << choice) != 0 }
}

private struct Model {
  let rules: VoteRules
  let blocks: Int
  let byzantineLeader: Bool
  var memo: [[UInt8]: UInt8] = [:]
  var f: Int { rules.f }

  init(n: Int, blocks: Int, byzantineLeader: Bool, mutation: ProtocolMutation) {
    rules = VoteRules(n: n, mutation: mutation)
    self.blocks = blocks
    self.byzantineLeader = byzantineLeader
  }

  /// Fallbacks that some received votes allow to a validator whose first vote was `own` (0 nullify, k block).
  mutating func fallbacks(_ counts: [UInt8], own: UInt8) -> UInt8 {
    let key = counts + [own]
    if let known = memo[key] { return known }
    var allowed: UInt8 = 0
    // The headers it holds: any set that has its own block; every subset of honest votes; every Byzantine vote.
    for known in 0..<(1 << blocks) where own == 0 || known & (1 << (Int(own) - 1)) != 0 {
      let held = (1...max(blocks, 1)).filter { blocks > 0 && known & (1 << ($0 - 1)) != 0 }
      explore(held, counts, own) { allowed |= $0 }
    }
    memo[key] = allowed
    return allowed
  }

  private func explore(_ held: [Int], _ counts: [UInt8], _ own: UInt8, _ found: (UInt8) -> Void) {
    let choices = held.count + 1
    var received = [Int](repeating: 0, count: choices)
    let available = [Int(counts[0])] + held.map { Int(counts[$0]) }
    let ownPlace = own == 0 ? 0 : (held.firstIndex(of: Int(own)) ?? 0) + 1
    func honest(_ place: Int) {
      guard place < choices else { return byzantine(0, []) }
      for count in (place == ownPlace ? 1 : 0)...max(available[place], place == ownPlace ? 1 : 0) {
        received[place] = count
        honest(place + 1)
      }
    }
    func byzantine(_ liar: Int, _ told: [Choice]) {
      guard liar < f else { return decide(told) }
      for choice in -1..<choices { byzantine(liar + 1, told + [Choice(choice)]) }
    }
    func decide(_ told: [Choice]) {
      // Validator 0 is the leader: a Byzantine one, or one that is not among the votes counted here.
      var firsts = byzantineLeader ? told : []
      for (choice, count) in received.enumerated() {
        firsts += [Choice](repeating: Choice(choice), count: count)
      }
      if !byzantineLeader { firsts += told }
      let set = rules.fallbacks(
        firsts: firsts, blocks: held.count, leader: byzantineLeader ? 0 : -1, own: Choice(ownPlace))
      var bits: UInt8 = set.contains(.nullify) ? 1 : 0
      for (place, block) in held.enumerated() where set.contains(.block(place + 1)) { bits |= 1 << UInt8(block) }
      found(bits)
    }
    honest(0)
  }

  /// Explores every reachable state; the first contradiction found, and how many states there are.
  mutating func check() -> (violation: String?, states: Int) {
    let start = [Local](repeating: Local(), count: rules.n - f)
    var seen: Set<[Local]> = [start]
    var queue = [start]
    while let state = queue.popLast() {
      if let violation = contradiction(state) { return (violation, seen.count) }
      for next in successors(state) where seen.insert(next).inserted { queue.append(next) }
    }
    return (nil, seen.count)
  }

  private func contradiction(_ state: [Local]) -> String? {
    for block in 1...UInt8(max(blocks, 1)) {
      let fast = rules.isFastQuorum(state.count { $0.first == block + 1 } + f)
      let final = rules.isQuorum(state.count { $0.final == block } + f)
      guard fast || final else { continue }
      for other in 0...UInt8(max(blocks, 1)) where other != block {
        if rules.isQuorum(state.count { $0.backs(other) } + f) {
          return "\(fast ? "fast final" : "final") \(block) against \(other == 0 ? "nullification" : "block \(other)")"
        }
      }
    }
    return nil
  }

  private mutating func successors(_ state: [Local]) -> [[Local]] {
    var counts = [UInt8](repeating: 0, count: blocks + 1)
    for local in state where local.first > 0 { counts[Int(local.first) - 1] += 1 }
    var next: [[Local]] = []
    for (place, local) in state.enumerated() where place == 0 || state[place - 1] != local {
      for moved in moves(local, state, counts) {
        var changed = state
        changed[place] = moved
        next.append(canonical(changed))
      }
    }
    return next
  }

  private mutating func moves(_ local: Local, _ state: [Local], _ counts: [UInt8]) -> [Local] {
    var moves: [Local] = []
    func add(_ change: (inout Local) -> Void) {
      var copy = local
      change(&copy)
      moves.append(copy)
    }
    if local.first == 0 {
      // C3: any header it was shown, or nullify when time is up.
      for choice in 0...UInt8(blocks) { add { $0.first = choice + 1 } }
      return moves
    }
    guard local.final == 0 else { return [] }
    // C9 (whether it holds a certificate is left open: more behaviour, not less).
    var allowed = fallbacks(counts, own: local.first - 1)
    if rules.timerNullifiesAfterNotarize, local.first > 1 { allowed |= 1 }
    for choice in 0...UInt8(blocks) where allowed & (1 << choice) != 0 && !local.backs(choice) {
      add { $0.fallbacks |= 1 << choice }
    }
    // C5: a notarization may have reached it.
    if local.first > 1, local.fallbacks == 0 {
      let block = local.first - 1
      if rules.isQuorum(state.count { $0.backs(block) } + f) { add { $0.final = block } }
    }
    return moves
  }

  /// The least renaming of blocks, validators sorted.
  private func canonical(_ state: [Local]) -> [Local] {
    var best = state.sorted()
    guard blocks > 1 else { return best }
    for order in blocks == 2
      ? [[0, 2, 1]] : [[0, 1, 3, 2], [0, 2, 1, 3], [0, 2, 3, 1], [0, 3, 1, 2], [0, 3, 2, 1]]
    {
      let renamed = state.map { local -> Local in
        var copy = Local()
        if local.first > 0 { copy.first = UInt8(order[Int(local.first) - 1]) + 1 }
        for choice in 0...blocks where local.fallbacks & (1 << UInt8(choice)) != 0 {
          copy.fallbacks |= 1 << UInt8(order[choice])
        }
        if local.final > 0 { copy.final = UInt8(order[Int(local.final)]) }
        return copy
      }.sorted()
      if renamed.lexicographicallyPrecedes(best) { best = renamed }
    }
    return best
  }
}

@Suite struct ExhaustiveTests {
  @Test func quorumTable() {
    let table: [(n: Int, f: Int, q: Int, qf: Int)] = [
      (1, 0, 1, 1), (2, 0, 2, 2), (3, 0, 3, 3), (4, 1, 3, 3), (7, 2, 5, 6), (10, 3, 7, 9), (31, 10, 21, 30),
    ]
    for row in table {
      let rules = VoteRules(n: row.n)
      #expect(rules.f == row.f && rules.quorum == row.q && rules.fastQuorum == row.qf, "n = \(row.n)")
    }
    for n in 4...256 {
      let rules = VoteRules(n: n)
      // What the safety argument uses, and what lets n - f honest validators make progress.
      #expect(rules.f + rules.p < rules.quorum && rules.quorum <= n - rules.f, "n = \(n)")
      #expect(2 * rules.quorum > n + rules.f && rules.fastQuorum <= n - rules.p, "n = \(n)")
    }
  }

  @Test(arguments: [4, 5, 6, 7])
  func c3ToC10NoViewContradictsItself(n: Int) {
    for blocks in 1...3 {
      for byzantineLeader in blocks == 1 ? [false, true] : [true] {
        var model = Model(n: n, blocks: blocks, byzantineLeader: byzantineLeader, mutation: .none)
        let (violation, states) = model.check()
        #expect(violation == nil, "n = \(n), \(blocks) blocks")
        #expect(states > 30)
      }
    }
  }

  @Test(arguments: [ProtocolMutation.fastQuorumMinusOne, .quorumMinusOne, .nullifyAfterNotarize])
  func mutantsAreCaught(mutation: ProtocolMutation) {
    for n in [4, 7] {
      var model = Model(n: n, blocks: 2, byzantineLeader: true, mutation: mutation)
      #expect(model.check().violation != nil, "n = \(n)")
    }
  }
}
