// A network of four real processes in a directory of its own, always stopped and removed again.

import Foundation
import Glibc
import Testing

final class Devnet: Sendable {
  /// The network of the running suite; see `Trait.devnet`.
  @TaskLocal static var shared: Devnet?

  let folder: TemporaryFolder
  /// What `devnet up --json` printed.
  let document: JSON

  var directory: String { folder.path("d") }
  var chain: String { document["chainId"].text }
  var groupKey: String { api(0).status["groupKey"].text }
  var nodeCount: Int { document["nodes"].list.count }

  /// Starts a network; fails the test if it does not start.
  init(_ options: [String] = [], nodes: Int = 4) throws {
    folder = try #require(TemporaryFolder(), "no folder in /tmp")
    let result = Program.run(
      ["devnet", "up", "--dir", folder.path("d"), "--detach", "--json"] + options, home: folder.directory)
    document = result.json
    if result.code != 0 || document["nodes"].list.count != nodes {
      tearDown()
      Issue.record("devnet up failed: \(result.summary)")
      throw DevnetFailure()
    }
  }

  static func current() throws -> Devnet { try #require(shared, "the suite has no network") }

  // MARK: Commands

  @discardableResult func run(_ arguments: [String], input: String? = nil, seconds: Double = 60) -> Program.Result {
    Program.run(arguments, home: folder.directory, input: input, seconds: seconds)
  }

  /// A command that talks to a node, with `--json`.
  @discardableResult func ask(_ arguments: [String], node: Int = 0, input: String? = nil) -> Program.Result {
    run(arguments + ["--socket", socket(node), "--json"], input: input)
  }

  /// Places an order and returns what the command did.
  @discardableResult func place(
    _ side: String, _ instrument: String, _ quantity: String, at price: String, by key: String = "alice",
    node: Int = 0, _ more: [String] = []
  ) -> Program.Result {
    ask(
      [
        "order", "place", "--side", side, "--instrument", instrument, "--quantity", quantity, "--price", price,
        "--key", keyPath(key),
      ] + more, node: node)
  }

  // MARK: Places

  func socket(_ node: Int) -> String { document["nodes"][node]["socket"].text }
  func home(_ node: Int) -> String { document["nodes"][node]["home"].text }
  func api(_ node: Int) -> API { API(socket: socket(node)) }
  func key(_ name: String) -> JSON { document["keys"].list.first { $0["name"].text == name } ?? .null }
  func keyPath(_ name: String) -> String { key(name)["path"].text }
  func account(_ name: String) -> String { key(name)["account"].text }

  /// The BTC future that expires last, once it has a mark, with a price for orders that rest far below the market.
  func future() throws -> (name: String, mark: Int, low: String) {
    var found: (name: String, mark: Int)?
    _ = Moment.wait(10) {
      let all = api(0).get("/v1/instruments?consistency=local").json["instruments"].list
      let futures = all.filter { $0["kind"].text == "future" && $0["underlying"].text == "BTC" }
      guard let last = futures.max(by: { $0["expiry"].text < $1["expiry"].text }) else { return false }
      found = last["markPrice"].decimal.map { (last["name"].text, NSDecimalNumber(decimal: $0).intValue) }
      return found != nil
    }
    let future = try #require(found, "no BTC future with a mark")
    return (future.name, future.mark, String(future.mark / 2))
  }

  // MARK: Processes

  func pid(_ node: Int) -> pid_t? {
    let text = FileManager.default.contents(atPath: home(node) + "/pid").map { String(decoding: $0, as: UTF8.self) }
    return text.flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  /// Whether the process lives; one that ended and was not waited for yet does not.
  static func isAlive(_ pid: pid_t) -> Bool {
    guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return false }
    let state = String(decoding: data, as: UTF8.self).split(separator: ")").last?.split(separator: " ").first
    return state != "Z" && state != "X"
  }

  func isAlive(_ node: Int) -> Bool { pid(node).map(Self.isAlive) ?? false }

  /// Sends a signal to the process that serves a node and waits for its end.
  @discardableResult func signal(_ signal: Int32, _ nodes: Int..., seconds: Double = 10) -> Bool {
    let pids = nodes.compactMap { pid($0) }
    for pid in pids { kill(pid, signal) }
    return pids.count == nodes.count && Moment.wait(seconds) { !pids.contains(where: Self.isAlive) }
  }

  func restart(_ node: Int) -> Program.Result {
    run(["devnet", "restart", "--dir", directory, "--node", String(node)])
  }

  /// Changes text of a stopped node's configuration.
  func configure(_ node: Int, _ old: String, _ new: String) throws {
    let path = home(node) + "/novation.toml"
    let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    try #require(text.contains(old))
    try text.replacingOccurrences(of: old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
  }

  func log(_ node: Int) -> String {
    String(decoding: FileManager.default.contents(atPath: home(node) + "/log") ?? Data(), as: UTF8.self)
  }

  // MARK: State

  /// Whether all these nodes reach a height above the highest that one of them has now.
  func advances(_ nodes: [Int], by blocks: Int = 3, seconds: Double = 15) -> Bool {
    let goal = (nodes.map { api($0).height }.max() ?? 0) + blocks
    return Moment.wait(seconds) { nodes.allSatisfy { api($0).height >= goal } }
  }

  /// State roots of the nodes at the newest height that all of them have stored.
  func roots(_ nodes: [Int]) -> [String] {
    let height = nodes.map { api($0).status["storedHeight"].integer }.min() ?? -1
    return nodes.map { api($0).get("/v1/blocks/\(height)").json["stateRoot"].text }
  }

  /// Whether the nodes have one and the same state at a height that all of them have.
  func agrees(_ nodes: [Int] = [0, 1, 2, 3]) -> Bool {
    let roots = roots(nodes)
    return roots.allSatisfy { $0.count == 64 && $0 == roots[0] }
  }

  /// What the nodes logged last, for a failed expectation.
  func logs() -> Comment {
    let tails = (0..<nodeCount).map { node in
      let data = FileManager.default.contents(atPath: home(node) + "/log") ?? Data()
      return "node\(node): \(String(decoding: data.suffix(1500), as: UTF8.self))"
    }
    return Comment(rawValue: tails.joined(separator: "\n"))
  }

  /// Stops what runs in the directory, whatever state it is in, and removes it.
  func tearDown() {
    run(["devnet", "down", "--dir", directory], seconds: 20)
    for node in 0..<4 {
      let data = FileManager.default.contents(atPath: "\(directory)/node\(node)/pid") ?? Data()
      let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      guard let pid = pid_t(text), let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"),
        String(decoding: line, as: UTF8.self).contains(directory)
      else { continue }
      kill(pid, SIGKILL)
    }
    folder.remove()
  }
}

struct DevnetFailure: Error {}

/// Gives a suite one network for all its tests.
struct DevnetTrait: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let devnet = try Devnet()
    defer { devnet.tearDown() }
    try await Devnet.$shared.withValue(devnet) { try await function() }
  }
}

extension Trait where Self == DevnetTrait {
  static var devnet: DevnetTrait { DevnetTrait() }
}

/// All suites that start processes: one after the other, since they share two cores.
@Suite(.serialized, .enabled(if: Program.exists, "no executable: run `make build` or set NOVATION_EXECUTABLE"))
struct NetworkTests {}
