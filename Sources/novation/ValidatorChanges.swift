// `novation validator propose|approve|withdraw|retire|rotate-key`: how operators change who decides (rules V1 to V8).

import ArgumentParser
import Clearing
import Consensus
import Node
import Primitives
import Sodium

extension PublicKey {
  /// A command's argument.
  init(argument text: String) throws {
    guard let key = PublicKey(hex: text), Ed25519.agreementKey(of: key) != nil else {
      throw CommandFailure(
        .failed, "\"\(printable(text))\" is no usable public key",
        hint: "give the 64 hexadecimal digits that `novation init` or `novation key show` prints")
    }
    self = key
  }
}

/// What every proposal takes.
struct ProposalOptions: ParsableArguments {
  @OptionGroup var signing: SigningOptions
  @Flag(help: "Send nothing: print what the change would mean.") var dryRun = false

  func validators() async throws -> JSONValue {
    try await signing.submit.socket.api.read(RequestPath("validators"), timeout: signing.duration)
  }

  /// The key of the validator that `choice` names.
  func key(of choice: String, in document: JSONValue) throws -> PublicKey {
    let found = try ValidatorView.selected(choice, of: document)["validators"]?.array?.first
    guard let key = found.flatMap({ PublicKey(hex: $0.text("publicKey")) }) else {
      throw CommandFailure(.failed, "the node's answer names no key of \(printable(choice))")
    }
    return key
  }

  /// `growth`: by how many validators the set becomes larger.
  func propose(_ change: ValidatorChange, growth: Int, _ document: JSONValue) async throws {
    let count = document["validators"]?.array?.count ?? 0
    guard !dryRun else { return forecast(from: count, to: count + growth) }
    try await signing.send { _ in [.proposeChange(change)] }
    let present = try await validators()
    let number = present["changes"]?.array?.last?.text("id") ?? ""
    signing.next(
      "Change \(number). It needs the approval of \(VoteRules(n: count).quorum) validators, yours counted: `novation validator approve \(number)`."
    )
  }

  private func forecast(from before: Int, to after: Int) {
    let sets = [("now", VoteRules(n: max(1, before))), ("after", VoteRules(n: max(1, after)))]
    if signing.submit.json.json {
      var document: [String: JSONValue] = ["approvals": .integer(Int64(sets[0].1.quorum))]
      for (name, rules) in sets {
        document[name] = .object([
          "validators": .integer(Int64(rules.n)), "faulty": .integer(Int64(rules.f)), "slow": .integer(Int64(rules.p)),
          "quorum": .integer(Int64(rules.quorum)), "fastQuorum": .integer(Int64(rules.fastQuorum)),
        ])
      }
      return Terminal.output.line(JSONText.render(JSONValue.object(document)))
    }
    var table = TextTable([
      .init("SET"), .init("VALIDATORS", .right), .init("FAULTY", .right), .init("SLOW", .right),
      .init("QUORUM", .right), .init("FAST QUORUM", .right),
    ])
    for (name, rules) in sets {
      table.add(
        [name].map { TextTable.Cell($0) }
          + [rules.n, rules.f, rules.p, rules.quorum, rules.fastQuorum].map { TextTable.Cell(String($0)) })
    }
    Terminal.output.write(table.render(style: Terminal.output.style))
    Terminal.output.line(
      "\(sets[0].1.quorum) of \(before) validators have to approve; nothing was sent. `novation simulate --topology` forecasts the finality of a set."
    )
  }
}

extension SigningOptions {
  /// What happens now, for people.
  func next(_ text: String) {
    if !submit.json.json { Terminal.output.line(text) }
  }
}

/// What an operator says of a validator.
struct OperatorOptions: ParsableArguments {
  @Option(name: .customLong("operator"), help: "Who runs it.") var operatorName: String?
  @Option(help: "In whose network or data centre it runs.") var network: String?
  @Option(help: "Where it runs.") var country: String?
  @Option(help: "Version it runs.") var nodeVersion: String?

  func validate() throws {
    for text in [operatorName, network, country, nodeVersion] where (text?.utf8.count ?? 0) > OperatorData.bytesMax {
      throw ValidationError("What is said of a validator has at most \(OperatorData.bytesMax) bytes each.")
    }
  }

  /// What is not given stays as it is.
  func data(over present: JSONValue? = nil) -> OperatorData {
    func text(_ new: String?, _ name: String) -> String { new ?? present?.text(name) ?? "" }
    return OperatorData(
      operatorName: text(operatorName, "operatorName"), network: text(network, "network"),
      country: text(country, "country"), version: text(nodeVersion, "version"))
  }
}

/// HOST:PORT of a validator.
struct AddressArgument: ExpressibleByArgument {
  var value: SocketAddressText

  init?(argument: String) {
    guard let value = SocketAddressText(argument), value.port > 0 else { return nil }
    self.value = value
  }
}

extension ValidatorCommand {
  struct Propose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Propose a change of the set; signed with a validator's identity key.",
      discussion: """
          novation validator propose add frankfurt2 PUBLICKEY 10.0.0.7:7001 --key identity.key
          novation validator propose remove frankfurt1 --key identity.key --dry-run
        """,
      subcommands: [Add.self, Remove.self, ReplaceKey.self, Address.self, Data.self])

    struct Add: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "A new validator.",
        discussion:
          "Start its node first, as a validator: it follows the chain until it is one, and has to take part in the key generation."
      )
      @Argument(help: "Its name, which nobody else has.") var name: String
      @Argument(help: "Its identity key: 64 hexadecimal digits.") var publicKey: String
      @Argument(help: "Where the others reach it: HOST:PORT.") var address: AddressArgument
      @OptionGroup var about: OperatorOptions
      @OptionGroup var options: ProposalOptions

      func run() async throws {
        let new = Clearing.Validator(
          name: name, key: try PublicKey(argument: publicKey), host: address.value.host, port: address.value.port,
          data: about.data())
        try await options.propose(.add(new), growth: 1, try await options.validators())
      }
    }

    struct Remove: AsyncParsableCommand {
      static let configuration = CommandConfiguration(abstract: "Remove a validator.")
      @Argument(help: "Name, index or public key.") var validator: String
      @OptionGroup var options: ProposalOptions

      func run() async throws {
        let document = try await options.validators()
        try await options.propose(.remove(options.key(of: validator, in: document)), growth: -1, document)
      }
    }

    struct ReplaceKey: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        commandName: "replace-key", abstract: "Another identity key for a validator.",
        discussion: "Its operator starts a node with the new key at the same address when the change takes effect.")
      @Argument(help: "Name, index or public key.") var validator: String
      @Argument(help: "The new identity key: 64 hexadecimal digits.") var publicKey: String
      @OptionGroup var options: ProposalOptions

      func run() async throws {
        let document = try await options.validators()
        try await options.propose(
          .replaceKey(options.key(of: validator, in: document), by: try PublicKey(argument: publicKey)), growth: 0,
          document)
      }
    }

    struct Address: AsyncParsableCommand {
      static let configuration = CommandConfiguration(abstract: "Another address of a validator.")
      @Argument(help: "Name, index or public key.") var validator: String
      @Argument(help: "Where the others reach it: HOST:PORT.") var address: AddressArgument
      @OptionGroup var options: ProposalOptions

      func run() async throws {
        let document = try await options.validators()
        try await options.propose(
          .address(options.key(of: validator, in: document), host: address.value.host, port: address.value.port),
          growth: 0,
          document)
      }
    }

    struct Data: AsyncParsableCommand {
      static let configuration = CommandConfiguration(abstract: "What the operator of a validator says of it.")
      @Argument(help: "Name, index or public key.") var validator: String
      @OptionGroup var about: OperatorOptions
      @OptionGroup var options: ProposalOptions

      func run() async throws {
        let document = try await options.validators()
        let present = try ValidatorView.selected(validator, of: document)["validators"]?.array?.first
        try await options.propose(
          .data(options.key(of: validator, in: document), about.data(over: present)), growth: 0, document)
      }
    }
  }

  struct Approve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Approve a proposed change.")
    @Argument(help: "Number of the change.") var change: UInt64
    @OptionGroup var signing: SigningOptions

    func run() async throws {
      try await signing.send { _ in [.approveChange(change)] }
      signing.next("`novation validator status` tells what it still waits for.")
    }
  }

  struct Withdraw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Withdraw a change that this validator has proposed.",
      discussion: "Until shares are being made for it; after that it is undone by another change.")
    @Argument(help: "Number of the change.") var change: UInt64
    @OptionGroup var signing: SigningOptions

    func run() async throws { try await signing.send { _ in [.withdrawChange(change)] } }
  }

  struct Retire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Propose that this validator leaves the set.",
      discussion: "Its node goes on as an observer when the change takes effect.")
    @OptionGroup var options: ProposalOptions

    func run() async throws {
      let own = try options.signing.key.open(socket: options.signing.submit.socket.socket).publicKey
      try await options.propose(.remove(own), growth: -1, try await options.validators())
    }
  }

  struct RotateKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rotate-key", abstract: "Propose another identity key for this validator.",
      discussion: "Signed with the present key. The node with the new one has to run before the next epoch.")
    @Argument(help: "The new identity key: 64 hexadecimal digits.") var publicKey: String
    @OptionGroup var options: ProposalOptions

    func run() async throws {
      let own = try options.signing.key.open(socket: options.signing.submit.socket.socket).publicKey
      try await options.propose(
        .replaceKey(own, by: try PublicKey(argument: publicKey)), growth: 0, try await options.validators())
    }
  }
}
