// Option-chain files: what is read, what is skipped, and what is refused with file and line.

import Clearing
import Node
import Primitives
import Testing

@Suite struct ReplayReaderTests {
  private func refusal(_ paths: [String]) -> String {
    do throws(ReplayError) {
      _ = try OptionChainReader.read(paths)
      return "accepted"
    } catch {
      return error.description
    }
  }

  @Test func readsPricesInDollars() throws {
    let directory = try ScratchDirectory()
    let put = Chain.row(name: "BTC-27MAR26-100000-P", type: "put", bid: "", ask: "0", mark: "", volatility: "0.5")
    let path = try directory.write("chain.csv", Chain.file([put, Chain.row()], lineEnd: "\r\n"))
    let recording = try OptionChainReader.read([path])
    let snapshot = try #require(recording.snapshots.first)
    #expect(recording.symbols == ["BTC"])
    #expect(snapshot.time == ISO8601.parse("2026-01-05T20:00:00.123456Z"))
    #expect(snapshot.index == [89_900])
    let expiry = try #require(snapshot.expiries.first)
    #expect(expiry.forward == 90_000)
    let (call, other) = (expiry.options[0], expiry.options[1])
    #expect(call.kind == .call && call.strike == 100_000_000_000)
    #expect(abs((call.bid ?? 0) - 4_500) < 1e-9 && abs((call.ask ?? 0) - 5_400) < 1e-9)
    #expect(abs((call.mark ?? 0) - 4_950) < 1e-9)
    #expect(other.kind == .put && other.bid == nil && other.ask == nil && other.mark == nil)
  }

  @Test func readsCompressedFilesAndSortsByTime() throws {
    let directory = try ScratchDirectory()
    let late = Chain.file([Chain.row(time: "2026-01-06T02:00:00Z")])
    let early = Chain.file([Chain.row(time: "2026-01-05T20:00:00Z")])
    try directory.write("a.csv.gz", StoredGzip.make(Array(late.utf8)))
    try directory.write("b.csv", early)
    let recording = try OptionChainReader.read([directory.path])
    #expect(recording.snapshots.map(\.time) == ["2026-01-05T20:00:00Z", "2026-01-06T02:00:00Z"].map(ISO8601.parse))
  }

  @Test func skipsOtherFilesOfADirectoryWithTheReason() throws {
    let directory = try ScratchDirectory()
    try directory.write("chain.csv", Chain.file([Chain.row()]))
    try directory.write("futures.csv", "timestamp,coin,mark_price\n1,2,3\n")
    try directory.write("notes.txt", "hello")
    let recording = try OptionChainReader.read([directory.path])
    #expect(recording.skipped.map { FilePaths.name(of: $0.path) } == ["futures.csv", "notes.txt"])
    #expect(recording.skipped[0].reason.contains("instrument_name"))
    #expect(recording.skipped[1].reason == "neither .csv nor .csv.gz")
  }

  @Test func namesAMissingColumn() throws {
    let directory = try ScratchDirectory()
    let header = Chain.columns.map { $0 == "ask_price" ? "offer" : $0 }
    let path = try directory.write("chain.csv", Chain.file([Chain.row()], header: header))
    #expect(refusal([path]) == "\(path):1: the header has no column ask_price")
  }

  @Test(arguments: [
    (Chain.row(strike: "abc"), "strike"), (Chain.row(bid: "nan"), "bid_price"), (Chain.row(mark: "-1"), "mark_price"),
    (Chain.row(time: "yesterday"), "timestamp"), (Chain.row(type: "straddle"), "option_type"),
    (Chain.row(strike: "90000"), "contradicts"), (Chain.row(name: "BTC-31FEB26-1-C"), "instrument_name"),
    (Chain.row(currency: "btc"), "currency"), (Chain.row(future: "0"), "futures_price"), ("1,2,3", "13 fields"),
    (Chain.row(comment: "\"open"), "13 fields"),
  ])
  func namesFileAndLineOfABadRow(row: String, reason: String) throws {
    let directory = try ScratchDirectory()
    let path = try directory.write("chain.csv", Chain.file([Chain.row(), row]))
    let text = refusal([path])
    #expect(text.hasPrefix("\(path):3: ") && text.contains(reason), "\(text)")
  }

  @Test func namesBothPlacesOfADuplicate() throws {
    let directory = try ScratchDirectory()
    let first = try directory.write("a.csv", Chain.file([Chain.row()]))
    let second = try directory.write("b.csv", Chain.file([Chain.row()]))
    #expect(refusal([first, second]).hasPrefix("\(second):2: BTC-27MAR26-100000-C appears twice"))
    #expect(refusal([first, second]).hasSuffix("first in \(first):2"))
    let twice = try directory.write("c.csv", Chain.file([Chain.row(), Chain.row()]))
    #expect(refusal([twice]).hasSuffix("first in line 2"))
  }

  @Test func refusesDamagedAndMissingFiles() throws {
    let directory = try ScratchDirectory()
    var bytes = StoredGzip.make(Array(Chain.file([Chain.row()]).utf8))
    let short = try directory.write("short.csv.gz", Array(bytes.dropLast(12)))
    #expect(refusal([short]) == "\(short): the compressed file ends too early")
    bytes[40] ^= 1
    let damaged = try directory.write("damaged.csv.gz", bytes)
    #expect(refusal([damaged]) == "\(damaged): damaged gzip data")
    #expect(refusal([directory.path + "/none.csv"]).contains("none.csv"))
    let empty = try ScratchDirectory()
    #expect(refusal([empty.path]).hasPrefix("no option-chain snapshots in"))
  }

  @Test func leavesOutWhatHasExpired() throws {
    let directory = try ScratchDirectory()
    let path = try directory.write("chain.csv", Chain.file([Chain.row(time: "2026-03-27T08:00:00Z")]))
    #expect(refusal([path]).hasPrefix("no option-chain snapshots in"))
  }
}
