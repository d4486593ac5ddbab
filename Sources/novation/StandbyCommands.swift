// `novation validator nominate|dismiss|rejoin`: who may take the place of a validator that fails (rules H7 to H10).

import Node
import ArgumentParser
import Clearing
import Primitives

extension ValidatorCommand {
  struct Nominate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let somebody stand by to take the place of a validator that fails.",
      discussion: """
        Signed with a validator's identity key; with a quorum of equal nominations it stands by. Its node runs as a validator
        does, and says that it is ready with `novation validator rejoin`.

          novation validator nominate frankfurt3 PUBLICKEY 10.0.0.8:7001 --key identity.key
        """)
    @Argument(help: "Its name, which nobody else has.") var name: String
    @Argument(help: "Its identity key: 64 hexadecimal digits.") var publicKey: String
    @Argument(help: "Where the others reach it: HOST:PORT.") var address: AddressArgument
    @OptionGroup var about: OperatorOptions
    @OptionGroup var signing: SigningOptions

    func run() async throws {
      let new = Clearing.Validator(
        name: name, key: try PublicKey(argument: publicKey), host: address.value.host, port: address.value.port,
        data: about.data())
      try await signing.send { _ in [.standby(.nominate(new))] }
      signing.next("It stands by when a quorum has nominated it with the same words; see `novation validator status`.")
    }
  }

  struct Dismiss: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Strike somebody off who stands by.",
      discussion: "A quorum of validators has to; the first to nominate somebody may alone, until that is approved.")
    @Argument(help: "Its identity key: 64 hexadecimal digits.") var publicKey: String
    @OptionGroup var signing: SigningOptions

    func run() async throws {
      let key = try PublicKey(argument: publicKey)
      try await signing.send { _ in [.standby(.dismiss(key))] }
    }
  }

  struct Rejoin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say that this node is ready to take a validator's place.",
      discussion: """
        Signed with the node's own identity key. For whoever was nominated to stand by, and for a validator that was put on
        standby or removed by a rule, after its rest.
        """)
    @OptionGroup var signing: SigningOptions

    func run() async throws {
      try await signing.send { _ in [.standby(.rejoin)] }
      signing.next("It takes the next place that becomes free; see `novation validator status`.")
    }
  }
}
