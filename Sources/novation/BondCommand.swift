// `novation validator bond post|release`: the collateral of a validator's key (rules G1 to G5).

import ArgumentParser
import Clearing
import Node

extension ValidatorCommand {
  struct Bond: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Collateral that a validator loses where it is proven to break the rules.",
      subcommands: [Post.self, Release.self])

    struct Post: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Set money of the key's own account aside.",
        discussion: "It is locked while the key is a validator's, and for the evidence window after.")
      @Argument(help: "USD, at most 6 decimals.") var amount: MoneyArgument
      @OptionGroup var signing: SigningOptions

      func validate() throws {
        if amount.value <= 0 { throw ValidationError("The amount must be above zero.") }
      }

      func run() async throws { try await signing.send { _ in [.postBond(amount: amount.value)] } }
    }

    struct Release: AsyncParsableCommand {
      static let configuration = CommandConfiguration(abstract: "Take it back, when no evidence can count any more.")
      @Argument(help: "USD, at most 6 decimals.") var amount: MoneyArgument
      @OptionGroup var signing: SigningOptions

      func validate() throws {
        if amount.value <= 0 { throw ValidationError("The amount must be above zero.") }
      }

      func run() async throws { try await signing.send { _ in [.releaseBond(amount: amount.value)] } }
    }
  }
}
