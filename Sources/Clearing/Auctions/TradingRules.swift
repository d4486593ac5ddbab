// The venue's rules of price bands and call auctions; fixed at genesis.

public import Primitives
public import Wire

/// Widths are in parts per million: a band around the mark is the larger of a share of the mark and a share of the
/// index; a width of 0 and 0 is no band. An auction of length 0 does not take place.
public struct TradingRules: Hashable, Sendable {
  /// B1: how far beyond the mark an order may be priced against its owner.
  public var limitOfMark: Int64 = 0
  public var limitOfIndex: Int64 = 0
  /// B2: how far from the mark a trade of the book may happen.
  public var bandOfMark: Int64 = 0
  public var bandOfIndex: Int64 = 0
  /// Real time that call auctions last: of a new instrument, after a trade beyond the band, after an outage of prices.
  public var openingAuction: Timestamp = 0
  public var volatilityAuction: Timestamp = 0
  public var outageAuction: Timestamp = 0

  public init() {}

  var hasLimit: Bool { limitOfMark > 0 || limitOfIndex > 0 }
  var hasBand: Bool { bandOfMark > 0 || bandOfIndex > 0 }

  private var widths: [Int64] { [limitOfMark, limitOfIndex, bandOfMark, bandOfIndex] }
  private var spans: [Timestamp] { [openingAuction, volatilityAuction, outageAuction] }

  /// What is wrong with them, as a sentence; nil if nothing is.
  func fault() -> String? {
    if !widths.allSatisfy({ (0...10_000_000).contains($0) }) { return "a price band is out of range" }
    if !spans.allSatisfy({ (0...Limits.maxAuction).contains($0) }) { return "an auction is longer than an hour" }
    return nil
  }
}

extension TradingRules: WireCodable {
  public func encode(to writer: inout WireWriter) { for value in widths + spans { writer.write(value) } }

  public init(from reader: inout WireReader) throws(WireError) {
    limitOfMark = try reader.read()
    limitOfIndex = try reader.read()
    bandOfMark = try reader.read()
    bandOfIndex = try reader.read()
    openingAuction = try reader.read()
    volatilityAuction = try reader.read()
    outageAuction = try reader.read()
  }
}
