// Forecasts: what latencies alone decide must come out, and the page must hold it.

import Primitives
import Simulator
import Testing

@Suite struct ForecastTests {
  private static let ms = Duration64.millisecond

  /// Four regions in a line: a, b, c near each other and d far away.
  private static var topology: Topology {
    var topology = Topology()
    topology.validators = ["a", "b", "c", "d"].map { .init(name: "node-\($0)", region: $0) }
    for (from, to, milliseconds) in [
      ("a", "b", 10), ("a", "c", 10), ("b", "c", 10), ("a", "d", 100), ("b", "d", 100), ("c", "d", 100),
    ] { topology.distances[.init(from: from, to: to)] = Int64(milliseconds) * ms }
    topology.jitter = ms / 2
    return topology
  }

  @Test func distancesAreSymmetricUnlessSaidOtherwise() {
    var topology = Self.topology
    #expect(topology.distance(from: "d", to: "a") == 100 * Self.ms)
    topology.distances[.init(from: "d", to: "a")] = 90 * Self.ms
    #expect(topology.distance(from: "d", to: "a") == 90 * Self.ms)
    #expect(topology.distance(from: "a", to: "d") == 100 * Self.ms)
    #expect(topology.distance(from: "a", to: "a") == topology.within)
    #expect(topology.unknownDistances.isEmpty)
    topology.validators.append(.init(name: "x", region: "mars"))
    #expect(topology.unknownDistances.map(\.1) == ["mars", "mars", "mars", "mars"])
  }

  @Test func theSlowValidatorDecidesWhenANearOneIsDown() throws {
    let forecast = Forecast(Self.topology, duration: 20 * Duration64.second)
    #expect(forecast.scenarios.map(\.down) == [nil, "node-a", "node-b", "node-c", "node-d"])
    for scenario in forecast.scenarios {
      #expect(scenario.report.violations.isEmpty)
      #expect(scenario.report.receipts > 100)
      let p50 = try #require(scenario.report.latency(perMille: 500))
      // Two message delays at least.
      #expect(p50 >= 20 * Self.ms)
      #expect(scenario.reliability(within: p50 - 1) <= 0.51)
      #expect(scenario.reliability(within: 10 * Duration64.second) > 0.99)
    }
    // Without a near validator every quorum of three needs the far one.
    let all = try #require(forecast.scenarios[0].report.latency(perMille: 500))
    let without = try #require(forecast.scenarios[1].report.latency(perMille: 500))
    #expect(without >= 190 * Self.ms)
    #expect(all < without)
  }

  @Test func aForecastIsAFunctionOfItsSeed() {
    let one = Forecast(Self.topology, seed: 7, duration: 5 * Duration64.second)
    let two = Forecast(Self.topology, seed: 7, duration: 5 * Duration64.second)
    #expect(one.scenarios.map(\.report.traceHash) == two.scenarios.map(\.report.traceHash))
    #expect(one.page == two.page)
  }

  @Test func thePageIsWholeAndEscaped() {
    var topology = Self.topology
    topology.validators[0].name = "<script>\"&"
    let page = Forecast(topology, duration: 5 * Duration64.second).page
    #expect(page.hasPrefix("<!doctype html>") && page.contains("</html>"))
    #expect(!page.contains("<script"))
    #expect(page.contains("without &lt;script&gt;&quot;&amp;"))
    #expect(page.ranges(of: "<polyline").count == 5)
    #expect(!page.contains("http"))
  }
}
