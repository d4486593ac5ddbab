// What a validator takes from its feeder, and what it refuses.

import Clearing
import Node
import Primitives
import Testing

@Suite struct ObservationLineTests {
  private static let underlyings = [UnderlyingTerms(symbol: "BTC"), UnderlyingTerms(symbol: "ETH")]

  private func parse(_ text: String) throws(ObservationRefusal) -> TimedQuote {
    try ObservationLine.parse(Array(text.utf8), underlyings: Self.underlyings)
  }

  private func verdict(_ text: String) -> ObservationVerdict {
    do throws(ObservationRefusal) {
      _ = try parse(text)
      return .accepted
    } catch { return error.verdict }
  }

  @Test func anIndexLine() throws {
    let quote = try parse(#"{"underlying":"ETH","price":"3500.25","time":"1970-01-01T00:00:02.5Z","source":"x"}"#)
    #expect(quote == TimedQuote(feed: FeedKey(1), price: 3_500_250_000, volatilities: [], time: 2_500_000_000))
    #expect(try parse(#"{"underlying":"BTC","price":97000.5,"time":2}"#).price == 97_000_500_000)
    #expect(try parse(#"{"underlying":"BTC","price":97000,"time":2}"#).price == 97_000_000_000)
  }

  @Test(
    arguments: [
      ("1774598400", 1_774_598_400_000_000_000), ("1774598400.25", 1_774_598_400_250_000_000),
      ("1774598400250", 1_774_598_400_250_000_000), ("1774598400250000", 1_774_598_400_250_000_000),
      (#""2026-03-27T08:00:00.25Z""#, 1_774_598_400_250_000_000), (#""1774598400250""#, 1_774_598_400_250_000_000),
    ] as [(String, Int64)])
  func timesInEveryUnit(text: String, time: Int64) throws {
    #expect(try parse(#"{"underlying":"BTC","price":"1","time":"# + text + "}").time == time)
  }

  @Test func aSurfaceLine() throws {
    let volatilities = (1...9).map { #""0.\#($0)""# }.joined(separator: ",")
    let quote = try parse(
      #"{"underlying":"BTC","expiry":"2026-03-27T08:00:00Z","forward":"97400","volatilities":["#
        + volatilities + #"],"time":2}"#)
    #expect(quote.feed == FeedKey(0, 1_774_598_400_000_000_000) && quote.price == 97_400_000_000)
    #expect(quote.volatilities == (1...9).map { $0 * 100_000 })
  }

  @Test(arguments: [
    "", "x", "[]", "{}", "null", "{\"underlying\":", #"{"underlying":"BTC","price":"1"}"#,
    #"{"underlying":"BTC","price":"-1","time":2}"#, #"{"underlying":"BTC","price":"1e5","time":2}"#,
    #"{"underlying":"BTC","price":"0","time":2}"#, #"{"underlying":"BTC","time":2}"#,
    #"{"underlying":"BTC","price":true,"time":2}"#, #"{"underlying":"BTC","price":"1","time":"soon"}"#,
    #"{"underlying":"BTC","price":"1","time":-5}"#, #"{"underlying":"BTC","price":"99999999999999999999","time":2}"#,
    #"{"underlying":7,"price":"1","time":2}"#, #"{"underlying":"BTC","price":"1","time":9223372036854775807}"#,
    #"{"underlying":"BTC","forward":"1","volatilities":["1"],"expiry":"2026-03-27T08:00:00Z","time":2}"#,
    #"{"underlying":"BTC","forward":"1","volatilities":[],"expiry":"friday","time":2}"#,
    "{\"underlying\":\"BTC\",\"price\":\"1\",\"time\":2,\"x\":\"" + String(repeating: "x", count: 5000) + "\"}",
  ]) func malformedLines(text: String) {
    #expect(verdict(text) == .malformed)
  }

  @Test func otherUnderlyingsAreUnlisted() {
    #expect(verdict(#"{"underlying":"DOGE","price":"1","time":2}"#) == .unlisted)
  }
}

@Suite struct FeedJudgeTests {
  private static let now: Timestamp = 1_774_598_400_000_000_000
  private static let usd: Price = 1_000_000
  private var judge = FeedJudge()

  private func quote(_ price: Int64, _ age: Int64 = 0, _ feed: FeedKey = FeedKey(0), at now: Timestamp = Self.now)
    -> TimedQuote
  {
    TimedQuote(feed: feed, price: price * Self.usd, volatilities: [], time: now - age * Duration64.millisecond)
  }

  private mutating func verdict(
    _ quote: TimedQuote, now: Timestamp = Self.now, isListed: Bool = true
  ) -> ObservationVerdict {
    do throws(ObservationRefusal) {
      try judge.take(quote, reference: nil, isListed: isListed, now: now)
      return .accepted
    } catch { return error.verdict }
  }

  @Test mutating func freshOnesAreTakenAndKeptForThreeSeconds() {
    #expect(verdict(quote(100, 3_000)) == .accepted)
    #expect(judge.fresh(now: Self.now).count == 1)
    #expect(judge.fresh(now: Self.now + Duration64.millisecond).isEmpty)
  }

  @Test mutating func staleAndEarlyOnesAreNot() {
    #expect(verdict(quote(100, 3_001)) == .stale)
    #expect(verdict(quote(100, -1_000)) == .accepted)
    #expect(verdict(quote(100, -1_001)) == .early)
    // Older than the one before.
    #expect(verdict(quote(100, 0)) == .stale)
    #expect(verdict(TimedQuote(feed: FeedKey(0), price: 1, volatilities: [], time: .min)) == .stale)
  }

  @Test mutating func wildOnesWaitUntilTheyAreConfirmed() {
    #expect(verdict(quote(100)) == .accepted)
    #expect(verdict(quote(121)) == .wild)
    #expect(verdict(quote(119)) == .accepted)
    var now = Self.now
    for step in 0...4 {
      now = Self.now + Int64(step) * Duration64.second
      let expected: ObservationVerdict = step < 3 ? .wild : .accepted
      #expect(verdict(quote(200 + Int64(step % 2), 0, at: now), now: now) == expected, "after \(step) s")
    }
    #expect(judge.fresh(now: now).map(\.price) == [200 * Self.usd])
  }

  @Test mutating func aWanderingFeederIsNeverConfirmed() {
    #expect(verdict(quote(100)) == .accepted)
    for step in 1...20 as ClosedRange<Int64> {
      let now = Self.now + step * Duration64.second
      #expect(verdict(quote(step % 2 == 0 ? 200 : 300, 0, at: now), now: now) == .wild)
    }
  }

  @Test mutating func whatTheEngineCannotTakeIsWildForEver() {
    for step in 0...10 as ClosedRange<Int64> {
      let now = Self.now + step * Duration64.second
      #expect(verdict(quote(1_000_001, 0, at: now), now: now) == .wild)
    }
    let odd = TimedQuote(
      feed: FeedKey(0, Self.now * 2), price: Self.usd, volatilities: Array(repeating: 9_999, count: 9), time: Self.now)
    #expect(verdict(odd) == .wild)
  }

  @Test mutating func onlyListedFeedsAreRemembered() {
    let expiry = Self.now + Duration64.day
    #expect(verdict(quote(100, 0, FeedKey(0, expiry)), isListed: false) == .unlisted)
    #expect(verdict(quote(100, 0, FeedKey(0, expiry))) == .accepted)
    #expect(verdict(quote(100)) == .accepted)
    judge.forget(expiredAt: expiry)
    #expect(judge.fresh(now: Self.now).map(\.feed) == [FeedKey(0)])
  }
}
