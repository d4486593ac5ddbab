// What a node says of its surroundings, at the edges.

import Node
import Testing

@Suite struct NodeWarningsTests {
  @Test func aClockOutOfStepIsSaid() {
    #expect(NodeWarnings.clock(lead: nil) == nil)
    for fine in [0, 30_000_000, 900_000_000, -50_000_000] as [Int64] { #expect(NodeWarnings.clock(lead: fine) == nil) }
    #expect(NodeWarnings.clock(lead: -3_250_000_000)?.contains("3.250 s behind") == true)
    #expect(NodeWarnings.clock(lead: 7_000_000_000)?.contains("7.000 s after its time") == true)
    for extreme in [Int64.min, .max] { #expect(NodeWarnings.clock(lead: extreme) != nil) }
  }

  @Test func aDiskThatFillsUpIsSaid() {
    #expect(DiskSpace.free(at: "/") != nil)
    #expect(DiskSpace.free(at: "/no/such/place") == nil)
    #expect(NodeWarnings.disk(free: nil) == nil)
    #expect(NodeWarnings.disk(free: 2 << 30) == nil)
    #expect(NodeWarnings.disk(free: 200 << 20)?.contains("200 MiB") == true)
  }

  @Test func tooFewConnectionsAreSaid() {
    #expect(NodeWarnings.connections(connected: 3, validators: 4, quorum: 3, isObserver: false) == nil)
    #expect(NodeWarnings.connections(connected: 2, validators: 4, quorum: 3, isObserver: false) == nil)
    #expect(
      NodeWarnings.connections(connected: 1, validators: 4, quorum: 3, isObserver: false)?.contains("no quorum") == true
    )
    #expect(NodeWarnings.connections(connected: 3, validators: 4, quorum: 3, isObserver: true) == nil)
    #expect(
      NodeWarnings.connections(connected: 0, validators: 4, quorum: 3, isObserver: true)?.contains("nothing new")
        == true)
  }
}
