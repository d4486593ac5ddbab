// `novation genesis`: what all nodes of a network agree on before its first block.

import Replica
import ArgumentParser
import Node
import Primitives
import Replica

struct GenesisCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "genesis", abstract: "Put a network together from the public identities of its validators.",
    discussion: """
      Make the file, add each validator's public key and address and any accounts with money, check it, and give the same \
      file to every node. Its hash is the chain id: one byte of difference is another network.
      """,
    subcommands: [Create.self, Add.self, Show.self, Check.self, GenesisResume.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a genesis file without validators.")

    @Argument(help: "File to write.") var file: String
    @Option(help: "Name of the network.") var name: String
    @Option(help: "Kind of the network; \"test\" allows a market clock of its own.") var network = "main"
    @Option(help: "Time of the genesis block, ISO 8601. (default: now)") var time: String?
    @Option(help: "Market time at genesis; test networks only.") var clockStart: String?
    @Option(help: "Market seconds in a real one; test networks only.") var clockRate: Int64?
    @Option(name: .customLong("underlying"), help: "Symbol of an underlying; repeat for more.") var underlyings:
      [String] =
        ["BTC", "ETH"]
    @Option(help: "Public key that may deposit money.") var custodian: String
    @Option(help: "Public key that may list instruments.") var listingAuthority: String
    @Flag(help: "Replace an existing file.") var force = false

    func validate() throws {
      for (option, text) in [("time", time), ("clock-start", clockStart)] {
        if let text, ISO8601.parse(text) == nil {
          throw ValidationError("--\(option) \"\(text)\" is not a time such as 2026-03-02T08:00:00Z")
        }
      }
    }

    func run() throws {
      try explained {
        let second = Duration64.second
        let created = try GenesisFile.create(
          name: name, network: network, time: time.flatMap(ISO8601.parse) ?? Clock.wall / second * second,
          clockStart: clockStart.flatMap(ISO8601.parse), clockRate: clockRate, underlyings: underlyings,
          custodian: custodian, listingAuthority: listingAuthority)
        try created.save(to: file, replacing: force)
      }
      Terminal.error.line(
        "\(printable(file)) is made; add validators with `novation genesis add \(printable(file)) ...`")
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a validator, or an account with money.",
      discussion: """
        A validator: --validator NAME --key PUBLICKEY --address HOST:PORT. An account: --account PUBLICKEY --amount USD. \
        Either changes the chain id.
        """)

    @Argument(help: "Genesis file.") var file: String
    @Option(help: "Name of a validator.") var validator: String?
    @Option(help: "Its public identity key.") var key: String?
    @Option(help: "Where the others reach it.") var address: String?
    @Option(help: "Account to fund.") var account: String?
    @Option(help: "Money at genesis, in USD.") var amount: String?

    func validate() throws {
      let isValidator = validator != nil && key != nil && address != nil && account == nil && amount == nil
      let isAccount = account != nil && amount != nil && validator == nil && key == nil && address == nil
      guard isValidator || isAccount else {
        throw ValidationError("give --validator, --key and --address, or --account and --amount")
      }
    }

    func run() throws {
      try explained {
        var genesis = try GenesisFile.load(file)
        if let validator, let key, let address {
          try genesis.add(.init(name: validator, key: key, address: address))
        } else if let account, let amount {
          try genesis.fund(account, amount: amount)
        }
        try genesis.save(to: file, replacing: true)
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print what it says.")
    @Argument(help: "Genesis file.") var file: String
    @Flag(help: "Print the file as one JSON document, in its canonical form.") var json = false

    func run() throws {
      let genesis = try explained { try GenesisFile.load(file) }
      if json {
        Terminal.output.line(genesis.render())
      } else {
        Terminal.output.write(genesis.render(style: Terminal.output.style))
      }
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check that a network can start from it, and print the chain id.")
    @Argument(help: "Genesis file.") var file: String
    @Option(help: "Refuse any chain but this one.") var chain: String?
    @Flag(help: "Print one JSON document.") var json = false

    private struct Document: Encodable {
      var chainId: String
      var name: String
      var validators: Int
    }

    func run() throws {
      let genesis = try explained { try GenesisFile.load(file).genesis() }
      let id = genesis.chain.hex
      if let chain, chain.lowercased() != id {
        throw CommandFailure(.failed, "\(file) is the genesis of chain \(id), not of \(chain)")
      }
      Terminal.output.line(
        json
          ? JSONText.render(Document(chainId: id, name: genesis.name, validators: genesis.validators.count)) : id)
    }
  }
}
