// `novation cancel`: the same as `novation order cancel`, for when it has to be quick.

import ArgumentParser

struct CancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "cancel", abstract: "Cancel one order or many.")
  @OptionGroup var selection: CancelSelection
  @OptionGroup var signing: SigningOptions
  func run() async throws { try await selection.send(signing) }
}
