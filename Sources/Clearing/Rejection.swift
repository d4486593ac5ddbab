// Why a command was refused: a stable code for programs and a sentence for people.

public enum RejectionCode: UInt8, Sendable, CaseIterable, WireByte {
  case malformed = 0
  case badSignature = 1
  case wrongChain = 2
  case notAuthorized = 3
  case expired = 4
  case nonceOutOfWindow = 5
  case nonceUsed = 6
  case duplicateClientId = 7
  case unknownAccount = 8
  case unknownInstrument = 9
  case unknownOrder = 10
  case instrumentNotOpen = 11
  case stalePrice = 12
  case noMark = 13
  case badPrice = 14
  case badQuantity = 15
  case tooLarge = 16
  case limitReached = 17
  case wouldCross = 18
  case cannotFill = 19
  case insufficientMargin = 20
  case notReducing = 21
  case badAmount = 22
  case duplicateReference = 23
  case alreadyListed = 24
  case badTerms = 25
  case badRound = 26
  case badObservation = 27
  case mixedActions = 28
  case allOrNothing = 29
  case marginCall = 30
  case selfTrade = 31
  case unknownWithdrawal = 32
  case badTime = 33
  case notInLiquidation = 34
  case fundLocked = 35
  case protected = 36
  case outsideBand = 37
  case unknownKey = 38
  case unknownValidator = 39
  case validatorConflict = 40
  case tooFewValidators = 41
  case unknownChange = 42
  case changeClosed = 43
  case fixedValidators = 44
  case unknownStandby = 80
  case standbyRests = 81
  case standbyDecided = 82
  case badReport = 83
  case badTrigger = 50
  case wouldTrigger = 51
  case linkedOrder = 52
  case badDisplay = 53
  case badEvidence = 70
  case lateEvidence = 71
  case punishedBefore = 72
  case jailed = 73
  case bondLocked = 74
  case notAccepted = 60
  case alreadyOpen = 61

  /// The stable name in receipts and API answers.
  public var name: String { String(describing: self) }

  public var message: String {
    switch self {
    case .malformed: "The bytes are not a transaction."
    case .badSignature: "The signature does not verify."
    case .wrongChain: "The transaction was signed for another chain."
    case .notAuthorized: "The signer may not do this."
    case .expired: "The transaction's expiry has passed."
    case .nonceOutOfWindow: "The nonce was drawn too long before, or after, the block's time."
    case .nonceUsed: "The nonce was used before: this transaction, or another with its nonce, was executed."
    case .duplicateClientId: "The client id was used before."
    case .unknownAccount: "There is no such account; it is opened by its first deposit."
    case .unknownInstrument: "There is no such instrument."
    case .unknownOrder: "The account has no such open order."
    case .instrumentNotOpen: "The instrument does not take this command in its present state."
    case .stalePrice: "The last price is too old for anything that increases risk."
    case .noMark: "There is no mark price yet."
    case .badPrice: "The price is not a positive multiple of the tick within the limits."
    case .badQuantity: "The quantity is not a positive multiple of the lot within the limits."
    case .tooLarge: "Positions and open orders of the account would be too large."
    case .limitReached: "A limit on the number of such things is reached."
    case .wouldCross: "The post-only order would have traded."
    case .cannotFill: "The order cannot be filled completely at once."
    case .insufficientMargin: "Equity would be below the initial margin."
    case .notReducing: "The order would not only reduce a position."
    case .badAmount: "The amount is not positive or not available."
    case .duplicateReference: "A deposit with this reference was executed before."
    case .alreadyListed: "The instrument is listed already."
    case .badTerms: "The terms of the instrument are not acceptable."
    case .badRound: "The round is not newer than the last, or too far from the present one."
    case .badObservation: "A price, volatility or expiry of the observation is not acceptable."
    case .mixedActions: "Observations stand in transactions of their own."
    case .allOrNothing: "Another action of the transaction was refused, so this one was undone."
    case .marginCall: "The account is in a margin call: only reducing orders are accepted."
    case .selfTrade: "The order would have met an order of its own account."
    case .unknownWithdrawal: "There is no such open withdrawal."
    case .badTime: "The order's time in force has passed already."
    case .notInLiquidation: "The account's positions are not on auction."
    case .protected: "The account's quotes are frozen by its protection; set its limits again, or wait."
    case .outsideBand: "The price is farther beyond the mark than orders may be."
    case .unknownKey: "The account has given this key no rights."
    case .unknownValidator: "There is no such validator, or another change removes it."
    case .validatorConflict:
      "A validator or an open change has this key, name or address, or is about the same validator."
    case .tooFewValidators: "A network needs four validators."
    case .unknownChange: "There is no such open change of the validators."
    case .changeClosed: "You have approved the change already, or shares are being made for it."
    case .fixedValidators: "A network without a group key keeps the validators of its genesis."
    case .badTrigger: "The trigger's level or order cannot be had, or the linked parts do not fit each other."
    case .wouldTrigger: "The trigger would fire at once."
    case .linkedOrder: "The order is linked to triggers: it can be made smaller, or be cancelled and placed again."
    case .badDisplay: "An iceberg shows whole lots, at least a hundredth of itself, and rests in an instrument's book."
    case .badEvidence:
      "The report proves nothing of this committee's keys, or does not stand in a transaction of its own."
    case .lateEvidence: "The committee was replaced too long ago for evidence about it."
    case .punishedBefore: "This offence was punished before."
    case .jailed: "The key is barred from the validators for what it has done."
    case .bondLocked: "The bond is locked while its key is, becomes or lately was a validator's."
    case .fundLocked: "The contribution may not leave the default fund yet."
    case .unknownStandby: "Nobody with this key stands by to be a validator."
    case .standbyRests: "Whoever was put on standby may not come back yet."
    case .standbyDecided: "You have said so already, or it is decided."
    case .badReport: "The report is of another committee, or does not name other validators in order."
    case .notAccepted: "The other account has not accepted exactly this transfer, or no longer."
    case .alreadyOpen: "The sub-account is open already."
    }
  }
}

/// A refusal, as the inner functions throw it.
public struct Rejection: Error, Hashable, Sendable {
  public var code: RejectionCode

  @inlinable public init(_ code: RejectionCode) { self.code = code }
}
