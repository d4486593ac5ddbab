// A network that has lost half of its validators goes on: the commands of "Halt and resume" in docs/OPERATIONS.md, exactly
// as they stand there, with money, positions and orders that were there before.

import Foundation
import Glibc
import Testing

extension NetworkTests {
  @Suite(.serialized) struct ResumeTests {
    private let folder: TemporaryFolder
    private var directory: String { folder.path("d") }

    init() throws { folder = try #require(TemporaryFolder()) }

    private func commands() throws -> [String] {
      let text = try String(contentsOfFile: Package.path("docs/OPERATIONS.md"), encoding: .utf8)
      let section = try #require(text.components(separatedBy: "\n## Halt and resume\n").last)
      let own = try #require(section.components(separatedBy: "\n## ").first)
      return own.components(separatedBy: "```sh\n").dropFirst().compactMap { $0.components(separatedBy: "\n```").first }
    }

    private let base = Int.random(in: 2200...3100) * 10

    private func run(_ script: String) throws -> Program.Result {
      // On ports that nobody else on this machine has.
      let script = script.replacingOccurrences(of: "127.0.0.1:748", with: "127.0.0.1:\(base / 10)")
      let bin = URL(fileURLWithPath: try #require(Program.path)).deletingLastPathComponent().path
      let setting = "set -eu; export PATH=\(bin):$PATH HOME=\(folder.directory) NO_COLOR=1 D=\(directory)\n"
      return Program.runTool(["bash", "-c", setting + script], seconds: 120)
    }

    private func api(_ home: String) -> API { API(socket: "\(directory)/\(home)/novation.sock") }

    private func logs() -> Comment {
      let tails = ["node0", "node1", "next1", "next2", "next3"].map { name in
        let data = FileManager.default.contents(atPath: "\(directory)/\(name)/log") ?? Data()
        return "\(name): \(String(decoding: data.suffix(1500), as: UTF8.self))"
      }
      return Comment(rawValue: tails.joined(separator: "\n"))
    }

    /// Whatever runs with a configuration below the directory.
    private func tearDown() {
      func running() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
          let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
          return Devnet.isAlive(pid) && String(decoding: line, as: UTF8.self).contains("--config\0\(directory)/")
        }
      }
      for pid in running() { kill(pid, SIGKILL) }
      _ = Moment.wait(5) { running().isEmpty }
      folder.remove()
    }

    private func novation(_ arguments: [String]) -> Program.Result {
      Program.run(arguments, home: folder.directory)
    }

    private func place(_ side: String, _ instrument: String, at price: String, by key: String, on home: String)
      -> Program.Result
    {
      novation([
        "order", "place", "--side", side, "--instrument", instrument, "--quantity", "0.01", "--price", price, "--key",
        "\(directory)/keys/\(key).key", "--socket", "\(directory)/\(home)/novation.sock", "--json",
      ])
    }

    @Test func aNetworkGoesOnWithOtherValidators() throws {
      defer { tearDown() }
      let blocks = try commands()
      try #require(blocks.count == 8, "the page has other commands than this test looks at")
      var former: (status: JSON, accounts: [String: JSON], order: String) = (.null, [:], "")
      var future = ""
      for (number, block) in blocks.enumerated() {
        let result = try run(block)
        try #require(result.code == 0, "\(block)\n\(result.summary)\n\(logs())")
        switch number {
        case 0:
          // A trade, so that there are positions and fees, and an order that rests.
          let all = api("node0").get("/v1/instruments?consistency=local").json["instruments"].list
          let listed = all.filter { $0["kind"].text == "future" && $0["underlying"].text == "BTC" }
          let last = try #require(listed.max { $0["expiry"].text < $1["expiry"].text })
          future = last["name"].text
          let mark = NSDecimalNumber(decimal: try #require(last["markPrice"].decimal)).intValue
          #expect(place("sell", future, at: String(mark), by: "maker1", on: "node0").code == 0)
          #expect(place("buy", future, at: String(mark), by: "maker2", on: "node0").code == 0)
          let resting = place("buy", future, at: String(mark / 2), by: "alice", on: "node1")
          try #require(resting.code == 0, resting.summary)
          former.order = resting.json["orders"][0]["id"].text
          let height = resting.json["height"].integer
          #expect(Moment.wait(15) { api("node0").status["storedHeight"].integer > height + 2 })
          former.status = api("node0").status
          former.accounts = try accounts(on: "node0")
        case 3:
          #expect(
            result.output.contains("state root") && result.output.contains("the genesis's validators"), result.summary)
          try refuseForgeries(chain: former.status["chainId"].text)
        case 5: #expect(result.output.contains("goes on from chain"), result.summary)
        default: break
        }
      }
      let status = api("node0").status
      #expect(status["height"].integer > former.status["height"].integer, logs())
      #expect(status["chainId"].text != former.status["chainId"].text)
      #expect(status["groupKey"].text.count == 64 && status["groupKey"].text != former.status["groupKey"].text)
      // Nothing is lost: money, positions, orders.
      #expect(try accounts(on: "node0") == former.accounts)
      #expect(api("next1").get("/v1/orders/\(former.order)?consistency=local").status == 200)
      // And it trades: against the order that rested.
      let names = ["node0", "next1", "next2", "next3"]
      let cancelled = novation([
        "cancel", former.order, "--key", "\(directory)/keys/alice.key", "--socket", "\(directory)/next2/novation.sock",
      ])
      #expect(cancelled.code == 0, cancelled.summary)
      let goal = api("next3").height + 3
      #expect(Moment.wait(20) { names.allSatisfy { api($0).height >= goal } }, logs())
      let height = names.map { api($0).status["storedHeight"].integer }.min() ?? 0
      #expect(Set(names.map { api($0).get("/v1/blocks/\(height)").json["stateRoot"].text }).count == 1)
      // A second time it is refused: this node may have voted.
      let again = novation(["restore", "--config", "\(directory)/next1/novation.toml", "--state", "\(directory)/state"])
      #expect(again.code == 1, again.summary)
    }

    /// What the accounts of the traders are worth without what prices change.
    private func accounts(on home: String) throws -> [String: JSON] {
      var found: [String: JSON] = [:]
      for name in ["alice", "bob", "maker1", "maker2"] {
        let shown = novation(["key", "show", "\(directory)/keys/\(name).key", "--json"])
        let document = api(home).get("/v1/accounts/\(shown.json["publicKey"].text)?consistency=local").json
        #expect(document["balances"]["USD"].text.isEmpty == false, "\(document)")
        found["\(name) cash"] = document["balances"]
        found["\(name) positions"] = JSON.array(
          document["positions"].list.map { JSON.array([$0["instrument"], $0["quantity"]]) })
        found["\(name) orders"] = JSON.array(document["orders"].list.map { $0["id"] })
      }
      return found
    }

    private func refuseForgeries(chain: String) throws {
      let path = "\(directory)/state"
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      var changed = whole
      changed[changed.count - 3] ^= 1
      try changed.write(to: URL(fileURLWithPath: directory + "/forged"))
      func verify(_ file: String, _ options: [String]) -> Program.Result {
        novation(["verify", "\(directory)/\(file)", "--chain", chain] + options)
      }
      let genesis = ["--genesis", "\(directory)/genesis.json"]
      let forged = verify("forged", genesis)
      #expect(forged.code == 1 && forged.error.contains("another state"), forged.summary)
      try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: directory + "/cut"))
      #expect(verify("cut", genesis).code == 1)
      let own = verify("state", ["--config", "\(directory)/node0/novation.toml"])
      let other = verify("state", ["--config", "\(directory)/node1/novation.toml"])
      #expect(own.code == 0 || other.code == 0, own.summary)
      let wrong = verify("state", ["--group-key", chain])
      #expect(wrong.code == 1, wrong.summary)
    }
  }
}
