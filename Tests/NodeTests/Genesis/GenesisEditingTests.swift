// Putting a genesis together step by step, and what is refused on the way.

import Clearing
import Replica
import Node
import Primitives
import Sodium
import Testing

@Suite struct GenesisEditingTests {
  private static func key(_ number: UInt8) -> String {
    SigningKey(seed: [UInt8](repeating: number, count: 32))?.publicKey.hex ?? ""
  }

  private func made() throws -> GenesisFile {
    try GenesisFile.create(
      name: "net", network: "main", time: 1_767_600_000 * Duration64.second, underlyings: ["BTC"],
      custodian: Self.key(1), listingAuthority: Self.key(2).uppercased())
  }

  private func validator(_ number: UInt8, port: Int) -> GenesisFile.Validator {
    .init(name: "v\(number)", key: Self.key(number), address: "host:\(port)")
  }

  @Test func aNetworkComesAboutStepByStep() throws {
    var file = try made()
    #expect(throws: GenesisError.self) { try file.genesis() }
    try file.add(validator(3, port: 1))
    let one = try file.genesis().chain
    try file.add(validator(4, port: 2))
    let two = try file.genesis().chain
    try file.fund(Self.key(5), amount: "12.5")
    let funded = try file.genesis()
    #expect(Set([one, two, funded.chain]).count == 3)
    #expect(funded.validators.map(\.port) == [1, 2])
    #expect(funded.market.accounts.map(\.amount) == [12_500_000])
  }

  @Test func entriesThatCannotBeAreRefusedAndChangeNothing() throws {
    var file = try made()
    try file.add(validator(3, port: 1))
    #expect(throws: GenesisError.self) { try file.add(.init(name: "x", key: "12", address: "host:2")) }
    #expect(throws: GenesisError.self) { try file.add(.init(name: "x", key: Self.key(4), address: "host")) }
    #expect(throws: GenesisError.self) { try file.add(.init(name: "", key: Self.key(4), address: "host:2")) }
    #expect(throws: GenesisError.self) { try file.add(.init(name: "v3", key: Self.key(4), address: "host:2")) }
    #expect(throws: GenesisError.self) { try file.add(.init(name: "x", key: Self.key(3), address: "host:2")) }
    #expect(throws: GenesisError.self) { try file.add(.init(name: "x", key: Self.key(4), address: "host:1")) }
    #expect(throws: GenesisError.self) { try file.fund(Self.key(5), amount: "-1") }
    #expect(throws: GenesisError.self) { try file.fund(Self.key(5), amount: "1.0000001") }
    #expect(throws: GenesisError.self) { try file.fund("00", amount: "1") }
    #expect(file.validators.count == 1)
    #expect(file.accounts.isEmpty)
    try file.fund(Self.key(5), amount: "1")
    #expect(throws: GenesisError.self) { try file.fund(Self.key(5).uppercased(), amount: "1") }
  }

  @Test func onlyTestNetworksHaveAClockOfTheirOwn() throws {
    func create(_ network: String) throws -> GenesisFile {
      try GenesisFile.create(
        name: "net", network: network, time: 0, clockStart: Duration64.day, clockRate: 10, underlyings: ["BTC"],
        custodian: Self.key(1), listingAuthority: Self.key(2))
    }
    #expect(throws: GenesisError.self) { try create("main") }
    #expect(try create("test").clockRate == 10)
  }

  @Test func aFileIsNotReplacedByAccident() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/genesis.json"
    var file = try made()
    try file.save(to: path, replacing: false)
    #expect(throws: GenesisError.self) { try file.save(to: path, replacing: false) }
    try file.add(validator(3, port: 1))
    try file.save(to: path, replacing: true)
    #expect(try GenesisFile.load(path).genesis().chain == file.genesis().chain)
  }
}
