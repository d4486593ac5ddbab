// `novation liquidation` and `novation fund`: what others do for the market when an account is in liquidation.

import ArgumentParser
import Clearing
import Node

struct LiquidationCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "liquidation", abstract: "Take over positions in liquidation.",
    discussion: "See who is in liquidation, and for which reward, with: novation query liquidations",
    subcommands: [Bid.self, Backstop.self])

  struct Bid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a share of an account's positions at their marks, for the reward of now.",
      discussion: "At most as much is taken as cures the account. Your margin has to carry it.")
    @Option(help: "Whose positions: name of a key, or 64 hexadecimal digits.") var account: String
    @Option(help: "Of every position, in per cent.") var percent = 100
    @Option(help: "USD; the bid is refused if the reward for your share is smaller.") var leastReward: MoneyArgument?
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if !(1...100).contains(percent) { throw ValidationError("--percent must be from 1 to 100.") }
    }

    func run() async throws {
      let debtor = try KeyLocator(socket: signing.submit.socket.socket).account(account)
      try await signing.send { _ in
        [.bid(LiquidationBid(account: debtor, share: Int64(percent) * 10_000, leastReward: leastReward?.value ?? 0))]
      }
    }
  }

  struct Backstop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Offer to take over positions that the auction does not sell.",
      discussion: "You get them at their marks with the highest reward, in proportion with other offers.")
    @Option(help: "USD of maintenance margin you take at most from one account in one turn; 0 ends the offer.")
    var limit: MoneyArgument
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if limit.value < 0 { throw ValidationError("--limit must not be negative.") }
    }

    func run() async throws {
      try await signing.send { _ in [.backstop(limit: limit.value)] }
    }
  }
}

struct FundCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fund", abstract: "Take part in the mutual default fund.",
    subcommands: [Contribute.self, Withdraw.self])

  struct Contribute: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Pay into the default fund.",
      discussion: "The share pays for defaults after the house's capital and the insurance fund; members may be"
        + " assessed once more for the same amount in a default.")
    @Option(help: "USD, at most 6 decimals.") var amount: MoneyArgument
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if amount.value <= 0 { throw ValidationError("--amount must be above zero.") }
    }

    func run() async throws { try await signing.send { _ in [.fund(amount: amount.value)] } }
  }

  struct Withdraw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a share out, after its notice and while nobody is in liquidation.")
    @Option(help: "USD, at most 6 decimals.") var amount: MoneyArgument
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if amount.value <= 0 { throw ValidationError("--amount must be above zero.") }
    }

    func run() async throws { try await signing.send { _ in [.fund(amount: 0 - amount.value)] } }
  }
}
