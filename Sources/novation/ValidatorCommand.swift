// `novation validator list|status`: who decides, how they are doing, and what is about to change.

import ArgumentParser
import Node

struct ValidatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validator", abstract: "The validator set: who is in it, how each is doing, and how it changes.",
    discussion: """
      A change is proposed by one validator and approved by a quorum of them, each with its identity key. At the next epoch \
      shares of the group key are made for the new set; it decides from the epoch after, and the old one until then.
      """,
    subcommands: [
      List.self, Status.self, Propose.self, Approve.self, Withdraw.self, Retire.self, RotateKey.self,
      Nominate.self, Dismiss.self, Rejoin.self, Bond.self,
    ])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Names, states, addresses and keys.")
    @OptionGroup var query: QueryOptions
    func run() async throws {
      query.print(try await query.read(RequestPath("validators")), ValidatorView.list)
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Quorums, the group key, the health of each validator as this node sees it, and open changes.",
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
    var table = TextTable([
      .init("INDEX", .right), .init("NAME"), .init("STATE"), .init("BOND", .decimal), .init("JAIL"), .init("ADDRESS"),
      .init("KEY"),
    ])
    for validator in document["validators"]?.array ?? [] {
      table.add(
        ["index", "name", "state", "bond"].map { cell(validator, $0) } + [jail(validator)]
          + ["address", "publicKey"].map { cell(validator, $0) })
    }
    for standby in document["standbys"]?.array ?? [] {
      table.add(
        ["", "name", "state", "", "", "address", "publicKey"].map { TextTable.Cell($0.isEmpty ? "" : standby.text($0)) }
      )
    }
    return table.render(style: style)
  }

  static func status(_ document: JSONValue, _ style: Style) -> String {
    var table = TextTable([
      .init("INDEX", .right), .init("NAME"), .init("STATE"), .init("HEALTH"), .init("ROUND TRIP", .decimal),
      .init("SILENT", .decimal), .init("PROPOSED", .right), .init("VOTES", .right), .init("SHARE"), .init("FAULTS"),
      .init("ADDRESS"), .init("KEY"),
    ])
    for validator in document["validators"]?.array ?? [] {
      let health = validator.text("health")
      table.add([
        cell(validator, "index"), cell(validator, "name"), cell(validator, "state"),
        TextTable.Cell(health, health == "disconnected" ? .red : health == "silent" ? .yellow : .green),
        time(validator, "roundTripMilliseconds"), time(validator, "silentMilliseconds"), cell(validator, "proposed"),
        cell(validator, "votes"), cell(validator, "share"), faults(validator), cell(validator, "address"),
        TextTable.Cell(HumanText.short(validator.text("publicKey"))),
      ])
    }
    return facts(document).render(style: style) + "\n" + table.render(style: style) + standbys(document, style)
      + changes(document, style)
  }

  /// As every node computes them from final blocks.
  private static func faults(_ validator: JSONValue) -> TextTable.Cell {
    let names = (validator["record"]?["faults"]?.array ?? []).compactMap(\.string)
    return names.isEmpty ? TextTable.Cell("") : TextTable.Cell(names.joined(separator: ", "), .red)
  }

  private static func standbys(_ document: JSONValue, _ style: Style) -> String {
    let standbys = document["standbys"]?.array ?? []
    guard !standbys.isEmpty else { return "" }
    var table = TextTable([
      .init("STANDBY"), .init("STATE"), .init("NOMINATIONS", .right), .init("RESTS", .right), .init("REMOVED", .right),
      .init("FAILED", .right), .init("ADDRESS"), .init("KEY"),
    ])
    for standby in standbys {
      let state = standby.text("state")
      table.add([
        cell(standby, "name"), TextTable.Cell(state, state == "ready" ? .green : .yellow),
        cell(standby, "nominations"), cell(standby, "restEpochs"), cell(standby, "removals"), cell(standby, "failures"),
        cell(standby, "address"), TextTable.Cell(HumanText.short(standby.text("publicKey"))),
      ])
    }
    return "\n" + table.render(style: style)
  }

  private static func changes(_ document: JSONValue, _ style: Style) -> String {
    let changes = document["changes"]?.array ?? []
    guard !changes.isEmpty else { return "" }
    var table = TextTable([
      .init("CHANGE", .right), .init("STATE"), .init("APPROVALS", .right), .init("FAILED", .right), .init("WHAT"),
      .init("WAITS FOR"),
    ])
    for change in changes {
      let count = change["approvals"]?.array?.count ?? 0
      table.add([
        cell(change, "id"), TextTable.Cell(change.text("state"), change.text("state") == "open" ? .yellow : .green),
        TextTable.Cell("\(count) of \(change.text("needed"))"), cell(change, "failures"), cell(change, "summary"),
        cell(change, "waitsFor"),
      ])
    }
    return "\n" + table.render(style: style)
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

  /// Empty for a key that may be a validator's.
  private static func jail(_ validator: JSONValue) -> TextTable.Cell {
    guard validator["jailed"]?.bool == true else { return TextTable.Cell("") }
    let through = validator.text("jailedThrough")
    return TextTable.Cell(through.isEmpty ? "for ever" : "through block \(through)", .red)
  }

  private static func cell(_ document: JSONValue, _ key: String) -> TextTable.Cell {
    TextTable.Cell(document.text(key))
  }

  private static func time(_ document: JSONValue, _ key: String) -> TextTable.Cell {
    let text = document.text(key)
    return TextTable.Cell(text.isEmpty ? "" : text + " ms")
  }
}
