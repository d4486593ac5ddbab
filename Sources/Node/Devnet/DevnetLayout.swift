// Where a local network keeps its things, and the document that describes it.

import FoundationEssentials
import Primitives

/// The directory of a devnet: `devnet.json`, `genesis.json`, `keys/NAME.key`, and a directory for each process: `nodeN/`
/// for the validators, then `observerN/`. Nodes are counted through, validators first.
public struct DevnetLayout: Sendable {
  public let directory: String
  private let validators: Int

  public init(directory: String, validators: Int = .max) {
    self.directory = FilePaths.absolute(directory)
    self.validators = validators
  }

  public func name(_ node: Int) -> String { node < validators ? "node\(node)" : "observer\(node - validators)" }

  public var document: String { directory + "/devnet.json" }
  public var genesis: String { directory + "/genesis.json" }
  public var keys: Keystore { Keystore(directory: directory + "/keys") }
  public func home(_ node: Int) -> String { "\(directory)/\(name(node))" }
  public func socket(_ node: Int) -> String { home(node) + "/novation.sock" }
  public func configuration(_ node: Int) -> String { home(node) + "/novation.toml" }
  public func identity(_ node: Int) -> String { home(node) + "/identity.key" }
  public func pidFile(_ node: Int) -> String { home(node) + "/pid" }
  public func log(_ node: Int) -> String { home(node) + "/log" }
  public func ledger(_ node: Int) -> String { home(node) + "/ledger" }

  /// The traders that a devnet funds.
  public static let traders = ["alice", "bob", "maker1", "maker2"]
  public static let custodian = "custodian"
  public static let authority = "authority"
}

/// What `devnet up --json` prints and `devnet.json` keeps.
public struct DevnetDocument: Codable, Sendable {
  public struct Node: Codable, Sendable {
    public var name: String
    public var socket: String
    public var pid: Int32
    public var home: String
    /// "host:port" of its read-only listener; left out where it has none.
    public var listener: String?
  }

  public struct Key: Codable, Sendable {
    public var name: String
    public var path: String
    public var account: String
  }

  public var directory: String
  public var chainId: String
  /// Validators, then observers.
  public var nodes: [Node]
  public var keys: [Key]
  /// Seed of the synthetic market.
  public var seed: UInt64

  public var validatorCount: Int { nodes.prefix { $0.name.hasPrefix("node") }.count }

  public static func load(_ layout: DevnetLayout) -> DevnetDocument? {
    guard let bytes = try? FileAccess.read(layout.document, limit: 1 << 20) else { return nil }
    return JSONText.parse(DevnetDocument.self, bytes)
  }
}
