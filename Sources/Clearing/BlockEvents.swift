// What a ledger keeps of the events of a block: all of them. Statements, exports and streams of the past are made from it.

public import Primitives
public import Wire

/// The events of one block, with its time.
public struct BlockEvents: WireCodable, Hashable, Sendable {
  public var timestamp: Timestamp
  /// In their order, without a gap in the sequence. An older ledger may hold only what
  /// moved money or positions of its old blocks: a gap tells.
  public var events: [Event]

  /// Far above what one block can do.
  public static let countMax = 1 << 22

  public init(timestamp: Timestamp, events: [Event]) {
    self.timestamp = timestamp
    self.events = events
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(timestamp)
    writer.write(events)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    timestamp = try reader.read()
    events = try reader.readArray(limit: Self.countMax)
  }
}
