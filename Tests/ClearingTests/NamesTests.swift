import Clearing
import Primitives
import Testing
import Wire

@Suite struct NamesTests {
  let underlyings = [UnderlyingTerms(symbol: "BTC"), UnderlyingTerms(symbol: "ETH")]

  @Test(arguments: ["BTC-27MAR26-100000-C", "ETH-6FEB26-2500-P", "BTC-27MAR26", "BTC-31OCT26", "BTC-5OCT26T14-1d25-C"])
  func `Names read back as they are written`(_ name: String) throws {
    let id = try #require(InstrumentName.parse(name, underlyings: underlyings))
    #expect(id.isCanonical)
    #expect(InstrumentName.format(id, underlyings: underlyings) == name)
  }

  @Test(arguments: [
    "", "BTC", "BTC-27MAR26-100000", "BTC-27MAR26-100000-X", "XRP-27MAR26", "BTC-027MAR26", "BTC-27MAR26-0100-C",
    "BTC-30FEB26", "BTC-27MAR26-1.5-C", "BTC-27MAR26-9999999999-C", "BTC-27MAR26-0-C", "btc-27MAR26",
  ])
  func `Other names are none`(_ name: String) {
    #expect(InstrumentName.parse(name, underlyings: underlyings) == nil)
  }

  @Test func `An expiry is at eight`() {
    let id = InstrumentName.parse("BTC-27MAR26-100000-C", underlyings: underlyings)
    #expect(id?.expiry == ISO8601.parse("2026-03-27T08:00:00Z"))
  }

  @Test func `Time stamps read back`() {
    #expect(ISO8601.parse("2026-01-29T04:22:27.228973+00:00").map(ISO8601.format) == "2026-01-29T04:22:27.228973Z")
    #expect(ISO8601.parse("1970-01-01T01:00:00+01:00") == 0)
    #expect(ISO8601.parse("1969-12-31 23:59:59.5Z") == -500_000_000)
    #expect(ISO8601.format(-500_000_000) == "1969-12-31T23:59:59.5Z")
    for text in ["2026-02-29T00:00:00Z", "2026-1-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z", "x"] {
      #expect(ISO8601.parse(text) == nil)
    }
    #expect(ISO8601.format(.min).hasPrefix("1677-") && ISO8601.format(.max).hasPrefix("2262-"))
  }

  @Test func `Days and dates agree over four centuries`() {
    for day in stride(from: -719_162, through: 2_932_896, by: 97) {
      #expect(CivilDate(daysSince1970: day).daysSince1970 == day)
    }
  }

  @Test func `Every word is an instrument or is not, without a trap`() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<10_000 {
      let id = InstrumentID(raw: random.next())
      let name = InstrumentName.format(id, underlyings: underlyings)
      if id.isCanonical, id.underlying < 2, id.expiry < 4_000_000_000 * second, id.expiry > 1_000_000_000 * second {
        #expect(InstrumentName.parse(name, underlyings: underlyings) == id)
      }
    }
  }

  @Test func `A genesis that cannot start an engine says why`() throws {
    var genesis = Market.genesis()
    #expect(genesis.fault() == nil)
    #expect(try WireReader.decode(MarketGenesis.self, from: genesis.wireBytes) == genesis)
    genesis.network = "main"
    genesis.clockRate = 2
    #expect(genesis.fault()?.contains("test") == true)
    genesis = Market.genesis()
    genesis.listings.append(genesis.listings[0])
    #expect(genesis.fault()?.contains("twice") == true)
    genesis = Market.genesis()
    genesis.accounts.append(FundedAccount(account: AccountID(key(3)), amount: .max))
    #expect(genesis.fault() != nil)
  }
}
