// Which network fits a recording, and the tape.

import Clearing
import Node
import Primitives
import Testing

@Suite struct ReplayClockTests {
  private let first: Timestamp = 1_770_000_000 * Duration64.second
  private var last: Timestamp { first + 5 * Duration64.day }
  private var fit: ReplayFit { ReplayFit(first: first, last: last, snapshots: 21, seconds: 90) }

  @Test func clockRunsBothWays() {
    let clock = MarketClock(genesis: 100 * Duration64.second, start: first, rate: 3_600)
    #expect(clock.market(at: 101 * Duration64.second) == first + Duration64.hour)
    #expect(clock.real(at: first + 2 * Duration64.hour) == 102 * Duration64.second)
  }

  @Test func suggestedClockFits() {
    let suggestion = fit.suggestion
    #expect(suggestion.rate == 4_800)
    let clock = MarketClock(genesis: 0, start: suggestion.start, rate: suggestion.rate)
    #expect(fit.fault(clock, now: 0) == nil)
    #expect(fit.fault(clock, now: 20 * Duration64.second) == nil)
    #expect(fit.fault(clock, now: 40 * Duration64.second)?.contains("after the first snapshot") == true)
  }

  @Test func refusesClocksThatDoNotFit() {
    let slow = MarketClock(genesis: 0, start: first - Duration64.minute, rate: 1)
    #expect(fit.fault(slow, now: 0)?.contains("the recording takes 5 d") == true)
    let early = MarketClock(genesis: 0, start: first - 30 * Duration64.day, rate: 4_800)
    #expect(fit.fault(early, now: 0)?.contains("away") == true)
    let hasty = MarketClock(genesis: 0, start: first, rate: 100_000)
    #expect(fit.fault(hasty, now: 0)?.contains("once a second") == true)
  }

  @Test func tapeIsReproducibleAndFalls() throws {
    let start = try #require(ISO8601.parse("2026-01-05T00:00:00Z"))
    let begin = start + 20 * Duration64.hour
    let tape = Tape.make(seed: 7, start: start, first: begin)
    #expect(tape.snapshots == Tape.make(seed: 7, start: start, first: begin).snapshots)
    #expect(tape.snapshots != Tape.make(seed: 8, start: start, first: begin).snapshots)
    #expect(tape.snapshots.map(\.time) == tape.snapshots.map(\.time).sorted())
    let indices = tape.snapshots.compactMap { $0.index[0] }
    let (highest, lowest) = (try #require(indices.max()), try #require(indices.min()))
    #expect(lowest < highest * 0.9)
    // Something expires on the tape, and every mark is worth at least what exercise would give.
    let expiries = Set(tape.snapshots[0].expiries.map(\.expiry))
    #expect(expiries.contains { $0 < tape.snapshots[tape.snapshots.count - 1].time })
    for snapshot in tape.snapshots {
      for expiry in snapshot.expiries {
        for option in expiry.options {
          let gain = (expiry.forward - Double(option.strike) / 1e6) * (option.kind == .call ? 1 : -1)
          #expect((option.mark ?? 0) >= max(0, gain) - 1e-4)
        }
      }
    }
  }
}
