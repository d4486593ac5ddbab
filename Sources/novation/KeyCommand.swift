// `novation key new|list|show|import|export`: the keystore. (`delegate` and `revoke` have a file of their own.)

import ArgumentParser
import Glibc
import Node
import Primitives
import Sodium

struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Keys: an encrypted keystore, and who may sign for an account.",
    subcommands: [
      New.self, List.self, Show.self, Import.self, Export.self, Delegate.self, Revoke.self,
    ])

  struct StoreOptions: ParsableArguments {
    @Option(help: "Directory of the key files.", completion: .directory) var keystore = Keystore.standard.directory
    @OptionGroup var json: JSONFlag

    var store: Keystore { Keystore(directory: FilePaths.absolute(keystore)) }

    func print(_ file: KeyFile, path: String) {
      if json.json {
        Terminal.output.line(JSONText.render(KeyCommand.document(file, path: path)))
        return
      }
      var facts = Facts()
      facts.add("name", file.name)
      facts.add("account", file.publicKey.hex)
      facts.add("file", path)
      facts.add(
        "encrypted",
        TextTable.Cell(file.isEncrypted ? "yes" : "no: for test networks only", file.isEncrypted ? nil : .yellow))
      Terminal.output.write(facts.render(style: Terminal.output.style))
    }

    /// Seals the key under a new password, or not, and adds it.
    func add(_ key: SigningKey, name: String, unencrypted: Bool, password: PasswordOption) throws {
      let file =
        unencrypted
        ? KeyFile.clear(key, name: name) : try KeyFile.sealed(key, name: name, password: try password.new())
      try store.add(file)
      print(file, path: store.path(of: name))
    }
  }

  static func document(_ file: KeyFile, path: String) -> JSONValue {
    [
      "name": .string(file.name), "publicKey": .string(file.publicKey.hex), "account": .string(file.publicKey.hex),
      "path": .string(path), "encrypted": .bool(file.isEncrypted),
    ]
  }

  static func check(name: String) throws {
    if !KeyFile.isName(name) { throw ValidationError("\"\(name)\": use 1 to 64 letters, digits, '.', '-', '_'.") }
  }

  struct New: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a key.")
    @Argument(help: "Its name.") var name: String
    @Flag(help: "Do not encrypt it: for test networks only.") var unencrypted = false
    @OptionGroup var password: PasswordOption
    @OptionGroup var options: StoreOptions

    func validate() throws { try KeyCommand.check(name: name) }
    func run() throws {
      guard !FileAccess.exists(options.store.path(of: name)) else {
        throw CommandFailure(
          .failed, "key \"\(name)\" exists already in \(options.store.directory)", hint: "choose another name")
      }
      try options.add(.generate(), name: name, unencrypted: unencrypted, password: password)
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the keys of the keystore.")
    @OptionGroup var options: StoreOptions

    func run() throws {
      var files: [(KeyFile, String)] = []
      for name in options.store.names() {
        do {
          let loaded = try options.store.load(name)
          files.append((loaded.file, loaded.path))
        } catch {
          Terminal.error.line(Terminal.error.style(.yellow, "warning:") + " \(error)")
        }
      }
      if options.json.json {
        let keys = files.map { KeyCommand.document($0.0, path: $0.1) }
        Terminal.output.line(JSONText.render(["keys": .array(keys)] as JSONValue))
        return
      }
      var table = TextTable([.init("NAME"), .init("ACCOUNT"), .init("ENCRYPTED")])
      for (file, _) in files {
        table.add([
          TextTable.Cell(file.name), TextTable.Cell(file.publicKey.hex),
          TextTable.Cell(file.isEncrypted ? "yes" : "no", file.isEncrypted ? nil : .yellow),
        ])
      }
      Terminal.output.write(table.render(style: Terminal.output.style))
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show a key's public part; it is not opened.")
    @Argument(help: "Name or key file.", completion: .file()) var key: String
    @OptionGroup var options: StoreOptions

    func run() throws {
      let loaded = try KeyLocator(socket: nil, keystore: options.store).load(key)
      for warning in loaded.warnings { Terminal.error.line(Terminal.error.style(.yellow, "warning:") + " " + warning) }
      options.print(loaded.file, path: loaded.path)
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a key into the keystore.",
      discussion:
        "The file is a key file, or holds a seed of 64 hexadecimal digits. The password is asked twice: of the file, then for the keystore."
    )
    @Argument(help: "Its name in the keystore.") var name: String
    @Argument(help: "File, or - for standard input.", completion: .file()) var file: String
    @Flag(help: "Do not encrypt it: for test networks only.") var unencrypted = false
    @Option(help: "Password file of the file that is imported, if it is encrypted.", completion: .file())
    var fromPasswordFile: String?
    @OptionGroup var password: PasswordOption
    @OptionGroup var options: StoreOptions

    func validate() throws { try KeyCommand.check(name: name) }

    func run() throws {
      let label = file == "-" ? "standard input" : file
      let bytes =
        file == "-"
        ? try FileAccess.read(descriptor: STDIN_FILENO, name: label, limit: 16 << 10)
        : try FileAccess.read(file, limit: 16 << 10)
      let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
      let key: SigningKey
      if let seed = Hex.decode(text), let made = SigningKey(seed: seed) {
        key = made
      } else {
        let parsed = try KeyFile.parse(String(decoding: bytes, as: UTF8.self), path: label)
        var old = PasswordOption()
        old.passwordFile = fromPasswordFile
        key = try parsed.open(password: try old.existing(for: parsed.name))
      }
      try options.add(key, name: name, unencrypted: unencrypted, password: password)
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a key file, for a backup or another machine.",
      discussion: "As it is in the keystore, so under its password; --unencrypted opens it first.")
    @Argument(help: "Its name.") var name: String
    @Flag(help: "Print the secret in the clear.") var unencrypted = false
    @OptionGroup var password: PasswordOption
    @Option(help: "Directory of the key files.", completion: .directory) var keystore = Keystore.standard.directory

    func run() throws {
      try KeyCommand.check(name: name)
      let file = try Keystore(directory: FilePaths.absolute(keystore)).load(name).file
      guard unencrypted else {
        Terminal.output.write(file.text())
        return
      }
      let key = try file.open(password: try password.existing(for: name))
      Terminal.output.write(KeyFile.clear(key, name: file.name).text())
    }
  }
}
