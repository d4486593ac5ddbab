// The validators of a running network change: the commands of docs/VALIDATORS.md, exactly as they stand there.

import Foundation
import Glibc
import Testing

extension NetworkTests {
  @Suite(.serialized) struct ValidatorTests {
    private let folder: TemporaryFolder
    private var directory: String { folder.path("d") }

    init() throws { folder = try #require(TemporaryFolder()) }

    /// The blocks of commands, in order.
    private func commands() throws -> [String] {
      let text = try String(contentsOfFile: Package.path("docs/VALIDATORS.md"), encoding: .utf8)
      let parts = text.components(separatedBy: "```sh\n").dropFirst()
      return parts.compactMap { $0.components(separatedBy: "\n```").first }
    }

    private func run(_ script: String) throws -> Program.Result {
      // On ports that nobody else on this machine has.
      var script = script
      for port in ports {
        script = script.replacingOccurrences(of: "127.0.0.1:\(port.key)", with: "127.0.0.1:\(port.value)")
      }
      let bin = URL(fileURLWithPath: try #require(Program.path)).deletingLastPathComponent().path
      let setting = "set -eu; export PATH=\(bin):$PATH HOME=\(folder.directory) NO_COLOR=1 D=\(directory)\n"
      let kept = "[ ! -f \(folder.path("vars")) ] || . \(folder.path("vars"))\n"
      let keep = "\ndeclare -p KEY NEXT 2>/dev/null > \(folder.path("vars")) || true\n"
      return Program.runTool(["bash", "-c", setting + kept + script + keep], seconds: 240)
    }

    private let ports: [String: Int] = ["7474": freePort(), "7475": freePort()]

    private static func freePort() -> Int {
      let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(socket) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(socket, $0, size)
          getsockname(socket, $0, &size)
        }
      }
      return Int(UInt16(bigEndian: address.sin_port))
    }

    private func api(_ home: String) -> API { API(socket: "\(directory)/\(home)/novation.sock") }

    private func logs() -> Comment {
      let names = ["node0", "node1", "node2", "node3", "node4", "next"]
      let tails = names.map { name in
        let data = FileManager.default.contents(atPath: "\(directory)/\(name)/log") ?? Data()
        return "\(name): \(String(decoding: data.suffix(1200), as: UTF8.self))"
      }
      return Comment(rawValue: tails.joined(separator: "\n"))
    }

    private func tearDown() {
      Program.runTool(["pkill", "-9", "-f", directory + "/"], seconds: 10)
      _ = Moment.wait(5) { Program.runTool(["pgrep", "-f", directory + "/"], seconds: 10).code != 0 }
      folder.remove()
    }

    @Test func operatorsChangeTheValidatorsByTheBook() throws {
      defer { tearDown() }
      let blocks = try commands()
      try #require(blocks.count == 8, "the page has other commands than this test looks at")
      var groupKey = ""
      for (place, block) in blocks.enumerated() {
        let result = try run(block)
        try #require(result.code == 0, "\(block)\n\(result.summary)\n\(logs())")
        switch place {
        case 0:
          #expect(Moment.wait(30) { api("node0").status["groupKey"].text.count == 64 })
          groupKey = api("node0").status["groupKey"].text
        case 2:
          #expect(result.output.contains("nothing was sent") && result.output.contains("Change 1."), result.summary)
          #expect(result.output.contains("add node4") && result.output.contains("block "), result.summary)
        case 3:
          #expect(Moment.wait(20) { api("node4").status["index"].integer == 4 }, logs())
          #expect(api("node0").status["validators"].integer == 5)
          // A quorum of five without one of the first four: the new one votes.
          let goal = api("node0").height + 5
          #expect(Moment.wait(20) { api("node4").height >= goal }, logs())
        case 4:
          #expect(Moment.wait(20) { api("node3").status["role"].text == "observer" }, logs())
          #expect(api("node0").status["validators"].integer == 4)
        case 5:
          #expect(Moment.wait(20) { api("next").status["role"].text == "validator" }, logs())
          #expect(Moment.wait(20) { api("node2").status["role"].text == "observer" }, logs())
        case 7:
          #expect(api("node0").get("/v1/validators").json["changes"].list.isEmpty)
        default: break
        }
      }
      // One group key throughout, and everybody has one state.
      let present = ["node0", "node1", "node4", "next"]
      for name in present + ["node2", "node3"] { #expect(api(name).status["groupKey"].text == groupKey) }
      let certified = api("node0").status["certifiedHeight"].integer
      #expect(Moment.wait(30) { api("node0").status["certifiedHeight"].integer > certified }, logs())
      let height = present.map { api($0).status["storedHeight"].integer }.min() ?? 0
      let roots = present.map { api($0).get("/v1/blocks/\(height)").json["stateRoot"].text }
      #expect(Set(roots).count == 1 && roots[0].count == 64, logs())
      // Every one of the four is needed to lose another: the network goes on without one.
      Program.runTool(["pkill", "-9", "-f", "\(directory)/node1/"], seconds: 10)
      let goal = api("node0").height + 5
      #expect(Moment.wait(30) { ["node0", "node4", "next"].allSatisfy { api($0).height >= goal } }, logs())
    }
  }
}
