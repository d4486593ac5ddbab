// Questions about margin and their answers, and Greeks, as documents.

/// `POST /v1/margin/what-if`: trades now, orders that come to rest now, then a move of prices. Everything is optional but the
/// account.
public struct WhatIfDocument: Codable, Sendable {
  public struct Trade: Codable, Sendable {
    public var instrument: String
    /// Bought, or with a minus sold.
    public var quantity: String
    /// At the mark if left out.
    public var price: String?
  }

  public struct Order: Codable, Sendable {
    public var instrument: String
    public var side: String
    public var quantity: String
    public var price: String
  }

  public struct Move: Codable, Sendable {
    public var underlying: String
    /// Of index and forwards, as a fraction: "-0.1" is a fall of 10 %.
    public var spot: String?
    /// Added to every volatility: "0.05" is five points more.
    public var volatility: String?
    public var days: String?
  }

  public var account: String
  /// Paid in, or with a minus out.
  public var cash: String?
  public var positions: [Trade]?
  public var orders: [Order]?
  public var moves: [Move]?
}

public struct MarginAnswerDocument: Codable, Sendable {
  public var account: String
  public var before: MarginDocument
  public var after: MarginDocument
  /// Whether equity covers the initial margin afterwards.
  public var covered: Bool
  public var balances: [String: String]
  public var positions: [PositionDocument]
  /// Of the supposed trades.
  public var fees: String
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

/// Of one contract, bought; positions have their quantity beside it.
public struct GreeksDocument: Codable, Sendable {
  public var instrument: String
  /// Only in an account.
  public var quantity: String?
  public var price: String
  /// Index or forward, the volatility of a year at the strike, and days to the expiry.
  public var forward: String
  public var volatility: String
  public var days: String
  public var delta: String
  public var gamma: String
  public var vega: String
  public var theta: String
  /// For a point of volatility (0.01), and for a day.
  public var vegaPerPoint: String
  public var thetaPerDay: String
}

public struct InstrumentGreeksDocument: Codable, Sendable {
  public var greeks: GreeksDocument
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}

public struct AccountGreeksDocument: Codable, Sendable {
  public struct Total: Codable, Sendable {
    public var underlying: String
    public var delta: String
    /// Delta times the index, in USD.
    public var deltaValue: String
    public var gamma: String
    public var vegaPerPoint: String
    public var thetaPerDay: String
  }

  public var account: String
  public var positions: [GreeksDocument]
  public var totals: [Total]
  public var height: UInt64
  public var stateRoot: String
  public var consistency: String
}
