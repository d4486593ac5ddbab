// The configuration file: what it accepts, and what a refusal says.

import Node
import Primitives
import Testing

@Suite struct ConfigurationTests {
  private func parse(_ text: String) throws(ConfigurationError) -> NodeConfiguration {
    try NodeConfiguration.parse(text, file: "/etc/novation/novation.toml")
  }

  private func problems(_ text: String) -> [String] {
    do {
      _ = try parse(text)
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test func emptyFileGivesDefaultsWithPathsBesideTheFile() throws {
    var expected = NodeConfiguration()
    expected.node.genesis = "/etc/novation/genesis.json"
    #expect(try parse("") == expected)
    #expect(expected.network.maxPeers == 64)
    #expect(expected.ledger.mapSize == 64 << 30)
  }

  @Test func templateParsesBackToTheDefaults() throws {
    #expect(try parse(NodeConfiguration.template()) == parse(""))
  }

  @Test func everyKeyOfTheTemplateIsDocumented() {
    var previous = ""
    for line in NodeConfiguration.template().split(separator: "\n", omittingEmptySubsequences: false) {
      if line.contains(" = "), !line.hasPrefix("#") { #expect(previous.hasPrefix("# Accepted: "), "\(line)") }
      previous = String(line)
    }
  }

  @Test func writtenConfigurationParsesBack() throws {
    var configuration = NodeConfiguration()
    configuration.node.home = "/srv/a \"quoted\" \\ path\u{1}"
    configuration.node.role = .observer
    configuration.node.genesis = "/g"
    configuration.network.peers = [
      Peer(identity: .index(3), address: .init(host: "fd00::1", port: 7470)),
      Peer(identity: .key(PublicKey(words: (1, 2, 3, 4))), address: .init(host: "a.example", port: 1)),
    ]
    configuration.consensus.minimumDelay = 1_500_000
    configuration.ledger.mapSize = 3 << 29
    configuration.log.format = .json
    #expect(try parse(configuration.documentedText()) == configuration)
  }

  @Test func relativePathsStartAtTheFile() throws {
    let configuration = try parse(
      """
      node.home = "../home/./x"
      [identity]
      key = "keys/a.key"
      [api]
      socket = "/run/s"
      """)
    #expect(configuration.node.home == "/etc/home/x")
    #expect(configuration.identity.key == "/etc/novation/keys/a.key")
    #expect(configuration.api.socket == "/run/s")
  }

  @Test func credentialsAreNoPaths() throws {
    #expect(try parse("[identity]\nkey = \"credential:identity\"").identity.key == "credential:identity")
  }

  static let refusals: [(text: String, expected: String)] = [
    ("[network]\nmax_peers = 0", "2: network.max_peers: expected an integer from 1 to 1024, found 0"),
    (
      "[network]\n\n# comment\nmax_peers = 1025", "4: network.max_peers: expected an integer from 1 to 1024, found 1025"
    ),
    ("[network]\nmax_peers = \"9\"", "2: network.max_peers: expected an integer from 1 to 1024, found \"9\""),
    (
      "[network]\nmax_peers = 1.5",
      "2: network.max_peers: expected an integer from 1 to 1024, found a floating-point number"
    ),
    ("\n[node]\nrole = \"leader\"", "3: node.role: expected \"validator\" or \"observer\", found \"leader\""),
    ("node.role = true", "1: node.role: expected \"validator\" or \"observer\", found true"),
    (
      "[ledger]\nmap_size = \"1MiB\"", "2: ledger.map_size: expected a size from \"16MiB\" to \"16TiB\", found \"1MiB\""
    ),
    (
      "[ledger]\nmap_size = \"64GB\"", "2: ledger.map_size: expected a size from \"16MiB\" to \"16TiB\", found \"64GB\""
    ),
    ("[ledger]\nmap_size = 64", "2: ledger.map_size: expected a size from \"16MiB\" to \"16TiB\", found 64"),
    (
      "[consensus]\nheartbeat = \"1\"",
      "2: consensus.heartbeat: expected a duration from \"100ms\" to \"1m\", found \"1\""
    ),
    ("[api]\nlisten = \"nowhere\"", "2: api.listen: expected \"host:port\", or \"\" for none, found \"nowhere\""),
    ("[api]\nsocket = \"\"", "2: api.socket: expected a path of 1 to 4095 bytes, found \"\""),
    (
      "[api]\nsocket_mode = \"0999\"",
      "2: api.socket_mode: expected four octal digits from \"0600\" to \"0777\", found \"0999\""
    ),
    (
      "[identity]\nkey = \"credential:../x\"",
      "2: identity.key: expected a path or \"credential:NAME\", found \"credential:../x\""
    ),
    (
      "[network]\npeers = [\n  \"1@a:1\",\n  \"b:2\",\n]",
      "2: network.peers: expected a list of at most 1024 \"INDEX@host:port\" or \"PUBLICKEY@host:port\", found a list of 2"
    ),
    ("node = 3", "1: node: expected a section [node]"),
    (
      "[log]\nlevel = \"info\"\nlevels = 3", "3: log.levels: unknown key; [log] has level, format"
    ),
    (
      "[node]\nhome = '''\n[network]\nmax_peers = 0\n'''\nrole = 1",
      "6: node.role: expected \"validator\" or \"observer\", found 1"
    ),
    (
      "log = { level = \"info\", format = 1 }", "1: log.format: expected \"text\" or \"json\", found 1"
    ),
    (
      "[consensus]\nminimum_delay = \"2s\"\nmaximum_delay = \"1s\"",
      "2: consensus.minimum_delay: expected at most maximum_delay"
    ),
    (
      "[limits]\npeer_message = \"64MiB\"\npeer_queue = \"1MiB\"",
      "3: limits.peer_queue: expected at least peer_message"
    ),
  ]

  @Test(arguments: refusals) func refusesWithFileLineKeyAndRange(text: String, expected: String) {
    #expect(problems(text) == ["/etc/novation/novation.toml:\(expected)"])
  }

  @Test func unknownSectionNamesTheKnown() {
    #expect(
      problems("[nod]\nhome = \"x\"") == [
        "/etc/novation/novation.toml:1: nod: unknown section; there are "
          + "[node] [identity] [network] [api] [consensus] [ledger] [limits] [log]"
      ])
  }

  @Test func allProblemsComeInTheOrderOfTheFile() {
    let found = problems("[network]\nmax_peers = 0\n[log]\nlevel = \"loud\"\n[api]\nunknown = 1")
    #expect(found.map { $0.split(separator: ":")[1] } == ["2", "4", "6"])
  }

  @Test func syntaxErrorsHaveTheirLine() {
    let found = problems("[node]\nhome = \n")
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("/etc/novation/novation.toml:2: column") == true)
  }

  @Test func duplicateKeysAreRefused() {
    #expect(problems("[node]\nrole = \"validator\"\nrole = \"observer\"").first?.contains("toml:3: column") == true)
  }

  @Test func bytesAfterNULAreNotIgnored() {
    #expect(problems("[node]\n\u{0}[bad]") == ["/etc/novation/novation.toml:2: contains a NUL byte"])
  }

  @Test func socketPathHasTheSystemsLimit() {
    let path = "/" + String(repeating: "s", count: 107)
    #expect(problems("[api]\nsocket = \"\(path)\"").first?.contains("toml:2: api.socket: expected at most 107") == true)
  }

  @Test func missingFileSaysItsPath() {
    #expect(throws: ConfigurationError.self) { try NodeConfiguration.load(from: "/nonexistent/novation.toml") }
    do {
      _ = try NodeConfiguration.load(from: "/nonexistent/novation.toml")
    } catch {
      #expect(error.description.contains("/nonexistent/novation.toml"))
    }
  }

  /// Whatever the bytes are, reading ends in values or problems.
  @Test func damagedFilesNeverTrap() {
    var random = SeededRandom(seed: 7)
    let template = Array(NodeConfiguration.template().utf8)
    for _ in 0..<300 {
      var bytes = template
      for _ in 0...random.below(4) {
        bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next() & 0x7f)
      }
      let text = String(decoding: bytes.prefix(Int(random.below(UInt64(bytes.count)))), as: UTF8.self)
      for problem in problems(text) { #expect(problem.hasPrefix("/etc/novation/novation.toml")) }
    }
  }
}

@Suite struct QuantityTests {
  @Test(arguments: [
    ("64GiB", 64 << 30), ("1B", 1), ("0B", 0), ("512KiB", 512 << 10), ("7TiB", 7 << 40),
  ]) func sizes(text: String, bytes: Int) {
    #expect(ByteSize.parse(text) == Int64(bytes))
    #expect(ByteSize.parse(ByteSize.format(Int64(bytes))) == Int64(bytes))
  }

  @Test(arguments: ["", "GiB", "-1B", "1.5GiB", "64", "64 GiB", "64gib", "99999999999TiB", "+1B"])
  func sizesRefused(text: String) { #expect(ByteSize.parse(text) == nil) }

  @Test(arguments: [
    ("1s", 1_000_000_000), ("250us", 250_000), ("10ms", 10_000_000), ("1.5s", 1_500_000_000), ("0.001ms", 1_000),
    ("2h", 7_200_000_000_000), ("7d", 604_800_000_000_000), ("30m", 1_800_000_000_000), ("5ns", 5),
  ]) func spans(text: String, nanoseconds: Int) {
    #expect(TimeSpan.parse(text) == Int64(nanoseconds))
    #expect(TimeSpan.parse(TimeSpan.format(Int64(nanoseconds))) == Int64(nanoseconds))
  }

  @Test(arguments: ["", "s", "1", "-1s", "1 s", "1.s", ".5s", "1.5ns", "1e3s", "999999999999d", "1S", "1mss"])
  func spansRefused(text: String) { #expect(TimeSpan.parse(text) == nil) }

  @Test(arguments: ["1@a:1", "65535@[::1]:0", String(repeating: "0a", count: 32) + "@h-1.example:65535"])
  func peersReadBack(text: String) { #expect(Peer(text)?.description == text) }

  @Test(arguments: [
    "", "@a:1", "1@a", "65536@a:1", "1@a:65536", "1@:1", "x@a:1", "1@a b:1", "1@[]:1", "-1@a:1", "1@::1:5",
  ])
  func peersRefused(text: String) { #expect(Peer(text) == nil) }
}
