// A local network's directory: made once, never mistaken for another thing. Nothing is started here.

import Replica
import Glibc
import Node
import Primitives
import Testing

@Suite struct DevnetTests {
  @Test func aNewNetworkHasEverythingANodeNeeds() throws {
    let directory = TemporaryDirectory()
    var options = DevnetOptions()
    options.validators = 3
    let devnet = try Devnet.create(at: directory.path + "/net", options: options)
    #expect(devnet.nodeCount == 3)
    #expect(devnet.runningCount == 0)
    for node in 0..<3 {
      let process = try NodeProcess(configurationPath: devnet.layout.configuration(node))
      #expect(try process.check().contains("validator \(node) of 3 of chain \(devnet.document.chainId)"))
    }
    #expect(try GenesisFile.load(devnet.layout.genesis).genesis().chain.hex == devnet.document.chainId)
    #expect(try Devnet(at: directory.path + "/net").document.keys.map(\.name).contains("alice"))
  }

  @Test func whatIsThereIsNotOverwritten() throws {
    let directory = TemporaryDirectory()
    #expect(throws: DevnetError.self) { try Devnet(at: directory.path) }
    try FileAccess.write([1], to: directory.path + "/something", mode: 0o600)
    #expect(throws: DevnetError.self) { try Devnet.create(at: directory.path, options: DevnetOptions()) }
    #expect(FileAccess.names(in: directory.path) == ["something"])
  }

  @Test func aProcessIdThatPassedToAnotherProgramIsNotTheNode() throws {
    let directory = TemporaryDirectory()
    var options = DevnetOptions()
    options.validators = 1
    let devnet = try Devnet.create(at: directory.path + "/net", options: options)
    try FileAccess.write(Array("\(getpid())\n".utf8), to: devnet.layout.pidFile(0), mode: 0o600)
    #expect(devnet.pid(of: 0) == getpid())
    #expect(!devnet.isRunning(0))
  }

  @Test func aNetworkThatDoesNotAnswerSaysSo() async throws {
    let directory = TemporaryDirectory()
    let devnet = try Devnet.create(at: directory.path + "/net", options: DevnetOptions())
    let status = await devnet.statusDocument()
    #expect(status.nodes.map(\.isRunning) == [false, false, false, false])
    #expect(status.agreement == nil)
    #expect(status.render(style: Style(isOn: false)).contains("stopped"))
  }

  @Test func sizesAndPathsOutOfRangeAreRefused() throws {
    let directory = TemporaryDirectory()
    var options = DevnetOptions()
    options.validators = 0
    #expect(throws: DevnetError.self) { try Devnet.create(at: directory.path + "/a", options: options) }
    let long = directory.path + "/" + String(repeating: "x", count: 120)
    #expect(throws: DevnetError.self) { try Devnet.create(at: long, options: DevnetOptions()) }
  }
}
