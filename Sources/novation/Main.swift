// The executable: command line only, one file a command.

import ArgumentParser

@main
struct Novation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "novation", abstract: "A decentralised clearing house for options.",
    subcommands: [StartCommand.self, DevnetCommand.self])
}
