// Sessions between nodes over loopback while the committee changes: who keeps its session, and by which number it is known.

import Clearing
import Logging
import NIOCore
import NIOPosix
import Node
import Primitives
import Replica
import Sodium
import Testing

/// One node's end of the mesh, and what it was told; confined to `loop`.
private final class Station: PeerNetworkDelegate, @unchecked Sendable {
  enum Event: Hashable, Sendable {
    case up(Int)
    case down(Int)
    case heard(Int, String)
    case works
    case stops
  }

  let key: SigningKey
  private let loop: any EventLoop
  private let network: PeerNetwork
  private var told: [Event] = []

  /// An observer where its key is none of the members'.
  init(
    _ key: SigningKey, _ members: [Validator], port: Int = 0, observersMax: Int = 4,
    addresses: [PublicKey: (host: String, port: Int)] = [:], fed: Set<PublicKey> = [], life: Life? = nil
  ) {
    self.key = key
    loop = MultiThreadedEventLoopGroup.singleton.next()
    network = PeerNetwork(
      configuration: PeerNetworkConfiguration(
        chain: Digest(words: (1, 2, 3, 4)), identity: key, addresses: addresses, fed: fed, observersMax: observersMax,
        listenHost: "127.0.0.1", listenPort: port, messageBytesMax: 1 << 20, backlogBytesMax: 1 << 20, life: life),
      members: members, index: Self.place(of: key, members), loop: loop,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private static func place(of key: SigningKey, _ members: [Validator]) -> Int? {
    members.firstIndex { $0.key == key.publicKey }
  }

  func start() async throws {
    try await loop.flatSubmit { [self] in network.start(reportingTo: self) }.get()
  }

  /// Gives what is told at once.
  @discardableResult func become(_ members: [Validator]) async throws -> [Event] {
    let index = Self.place(of: key, members)
    return try await loop.submit { [self] () -> [Event] in
      told = []
      network.reconfigure(members, index: index)
      return told
    }.get()
  }

  func say(_ text: String, to peer: Int) async throws {
    try await loop.submit { [self] in
      network.send(Array(text.utf8), to: peer)
      network.flush()
    }.get()
  }

  func stop() { loop.execute { [self] in network.stop() } }

  func events() async throws -> [Event] { try await loop.submit { [self] in told }.get() }

  /// Within ten seconds.
  func sees(_ event: Event) async throws -> Bool {
    for _ in 0..<1000 {
      if try await events().contains(event) { return true }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  func hasLostNobody() async throws -> Bool {
    try await events().allSatisfy { event in
      if case .down = event { false } else { true }
    }
  }

  func mayWork() { told.append(.works) }
  func mustStop(_ reason: String) { if !told.contains(.stops) { told.append(.stops) } }
  func peerConnected(_ peer: ValidatorIndex) { told.append(.up(Int(peer))) }
  func peerDisconnected(_ peer: ValidatorIndex) { told.append(.down(Int(peer))) }
  func peerMessage(_ message: [UInt8], from peer: ValidatorIndex) {
    told.append(.heard(Int(peer), String(decoding: message, as: UTF8.self)))
  }
}

@Suite struct PeerNetworkTests {
  /// Nobody listens there now.
  private func freePorts(_ count: Int) async throws -> [Int] {
    var channels: [any Channel] = []
    for _ in 0..<count {
      channels.append(
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get())
    }
    let ports = channels.compactMap { $0.localAddress?.port }
    for channel in channels { try await channel.close().get() }
    try #require(ports.count == count)
    return ports
  }

  private func validator(_ name: String, _ key: SigningKey, _ port: Int) -> Validator {
    Validator(name: name, key: key.publicKey, host: "127.0.0.1", port: UInt16(truncatingIfNeeded: port))
  }

  /// Validators with their nodes, which are not started.
  private func network(
    _ count: Int, observersMax: Int = 4, haveLives: Bool = false
  ) async throws -> (members: [Validator], stations: [Station]) {
    let keys = (0..<count).map { _ in SigningKey.generate() }
    let ports = try await freePorts(count)
    let members = keys.indices.map { validator("v\($0)", keys[$0], ports[$0]) }
    let stations = keys.indices.map {
      Station(
        keys[$0], members, port: ports[$0], observersMax: observersMax,
        life: haveLives ? Life(began: 1, bootId: UInt64($0)) : nil)
    }
    return (members, stations)
  }

  /// Starts them and waits until each has a session with each.
  private func meet(_ stations: [Station]) async throws {
    for station in stations { try await station.start() }
    for (place, station) in stations.enumerated() {
      for other in stations.indices where other != place { #expect(try await station.sees(.up(other))) }
    }
  }

  @Test func whoStaysKeepsItsSessionUnderItsNewNumber() async throws {
    let (members, stations) = try await network(4)
    defer { for station in stations { station.stop() } }
    try await meet(stations)
    let next = Array(members.dropFirst())
    let (leaver, first, second, third) = (stations[0], stations[1], stations[2], stations[3])

    // The one that leaves goes on as an observer, where there is a place for it.
    #expect(try await first.become(next) == [.up(1), .up(2), .up(3)])
    try await first.say("ahead", to: 1)
    #expect(try await second.sees(.heard(1, "ahead")), "it has not changed its numbers yet")
    #expect(try await second.become(next) == [.up(0), .up(2), .up(3)])
    #expect(try await third.become(next) == [.up(0), .up(1), .up(3)])

    try await second.say("hello", to: 0)
    #expect(try await first.sees(.heard(1, "hello")))
    try await third.say("hello", to: 1)
    #expect(try await second.sees(.heard(2, "hello")))
    try await leaver.say("still here", to: 1)
    #expect(try await first.sees(.heard(3, "still here")))
    #expect(try await leaver.hasLostNobody())
    #expect(try await leaver.become(next) == [.up(0), .up(1), .up(2)])
    for station in stations { #expect(try await station.hasLostNobody()) }
  }

  @Test func whoLeavesIsCutOffWhereThereIsNoPlaceAndListensNoMore() async throws {
    let (members, stations) = try await network(4, observersMax: 0)
    defer { for station in stations { station.stop() } }
    try await meet(stations)
    let next = Array(members.dropFirst())
    #expect(try await stations[1].become(next) == [.up(1), .up(2)])
    #expect(try await stations[0].sees(.down(1)))
    // It dials again, for it does not know yet: nobody hears of that.
    try await Task.sleep(for: .milliseconds(300))
    #expect(try await stations[1].events() == [.up(1), .up(2)])

    try await stations[0].become(next)
    await #expect(throws: (any Error).self) {
      _ = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: members[0].host, port: Int(members[0].port)).get()
    }
  }

  @Test func observersKeepTheirPlacesAndOneBecomesAValidator() async throws {
    let (members, stations) = try await network(3)
    let port = try await freePorts(1)[0]
    let joiner = Station(SigningKey.generate(), members, port: port)
    let observer = Station(SigningKey.generate(), members)
    defer { for station in stations + [joiner, observer] { station.stop() } }
    try await meet(stations)
    try await joiner.start()
    for station in stations { #expect(try await station.sees(.up(3))) }
    try await observer.start()
    for station in stations { #expect(try await station.sees(.up(4))) }

    let next = members + [validator("new", joiner.key, port)]
    for (place, station) in stations.enumerated() {
      let others = (0..<4).filter { $0 != place } + [5]
      #expect(
        try await station.become(next) == others.map(Station.Event.up), "the observer's place is the second still")
    }
    try await observer.say("hello", to: 0)
    #expect(try await stations[0].sees(.heard(5, "hello")))
    try await stations[0].say("hello", to: 5)
    #expect(try await observer.sees(.heard(0, "hello")))

    #expect(try await joiner.become(next) == [.up(0), .up(1), .up(2)])
    try await joiner.say("one of you", to: 1)
    #expect(try await stations[1].sees(.heard(3, "one of you")))
    #expect(try await observer.hasLostNobody())
    // The new validator listens, and has places of its own.
    try await observer.become(next)
    #expect(try await observer.sees(.up(3)))
    #expect(try await joiner.sees(.up(4)))
  }

  @Test func whoJoinsIsDialledUntilItIsThere() async throws {
    let (members, stations) = try await network(3)
    let port = try await freePorts(1)[0]
    let key = SigningKey.generate()
    let next = members + [validator("new", key, port)]
    let joiner = Station(key, next, port: port)
    defer { for station in stations + [joiner] { station.stop() } }
    try await meet(stations)
    for station in stations { try await station.become(next) }
    try await joiner.start()
    for (place, station) in stations.enumerated() {
      #expect(try await station.sees(.up(3)))
      #expect(try await joiner.sees(.up(place)))
      #expect(try await station.hasLostNobody())
    }
  }

  @Test func anotherAddressIsUsedAtTheNextDial() async throws {
    let (members, stations) = try await network(2)
    let port = try await freePorts(1)[0]
    let moved = [members[0], validator("v1", stations[1].key, port)]
    let elsewhere = Station(stations[1].key, moved, port: port)
    defer { for station in stations + [elsewhere] { station.stop() } }
    try await meet(stations)
    #expect(try await stations[0].become(moved) == [], "numbers are the same, so is the session")
    try await stations[0].say("same session", to: 1)
    #expect(try await stations[1].sees(.heard(0, "same session")))
    stations[1].stop()
    #expect(try await stations[0].sees(.down(1)))
    try await elsewhere.start()
    #expect(try await stations[0].sees(.up(1)))
    #expect(try await elsewhere.sees(.up(0)))
  }

  /// What the operator says of an address is for a key, whatever its number is.
  @Test func toldAddressesFollowTheKey() async throws {
    let ports = try await freePorts(4)
    let keys = (0..<3).map { _ in SigningKey.generate() }
    // Nobody is where the network says.
    let members = [validator("a", keys[0], ports[0]), validator("b", keys[1], ports[2])]
    let next = [validator("c", keys[2], ports[3])] + members
    let first = Station(
      keys[0], members, port: ports[0], addresses: [keys[1].publicKey: (host: "127.0.0.1", port: ports[1])])
    let second = Station(keys[1], members, port: ports[1])
    let again = Station(keys[1], next, port: ports[1])
    defer { for station in [first, second, again] { station.stop() } }
    try await meet([first, second])
    #expect(try await first.become(next) == [.up(2)])
    second.stop()
    #expect(try await first.sees(.down(2)))
    try await again.start()
    #expect(try await again.sees(.up(1)))
  }

  /// Dials that fail take nobody's place among those who come in.
  @Test func unreachableValidatorsKeepNobodyOut() async throws {
    let ports = try await freePorts(2)
    let key = SigningKey.generate()
    let absent = (0..<80).map { validator("absent \($0)", SigningKey.generate(), ports[1]) }
    let members = [validator("present", key, ports[0])] + absent
    let station = Station(key, members, port: ports[0])
    let observer = Station(SigningKey.generate(), members, fed: [key.publicKey])
    defer { for station in [station, observer] { station.stop() } }
    try await station.start()
    try await Task.sleep(for: .milliseconds(300))
    try await observer.start()
    #expect(try await station.sees(.up(members.count)))
    #expect(try await observer.sees(.up(0)))
  }

  /// L1 to L5: a copy of any validator, last in the order or first, is told to stop, and the original loses no session.
  @Test(arguments: [0, 3]) func aCopyGetsNoPlace(_ twin: Int) async throws {
    let (members, stations) = try await network(4, haveLives: true)
    let port = try await freePorts(1)[0]
    let copy = Station(stations[twin].key, members, port: port, life: Life(began: 2, bootId: 99))
    defer { for station in stations + [copy] { station.stop() } }
    try await meet(stations)
    // Whoever is not spoken to for long enough loses its place.
    let talk = Task {
      while !Task.isCancelled {
        for peer in stations.indices where peer != twin { try await stations[twin].say("here", to: peer) }
        try await Task.sleep(for: .milliseconds(200))
      }
    }
    defer { talk.cancel() }
    try await copy.start()
    #expect(try await copy.sees(.stops))
    #expect(try await !copy.events().contains(.works))
    for station in stations {
      #expect(try await station.hasLostNobody())
      #expect(try await !station.events().contains(.stops))
    }
    // The place is free when the original has gone.
    copy.stop()
    talk.cancel()
    stations[twin].stop()
    for (place, station) in stations.enumerated() where place != twin { #expect(try await station.sees(.down(twin))) }
    let next = Station(stations[twin].key, members, port: port, life: Life(began: 3, bootId: 100))
    defer { next.stop() }
    try await next.start()
    for place in stations.indices where place != twin { #expect(try await next.sees(.up(place))) }
    #expect(try await next.events().first == .works)
  }

  /// L3: nobody is heard before this node may speak itself.
  @Test func whoWaitsHearsNobody() async throws {
    let (_, stations) = try await network(4, haveLives: true)
    defer { for station in stations { station.stop() } }
    try await stations[0].start()
    try await stations[1].start()
    try await Task.sleep(for: .seconds(2))
    for station in stations.prefix(2) { #expect(try await station.events().isEmpty) }
    try await stations[2].start()
    for (place, station) in stations.prefix(3).enumerated() {
      for other in 0..<3 where other != place { #expect(try await station.sees(.up(other))) }
      #expect(try await station.events().first == .works)
    }
  }
}
