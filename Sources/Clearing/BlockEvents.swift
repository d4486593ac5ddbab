// What a ledger keeps of the events of a block: all of them, in a chain. Statements, exports and streams of the past are
// made from it, and an auditor holds it against the certified state.

public import Primitives
public import Wire

/// The events of one block, with its time: a link of the audit trail, bound to the link of the block before.
public struct BlockEvents: WireCodable, Hashable, Sendable {
  public var timestamp: Timestamp
  /// Hash of the canonical bytes of the block before; zero after genesis.
  public var previous: Digest
  /// In their order, without a gap in the sequence.
  public var events: [Event]

  /// Far above what one block can do.
  public static let countMax = 1 << 22

  public init(timestamp: Timestamp, previous: Digest, events: [Event]) {
    self.timestamp = timestamp
    self.previous = previous
    self.events = events
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(timestamp)
    writer.write(previous)
    writer.write(events)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    timestamp = try reader.read()
    previous = try reader.readBytes32()
    events = try reader.readArray(limit: Self.countMax)
  }
}
