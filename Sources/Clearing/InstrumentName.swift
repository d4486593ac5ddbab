// How people write instruments: BTC-27MAR26-100000-C, futures BTC-27MAR26. An expiry is at 08:00 UTC unless another
// hour follows it ("BTC-27MAR26T14-100000-C"); a strike below a dollar writes its point as d ("1d25"). Combos have a
// number: BTC-COMBO-7.

import Primitives

public enum InstrumentName {
  /// Upper-case letters and digits, at most eight, beginning with a letter.
  public static func isSymbol(_ text: String) -> Bool {
    let characters = Array(text.utf8)
    guard (1...8).contains(characters.count), let first = characters.first, (0x41...0x5a).contains(first) else {
      return false
    }
    return characters.allSatisfy { (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) }
  }

  public static func format(_ id: InstrumentID, underlyings: [UnderlyingTerms]) -> String {
    let place = Int(id.underlying)
    let symbol = place < underlyings.count ? underlyings[place].symbol : "?\(place)"
    if id.isCombo { return "\(symbol)-COMBO-\(id.raw & 0xffff_ffff)" }
    let name = "\(symbol)-\(ExpiryName.format(id.expiry))"
    guard let kind = id.kind, kind.isOption else { return name }
    return "\(name)-\(formatStrike(id.strike))-\(kind == .call ? "C" : "P")"
  }

  /// Nil unless it is exactly how `format` would write it.
  public static func parse(_ text: String, underlyings: [UnderlyingTerms]) -> InstrumentID? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 3 { return parseCombo(parts, text, underlyings) }
    guard parts.count == 2 || parts.count == 4, let symbol = parts.first,
      let underlying = underlyings.firstIndex(where: { $0.symbol == symbol }).flatMap(UInt8.init(exactly:)),
      let expiry = ExpiryName.parse(parts[1])
    else { return nil }
    var kind = InstrumentKind.future
    var strike: Price = 0
    if parts.count == 4 {
      guard parts[3] == "C" || parts[3] == "P", let value = parseStrike(parts[2]) else { return nil }
      kind = parts[3] == "C" ? .call : .put
      strike = value
    }
    guard let id = InstrumentID(underlying: underlying, kind: kind, expiry: expiry, strike: strike),
      format(id, underlyings: underlyings) == text
    else { return nil }
    return id
  }

  private static func parseCombo(_ parts: [String], _ text: String, _ underlyings: [UnderlyingTerms]) -> InstrumentID? {
    guard parts[1] == "COMBO", let number = UInt32(parts[2]),
      let underlying = underlyings.firstIndex(where: { $0.symbol == parts[0] }).flatMap(UInt8.init(exactly:))
    else { return nil }
    let id = InstrumentID(combo: number, of: underlying)
    return format(id, underlyings: underlyings) == text ? id : nil
  }

  private static func formatStrike(_ strike: Price) -> String {
    let text = Decimal.format(strike, scale: Decimal.moneyScale)
    var characters = Array(text.utf8)
    while characters.last == 0x30 { characters.removeLast() }
    if characters.last == 0x2e { characters.removeLast() }
    return String(decoding: characters.map { $0 == 0x2e ? 0x64 : $0 }, as: UTF8.self)
  }

  private static func parseStrike(_ text: String) -> Price? {
    guard !text.utf8.contains(0x2e) else { return nil }
    let decimal = String(decoding: text.utf8.map { $0 == 0x64 ? 0x2e : $0 }, as: UTF8.self)
    return Decimal.parse(decimal, scale: Decimal.moneyScale)
  }
}
