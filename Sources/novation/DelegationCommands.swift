// `novation key delegate` and `novation key revoke`: keys that trade for an account, with limits and an end.

import ArgumentParser
import Clearing
import Node
import Primitives

enum ScopeArgument: String, ExpressibleByArgument, CaseIterable {
  case cancel, trade, transfer, withdraw

  var scope: DelegationScope {
    DelegationScope.names.first { $0.name == rawValue }?.scope ?? []
  }
}

extension KeyCommand {
  struct Delegate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let another key sign for your account, within limits and up to a height.",
      discussion: """
        Delegating to the same key again replaces its terms. Whoever holds the key uses it with \
        --on-behalf-of YOUR_ACCOUNT. It can lose what it may trade: limit it, and keep withdrawal to yourself.

          novation key delegate bot --scope trade --underlying BTC --order-notional 50000 --blocks 100000 --key alice
        """)
    @Argument(help: "Name of a key, or a public key of 64 hexadecimal digits.") var delegate: String
    @Option(parsing: .upToNextOption, help: "What it may do: cancel, trade, transfer, withdraw.")
    var scope: [ScopeArgument] = [.trade]
    @Option(parsing: .upToNextOption, help: "What it may trade; everything if left out.") var underlying: [String] = []
    @Option(help: "Most that one order may be worth at the index, USD.") var orderNotional: MoneyArgument?
    @Option(help: "How many blocks from now on it counts.") var blocks: UInt64?
    @Option(help: "The last block in which it counts.") var untilHeight: UInt64?
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      if (blocks == nil) == (untilHeight == nil) { throw ValidationError("Give --blocks or --until-height.") }
      if let blocks, blocks == 0 { throw ValidationError("--blocks must be above zero.") }
      if let orderNotional, orderNotional.value <= 0 {
        throw ValidationError("--order-notional must be above zero; leave it out for no limit.")
      }
    }

    func run() async throws {
      let key = try KeyCommand.publicKey(delegate, signing)
      let until = try await end()
      try await signing.send { terms in
        let places = try Set(underlying.map { try terms.underlying($0) }).sorted()
        return [
          .delegate(
            Delegation(
              key: key, scope: scope.reduce(into: []) { $0.formUnion($1.scope) }, until: until, underlyings: places,
              orderNotional: orderNotional?.value ?? 0))
        ]
      }
    }

    private func end() async throws -> Height {
      guard let blocks else { return untilHeight ?? 0 }
      let status = try await signing.submit.socket.api.read(RequestPath("status"), timeout: signing.duration)
      let height = status["height"]?.integer.flatMap { Height(exactly: $0) } ?? 0
      return height.saturatingAdding(blocks)
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take the right to sign for your account back from a key.",
      discussion:
        "It counts before any order or payment that the key sends in the same block. Its open orders stay: cancel them as well."
    )
    @Argument(help: "Name of a key, or a public key of 64 hexadecimal digits.") var delegate: String
    @OptionGroup var signing: SigningOptions

    func run() async throws {
      let key = try KeyCommand.publicKey(delegate, signing)
      try await signing.send { _ in [.revoke(key)] }
    }
  }

  private static func publicKey(_ text: String, _ signing: SigningOptions) throws -> PublicKey {
    PublicKey(words: try KeyLocator(socket: signing.submit.socket.socket).account(text).words)
  }
}
