// `novation export trades|settlements|fees|statement`: CSV of what the ledger holds.

import ArgumentParser
import Node
import Primitives

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "CSV of trades, settlements, fees and account statements.",
    discussion: """
      Rows come from a node's ledger in the order of the chain, from height --from to height --to, without gaps: a ledger that \
      lacks a height is an error, not a hole. The last line on standard error names the height to go on from, so that \
      `--from` of the next export continues where this one ended. One event of the chain has one sequence number, the same \
      on every node.
      """,
    subcommands: [Trades.self, Settlements.self, Fees.self, Statement.self])

  struct Trades: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Every trade once, with both sides; or those of one account.")
    @OptionGroup var options: ExportOptions
    func run() async throws {
      let columns = [
        "height", "time", "sequence", "trade", "instrument", "price", "quantity", "takerSide", "taker", "maker",
        "takerOrder", "makerOrder", "takerFee", "makerFee", "combo",
      ]
      let account = try options.accountID
      // Both sides of a trade follow each other.
      var taker: JSONValue?
      try await options.run(types: ["trade"], account: nil, columns) { event in
        guard event.text("role") == "maker", let first = taker else {
          taker = event
          return nil
        }
        taker = nil
        guard account == nil || [first.text("account"), event.text("account")].contains(account) else { return nil }
        let quantity = first.text("quantity")
        let sells = quantity.hasPrefix("-")
        return [
          first.text("height"), first.text("time"), first.text("sequence"), first.text("trade"),
          first.text("instrument"), first.text("price"), sells ? String(quantity.dropFirst()) : quantity,
          sells ? "sell" : "buy", first.text("account"), event.text("account"), first.text("order"),
          event.text("order"), first.text("fee"), event.text("fee"), first.text("detail"),
        ]
      }
    }
  }

  struct Settlements: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What each position was paid at its expiry.")
    @OptionGroup var options: ExportOptions
    func run() async throws {
      let columns = ["height", "time", "sequence", "instrument", "price", "account", "quantity", "amount"]
      try await options.run(types: ["settlement"], account: options.accountID, columns) { event in
        columns.map { event.text($0) }
      }
    }
  }

  struct Fees: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The fee of each side of each trade.")
    @OptionGroup var options: ExportOptions
    func run() async throws {
      let columns = ["height", "time", "sequence", "trade", "instrument", "account", "role", "quantity", "fee"]
      try await options.run(types: ["trade"], account: options.accountID, columns) { event in
        columns.map { event.text($0) }
      }
    }
  }

  struct Statement: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Everything that moved an account's money or positions.",
      discussion: """
        amount is what the account received, with a minus what it paid, the fee beside it not included. A trade of futures \
        has none: what a future gains is paid when it is closed, and stands in the balance, not in the row.
        """)
    @OptionGroup var options: ExportOptions

    func validate() throws {
      if options.account == nil { throw ValidationError("A statement needs --account.") }
    }

    func run() async throws {
      let columns = [
        "height", "time", "sequence", "type", "instrument", "quantity", "price", "amount", "fee", "counterparty",
        "trade", "order", "detail",
      ]
      try await options.run(types: [], account: options.accountID, columns) { event in columns.map { event.text($0) } }
    }
  }
}

struct ExportOptions: ParsableArguments {
  @Option(help: "First height; the ledger's oldest if left out.") var from: UInt64?
  @Option(help: "Last height; the newest stored one if left out.") var to: UInt64?
  @Option(help: "Name of a key, or 64 hexadecimal digits.") var account: String?
  @OptionGroup var socket: SocketOption
  @OptionGroup var timeout: TimeoutOption

  func validate() throws {
    if let from, from >= ordinalLimit { throw ValidationError("--from is no height.") }
    if let from, let to, to < from { throw ValidationError("--to is below --from.") }
  }

  var accountID: String? {
    get throws { try account.map { try KeyLocator(socket: socket.socket).account($0).hex } }
  }

  /// Prints a heading and a line for each event of which `row` makes one.
  func run(
    types: [String], account: String?, _ columns: [String], _ row: (JSONValue) -> [String]?
  ) async throws {
    Terminal.output.line(CSV.line(columns))
    var next = from
    while true {
      let path = RequestPath("events").with("from", next.map { String($0) }).with("to", to.map { String($0) })
        .with("account", account).with("types", types.isEmpty ? nil : types.joined(separator: ","))
      let page = try await socket.api.read(path, timeout: timeout.timeout.duration)
      for event in page["events"]?.array ?? [] {
        if let cells = row(event) { Terminal.output.line(CSV.line(cells)) }
      }
      guard let last = page["to"]?.integer else {
        throw CommandFailure(.failed, "the node's answer names no height", hint: "is it of another version?")
      }
      guard let more = page["next"]?.integer, more > 0 else {
        Terminal.error.line("through height \(last); go on with --from \(last + 1)")
        return
      }
      next = UInt64(more)
    }
  }
}

/// RFC 4180, with line feeds.
enum CSV {
  static func line(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") }

  private static func cell(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
