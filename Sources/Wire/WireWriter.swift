public import Primitives

/// A value with exactly one byte string. Integers are little-endian and of fixed width, lists carry their count, and
/// nothing is padded: two values are equal if and only if their bytes are.
public protocol WireEncodable {
  func encode(to writer: inout WireWriter)
}

/// A value that can be read back. Throws on anything but the one canonical byte string of some value.
public protocol WireDecodable {
  init(from reader: inout WireReader) throws(WireError)
}

public typealias WireCodable = WireEncodable & WireDecodable

/// Appends canonical bytes to one growing buffer.
@frozen public struct WireWriter {
  public var bytes: [UInt8]

  @inlinable public init(capacity: Int = 256) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  @inlinable public mutating func write<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  @inlinable public mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

  @inlinable public mutating func write<Tag>(_ value: Bytes32<Tag>) {
    value.withBytes { bytes.append(contentsOf: $0) }
  }

  @inlinable public mutating func write(_ value: Signature) {
    write(value.r)
    write(value.s)
  }

  /// Raw bytes without a count: the reader must know how many.
  @inlinable public mutating func write(raw value: some Collection<UInt8>) { bytes.append(contentsOf: value) }

  /// A 32-bit count, then the bytes.
  @inlinable public mutating func write(bytes value: some Collection<UInt8>) {
    write(UInt32(truncatingIfNeeded: value.count))
    bytes.append(contentsOf: value)
  }

  /// A 32-bit count of UTF-8 bytes, then the bytes.
  @inlinable public mutating func write(_ value: String) { write(bytes: Array(value.utf8)) }

  @inlinable public mutating func write(_ value: some WireEncodable) { value.encode(to: &self) }

  /// A 32-bit count, then the elements.
  @inlinable public mutating func write<T: WireEncodable>(_ values: [T]) {
    write(UInt32(truncatingIfNeeded: values.count))
    for value in values { value.encode(to: &self) }
  }

  /// One byte that says whether a value follows.
  @inlinable public mutating func write<T: WireEncodable>(_ value: T?) {
    write(value != nil)
    if let value { value.encode(to: &self) }
  }
}

extension WireEncodable {
  @inlinable public var wireBytes: [UInt8] {
    var writer = WireWriter()
    encode(to: &writer)
    return writer.bytes
  }
}

extension Bytes32: WireCodable {
  @inlinable public func encode(to writer: inout WireWriter) { writer.write(self) }
  @inlinable public init(from reader: inout WireReader) throws(WireError) { self = try reader.readBytes32() }
}

extension Signature: WireCodable {
  @inlinable public func encode(to writer: inout WireWriter) { writer.write(self) }
  @inlinable public init(from reader: inout WireReader) throws(WireError) { self = try reader.readSignature() }
}
