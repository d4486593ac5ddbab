// What an operator may choose about one node: the values of its configuration file with their defaults. What every node
// of a network must agree on stands in the genesis, never here.

public import Primitives

/// One node's configuration. Paths are absolute after loading; durations are nanoseconds, sizes bytes.
public struct NodeConfiguration: Sendable, Equatable {
  public enum Role: String, Sendable, CaseIterable { case validator, observer }
  public enum History: String, Sendable, CaseIterable { case full, pruned }
  /// What a node does that finds its ledger damaged when it starts.
  public enum OnDamage: String, Sendable, CaseIterable { case resync, stop }
  public enum LogLevel: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error, critical }
  public enum LogFormat: String, Sendable, CaseIterable { case text, json }

  public struct Node: Sendable, Equatable {
    public var home = "/var/lib/novation"
    public var role = Role.validator
    public var genesis = "genesis.json"
  }

  public struct Identity: Sendable, Equatable {
    /// A path, or `credential:NAME`.
    public var key = "credential:identity"
    /// A path, or `credential:NAME`; empty when the key file is not encrypted or the terminal is asked.
    public var passwordFile = ""
  }

  public struct Network: Sendable, Equatable {
    public var listen = "0.0.0.0:7470"
    /// Addresses that replace or add to those of the genesis.
    public var peers: [Peer] = []
    /// Observers served at once.
    public var maxPeers: Int64 = 64
  }

  public struct API: Sendable, Equatable {
    public var socket = "/run/novation/novation.sock"
    /// Octal permissions of the socket.
    public var socketMode = "0660"
    /// Group that owns the socket; empty leaves the process's own.
    public var socketGroup = ""
    /// Read-only listener; empty for none.
    public var listen = ""
  }

  public struct Consensus: Sendable, Equatable {
    public var heartbeat: Int64 = Duration64.second
    public var minimumDelay: Int64 = 10 * Duration64.millisecond
    public var maximumDelay: Int64 = Duration64.second
  }

  public struct Ledger: Sendable, Equatable {
    public var mapSize: Int64 = 64 << 30
    public var history = History.full
    public var keepBlocks: Int64 = 1_000_000
    public var onDamage = OnDamage.resync
  }

  public struct Limits: Sendable, Equatable {
    public var requestBody: Int64 = 1 << 20
    public var requestsPerSecond: Int64 = 20_000
    public var concurrentRequests: Int64 = 4_096
    public var streams: Int64 = 256
    public var peerMessage: Int64 = 8 << 20
    public var peerQueue: Int64 = 64 << 20
  }

  public struct Log: Sendable, Equatable {
    public var level = LogLevel.info
    public var format = LogFormat.text
  }

  public var node = Node()
  public var identity = Identity()
  public var network = Network()
  public var api = API()
  public var consensus = Consensus()
  public var ledger = Ledger()
  public var limits = Limits()
  public var log = Log()

  public init() {}
}

/// Where a peer is reached: `validator index or public key in hex @ host : port`.
public struct Peer: Sendable, Equatable, CustomStringConvertible {
  public enum Identity: Sendable, Equatable {
    case index(ValidatorIndex)
    case key(PublicKey)
  }

  public var identity: Identity
  public var address: SocketAddressText

  public init(identity: Identity, address: SocketAddressText) {
    self.identity = identity
    self.address = address
  }

  /// Nil unless it is "2@10.0.0.3:7470", "KEYHEX@validator.example:7470" or "1@[fd00::1]:7470".
  public init?(_ text: String) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let address = SocketAddressText(String(parts[1])) else { return nil }
    if let key = PublicKey(hex: String(parts[0])) {
      self.init(identity: .key(key), address: address)
    } else if parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let index = ValidatorIndex(parts[0]) {
      self.init(identity: .index(index), address: address)
    } else {
      return nil
    }
  }

  public var description: String {
    switch identity {
    case .index(let index): "\(index)@\(address)"
    case .key(let key): "\(key.hex)@\(address)"
    }
  }
}

/// `host:port`, with an IPv6 host in brackets. The name is not resolved here.
public struct SocketAddressText: Sendable, Equatable, CustomStringConvertible {
  public var host: String
  public var port: UInt16

  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Nil unless there are a host of at most 253 letters, digits, '.', '-', '_' (or in brackets ':' and hexadecimal
  /// digits) and a port from 0 to 65535.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else {
      return nil
    }
    var host = text[..<colon]
    let bracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
    if bracketed { host = host.dropFirst().dropLast() }
    guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy({ Self.allowed($0, bracketed: bracketed) }) else {
      return nil
    }
    self.init(host: String(host), port: port)
  }

  private static func allowed(_ byte: UInt8, bracketed: Bool) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66, 0x2e: true
    case 0x3a: bracketed
    case 0x47...0x5a, 0x67...0x7a, 0x2d, 0x5f: !bracketed
    default: false
    }
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
