// Every key of the configuration file: its place, its type and range, and the sentences that document it. Reading,
// refusing and writing the file all follow this one table.

/// One key of the file.
struct Setting {
  let section: String
  let name: String
  let documentation: [String]
  let kind: Kind
  var path: String { "\(section).\(name)" }

  typealias Place<Value> = WritableKeyPath<NodeConfiguration, Value>

  /// The type of the value, where it belongs, and what is accepted.
  enum Kind {
    case text(Place<String>, accepted: String, isAccepted: (String) -> Bool)
    /// Relative paths start at the directory of the file.
    case path(Place<String>)
    /// A path or `credential:NAME`; may be empty where `optional`.
    case secret(Place<String>, optional: Bool)
    case choice(choices: [String], get: (NodeConfiguration) -> String, set: (inout NodeConfiguration, String) -> Void)
    case integer(Place<Int64>, ClosedRange<Int64>)
    case size(Place<Int64>, ClosedRange<Int64>)
    case duration(Place<Int64>, ClosedRange<Int64>)
    case peers(Place<[Peer]>, limit: Int)
  }
}

extension Setting.Kind {
  static func choice<Value: RawRepresentable & CaseIterable>(_ place: Setting.Place<Value>) -> Self
  where Value.RawValue == String {
    .choice(choices: Value.allCases.map(\.rawValue), get: { $0[keyPath: place].rawValue }) { configuration, text in
      if let value = Value(rawValue: text) { configuration[keyPath: place] = value }
    }
  }

  static func listener(_ place: Setting.Place<String>, optional: Bool) -> Self {
    .text(place, accepted: "\"host:port\"" + (optional ? ", or \"\" for none" : "")) {
      (optional && $0.isEmpty) || SocketAddressText($0) != nil
    }
  }

  /// What the key accepts, for documentation and refusals.
  var accepted: String {
    switch self {
    case .text(_, let accepted, _): accepted
    case .path: "a path of 1 to 4095 bytes"
    case .secret(_, let optional): "a path or \"credential:NAME\"" + (optional ? ", or \"\"" : "")
    case .choice(let choices, _, _): choices.map { "\"\($0)\"" }.joined(separator: " or ")
    case .integer(_, let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
    case .size(_, let range):
      "a size from \"\(ByteSize.format(range.lowerBound))\" to \"\(ByteSize.format(range.upperBound))\""
    case .duration(_, let range):
      "a duration from \"\(TimeSpan.format(range.lowerBound))\" to \"\(TimeSpan.format(range.upperBound))\""
    case .peers(_, let limit): "a list of at most \(limit) \"INDEX@host:port\" or \"PUBLICKEY@host:port\""
    }
  }
}

extension Setting {
  private static func setting(_ section: String, _ name: String, _ kind: Kind, _ documentation: String...) -> Self {
    Setting(section: section, name: name, documentation: documentation, kind: kind)
  }

  /// What each section is for, in the order of the file.
  static let sections: [(name: String, documentation: String)] = [
    ("node", "This node."),
    ("identity", "The key that signs this node's votes. Never run two nodes with one key."),
    ("network", "Connections to other nodes."),
    ("api", "The HTTP interface for operators and traders."),
    ("consensus", "Bounds only: timeouts adapt by themselves to the network's delays."),
    ("ledger", "What is kept on disk."),
    ("limits", "What one client or peer may ask of this node; beyond it requests are refused, not queued."),
    ("log", "Messages on standard error."),
  ]

  static var all: [Setting] { nodeSettings + networkSettings + coreSettings + limitSettings + logSettings }

  private static var nodeSettings: [Setting] {
    [
      setting("node", "home", .path(\.node.home), "Directory of the ledger and the vote journal."),
      setting(
        "node", "role", .choice(\.node.role), "\"validator\" votes with the identity's key, \"observer\" follows."),
      setting(
        "node", "genesis", .path(\.node.genesis),
        "What every node of the network agrees on; made by `novation genesis`."
      ),
      setting(
        "identity", "key", .secret(\.identity.key, optional: false),
        "A key file, or \"credential:NAME\" for a file that systemd hands over (LoadCredential=)."),
      setting(
        "identity", "password_file", .secret(\.identity.passwordFile, optional: true),
        "File or credential whose first line is the password of an encrypted key; \"\" asks the terminal."),
    ]
  }

  private static var networkSettings: [Setting] {
    [
      setting(
        "network", "listen", .listener(\.network.listen, optional: false), "Where other nodes reach this one (TCP)."),
      setting(
        "network", "peers", .peers(\.network.peers, limit: 1024),
        "Addresses of validators that replace those in the genesis: \"2@10.0.0.3:7470\" (index or public key).",
        "An observer follows those named here, or all of the genesis where none is."),
      setting(
        "network", "max_peers", .integer(\.network.maxPeers, 1...1024),
        "Observers that a validator serves at once, besides the other validators."),
      setting("api", "socket", .path(\.api.socket), "Unix socket of the interface, at most 107 bytes."),
      setting(
        "api", "socket_mode",
        .text(\.api.socketMode, accepted: "four octal digits from \"0600\" to \"0777\"", isAccepted: isSocketMode),
        "Permissions of the socket."),
      setting(
        "api", "socket_group",
        .text(\.api.socketGroup, accepted: "a group name of at most 32 letters, digits, '-' and '_', or \"\"") {
          $0.utf8.count <= 32 && $0.utf8.allSatisfy(isNameByte)
        }, "Group that may use the socket; \"\" keeps the process's own."),
      setting(
        "api", "listen", .listener(\.api.listen, optional: true),
        "Read-only TCP listener for the same reads, metrics and the dashboard; \"\" for none."),
    ]
  }

  private static var coreSettings: [Setting] {
    let second: Int64 = 1_000_000_000
    return [
      setting(
        "consensus", "heartbeat", .duration(\.consensus.heartbeat, 100_000_000...60 * second),
        "An idle network makes a block this often."),
      setting(
        "consensus", "minimum_delay", .duration(\.consensus.minimumDelay, 1_000_000...10 * second),
        "The estimate of the network's delay never falls below this,"),
      setting(
        "consensus", "maximum_delay", .duration(\.consensus.maximumDelay, 10_000_000...60 * second),
        "and never rises above this."),
      setting(
        "ledger", "map_size", .size(\.ledger.mapSize, 16 << 20...16 << 40),
        "Address space of the database; it grows by itself up to this. Not reserved on disk."),
      setting(
        "ledger", "history", .choice(\.ledger.history), "Keep all blocks, or only the newest `keep_blocks`."),
      setting(
        "ledger", "keep_blocks", .integer(\.ledger.keepBlocks, 100...1 << 40), "Blocks kept by a pruned history."),
      setting(
        "ledger", "on_damage", .choice(\.ledger.onDamage),
        "A ledger that is found damaged at the start: put aside and fetched from the peers, or \"stop\"."),
    ]
  }

  private static var limitSettings: [Setting] {
    [
      setting("limits", "request_body", .size(\.limits.requestBody, 4 << 10...64 << 20), "Body of one request."),
      setting(
        "limits", "requests_per_second", .integer(\.limits.requestsPerSecond, 1...10_000_000),
        "Of all connections together."),
      setting(
        "limits", "concurrent_requests", .integer(\.limits.concurrentRequests, 1...1_000_000), "Of all connections."),
      setting("limits", "streams", .integer(\.limits.streams, 0...100_000), "Open event streams."),
      setting("limits", "peer_message", .size(\.limits.peerMessage, 8 << 20...64 << 20), "One message of a peer."),
      setting("limits", "peer_queue", .size(\.limits.peerQueue, 1 << 20...4 << 30), "Bytes waiting to go to one peer."),
    ]
  }

  private static var logSettings: [Setting] {
    [
      setting("log", "level", .choice(\.log.level), "The least urgent messages that are written."),
      setting("log", "format", .choice(\.log.format), "Lines for people, or one JSON object a line."),
    ]
  }

  private static func isSocketMode(_ text: String) -> Bool {
    guard text.utf8.count == 4, text.hasPrefix("0"), text.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
      let mode = UInt16(text, radix: 8)
    else { return false }
    return mode >= 0o600
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f: true
    default: false
    }
  }
}
