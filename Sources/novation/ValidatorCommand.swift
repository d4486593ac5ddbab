// `novation validator list|status`: who decides, and how they are doing.

import ArgumentParser
import Node

struct ValidatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validator", abstract: "The validator set: who is in it, and how each is doing.",
    subcommands: [List.self, Status.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Names, states, addresses and keys.")
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(try await query.read(RequestPath("validators")), ValidatorView.list)
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Quorums, the group key and the health of each validator, as this node sees them.",
      discussion: """
        Votes are those in the certificates of the latest blocks: only what came in time to be needed is in one, so that \
        the slowest of a healthy set has few. A round trip is measured by the kernel on the session between the nodes.
        """)
    @Argument(help: "Name, index or public key; all if left out.") var validator: String?
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(
        try await ValidatorView.selected(validator, of: query.read(RequestPath("validators"))), ValidatorView.status)
    }
  }
}

enum ValidatorView {
  /// The document with one validator alone, whatever `choice` names it by.
  static func selected(_ choice: String?, of document: JSONValue) throws -> JSONValue {
    guard let choice, var members = document.object else { return document }
    let all = document["validators"]?.array ?? []
    let found = all.filter { validator in ["name", "index", "publicKey"].contains { validator.text($0) == choice } }
    guard !found.isEmpty else {
      let names = all.map { $0.text("name") }.joined(separator: ", ")
      throw CommandFailure(
        .failed, "there is no validator \"\(printable(choice))\"", hint: "they are \(printable(names))")
    }
    members["validators"] = .array(found)
    return .object(members)
  }

  static func list(_ document: JSONValue, _ style: Style) -> String {
    var table = TextTable([.init("INDEX", .right), .init("NAME"), .init("STATE"), .init("ADDRESS"), .init("KEY")])
    for validator in document["validators"]?.array ?? [] {
      table.add(["index", "name", "state", "address", "publicKey"].map { TextTable.Cell(validator.text($0)) })
    }
    return table.render(style: style)
  }

  static func status(_ document: JSONValue, _ style: Style) -> String {
    var table = TextTable([
      .init("INDEX", .right), .init("NAME"), .init("STATE"), .init("HEALTH"), .init("ROUND TRIP", .decimal),
      .init("SILENT", .decimal), .init("PROPOSED", .right), .init("VOTES", .right), .init("SHARE"), .init("ADDRESS"),
      .init("KEY"),
    ])
    for validator in document["validators"]?.array ?? [] {
      let health = validator.text("health")
      table.add([
        cell(validator, "index"), cell(validator, "name"), cell(validator, "state"),
        TextTable.Cell(health, health == "disconnected" ? .red : health == "silent" ? .yellow : .green),
        time(validator, "roundTripMilliseconds"), time(validator, "silentMilliseconds"), cell(validator, "proposed"),
        cell(validator, "votes"), cell(validator, "share"), cell(validator, "address"),
        TextTable.Cell(HumanText.short(validator.text("publicKey"))),
      ])
    }
    return facts(document).render(style: style) + "\n" + table.render(style: style)
  }

  private static func facts(_ document: JSONValue) -> Facts {
    var facts = Facts()
    facts.add("epoch, view", "\(document.text("epoch")), \(document.text("view"))")
    facts.add(
      "quorums",
      "\(document.text("quorum")), fast \(document.text("fastQuorum")); tolerates \(document.text("faulty")) faulty, "
        + "fast with \(document.text("slow")) slow")
    guard let keys = document["keys"] else { return facts }
    guard keys["groupKey"]?.string != nil else {
      facts.add("group key", TextTable.Cell("none yet", .yellow))
      return facts
    }
    facts.add("group key", keys["groupKey"]?.string)
    facts.add(
      "shares",
      "\(keys.text("threshold")) of \(keys.text("holders")) sign, of epoch \(keys.text("epoch"))"
        + next(keys))
    facts.add("counted", "the latest \(document.text("window")) blocks")
    return facts
  }

  private static func next(_ keys: JSONValue) -> String {
    if keys["pending"]?.bool == true { return "; the next ones are ready" }
    if let epoch = keys["generating"]?.integer { return "; those of epoch \(epoch) are being made" }
    let failures = keys["failuresInARow"]?.integer ?? 0
    return failures > 0 ? "; the last \(failures) resharings failed" : ""
  }

  private static func cell(_ document: JSONValue, _ key: String) -> TextTable.Cell {
    TextTable.Cell(document.text(key))
  }

  private static func time(_ document: JSONValue, _ key: String) -> TextTable.Cell {
    let text = document.text(key)
    return TextTable.Cell(text.isEmpty ? "" : text + " ms")
  }
}
