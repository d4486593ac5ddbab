// `novation init`: a node's key and configuration, ready to edit.

import ArgumentParser
import Node
import Primitives
import Sodium

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make a node's home: identity key, configuration, empty ledger.",
    discussion: """
      Nothing that exists is replaced. Hand the printed public key to whoever makes the genesis. With --service the files \
      lie where the systemd units look for them: configuration and encrypted key in /etc/novation, ledger in \
      /var/lib/novation.
      """)

  enum Role: String, ExpressibleByArgument, CaseIterable { case validator, observer }

  @Option(help: "Directory to make.", completion: .directory) var home: String?
  @Flag(help: "For novation.service, as root; in place of --home.") var service = false
  @Option(help: "With --service: for novation@INSTANCE.service.") var instance: String?
  @Option(help: "Name of the identity key.") var name = "identity"
  @Option(help: "validator or observer.") var role = Role.validator
  @Option(help: "Where other nodes reach this one.") var listen = "0.0.0.0:7470"
  @Flag(help: "Do not encrypt the key: for test networks only.") var unencrypted = false
  @OptionGroup var password: PasswordOption
  @OptionGroup var json: JSONFlag

  func validate() throws {
    if !KeyFile.isName(name) { throw ValidationError("--name: use 1 to 64 letters, digits, '.', '-', '_'.") }
    if service == (home != nil) { throw ValidationError("give either --home or --service.") }
    if let instance, !service || !ServiceLayout.isInstance(instance) {
      throw ValidationError("--instance: with --service, 1 to 32 letters, digits, '-', '_', no reserved name.")
    }
    if service, unencrypted || password.passwordFile != nil {
      throw ValidationError("--service makes a password of its own: leave out --unencrypted and --password-file.")
    }
    if SocketAddressText(listen) == nil { throw ValidationError("--listen: expected host:port.") }
    if unencrypted && password.passwordFile != nil {
      throw ValidationError("--unencrypted and --password-file exclude each other.")
    }
  }

  func run() throws {
    guard let home = home.map(FilePaths.absolute) else { return try makeService() }
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
    report(
      home: home, configuration: path, identity: store.path(of: name), key.publicKey,
      next: "put the network's genesis at \(home)/genesis.json, then `novation start --config \(path)`")
  }

  private func makeService() throws {
    let layout = ServiceLayout(instance: instance)
    var configuration = NodeConfiguration()
    configuration.node.role = role == .validator ? .validator : .observer
    configuration.network.listen = listen
    layout.complete(&configuration)
    let key = SigningKey.generate()
    try explained { try layout.make(key, name: name, configuration: configuration) }
    report(
      home: layout.home, configuration: layout.configuration, identity: layout.identity, key.publicKey,
      next: "put the network's genesis at \(layout.genesis), then `systemctl enable --now \(layout.unit)`")
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

  private func report(home: String, configuration: String, identity: String, _ key: PublicKey, next: String) {
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
    Terminal.output.line("\nNext: \(next).")
  }
}
