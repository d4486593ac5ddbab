// The records of the system itself, beside those of the clearing house, in the same state tree and under the same root.

public import Clearing
public import Ledger
public import Primitives
import Sodium
public import Threshold
public import Wire

/// The one record of its table.
public struct SystemKey: TableKey {
  public init() {}
  public func encode(to writer: inout WireWriter) { writer.write(UInt8(0)) }
  public init(from reader: inout WireReader) throws(WireError) {
    guard try reader.read(UInt8.self) == 0 else { throw reader.invalid("system key") }
  }
}

extension BlockEvents {
  /// Of canonical bytes: what the next block's events and the state name.
  public static func hash(of bytes: [UInt8]) -> Digest { Blake2b.hash(domain: "novation/events/v1", bytes) }
}

/// What the last block did: proves its receipts and events to whoever has a certificate of its height.
public struct BlockRecord: TableRecord {
  public var height: Height
  public var receipts: UInt32
  /// `ReceiptTree.root` over the outcomes in the order of execution.
  public var receiptsRoot: Digest
  /// `BlockEvents.hash` of its events, and through it of those of all blocks before.
  public var events: Digest
  /// What the numbers of underlyings in all records and receipts stand for; the same for ever.
  public var underlyings: [UnderlyingTerms]

  public init(
    height: Height, receipts: UInt32, receiptsRoot: Digest, events: Digest, underlyings: [UnderlyingTerms]
  ) {
    self.height = height
    self.receipts = receipts
    self.receiptsRoot = receiptsRoot
    self.events = events
    self.underlyings = underlyings
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(height)
    writer.write(receipts)
    writer.write(receiptsRoot)
    writer.write(events)
    writer.write(underlyings)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    height = try reader.readOrdinal()
    receipts = try reader.read()
    receiptsRoot = try reader.readBytes32()
    events = try reader.readBytes32()
    underlyings = try reader.readArray(limit: 256)
  }
}

/// Which shares sign, and how key generation stands at the start of the one under way.
public struct KeyScheduleRecord: TableRecord {
  public var schedule: KeySchedule.Record
  /// Messages of the key generation under way, in `KeyMessageRecord`s.
  public var messages: UInt32

  public init(schedule: KeySchedule.Record, messages: UInt32) {
    self.schedule = schedule
    self.messages = messages
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(schedule)
    writer.write(messages)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    schedule = try KeySchedule.Record(from: &reader)
    messages = try reader.read()
  }
}

/// Place of a message in the order of the chain, from the start of its key generation.
public struct KeyMessageKey: TableKey {
  public var place: UInt32
  public init(_ place: UInt32) { self.place = place }
  public func encode(to writer: inout WireWriter) { writer.write(place) }
  public init(from reader: inout WireReader) throws(WireError) { place = try reader.read() }
}

/// A message of the key generation under way that changed something.
public struct KeyMessageRecord: TableRecord {
  public var height: Height
  public var message: KeyGenerationMessage

  public init(height: Height, message: KeyGenerationMessage) {
    self.height = height
    self.message = message
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(height)
    writer.write(message)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    height = try reader.readOrdinal()
    message = try KeyGenerationMessage(from: &reader)
  }
}
