// `novation account sub open|list|id` and `novation account accept`.

import ArgumentParser
import Clearing
import Node
import Primitives

/// Contracts of one instrument: BTC-27MAR26-100000-C:0.5, with a minus for a short position.
struct PositionArgument: ExpressibleByArgument {
  var instrument: String
  var quantity: Quantity

  init?(argument: String) {
    guard let colon = argument.lastIndex(of: ":"),
      let quantity = Decimal.parse(String(argument[argument.index(after: colon)...]), scale: Decimal.quantityScale),
      quantity != 0
    else { return nil }
    instrument = String(argument[..<colon])
    self.quantity = quantity
  }

  static func transfer(
    _ positions: [PositionArgument], account: AccountID, cash: Amount, _ terms: NetworkTerms
  ) throws(CommandFailure) -> PositionTransfer {
    var moved: [MovedPosition] = []
    for position in positions {
      moved.append(MovedPosition(instrument: try terms.instrument(position.instrument), quantity: position.quantity))
    }
    return PositionTransfer(account: account, positions: moved.sorted { $0.instrument < $1.instrument }, cash: cash)
  }
}

struct AccountCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "account", abstract: "Sub-accounts, and positions that may come in.",
    subcommands: [Sub.self, Accept.self])

  struct Sub: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "sub", abstract: "Sub-accounts: further accounts of your key, each with its own margin.",
      discussion: """
        Write alice/1 wherever an account is asked for, and trade for it with --subaccount 1:

          novation account sub open 1 --key alice
          novation transfer --to alice/1 --amount 5000 --key alice
          novation order place ... --key alice --subaccount 1
        """,
      subcommands: [Open.self, List.self, Identifier.self])
  }

  struct Open: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Open a sub-account.")
    @Argument(help: "Its number, from 1 to 32.") var number: UInt8
    @OptionGroup var signing: SigningOptions

    func validate() throws {
      guard (1...Limits.maxSubAccounts).contains(number) else {
        throw ValidationError("The number must be from 1 to \(Limits.maxSubAccounts).")
      }
    }

    func run() async throws { try await signing.send { _ in [.openSubAccount(number)] } }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The sub-accounts of an account, with their money.")
    @Argument(help: "Name of a key, or 64 hexadecimal digits.") var account: String
    @OptionGroup var query: QueryOptions

    func run() async throws {
      let main = try await query.account(account)
      var found: [JSONValue] = []
      for entry in main["subAccounts"]?.array ?? [] {
        let sub = try await query.account(entry.text("account"))
        found.append(
          .object([
            "number": entry["number"] ?? .null, "account": .string(entry.text("account")),
            "equity": sub["margin"]?["equity"] ?? .null, "excess": sub["margin"]?["excess"] ?? .null,
          ]))
      }
      query.print(main.keeping(["account", "height", "consistency"], with: ["subAccounts": .array(found)])) { style in
        guard !found.isEmpty else { return "no sub-accounts\n" }
        var table = TextTable([
          .init("NUMBER", .right), .init("ACCOUNT"), .init("EQUITY", .decimal), .init("EXCESS", .decimal),
        ])
        for entry in found {
          table.add([
            .init(entry.text("number")), .init(entry.text("account")), .init(HumanText.decimal(entry.text("equity"))),
            .init(HumanText.decimal(entry.text("excess"))),
          ])
        }
        return table.render(style: style)
      }
    }
  }

  struct Identifier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "id", abstract: "The identifier of an account, such as alice/1, as a custodian needs it.")
    @Argument(help: "Name of a key or 64 hexadecimal digits, with /1 for its first sub-account.") var account: String
    @OptionGroup var socket: SocketOption

    func run() async throws {
      Terminal.output.line(try KeyLocator(socket: socket.socket).account(account).hex)
    }
  }

  struct Accept: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let positions of another owner's account come in, once.",
      discussion: """
        They come at their marks when the other side sends exactly this transfer with `novation transfer`, and only if \
        your margin covers them then. Without --position it takes back what was accepted from that account.

          novation account accept --from alice --position BTC-27MAR26-100000-C:-0.5 --amount 200 --key bob
        """)
    @Option(help: "Who gives: name of a key, alice/1, or 64 hexadecimal digits.") var from: String
    @Option(help: "What comes: INSTRUMENT:CONTRACTS, with a minus for a short position; may be repeated.")
    var position: [PositionArgument] = []
    @Option(help: "USD that come along; with a minus those that you pay: --amount=-200") var amount: MoneyArgument?
    @Option(help: "How long it counts, such as 60s or 2h, at most 24h.") var within: String = "10m"
    @OptionGroup var signing: SigningOptions

    private func span() throws -> Timestamp {
      guard let span = TimeSpan.parse(within), span > 0, span <= Limits.maxAcceptanceTime else {
        throw ValidationError("--within must be a span such as 60s, at most 24h.")
      }
      return span
    }

    func validate() throws { _ = try span() }

    func run() async throws {
      let giver = try KeyLocator(socket: signing.submit.socket.socket).account(from)
      let until = Clock.wall.saturatingAdding(try span())
      try await signing.send { terms in
        let transfer = try PositionArgument.transfer(
          position, account: giver, cash: amount?.value ?? 0, terms)
        return [.acceptPositions(Acceptance(transfer: transfer, until: until))]
      }
    }
  }
}
