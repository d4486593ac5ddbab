// Where the systemd units expect a node's files, and laying them out there.

import Glibc
import Primitives
public import Sodium

/// The files of `novation.service`, or of `novation@INSTANCE.service`.
public struct ServiceLayout: Sendable {
  public static let directory = "/etc/novation"
  private static let state = "/var/lib/novation"
  private static let account = "novation"

  public let instance: String?

  public init(instance: String?) { self.instance = instance }

  public var configuration: String { "\(Self.directory)/\(instance ?? "novation").toml" }
  public var identity: String { "\(Self.directory)/\(instance ?? "identity").key" }
  public var password: String { "\(Self.directory)/\(instance ?? "identity").password" }
  public var genesis: String { "\(Self.directory)/genesis.json" }
  public var home: String { Self.state + (instance.map { "/\($0)" } ?? "") }
  public var socket: String { "/run/novation" + (instance.map { "/\($0)" } ?? "") + "/novation.sock" }
  public var unit: String { "novation" + (instance.map { "@\($0)" } ?? "") + ".service" }

  /// A letter or digit, then at most 31 of letters, digits, '-' and '_': what units, paths and files all take unchanged.
  public static func isInstance(_ name: String) -> Bool {
    (1...32).contains(name.utf8.count) && name != "novation" && name != "identity" && name != "genesis"
      && name.utf8.enumerated().allSatisfy { place, byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case 0x2d, 0x5f: place > 0
        default: false
        }
      }
  }

  /// What the configuration says beyond the defaults.
  public func complete(_ configuration: inout NodeConfiguration) {
    configuration.node.home = home
    configuration.node.genesis = genesis
    configuration.identity.key = "credential:identity"
    configuration.identity.passwordFile = "credential:password"
    configuration.api.socket = socket
  }

  /// Makes key, password, configuration and empty ledger, each with the owner and mode the unit needs. Nothing that exists
  /// is replaced. Needs root.
  public func make(_ key: SigningKey, name: String, configuration: NodeConfiguration) throws {
    guard geteuid() == 0, let entry = getpwnam(Self.account) else {
      throw NodeError("needs root and the account \"\(Self.account)\": install the package first, then use sudo")
    }
    let (user, group) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
    for path in [self.configuration, identity, password, home + "/ledger"] where FileAccess.exists(path) {
      throw NodeError("\(path) exists already: nothing is replaced")
    }
    try FileAccess.makeDirectory(Self.directory, mode: 0o750)
    chown(Self.directory, 0, group)
    // The key file is useless without the password, which `systemd-creds encrypt` can bind to this machine.
    let word = Hex.encode((0..<4).flatMap { _ in withUnsafeBytes(of: SecureRandom.uint64()) { Array($0) } })
    try FileAccess.write(Array((word + "\n").utf8), to: password, mode: 0o600, isNew: true)
    let secret = try Password.read(from: .path(password))
    let file = try KeyFile.sealed(key, name: name, password: secret)
    try FileAccess.write(Array(file.text().utf8), to: identity, mode: 0o600, isNew: true)
    try NodeHome.initialize(ledger: home + "/ledger", identity: key.publicKey)
    // The account has to reach its instance through the directory above.
    for path in [Self.state, home, home + "/ledger", NodeHome.journalPath(ledger: home + "/ledger")] {
      chown(path, user, group)
    }
    try FileAccess.write(
      Array(configuration.documentedText().utf8), to: self.configuration, mode: 0o640, isNew: true)
    chown(self.configuration, 0, group)
  }
}
