// What a local network looks like: every node's own word, and whether the states agree where all of them have been.

import Primitives

/// What `devnet status --json` prints.
public struct DevnetStatusDocument: Codable, Sendable {
  public struct Node: Codable, Sendable {
    public var name: String
    public var pid: Int32
    public var isRunning: Bool
    /// Null where the node does not answer.
    public var status: StatusDocument?
  }

  /// The newest height that every answering node has stored.
  public struct Agreement: Codable, Sendable {
    public var height: UInt64
    public var rootsEqual: Bool
    /// One for each answering node, in their order.
    public var stateRoots: [String]
  }

  public var directory: String
  public var chainId: String
  public var nodes: [Node]
  /// Null where no two nodes answer.
  public var agreement: Agreement?
}

extension Devnet {
  public func statusDocument() async -> DevnetStatusDocument {
    var nodes: [DevnetStatusDocument.Node] = []
    for node in document.nodes.indices {
      let running = isRunning(node)
      nodes.append(
        .init(
          name: document.nodes[node].name, pid: running ? pid(of: node) ?? 0 : 0, isRunning: running,
          status: running ? await status(of: node) : nil))
    }
    return DevnetStatusDocument(
      directory: layout.directory, chainId: document.chainId, nodes: nodes, agreement: await agreement(nodes))
  }

  private func agreement(_ nodes: [DevnetStatusDocument.Node]) async -> DevnetStatusDocument.Agreement? {
    let answering = nodes.indices.filter { nodes[$0].status != nil }
    guard answering.count > 1, let height = answering.compactMap({ nodes[$0].status?.storedHeight }).min(), height > 0
    else { return nil }
    var roots: [String] = []
    for node in answering {
      guard let block = await block(height, of: node) else { return nil }
      roots.append(block.stateRoot)
    }
    return .init(height: height, rootsEqual: roots.allSatisfy { $0 == roots[0] }, stateRoots: roots)
  }

  func block(_ height: Height, of node: Int) async -> BlockDocument? {
    let client = UnixHTTPClient(socket: layout.socket(node))
    defer { client.close() }
    let path = RequestPath("blocks", String(height)).description
    guard let reply = try? await client.send(.get(path), timeout: .seconds(2)), reply.status == 200 else { return nil }
    return JSONText.parse(BlockDocument.self, reply.body)
  }
}

extension DevnetStatusDocument {
  /// An aligned table and a line on agreement.
  public func render(style: Style) -> String {
    var table = TextTable([
      .init("node"), .init("state"), .init("role"), .init("height", .right), .init("view", .right),
      .init("state root"), .init("p50 ms", .decimal), .init("p99 ms", .decimal), .init("peers", .right),
      .init("pid", .right),
    ])
    for node in nodes { table.add(Self.cells(of: node)) }
    return table.render(style: style) + conclusion(style) + "\n"
  }

  private static func cells(of node: Node) -> [TextTable.Cell] {
    guard let status = node.status else {
      let state = node.isRunning ? TextTable.Cell("silent", .yellow) : TextTable.Cell("stopped", .red)
      return [
        .init(node.name, .bold), state, "", "", "", "", "", "", "", .init(node.isRunning ? String(node.pid) : ""),
      ]
    }
    let others = status.validators - (status.index == nil ? 0 : 1)
    let state: TextTable.Cell =
      status.syncing
      ? .init("syncing", .yellow) : status.warnings.isEmpty ? .init("serves", .green) : .init("warns", .yellow)
    return [
      .init(node.name, .bold), state, .init(status.role), .init(String(status.height)), .init(String(status.view)),
      .init(HumanText.short(status.stateRoot), .cyan), .init(milliseconds(status.finality.p50Milliseconds)),
      .init(milliseconds(status.finality.p99Milliseconds)),
      .init("\(status.peers)/\(others)", status.peers < others ? .yellow : nil), .init(String(node.pid)),
    ]
  }

  static func milliseconds(_ value: Double?) -> String {
    value.map { Decimal.format(Int64(($0 * 100).rounded()), scale: 2) } ?? "-"
  }

  private func conclusion(_ style: Style) -> String {
    var lines: [String] = []
    for node in nodes {
      for warning in node.status?.warnings ?? [] { lines.append(style(.yellow, "\(node.name): \(printable(warning))")) }
    }
    if let agreement {
      lines.append(
        agreement.rootsEqual
          ? style(.green, "one state root at height \(agreement.height)")
            + " on \(agreement.stateRoots.count) of \(nodes.count) nodes: \(agreement.stateRoots[0])"
          : style(
            .red, "DIFFERENT state roots at height \(agreement.height): \(agreement.stateRoots.joined(separator: " "))")
      )
    } else {
      lines.append(style(.yellow, "fewer than two nodes answer; there is nothing to compare"))
    }
    return lines.joined(separator: "\n")
  }
}
