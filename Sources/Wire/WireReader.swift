public import Primitives

/// Why bytes were refused, and where (offset from the start of the message).
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    /// The message ends before the value does.
    case truncated
    /// Bytes are left over after the value.
    case trailing(Int)
    /// A count is above its limit.
    case tooLong(count: Int, limit: Int)
    /// A value that the type does not have, or not in its canonical form.
    case invalid(String)
  }

  public var reason: Reason
  public var offset: Int

  @inlinable public init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  public var description: String {
    switch reason {
    case .truncated: "truncated at byte \(offset)"
    case .trailing(let count): "\(count) bytes after the end at byte \(offset)"
    case .tooLong(let count, let limit): "count \(count) above the limit of \(limit) at byte \(offset)"
    case .invalid(let what): "invalid \(what) at byte \(offset)"
    }
  }
}

/// Reads canonical bytes. Every read is bounds-checked and throws; none traps, whatever the bytes are. Memory taken is
/// in proportion to the bytes present: a count is checked against what is left before anything is reserved.
@frozen public struct WireReader {
  public let bytes: [UInt8]
  @usableFromInline var position: Int
  /// Bytes read so far.
  @inlinable public var offset: Int { position }
  @usableFromInline let end: Int

  @inlinable public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = 0
    end = bytes.count
  }

  @inlinable public var remaining: Int { end - offset }

  /// Decodes one value that must fill `bytes` exactly.
  @inlinable public static func decode<T: WireDecodable>(
    _ type: T.Type = T.self, from bytes: [UInt8]
  ) throws(WireError) -> T {
    var reader = WireReader(bytes)
    let value = try T(from: &reader)
    try reader.finish()
    return value
  }

  /// Refuses bytes after the value.
  @inlinable public func finish() throws(WireError) {
    if remaining != 0 { throw WireError(.trailing(remaining), at: offset) }
  }

  @inlinable public func invalid(_ what: String) -> WireError { WireError(.invalid(what), at: offset) }

  @usableFromInline mutating func advance(_ count: Int) throws(WireError) -> Int {
    guard count >= 0, count <= end - offset else { throw WireError(.truncated, at: offset) }
    let start = position
    position += count
    return start
  }

  @inlinable public mutating func read<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(WireError) -> T {
    let start = try advance(MemoryLayout<T>.size)
    // In bounds: `advance` checked the size.
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: T.self) }
    return T(littleEndian: value)
  }

  /// A height, view, epoch or sequence: below 2^62, so that small sums cannot overflow.
  @inlinable public mutating func readOrdinal() throws(WireError) -> UInt64 {
    let value: UInt64 = try read()
    guard value < ordinalLimit else { throw invalid("ordinal") }
    return value
  }

  /// Exactly 0 or 1: there is one encoding of each truth value.
  @inlinable public mutating func readBool() throws(WireError) -> Bool {
    switch try read(UInt8.self) {
    case 0: return false
    case 1: return true
    default: throw invalid("boolean")
    }
  }

  @inlinable public mutating func readBytes32<Tag>() throws(WireError) -> Bytes32<Tag> {
    let start = try advance(32)
    let words = bytes.withUnsafeBytes { buffer in
      (
        buffer.loadUnaligned(fromByteOffset: start, as: UInt64.self),
        buffer.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self),
        buffer.loadUnaligned(fromByteOffset: start + 16, as: UInt64.self),
        buffer.loadUnaligned(fromByteOffset: start + 24, as: UInt64.self)
      )
    }
    return Bytes32(
      words: (
        UInt64(bigEndian: words.0), UInt64(bigEndian: words.1), UInt64(bigEndian: words.2), UInt64(bigEndian: words.3)
      ))
  }

  @inlinable public mutating func readSignature() throws(WireError) -> Signature {
    Signature(r: try readBytes32(), s: try readBytes32())
  }

  /// `count` bytes as they are.
  @inlinable public mutating func read(raw count: Int) throws(WireError) -> [UInt8] {
    let start = try advance(count)
    return Array(bytes[start..<start + count])
  }

  /// A 32-bit count of at most `limit`.
  @inlinable public mutating func readCount(limit: Int) throws(WireError) -> Int {
    let at = offset
    let count = Int(try read(UInt32.self))
    guard count <= limit else { throw WireError(.tooLong(count: count, limit: limit), at: at) }
    return count
  }

  /// Counted bytes, at most `limit`.
  @inlinable public mutating func readBytes(limit: Int) throws(WireError) -> [UInt8] {
    try read(raw: readCount(limit: limit))
  }

  /// Counted UTF-8 of at most `limit` bytes; anything that is not valid UTF-8 is refused.
  public mutating func readString(limit: Int) throws(WireError) -> String {
    let raw = try readBytes(limit: limit)
    guard let text = String(validating: raw, as: UTF8.self) else { throw invalid("UTF-8") }
    return text
  }

  /// Counted elements, at most `limit`; each must take at least one byte.
  @inlinable public mutating func readArray<T: WireDecodable>(
    of type: T.Type = T.self, limit: Int
  ) throws(WireError) -> [T] {
    let count = try readCount(limit: limit)
    guard count <= remaining else { throw WireError(.truncated, at: offset) }
    var values: [T] = []
    values.reserveCapacity(min(count, 1024))
    for _ in 0..<count { values.append(try T(from: &self)) }
    return values
  }

  /// One byte that says whether a value follows.
  @inlinable public mutating func readOptional<T: WireDecodable>(of type: T.Type = T.self) throws(WireError) -> T? {
    try readBool() ? try T(from: &self) : nil
  }
}
