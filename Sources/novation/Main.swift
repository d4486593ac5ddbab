// The executable: command line only, one file a command.

import ArgumentParser
import Node

@main
struct Novation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "novation", abstract: "A decentralised clearing house for options.",
    discussion: """
      Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the node cannot be reached, 4 outcome unknown.
      Shell completions: novation --generate-completion-script bash|zsh|fish
      """,
    version: NodeProcess.version,
    groupedSubcommands: [
      CommandGroup(
        name: "Trade:",
        subcommands: [
          OrderCommand.self, CancelCommand.self, ComboCommand.self, QuoteCommand.self, RFQCommand.self,
          LeaseCommand.self, SubmitCommand.self, AccountCommand.self, TransferCommand.self,
          WithdrawCommand.self, LiquidationCommand.self, FundCommand.self,
        ]),
      CommandGroup(
        name: "Look:",
        subcommands: [
          StatusCommand.self, TopCommand.self, BookCommand.self, TradesCommand.self, ChainCommand.self,
          QueryCommand.self, ReliabilityCommand.self, PriceCommand.self, VerifyCommand.self, ExportCommand.self,
        ]),
      CommandGroup(
        name: "Operate:",
        subcommands: [
          DevnetCommand.self, ReplayCommand.self, BenchCommand.self, InitCommand.self, GenesisCommand.self,
          StartCommand.self, ValidatorCommand.self, OracleCommand.self, KeyCommand.self, SimulateCommand.self,
        ]),
      CommandGroup(
        name: "Care:",
        subcommands: [
          DoctorCommand.self, BackupCommand.self, SnapshotCommand.self, RestoreCommand.self,
          ExportStateCommand.self, ManualCommand.self,
        ]),
    ])

  static func main() async {
    Hardening.apply()
    await CommandRunner.run(Self.self)
  }
}
