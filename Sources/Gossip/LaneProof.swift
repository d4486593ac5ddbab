// Acknowledgements of lane tips, and the proofs of availability made of them (D3).

public import Primitives
public import Sodium
public import Wire

/// A place in a lane, by name: (lane, sequence, hash).
public struct LanePoint: WireCodable, Hashable, Sendable {
  public var lane: ValidatorIndex
  public var sequence: UInt64
  public var hash: Digest

  public init(lane: ValidatorIndex, sequence: UInt64, hash: Digest) {
    self.lane = lane
    self.sequence = sequence
    self.hash = hash
  }

  /// What an acknowledgement signs. It is the same for every voter.
  public func ackBytes(chain: Digest) -> [UInt8] {
    var stream = Blake2bStream(domain: "novation/lane-ack/v1")
    stream.update(chain)
    withUnsafeBytes(of: lane.littleEndian) { stream.update($0) }
    withUnsafeBytes(of: sequence.littleEndian) { stream.update($0) }
    stream.update(hash)
    return stream.finish().bytes
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(lane)
    writer.write(sequence)
    writer.write(hash)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    lane = try reader.read()
    sequence = try reader.readLaneSequence()
    hash = try reader.readBytes32()
  }
}

/// "I hold this batch and every one before it down to the final cut, durably."
public struct LaneAck: WireCodable, Hashable, Sendable {
  public var point: LanePoint
  public var voter: ValidatorIndex
  public var signature: Signature

  public init(point: LanePoint, voter: ValidatorIndex, signature: Signature) {
    self.point = point
    self.voter = voter
    self.signature = signature
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(point)
    writer.write(voter)
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    point = try LanePoint(from: &reader)
    voter = try reader.read()
    signature = try reader.readSignature()
  }
}

/// Acknowledgements of one tip by exactly f+1 validators, so by at least one honest one: the data can be had.
public struct LaneProof: WireCodable, Hashable, Sendable {
  public struct Voucher: WireCodable, Hashable, Sendable {
    public var voter: ValidatorIndex
    public var signature: Signature

    public init(voter: ValidatorIndex, signature: Signature) {
      self.voter = voter
      self.signature = signature
    }

    public func encode(to writer: inout WireWriter) {
      writer.write(voter)
      writer.write(signature)
    }

    public init(from reader: inout WireReader) throws(WireError) {
      voter = try reader.read()
      signature = try reader.readSignature()
    }
  }

  public var point: LanePoint
  /// Ascending by voter.
  public var vouchers: [Voucher]

  public init(point: LanePoint, vouchers: [Voucher]) {
    self.point = point
    self.vouchers = vouchers
  }

  /// Whether exactly `f` + 1 different validators signed. Costs as many signature verifications.
  public func verify(chain: Digest, keys: [PublicKey], f: Int, scheme: SignatureScheme) -> Bool {
    guard vouchers.count == f + 1 else { return false }
    var last = -1
    for voucher in vouchers {
      guard Int(voucher.voter) > last, Int(voucher.voter) < keys.count else { return false }
      last = Int(voucher.voter)
    }
    let message = point.ackBytes(chain: chain)
    for voucher in vouchers where !scheme.verify(voucher.signature, message, by: keys[Int(voucher.voter)]) {
      return false
    }
    return true
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(point)
    writer.write(vouchers)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    point = try LanePoint(from: &reader)
    vouchers = try reader.readArray(limit: LaneLimits.lanes)
  }
}
