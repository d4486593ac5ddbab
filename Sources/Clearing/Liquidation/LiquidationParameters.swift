// The venue's parameters of liquidation and default; fixed at genesis.

public import Primitives
public import Wire

/// Shares are in parts per million. Turns are rounds with fresh prices in which the house acted on an account.
public struct LiquidationParameters: Hashable, Sendable {
  /// Off: a margin call stops at reducing orders, and a gap in prices can leave a debt with the house.
  public var isOn = true
  /// Equity at which a liquidation ends, of the maintenance margin.
  public var buffer: Int64 = 1_150_000
  /// Equity below which a shortfall needs no second round to confirm it, of the maintenance margin.
  public var certainBelow: Int64 = 500_000
  /// Equity below which the auction begins at once, and the backstop, of the maintenance margin.
  public var auctionBelow: Int64 = 670_000
  public var backstopBelow: Int64 = 330_000
  /// Turns on the book alone, turns of the auction, and turns after it before positions are torn up.
  public var bookTurns: Int64 = 3
  public var auctionTurns: Int64 = 60
  public var lastTurns: Int64 = 30
  /// What a bidder receives: from and to which share of the maintenance margin.
  public var discountStart: Int64 = 20_000
  public var discountEnd: Int64 = 300_000
  /// A slice on the book: the larger of a share of the position and an amount of the index, in 1e-6 USD.
  public var sliceShare: Int64 = 200_000
  public var sliceAmount: Amount = 100_000_000_000
  /// How far from the mark a slice trades: the smaller of a share of the mark and a share of the index.
  public var bandOfMark: Int64 = 100_000
  public var bandOfIndex: Int64 = 10_000
  /// Liquidation fee of the index for each contract, for options never above a share of the premium.
  public var fee: Int64 = 5_000
  public var feeCap: Int64 = 125_000
  /// Of its equity, what a provider of the backstop takes from one account, counted in maintenance margin.
  public var backstopShare: Int64 = 50_000
  /// Of the insurance fund, what may be paid out to bidders in one block.
  public var drawShare: Int64 = 100_000
  /// No liquidation for this long after an underlying was without prices for more than 10 s. Real time.
  public var grace: Timestamp = 60 * Duration64.second
  /// How long a contribution to the default fund stays at least. Real time.
  public var fundNotice: Timestamp = 30 * Duration64.day
  /// What the insurance fund and the house's own capital begin with.
  public var insurance: Amount = 0
  public var houseCapital: Amount = 0

  public init() {}

  /// Margin calls without liquidation.
  public static var off: Self {
    var parameters = Self()
    parameters.isOn = false
    return parameters
  }

  private var shares: [Int64] {
    [
      certainBelow, auctionBelow, backstopBelow, discountStart, discountEnd, sliceShare, bandOfMark, bandOfIndex, fee,
      feeCap, backstopShare, drawShare,
    ]
  }

  private var turns: [Int64] { [bookTurns, auctionTurns, lastTurns] }
  private var times: [Timestamp] { [grace, fundNotice] }
  private var amounts: [Amount] { [sliceAmount, insurance, houseCapital] }

  /// What is wrong with them, as a sentence; nil if nothing is.
  func fault() -> String? {
    if !shares.allSatisfy({ (0...1_000_000).contains($0) }) || !(1_000_000...4_000_000).contains(buffer) {
      return "a share of the liquidation parameters is out of range"
    }
    if discountEnd < discountStart || sliceShare == 0 { return "an order of the liquidation parameters is wrong" }
    if !turns.allSatisfy({ (1...10_000).contains($0) }) { return "liquidation turns must be 1 to 10000" }
    if !times.allSatisfy({ (0...365 * Duration64.day).contains($0) }) { return "a liquidation time is out of range" }
    if !amounts.allSatisfy({ (0...Limits.maxDeposits / 4).contains($0) }) {
      return "an amount of the liquidation parameters is out of range"
    }
    return nil
  }
}

extension LiquidationParameters: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.write(isOn)
    writer.write(buffer)
    for value in shares + turns + times + amounts { writer.write(value) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    isOn = try reader.readBool()
    buffer = try reader.read()
    certainBelow = try reader.read()
    auctionBelow = try reader.read()
    backstopBelow = try reader.read()
    discountStart = try reader.read()
    discountEnd = try reader.read()
    sliceShare = try reader.read()
    bandOfMark = try reader.read()
    bandOfIndex = try reader.read()
    fee = try reader.read()
    feeCap = try reader.read()
    backstopShare = try reader.read()
    drawShare = try reader.read()
    bookTurns = try reader.read()
    auctionTurns = try reader.read()
    lastTurns = try reader.read()
    grace = try reader.read()
    fundNotice = try reader.read()
    sliceAmount = try reader.read()
    insurance = try reader.read()
    houseCapital = try reader.read()
  }
}
