// `novation devnet`: a local network of real processes.

import ArgumentParser
import Node

struct DevnetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devnet", abstract: "A local network of real processes.",
    subcommands: [Up.self, Down.self, Restart.self])

  struct Up: AsyncParsableCommand {
    @Option var dir: String
    @Option var validators = 4
    @Flag var detach = false
    @Flag var json = false
    @Option var seed: UInt64 = 1

    func run() async throws {
      var options = DevnetOptions()
      options.validators = validators
      options.seed = seed
      var devnet = Devnet.exists(at: dir) ? try Devnet(at: dir) : try Devnet.create(at: dir, options: options)
      try devnet.startAll()
      try await devnet.waitReady(timeoutSeconds: 30) { _ in }
      print(JSONText.render(devnet.document))
    }
  }

  struct Down: AsyncParsableCommand {
    @Option var dir: String
    func run() async throws { _ = try await Devnet(at: dir).stopAll() }
  }

  struct Restart: AsyncParsableCommand {
    @Option var dir: String
    @Option var node: Int
    func run() async throws {
      var devnet = try Devnet(at: dir)
      try devnet.start(node)
    }
  }
}
