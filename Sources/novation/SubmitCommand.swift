// `novation submit`: canonical bytes that are signed already, or actions in JSON to sign.

import ArgumentParser
import Clearing
import Glibc
import Node
import Primitives
import Sodium
import Wire

struct SubmitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", abstract: "Submit a transaction from a file.",
    discussion: """
      The file holds the canonical bytes of a signed transaction (raw or hexadecimal), or, with --key, actions to sign:
        {"mode": "allOrNothing", "actions": [{"type": "place", "instrument": "BTC-27MAR26-100000-C", "side": "buy",
         "quantity": "0.5", "price": "1250.25", "postOnly": true}, {"type": "cancel", "order": "17"}]}
      Types are place, cancel, amend, quote, protect, lease, transfer, withdraw, bid, backstop, fund, createCombo,
      negotiate, delegate, revoke, openSubAccount, transferPositions, acceptPositions and setState.
      """)

  @Argument(help: "File, or - for standard input.", completion: .file()) var file: String
  @Option(help: "Key to sign JSON actions with.", completion: .file()) var key: String?
  @OptionGroup var password: PasswordOption
  @OptionGroup var principal: PrincipalOption
  @OptionGroup var options: SubmitOptions

  /// Room for the JSON of as many actions as a transaction may have.
  private static let fileLimit = 4 << 20

  func run() async throws {
    let name = file == "-" ? "standard input" : file
    let bytes =
      file == "-"
      ? try FileAccess.read(descriptor: STDIN_FILENO, name: name, limit: Self.fileLimit)
      : try FileAccess.read(file, limit: Self.fileLimit)
    if bytes.first(where: { !Self.isSpace($0) }) == UInt8(ascii: "{") {
      try await signAndSubmit(bytes, name)
    } else {
      try await options.submit(try signed(bytes, name))
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  private func signAndSubmit(_ bytes: [UInt8], _ name: String) async throws {
    guard let key else { throw CommandFailure(.usage, "\(name) holds JSON actions, which need --key to sign them") }
    guard let document = JSONText.parse(JSONValue.self, bytes) else {
      throw CommandFailure(.failed, "\(name) is not valid JSON")
    }
    var access = KeyOption()
    access.key = key
    access.password = password
    let opened = try access.open(socket: options.socket.socket)
    let terms = try await NetworkTerms.load(from: options.socket.api, timeout: options.timeout.timeout.duration)
    let actions = try ActionDocument(document, terms: terms)
    try await options.submit(
      terms.sign(
        actions.actions, key: opened,
        account: try principal.account(socket: options.socket.socket, key: opened.publicKey),
        mode: actions.mode,
        clientID: actions.clientID,
        lifetime: options.timeout.timeout.value * Duration64.second))
  }

  /// Checked here, so that the refusal of a truncated file names the file and the byte.
  private func signed(_ bytes: [UInt8], _ name: String) throws -> SignedTransaction {
    var bytes = bytes
    if bytes.allSatisfy({ $0 < 0x80 }) {
      let text = String(decoding: bytes.filter { !Self.isSpace($0) }, as: UTF8.self)
      if let decoded = Hex.decode(text) { bytes = decoded }
    }
    do {
      _ = try WireReader.decode(Transaction.self, from: bytes)
    } catch {
      throw CommandFailure(.failed, "\(name) holds no signed transaction: \(error)")
    }
    return SignedTransaction(bytes: bytes)
  }
}
