// The file of a forecast: what it says, and where it is wrong.

import Node
import Primitives
import Simulator
import Testing

@Suite struct TopologyFileTests {
  @Test func readsValidatorsAndLatencies() throws {
    let text = """
      jitter = "2ms"
      rate = 50

      [validators]
      beta = "london"
      alpha = "frankfurt"

      [latency.frankfurt]
      london = "7.5ms"
      """
    let topology = try TopologyFile.parse(text, file: "t.toml")
    #expect(topology.validators.map(\.name) == ["alpha", "beta"])
    #expect(topology.distance(from: "london", to: "frankfurt") == 7_500 * Duration64.microsecond)
    #expect(topology.jitter == 2 * Duration64.millisecond)
    #expect(topology.rate == 50)
  }

  @Test(arguments: [
    ("[validators]\na = \"x\"\nb = \"y\"", "no latency between \"x\" and \"y\"; add it under [latency.x]"),
    ("[validators]\na = 1", "2: validators.a: expected the name of a region"),
    ("", "validators: expected a table of 1 to 31 validators"),
    ("speed = 1\n[validators]\na = \"x\"", "1: speed: unknown key"),
    ("jitter = \"fast\"\n[validators]\na = \"x\"", "1: jitter: expected a time such as \"7ms\""),
    ("rate = 0\n[validators]\na = \"x\"", "1: rate: expected transactions a second from 1 to 1000"),
    ("[validators]\na = \"x\"\n[latency.x]\ny = \"1ms\"", "4: latency.x.y: no validator is in \"y\""),
    (
      "[validators]\na = \"x\"\n[latency.x]\nx = \"1h\"",
      "4: latency.x.x: expected a time such as \"7ms\", at most \"10s\""
    ),
    ("[validators", "column"),
    ("[validators]\na = \"x\\u0000\"\n\0", "contains a NUL byte"),
  ])
  func saysWhatIsWrongAndWhere(text: String, expected: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try TopologyFile.parse(text, file: "t.toml") }
    #expect(error.description.contains(expected), "\(error)")
  }
}
