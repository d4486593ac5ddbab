// What every command does that signs and submits: terms of the network, signature, wait, receipt, exit code.

import ArgumentParser
import Clearing
import Node
import Primitives
import Sodium

/// Where to send, and how long to wait for what.
struct SubmitOptions: ParsableArguments {
  @OptionGroup var socket: SocketOption
  @OptionGroup var timeout: TimeoutOption
  @OptionGroup var json: JSONFlag
  @Flag(help: "Return when the node has accepted it, before it is final.") var noWait = false
  @Flag(help: "Wait for the certificate of its height too; the receipt then carries it.") var proven = false

  func validate() throws {
    if noWait && proven { throw ValidationError("--no-wait and --proven exclude each other.") }
  }

  private var wait: NodeAPI.Wait { noWait ? .accepted : proven ? .proven : .final }

  /// Submits, prints the receipt, and throws what the exit code shall say.
  func submit(_ transaction: SignedTransaction) async throws {
    let seconds = timeout.timeout.value
    let result = await socket.api.submit(
      transaction.bytes, hash: transaction.hash, wait: wait, timeoutSeconds: seconds)
    if json.json {
      Terminal.output.line(JSONText.render(result.receipt))
    } else {
      Terminal.output.write(ReceiptView.render(result.receipt, style: Terminal.output.style))
    }
    if let failure = result.failure { throw failure }
  }
}

/// For which account a key signs.
struct PrincipalOption: ParsableArguments {
  @Option(
    help: "Account that has delegated to the key: a key's name or 64 hexadecimal digits; the key's own if left out.")
  var onBehalfOf: String?
  @Option(help: "Sub-account to act for, by its number; the main account if left out.") var subaccount: UInt8?

  func validate() throws {
    if let subaccount, !(1...Limits.maxSubAccounts).contains(subaccount) {
      throw ValidationError("--subaccount must be from 1 to \(Limits.maxSubAccounts).")
    }
  }

  func account(socket: String?, key: PublicKey) throws -> AccountID? {
    let main = try onBehalfOf.map { try KeyLocator(socket: socket).account($0) }
    guard let subaccount else { return main }
    return AccountID(subAccount: subaccount, of: main ?? AccountID(key))
  }
}

/// The same with a key of one's own.
struct SigningOptions: ParsableArguments {
  @OptionGroup var key: KeyOption
  @OptionGroup var principal: PrincipalOption
  @OptionGroup var submit: SubmitOptions

  var duration: Duration { submit.timeout.timeout.duration }

  func terms() async throws -> NetworkTerms {
    try await NetworkTerms.load(from: submit.socket.api, timeout: duration)
  }

  /// Signs what `actions` makes of the network's terms, and submits it.
  func send(
    mode: TransactionMode = .allOrNothing, clientID: UInt64? = nil,
    _ actions: (NetworkTerms) throws -> [Action]
  ) async throws {
    let opened = try key.open(socket: submit.socket.socket)
    let terms = try await terms()
    let lifetime = submit.timeout.timeout.value * Duration64.second
    try await submit.submit(
      terms.sign(
        try actions(terms), key: opened,
        account: try principal.account(socket: submit.socket.socket, key: opened.publicKey), mode: mode,
        clientID: clientID, lifetime: lifetime))
  }
}
