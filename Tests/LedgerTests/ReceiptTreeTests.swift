// The tree over a block's receipts: each one's path leads to the root, and nothing else does.

import Ledger
import Primitives
import Testing

@Suite struct ReceiptTreeTests {
  private func receipts(_ count: Int) -> [[UInt8]] { (0..<count).map { [UInt8(truncatingIfNeeded: $0), 7] } }

  @Test func everyReceiptOfEverySizeIsProvenAtItsPlaceOnly() {
    for count in 1...33 {
      let list = receipts(count)
      let root = ReceiptTree.root(list)
      for index in 0..<count {
        let path = ReceiptTree.path(to: index, of: list)
        #expect(ReceiptTree.root(of: list[index], at: index, count: count, path: path) == root)
        #expect(ReceiptTree.root(of: [99], at: index, count: count, path: path) != root)
        for other in 0..<count where other != index {
          #expect(ReceiptTree.root(of: list[index], at: other, count: count, path: path) != root)
        }
        #expect(ReceiptTree.root(of: list[index], at: index, count: count, path: path + [.zero]) == nil)
        if !path.isEmpty {
          #expect(ReceiptTree.root(of: list[index], at: index, count: count, path: Array(path.dropLast())) == nil)
        }
      }
    }
  }

  @Test func outsideThereIsNothing() {
    let list = receipts(5)
    #expect(ReceiptTree.path(to: 5, of: list).isEmpty && ReceiptTree.path(to: -1, of: list).isEmpty)
    #expect(ReceiptTree.root(of: list[0], at: 5, count: 5, path: []) == nil)
    #expect(ReceiptTree.root(of: list[0], at: -1, count: 5, path: []) == nil)
    #expect(ReceiptTree.root([]) == .zero)
    #expect(ReceiptTree.root(receipts(3)) != ReceiptTree.root(receipts(4)))
  }
}
