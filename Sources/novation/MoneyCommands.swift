// `novation transfer` and `novation withdraw`.

import ArgumentParser
import Clearing
import Node

struct TransferCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfer", abstract: "Move cash or positions to another account of the clearing house.",
    discussion: """
      Positions go at their marks, all of them or none; both accounts must be covered afterwards. Another owner must \
      have accepted exactly this transfer (novation account accept).

        novation transfer --to alice/1 --amount 5000 --key alice
        novation transfer --to alice/1 --position BTC-27MAR26-100000-C:-0.5 --position BTC-27MAR26:0.5 --key alice
      """)
  @Option(help: "Name of a key, alice/1 for a sub-account, or an account of 64 hexadecimal digits.") var to: String
  @Option(help: "USD, at most 6 decimals; with positions also negative, if the receiver pays: --amount=-200")
  var amount: MoneyArgument?
  @Option(help: "INSTRUMENT:CONTRACTS, with a minus for a short position; may be repeated.")
  var position: [PositionArgument] = []
  @Option(help: "Your own number for the command; repeating it does nothing twice.") var clientId: UInt64?
  @OptionGroup var signing: SigningOptions

  func validate() throws {
    if position.isEmpty {
      guard let amount else { throw ValidationError("Give --amount or --position.") }
      if amount.value <= 0 { throw ValidationError("--amount must be above zero.") }
    }
  }

  func run() async throws {
    let account = try KeyLocator(socket: signing.submit.socket.socket).account(to)
    let cash = amount?.value ?? 0
    try await signing.send(clientID: clientId) { terms in
      guard !position.isEmpty else { return [.transfer(to: account, amount: cash)] }
      return [.transferPositions(try PositionArgument.transfer(position, account: account, cash: cash, terms))]
    }
  }
}

struct WithdrawCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "withdraw", abstract: "Ask the custodian to pay cash out.",
    discussion: "The amount leaves the account at once; the custodian pays it, or refuses and it comes back.")
  @Option(help: "USD, at most 6 decimals.") var amount: MoneyArgument
  @Option(help: "Where to pay, as the custodian understands it; at most 128 bytes.") var destination: String
  @Option(help: "Your own number for the command; repeating it does nothing twice.") var clientId: UInt64?
  @OptionGroup var signing: SigningOptions

  func validate() throws {
    if amount.value <= 0 { throw ValidationError("--amount must be above zero.") }
    guard (1...Limits.maxDestination).contains(destination.utf8.count) else {
      throw ValidationError("--destination must have 1 to \(Limits.maxDestination) bytes.")
    }
  }

  func run() async throws {
    try await signing.send(clientID: clientId) { _ in
      [.withdraw(amount: amount.value, destination: Array(destination.utf8))]
    }
  }
}
