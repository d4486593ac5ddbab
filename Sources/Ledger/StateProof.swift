// What a state root says about one key, checkable without the state.

public import Primitives
import Sodium
public import Wire

/// A proof that a state root holds a certain value for a key, or nothing. For a given root and key exactly one proof is
/// valid.
public struct StateProof: WireCodable, Hashable, Sendable {
  /// What stands at the end of the key's path.
  public enum End: Hashable, Sendable {
    /// The record itself: the verifier brings its value.
    case record
    /// Nothing.
    case empty
    /// The only record below this point is another one.
    case other(path: Digest, valueHash: Digest)
  }

  /// The hashes beside the path, from the root downwards; at most 256.
  public var siblings: [Digest]
  public var end: End

  public init(siblings: [Digest], end: End) {
    self.siblings = siblings
    self.end = end
  }

  /// Whether `root` holds `value` for the key, or nothing if `value` is nil. Total: any proof, key and value.
  public func verify(root: Digest, table: TableID, key: [UInt8], value: [UInt8]?) -> Bool {
    guard siblings.count <= 256 else { return false }
    let path = StateTree.path(table: table, key: key)
    guard var node = endHash(path: path, value: value) else { return false }
    for depth in siblings.indices.reversed() {
      node = path.bit(depth) ? StateTree.innerHash(siblings[depth], node) : StateTree.innerHash(node, siblings[depth])
    }
    return node == root
  }

  /// The hash at the end of the path, or nil where the end does not fit the claim.
  private func endHash(path: Digest, value: [UInt8]?) -> Digest? {
    switch (end, value) {
    case (.record, let value?):
      return StateTree.leafHash(path: path, valueHash: Blake2b.hash(value))
    case (.empty, nil):
      return .zero
    case (.other(let other, let valueHash), nil):
      let agree = siblings.indices.allSatisfy { other.bit($0) == path.bit($0) }
      guard other != path, agree else { return nil }
      return StateTree.leafHash(path: other, valueHash: valueHash)
    default:
      return nil
    }
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(siblings)
    switch end {
    case .record: writer.write(UInt8(0))
    case .empty: writer.write(UInt8(1))
    case .other(let path, let valueHash):
      writer.write(UInt8(2))
      writer.write(path)
      writer.write(valueHash)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    siblings = try reader.readArray(limit: 256)
    switch try reader.read(UInt8.self) {
    case 0: end = .record
    case 1: end = .empty
    case 2: end = .other(path: try reader.readBytes32(), valueHash: try reader.readBytes32())
    default: throw reader.invalid("end of a state proof")
    }
  }
}
