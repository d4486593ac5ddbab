import Ledger
import Primitives
import Sodium
import Testing
import Wire

/// The tree's definition, computed from scratch over a plain map: what every root is compared with.
struct ReferenceState {
  struct Name: Hashable {
    var table: TableID
    var key: [UInt8]
  }

  var values: [Name: [UInt8]] = [:]

  mutating func apply(_ changes: [RecordChange]) {
    for change in changes { values[Name(table: change.table, key: change.key)] = change.value }
  }

  var root: Digest {
    let leaves = values.map { name, value in
      (path: Blake2b.hash([name.table.rawValue] + name.key), value: Blake2b.hash(value))
    }
    return Self.node(leaves, depth: 0)
  }

  static func node(_ leaves: [(path: Digest, value: Digest)], depth: Int) -> Digest {
    guard let first = leaves.first else { return .zero }
    if leaves.count == 1 { return Blake2b.hashPair(tag: 0x10, first.path, first.value) }
    let zeros = leaves.filter { !$0.path.bit(depth) }
    let ones = leaves.filter { $0.path.bit(depth) }
    return Blake2b.hashPair(tag: 0x11, node(zeros, depth: depth + 1), node(ones, depth: depth + 1))
  }
}

@Suite struct StateTreeTests {
  static func randomChanges(_ random: inout SeededRandom, count: UInt64, keys: UInt64) -> [RecordChange] {
    (0..<random.below(count)).map { _ in
      let key = [UInt8(truncatingIfNeeded: random.below(keys)), UInt8(truncatingIfNeeded: random.below(3))]
      let value: [UInt8]? = random.below(3) == 0 ? nil : [UInt8(truncatingIfNeeded: random.below(5))]
      return RecordChange(table: TableID(UInt8(random.below(3))), key: key, value: value)
    }
  }

  @Test func emptyTreeHasRootZero() {
    var tree = StateTree()
    #expect(tree.root == .zero && tree.count == 0)
    tree.update([RecordChange(table: TableID(1), key: [1], value: nil)])
    #expect(tree.root == .zero && tree.count == 0)
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func rootIsThatOfTheDefinitionAfterEveryBlock(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var tree = StateTree()
    var reference = ReferenceState()
    for _ in 0..<25 {
      let changes = Self.randomChanges(&random, count: 40, keys: seed % 2 == 0 ? 8 : 200)
      tree.update(changes)
      reference.apply(changes)
      #expect(tree.root == reference.root)
      #expect(tree.count == reference.values.count)
    }
    // Delete everything: nothing may be left behind.
    tree.update(reference.values.keys.map { RecordChange(table: $0.table, key: $0.key, value: nil) })
    #expect(tree.root == .zero && tree.count == 0)
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func rootDoesNotDependOnOrderOrBatches(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var changes = (0..<200).map { RecordChange(table: TableID(1), key: [UInt8($0)], value: [UInt8($0), 7]) }
    var whole = StateTree()
    whole.update(changes)
    changes.shuffle(using: &random)
    var single = StateTree()
    for change in changes {
      single.update([RecordChange(table: TableID(2), key: change.key, value: [0])])
      single.update([change, RecordChange(table: TableID(2), key: change.key, value: nil)])
    }
    #expect(single.root == whole.root)
  }

  @Test func rollbackOfATableTakesTheTreeBack() {
    var random = SeededRandom(seed: 5)
    var table = Table<NumberKey, NumberRecord>(id: TableID(9))
    var tree = StateTree()
    var roots: [Digest] = []
    for _ in 0..<8 {
      roots.append(tree.root)
      for _ in 0..<40 { TableTests.change(&table, &random, keys: 50) }
      var seal = SealBlock()
      seal.visit(&table)
      tree.update(seal.changes)
    }
    for root in roots.reversed() {
      var rollback = RollbackBlock()
      rollback.visit(&table)
      tree.update(rollback.changes)
      #expect(tree.root == root)
    }
  }

  @Test(arguments: [0, 1, 2, 3, 50, 500])
  func proofsHoldForEveryKeyPresentOrAbsent(records: Int) throws {
    var tree = StateTree()
    func key(_ number: Int) -> [UInt8] { [UInt8(number & 255), UInt8(number >> 8)] }
    tree.update((0..<records).map { RecordChange(table: TableID(4), key: key($0), value: [UInt8($0 & 15)]) })
    for number in 0..<records + 100 {
      let proof = try WireReader.decode(
        StateProof.self, from: tree.proof(table: TableID(4), key: key(number)).wireBytes)
      let value: [UInt8]? = number < records ? [UInt8(number & 15)] : nil
      #expect(proof.verify(root: tree.root, table: TableID(4), key: key(number), value: value))
      // The opposite claim, another value, another table, another root.
      let opposite: [UInt8]? = value == nil ? [0] : nil
      #expect(!proof.verify(root: tree.root, table: TableID(4), key: key(number), value: opposite))
      #expect(!proof.verify(root: tree.root, table: TableID(4), key: key(number), value: [99]))
      #expect(!proof.verify(root: Blake2b.hash([1]), table: TableID(4), key: key(number), value: value))
      if value != nil { #expect(!proof.verify(root: tree.root, table: TableID(5), key: key(number), value: value)) }
    }
  }

  @Test func everyTamperedBitOfAProofIsRefused() throws {
    var tree = StateTree()
    tree.update((0..<40).map { RecordChange(table: TableID(1), key: [UInt8($0)], value: [UInt8($0)]) })
    for number in 30..<60 as Range<UInt8> {
      let bytes = tree.proof(table: TableID(1), key: [number]).wireBytes
      let value: [UInt8]? = number < 40 ? [number] : nil
      for bit in 0..<bytes.count * 8 {
        var tampered = bytes
        tampered[bit / 8] ^= 1 << UInt8(bit % 8)
        let proof = try? WireReader.decode(StateProof.self, from: tampered)
        #expect(proof?.verify(root: tree.root, table: TableID(1), key: [number], value: value) != true)
      }
      for length in 0..<bytes.count {
        #expect(throws: WireError.self) { try WireReader.decode(StateProof.self, from: Array(bytes[..<length])) }
      }
    }
  }

  @Test func verifyIsTotalOnAnyProof() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<2000 {
      let bytes = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.below(4)) }
      let proof = try? WireReader.decode(StateProof.self, from: bytes)
      #expect(proof?.verify(root: Blake2b.hash(bytes), table: TableID(0), key: bytes, value: nil) != true)
    }
    let long = StateProof(siblings: Array(repeating: .zero, count: 257), end: .empty)
    #expect(!long.verify(root: .zero, table: TableID(0), key: [], value: nil))
  }

  @Test func anotherLeafProvesAbsenceOnlyWhereItsPathLeads() {
    var tree = StateTree()
    tree.update((0..<64).map { RecordChange(table: TableID(1), key: [UInt8($0)], value: [1]) })
    // A record's own leaf must not serve as the "other" leaf that proves the record absent.
    let honest = tree.proof(table: TableID(1), key: [7])
    let path = StateTree.path(table: TableID(1), key: [7])
    let forged = StateProof(siblings: honest.siblings, end: .other(path: path, valueHash: Blake2b.hash([1])))
    #expect(honest.verify(root: tree.root, table: TableID(1), key: [7], value: [1]))
    #expect(!forged.verify(root: tree.root, table: TableID(1), key: [7], value: nil))
    // The leaf of 7 must not prove absence of a key whose path lies elsewhere.
    #expect(!forged.verify(root: tree.root, table: TableID(1), key: [8], value: nil))
  }

  @Test func copiesAreIndependentValues() {
    var tree = StateTree()
    tree.update([RecordChange(table: TableID(1), key: [1], value: [1])])
    let copy = tree
    tree.update([RecordChange(table: TableID(1), key: [1], value: [2])])
    #expect(copy.root != tree.root)
    #expect(copy.proof(table: TableID(1), key: [1]).verify(root: copy.root, table: TableID(1), key: [1], value: [1]))
  }
}
