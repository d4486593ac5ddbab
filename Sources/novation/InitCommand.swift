// `novation init`: a node's key and configuration, ready to edit.

import ArgumentParser
import Node
import Primitives
import Sodium

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make a node's home: identity key, configuration, empty ledger.",
    discussion: "Nothing that exists is replaced. Hand the printed public key to whoever makes the genesis.")

  enum Role: String, ExpressibleByArgument, CaseIterable { case validator, observer }

  @Option(help: "Directory to make.", completion: .directory) var home: String
  @Option(help: "Name of the identity key.") var name = "identity"
  @Option(help: "validator or observer.") var role = Role.validator
  @Option(help: "Where other nodes reach this one.") var listen = "0.0.0.0:7470"
  @Flag(help: "Do not encrypt the key: for test networks only.") var unencrypted = false
  @OptionGroup var password: PasswordOption
  @OptionGroup var json: JSONFlag

  func validate() throws {
    if !KeyFile.isName(name) { throw ValidationError("--name: use 1 to 64 letters, digits, '.', '-', '_'.") }
    if SocketAddressText(listen) == nil { throw ValidationError("--listen: expected host:port.") }
    if unencrypted && password.passwordFile != nil {
      throw ValidationError("--unencrypted and --password-file exclude each other.")
    }
  }

  func run() throws {
    let home = FilePaths.absolute(home)
    let path = home + "/novation.toml"
    guard !FileAccess.exists(path) else {
      throw CommandFailure(.failed, "\(path) exists already", hint: "choose another --home, or edit it")
    }
    let store = Keystore(directory: home + "/keys")
    let key = SigningKey.generate()
    try store.add(
      unencrypted ? KeyFile.clear(key, name: name) : KeyFile.sealed(key, name: name, password: try password.new()))
    try NodeHome.initialize(ledger: home + "/ledger", identity: key.publicKey)
    try FileAccess.write(
      Array(configuration(home, keyPath: store.path(of: name)).documentedText().utf8), to: path, mode: 0o600,
      isNew: true)
    report(home: home, configuration: path, identity: store.path(of: name), key.publicKey)
  }

  private func configuration(_ home: String, keyPath: String) -> NodeConfiguration {
    var configuration = NodeConfiguration()
    configuration.node.home = home
    configuration.node.role = role == .validator ? .validator : .observer
    configuration.node.genesis = home + "/genesis.json"
    configuration.identity.key = keyPath
    if let file = password.passwordFile {
      let isCredential = file.hasPrefix(SecretSource.credentialPrefix)
      configuration.identity.passwordFile = isCredential ? file : FilePaths.absolute(file)
    }
    configuration.network.listen = listen
    configuration.api.socket = home + "/novation.sock"
    return configuration
  }

  private func report(home: String, configuration: String, identity: String, _ key: PublicKey) {
    if json.json {
      let document: JSONValue = [
        "home": .string(home), "configuration": .string(configuration), "identity": .string(identity),
        "publicKey": .string(key.hex), "encrypted": .bool(!unencrypted),
      ]
      Terminal.output.line(JSONText.render(document))
      return
    }
    var facts = Facts()
    facts.add("home", home)
    facts.add("configuration", configuration)
    facts.add("identity", identity)
    facts.add("public key", key.hex)
    Terminal.output.write(facts.render(style: Terminal.output.style))
    Terminal.output.line(
      "\nNext: put the network's genesis at \(home)/genesis.json, then `novation start --config \(configuration)`.")
  }
}
