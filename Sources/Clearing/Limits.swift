// Every bound of the engine in one place. They are chosen so that no sum or product of accepted values leaves Int64:
// price per lot <= 1e9, lots of one account <= 1e9, so a value is at most 1e18 and a scenario value at most 6e18.

public import Primitives

public enum Limits {
  /// Lots in one contract.
  public static let lotsPerContract: Int64 = 1_000
  /// Every price is a multiple of this, so that a premium is a whole number of 1e-6 USD: price per lot = price / this.
  public static let pricePerLot: Price = 1_000
  /// Highest price, strike, index or forward: 1,000,000 USD.
  public static let maxPrice: Price = 1_000_000_000_000
  /// Largest order.
  public static let maxOrderQuantity: Quantity = 100_000_000
  /// Largest sum of an account's positions and open orders, in lots over all instruments.
  public static let maxAccountLots: Quantity = 1_000_000_000
  /// Largest single deposit, withdrawal or transfer.
  public static let maxTransfer: Amount = 1_000_000_000_000_000_000
  /// Largest sum of all deposits.
  public static let maxDeposits: Amount = 1_000_000_000_000_000_000
  /// No cash balance goes beyond this in either direction.
  public static let maxCash: Amount = 4_000_000_000_000_000_000

  /// Changes of the committee: undecided ones of all proposers together, as long as each has one; the same number of
  /// decided ones; and undecided ones of one proposer (V4).
  public static let maxChanges = 32
  public static let maxChangesOfOne = 4
  /// Key generations for a change that may fail (V6).
  static let changeAttempts: UInt32 = 3
  /// No removal leaves fewer (V3).
  public static let minValidators = 4
  /// Blocks after a committee was replaced in which evidence about it counts, and bonds of its keys are locked (J4, G3).
  public static let evidenceWindow: UInt64 = 200_000
  /// Offences of one key in one committee that are punished (J4).
  public static let maxOffences = 16
  /// J7: parts per million of the median, rounds in a row, and blocks out of the validators.
  static let farPrice: Int64 = 200_000
  static let nearPrice: Int64 = 20_000
  static let farRounds: UInt32 = 300
  static let farJail: UInt64 = 100_000
  public static let maxActions = 1_024
  /// Bytes of one transaction.
  public static let maxTransactionBytes = 256 * 1_024
  public static let maxUnderlyings = 16
  /// Unexpired instruments at a time.
  public static let maxInstruments = 20_000
  public static let maxListingsPerAction = 1_024
  public static let maxExpiriesPerUnderlying = 64
  public static let maxAccounts = 4_000_000
  public static let maxOpenOrders = 20_000
  /// Resting orders in one book.
  public static let maxBookOrders = 10_000
  /// Distinct prices on one side of one book.
  public static let maxBookLevels = 2_000
  /// Fills of one order; what is left after them is cancelled.
  public static let maxFillsPerOrder = 500
  public static let maxPositionsPerAccount = 4_096
  public static let maxValidators = 128
  public static let maxSurfacesPerObservation = 64
  public static let maxDestination = 128
  /// Keys that an account lets sign for it.
  public static let maxDelegations = 16
  public static let maxPendingWithdrawals = 10_000
  /// Highest number of a sub-account.
  public static let maxSubAccounts: SubAccountNumber = 32
  /// Positions of one transfer; transfers that one account waits for, and the longest time it does. Real time.
  public static let maxMovedPositions = 32
  public static let maxAcceptances = 8
  public static let maxAcceptanceTime: Timestamp = 24 * Duration64.hour
  /// A nonce is accepted from this long before the block's time ...
  public static let nonceLifetime: Timestamp = 180 * Duration64.second
  /// ... to this long after it.
  public static let nonceAhead: Timestamp = 30 * Duration64.second
  public static let maxTradesKept = 200
  /// Two-sided quotes of one transaction.
  public static let maxQuotes = 512
  /// Longest window and freeze of a protection, and longest lease.
  public static let maxProtectionTime: Timestamp = Duration64.hour
  public static let maxLease: Timestamp = 24 * Duration64.hour

  /// Firm quotes that one transaction uses.
  public static let maxFirmQuotes = 8

  /// Combos at a time, legs of one, and their largest ratio.
  public static let maxCombos = 1_000
  public static let maxComboLegs = 8
  public static let maxComboRatio: Int64 = 10
  /// Orders that one trade takes from the book of one leg.
  public static let maxComboMakers = 8
  /// Steps of resting combos against the books of their legs in one block.
  public static let maxComboSweeps = 500
  /// A combo without orders stays this long after the latest one. Real time.
  public static let comboLifetime: Timestamp = Duration64.hour

  /// Longest call auction.
  public static let maxAuction: Timestamp = Duration64.hour
  /// Orders in the books of auctions that end in one block; one more auction may exceed it.
  public static let maxAuctionOrders = 20_000
  /// Prices of one auction: more than one only where orders fell out.
  public static let maxAuctionPasses = 8

  /// Triggers of one account, of all together, and those that fire in one block; others wait for the next.
  public static let maxTriggersOfAccount = 256
  public static let maxTriggers = 50_000
  public static let maxTriggersFired = 1_024
  /// Slices that an iceberg shows one after the other.
  public static let maxIcebergSlices: Int64 = 100

  /// Liquidation, in one block: accounts acted on, open orders taken from them, and passes over all holdings.
  public static let maxLiquidationTurns = 32
  public static let maxLiquidationCancels = 20_000
  public static let maxTearUps = 4
  public static let maxBids = 64
  /// Of one account in one turn: positions looked at for the book, slices traded, and instruments torn up.
  public static let maxSliceCandidates = 16
  public static let maxSlices = 4
  public static let maxTornInstruments = 64
  /// Members of the default fund, and of the backstop.
  public static let maxFundMembers = 256
  public static let maxBackstops = 64
  /// Claims paid in one block.
  public static let maxClaimsPaid = 256

  /// Oracle: length of a round.
  public static let roundLength: Timestamp = Duration64.second
  /// Oldest price for anything that increases risk.
  public static let freshFor: Timestamp = 3 * Duration64.second
  /// From this age on an underlying takes cancellations only.
  public static let cancelOnlyAfter: Timestamp = 10 * Duration64.second
  /// From this age on it is halted.
  public static let haltAfter: Timestamp = 60 * Duration64.second
  /// Market time over which the settlement price is averaged.
  public static let settlementWindow: Timestamp = 30 * Duration64.minute
  /// Rounds that the settlement mean takes at least, where so many exist.
  public static let settlementRounds = 30
  /// Index observations kept for settlement (30 minutes of rounds at rate 1).
  public static let settlementHistory = 1_800
  /// A settled instrument stays visible this long in market time.
  public static let pruneAfter: Timestamp = 24 * Duration64.hour
}
