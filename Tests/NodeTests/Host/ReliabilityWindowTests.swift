// What counts as reliable: nothing that was promised is left out because it is late.

import Node
import Primitives
import Testing

@Suite struct ReliabilityWindowTests {
  private static let ms = Duration64.millisecond

  @Test func whatIsLateOrLostCountsAgainstTheNode() {
    var window = ReliabilityWindow()
    for ticket in 1...4 as ClosedRange<UInt64> { window.accept(ticket, isOwn: ticket == 4, at: 0) }
    window.finalize(1, height: 7, at: 20 * Self.ms)
    window.finalize(2, height: 8, at: 300 * Self.ms)
    window.finalize(4, height: 8, at: 10 * Self.ms)
    let samples = window.accepted
    let now = 1_000 * Self.ms
    #expect(samples.count(within: 10 * Self.ms, at: now, \.final) == .init(within: 1, of: 4))
    #expect(samples.count(within: 100 * Self.ms, at: now, \.final) == .init(within: 2, of: 4))
    #expect(samples.count(within: 500 * Self.ms, at: now, \.final) == .init(within: 3, of: 4))
    #expect(samples.count { $0.isOwn } == 1)
  }

  @Test func whoHasNotHadTheTimeIsNotCountedEvenIfDone() {
    var window = ReliabilityWindow()
    window.accept(1, isOwn: false, at: 0)
    window.accept(2, isOwn: false, at: 95 * Self.ms)
    window.finalize(2, height: 1, at: 96 * Self.ms)
    let now = 100 * Self.ms
    #expect(window.accepted.count(within: 100 * Self.ms, at: now, \.final) == .init(within: 0, of: 1))
    #expect(window.accepted.count(within: 5 * Self.ms, at: now, \.final) == .init(within: 1, of: 2))
  }

  @Test func aRefusalIsNoPromise() {
    var window = ReliabilityWindow()
    window.accept(1, isOwn: false, at: 0)
    window.accept(2, isOwn: false, at: 0)
    window.refuse(1)
    window.refuse(1)
    #expect(window.accepted.count == 1 && window.refused == 1)
  }

  @Test func aCertificateProvesItsHeightAndAllBelow() {
    var window = ReliabilityWindow()
    for ticket in 1...4 as ClosedRange<UInt64> { window.accept(ticket, isOwn: false, at: 0) }
    window.finalize(1, height: 3, at: 1)
    window.finalize(2, height: 4, at: 2)
    window.finalize(3, height: 6, at: 3)
    window.certify(through: 5, at: 10)
    // The certificate of height 5 came before its block was executed here.
    window.finalize(4, height: 5, at: 12)
    #expect(window.accepted.map(\.proven) == [10, 10, nil, 12])
    window.certify(through: 6, at: 20)
    #expect(window.accepted.map(\.proven) == [10, 10, 20, 12])
  }

  @Test func theWindowSlides() {
    var window = ReliabilityWindow()
    let count = UInt64(ReliabilityWindow.capacity) + 10
    for ticket in 1...count { window.accept(ticket, isOwn: false, at: Int64(ticket)) }
    #expect(window.accepted.count == ReliabilityWindow.capacity)
    #expect(window.accepted.map(\.accepted).min() == 11)
    // What fell out of the window is not written into another's place.
    window.finalize(1, height: 1, at: 50)
    #expect(window.accepted.allSatisfy { $0.final == nil })
  }

  /// Values of the literature: 0 of 10 gives 0 to 0.2775, 8 of 10 gives 0.4902 to 0.9433.
  @Test func wilsonsIntervalIsHonestAtItsEnds() throws {
    #expect(BinomialInterval(0, of: 0) == nil)
    let none = try #require(BinomialInterval(0, of: 10))
    #expect(none.low == 0 && none.share == 0 && none.high / 100 == 2775)
    let most = try #require(BinomialInterval(8, of: 10))
    #expect(most.low / 100 == 4901 && most.high / 100 == 9433 && most.share == 800_000)
    let all = try #require(BinomialInterval(1000, of: 1000))
    #expect(all.high == 1_000_000 && all.low < 1_000_000 && all.low > 995_000)
  }
}
