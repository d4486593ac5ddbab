// A firm quote as a maker gives it to a taker: a JSON document whose `bytes` count, and say everything else again.

public import Clearing
import Primitives
import Sodium
import Wire

public struct FirmQuoteDocument: Codable, Hashable, Sendable {
  public var maker: String
  public var taker: String
  public var legs: [ComboLegDocument]
  /// What the maker does.
  public var side: String
  public var price: String
  public var quantity: String
  public var expires: String
  /// Canonical bytes, signature included.
  public var bytes: String

  public init(_ quote: FirmQuote, underlyings: [UnderlyingTerms]) {
    maker = quote.maker.hex
    taker = quote.taker.hex
    legs = quote.legs.map { ComboLegDocument($0, underlyings: underlyings) }
    side = quote.side == .buy ? "buy" : "sell"
    price = money(quote.price)
    quantity = lots(quote.quantity)
    expires = ISO8601.format(quote.expiry)
    bytes = Hex.encode(quote.wireBytes)
  }

  /// The quote of a document. What its bytes say counts; a document that says something else is refused, and so is a wrong
  /// signature.
  public static func quote(
    in text: [UInt8], from file: String, terms: NetworkTerms
  ) throws(CommandFailure) -> FirmQuote {
    guard let document = JSONText.parse(Self.self, text),
      let bytes = Hex.decode(document.bytes), let quote = try? WireReader.decode(FirmQuote.self, from: bytes)
    else {
      throw CommandFailure(.failed, "\(file) is no firm quote", hint: "makers make one with `novation rfq quote`")
    }
    guard quote.chain == terms.chain else {
      throw CommandFailure(.failed, "the quote in \(file) was made for another network")
    }
    guard Ed25519.verify(quote.signature, quote.signingBytes, by: quote.maker) else {
      throw CommandFailure(.failed, "the quote in \(file) is not signed by its maker")
    }
    let said = Self(quote, underlyings: terms.underlyings)
    guard said == document else {
      throw CommandFailure(
        .failed, "\(file) says something else than what its maker signed", hint: "ask the maker for the document again")
    }
    return quote
  }
}
