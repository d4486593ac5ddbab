// `novation transfer` and `novation withdraw`.

import ArgumentParser
import Clearing
import Node

struct TransferCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfer", abstract: "Move cash to another account of the clearing house.")
  @Option(help: "Name of a key, or an account of 64 hexadecimal digits.") var to: String
  @Option(help: "USD, at most 6 decimals.") var amount: MoneyArgument
  @Option(help: "Your own number for the command; repeating it does nothing twice.") var clientId: UInt64?
  @OptionGroup var signing: SigningOptions

  func validate() throws {
    if amount.value <= 0 { throw ValidationError("--amount must be above zero.") }
  }

  func run() async throws {
    let account = try KeyLocator(socket: signing.submit.socket.socket).account(to)
    try await signing.send(clientID: clientId) { _ in [.transfer(to: account, amount: amount.value)] }
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
