// `novation query margin` and `novation query greeks`.

import ArgumentParser
import Clearing
import Glibc
import Node
import Primitives

extension QueryCommand {
  struct Margin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Margin of an account, as it is or as it would be.",
      discussion: """
        The file of --what-if says in JSON what is supposed, every part optional: cash paid in, trades that happen now (at the \
        mark where no price is given), orders that come to rest now, then a move of the market:
          {"cash": "1000", "positions": [{"instrument": "BTC-27MAR26", "quantity": "-0.5", "price": "97000"}],
           "orders": [{"instrument": "BTC-27MAR26-100000-C", "side": "sell", "quantity": "1", "price": "2500"}],
           "moves": [{"underlying": "BTC", "spot": "-0.1", "volatility": "0.05", "days": "1"}]}
        The node answers by the code that takes orders, on final state, and changes nothing.
        """)
    @Argument(help: "Name of a key, or 64 hexadecimal digits.") var account: String
    @Option(help: "File of what is supposed, or - for standard input.", completion: .file()) var whatIf: String?
    @OptionGroup var query: QueryOptions

    func validate() throws {
      if query.proof { throw ValidationError("Margin is computed, not kept: it has no proof.") }
    }

    func run() async throws {
      var question: [String: JSONValue] = [:]
      if let whatIf { question = try Self.read(whatIf) }
      let account = try KeyLocator(socket: query.socket.socket).account(self.account).hex
      question["account"] = .string(account)
      let answer = try await query.ask(RequestPath("margin", "what-if"), .object(question))
      query.print(answer) { MarginReport.render($0, isSupposed: whatIf != nil, $1) }
    }

    private static func read(_ file: String) throws -> [String: JSONValue] {
      let name = file == "-" ? "standard input" : file
      let limit = 1 << 20
      let bytes =
        file == "-"
        ? try FileAccess.read(descriptor: STDIN_FILENO, name: name, limit: limit)
        : try FileAccess.read(file, limit: limit)
      guard let members = JSONText.parse(JSONValue.self, bytes)?.object else {
        throw CommandFailure(.failed, "\(name) is not a JSON object", hint: "see `novation query margin --help`")
      }
      return members
    }
  }

  struct Greeks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delta, gamma, vega and theta of an instrument, or of an account's positions.",
      discussion: """
        By the arithmetic and the surface that margin uses. vega is per 1.00 of volatility and theta per year; \
        vegaPerPoint (0.01) and thetaPerDay are given as well. An account's are sums over its positions.
        """)
    @Argument(help: "An instrument such as BTC-27MAR26-100000-C, the name of a key, or an account of 64 digits.")
    var subject: String
    @OptionGroup var query: QueryOptions

    func validate() throws {
      if query.proof { throw ValidationError("Greeks are computed, not kept: they have no proof.") }
    }

    func run() async throws {
      if let account = try? KeyLocator(socket: query.socket.socket).account(subject) {
        query.print(try await query.read(RequestPath("accounts", account.hex, "greeks")), GreeksView.account)
      } else {
        let document = try await query.read(RequestPath("instruments", subject, "greeks"))
        query.print(document) { GreeksView.table([document["greeks"] ?? .null], $0) }
      }
    }
  }
}

enum MarginReport {
  static func render(_ answer: JSONValue, isSupposed: Bool, _ style: Style) -> String {
    var facts = Facts()
    facts.add("account", answer["account"]?.string)
    guard isSupposed else {
      facts.add("margin mode", answer["before"]?["mode"]?.string)
      for name in ["equity", "initial", "maintenance", "excess"] {
        facts.add(name, HumanText.decimal(answer["before"]?.text(name) ?? ""))
      }
      return facts.render(style: style)
    }
    let covered = answer["covered"]?.bool == true
    facts.add(
      "covered", TextTable.Cell(covered ? "yes" : "no: equity is below the initial margin", covered ? .green : .red))
    facts.add("fees", HumanText.decimal(answer.text("fees")))
    var table = TextTable([.init(""), .init("NOW", .decimal), .init("SUPPOSED", .decimal)])
    for name in ["equity", "initial", "maintenance", "excess"] {
      table.add([
        TextTable.Cell(name), TextTable.Cell(HumanText.decimal(answer["before"]?.text(name) ?? "")),
        TextTable.Cell(HumanText.decimal(answer["after"]?.text(name) ?? "")),
      ])
    }
    let positions = answer["positions"]?.array ?? []
    return facts.render(style: style) + "\n" + table.render(style: style)
      + (positions.isEmpty ? "" : "\n" + AccountView.positions(positions, style))
  }
}

enum GreeksView {
  private static let columns = ["delta", "gamma", "vegaPerPoint", "thetaPerDay"]

  static func account(_ document: JSONValue, _ style: Style) -> String {
    let positions = document["positions"]?.array ?? []
    guard !positions.isEmpty else { return "no positions\n" }
    var totals = TextTable([
      .init("TOTAL"), .init("DELTA", .decimal), .init("DELTA USD", .decimal), .init("GAMMA", .decimal),
      .init("VEGA/POINT", .decimal), .init("THETA/DAY", .decimal),
    ])
    for total in document["totals"]?.array ?? [] {
      totals.add(
        [TextTable.Cell(total.text("underlying"))]
          + ["delta", "deltaValue", "gamma", "vegaPerPoint", "thetaPerDay"].map {
            TextTable.Cell(HumanText.decimal(total.text($0)))
          })
    }
    return table(positions, style) + "\n" + totals.render(style: style)
  }

  static func table(_ list: [JSONValue], _ style: Style) -> String {
    var table = TextTable([
      .init("INSTRUMENT"), .init("QUANTITY", .decimal), .init("PRICE", .decimal), .init("VOLATILITY", .decimal),
      .init("DAYS", .decimal), .init("DELTA", .decimal), .init("GAMMA", .decimal), .init("VEGA/POINT", .decimal),
      .init("THETA/DAY", .decimal),
    ])
    for greeks in list {
      table.add(
        [TextTable.Cell(greeks.text("instrument"))]
          + (["quantity", "price", "volatility", "days"] + columns).map {
            TextTable.Cell(HumanText.decimal(greeks.text($0)))
          })
    }
    return table.render(style: style)
  }
}
