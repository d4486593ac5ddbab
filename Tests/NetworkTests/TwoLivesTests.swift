// L1 to L6 on real processes: a copy of a validator, started beside it, does not get its place; after its end it does.

import Foundation
import Glibc
import Testing

extension NetworkTests {
  @Suite(.serialized) struct TwoLivesTests {
    private let devnet: Devnet
    private var copy: String { devnet.folder.path("copy") }

    init() throws { devnet = try Devnet() }

    /// The home of node 3 as it is now, in another place and at another port.
    private func copyHome() throws {
      let tool = Program.runTool(["cp", "-r", devnet.home(3), copy])
      try #require(tool.code == 0, tool.summary)
      let path = copy + "/novation.toml"
      var text = try String(contentsOfFile: path, encoding: .utf8)
      text = text.replacingOccurrences(of: devnet.home(3), with: copy)
      let listen = try #require(text.firstMatch(of: /\nlisten = "(127\.0\.0\.1:\d+)"/))
      text = text.replacingOccurrences(of: String(listen.1), with: "127.0.0.1:\(try Self.freePort())")
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private static func freePort() throws -> Int {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(descriptor) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
      }
      try #require(bound)
      return Int(UInt16(bigEndian: address.sin_port))
    }

    private func startCopy(seconds: Double) -> () -> Program.Result {
      Thread.detached { [devnet, copy] in
        devnet.run(["start", "--config", copy + "/novation.toml", "--synthetic-seed", "1"], seconds: seconds)
      }
    }

    private func stopCopy() {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      for pid in names.compactMap({ pid_t($0) }) {
        let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
        if String(decoding: line, as: UTF8.self).contains("--config\0\(copy)/") { kill(pid, SIGTERM) }
      }
    }

    private func expectNoDoubleVote() {
      for node in 0..<4 { #expect(!devnet.log(node).contains("equivocation"), devnet.logs()) }
    }

    /// A copy's journal is an old one: it votes only above what it may have voted, and three of four need its vote.
    private func votes(_ copy: API) -> Bool {
      copy.status["index"].integer == 3 && copy.status["warnings"].list.isEmpty
    }

    @Test func aCopyDoesNotGetThePlaceOfTheOriginal() throws {
      defer { devnet.tearDown() }
      // An old disk: what the original does from here on the copy does not know.
      #expect(devnet.signal(SIGKILL, 3))
      try copyHome()
      #expect(devnet.restart(3).code == 0)
      #expect(devnet.advances([0, 1, 2, 3]), devnet.logs())

      let began = Moment.now
      let copied = startCopy(seconds: 30)()
      #expect(copied.code == 1 && Moment.now - began < 10, copied.summary)
      #expect(copied.error.contains("another process with this validator's identity key"), copied.summary)
      #expect(copied.error.contains("stop the other one first"), copied.summary)
      #expect(devnet.isAlive(3))
      #expect(devnet.log(3).contains("another process has this node's identity key"), devnet.logs())
      // Without another one the chain needs the vote of the original.
      #expect(devnet.signal(SIGKILL, 0))
      #expect(devnet.advances([1, 2, 3]), devnet.logs())
      expectNoDoubleVote()
    }

    @Test func aCopyTakesThePlaceOfWhoIsGone() throws {
      defer { devnet.tearDown() }
      #expect(devnet.signal(SIGKILL, 3))
      try copyHome()
      let copied = startCopy(seconds: 90)
      defer { stopCopy() }
      let api = API(socket: copy + "/" + (devnet.socket(3) as NSString).lastPathComponent)
      let goal = devnet.api(0).height + 3
      #expect(Moment.wait(10) { api.height >= goal }, devnet.logs())

      // Now the original is the second one.
      let back = Program.run(
        ["start", "--config", devnet.home(3) + "/novation.toml", "--synthetic-seed", "1"],
        home: devnet.folder.directory, seconds: 30)
      #expect(back.code == 1 && back.error.contains("another process with this validator's identity key"), back.summary)
      #expect(Moment.wait(20) { votes(api) }, devnet.logs())
      #expect(devnet.signal(SIGKILL, 0))
      let next = devnet.api(1).height + 3
      #expect(
        Moment.wait(15) { api.height >= next && devnet.api(1).height >= next && devnet.api(2).height >= next },
        devnet.logs())
      expectNoDoubleVote()
      stopCopy()
      let result = copied()
      #expect(result.code == 0, result.summary)
    }

    /// The machine of the original stands still, another one takes over, and the original goes on where it was.
    @Test func whoWasReplacedWhileItStoodStillStops() throws {
      defer { devnet.tearDown() }
      #expect(devnet.signal(SIGKILL, 3))
      try copyHome()
      #expect(devnet.restart(3).code == 0)
      #expect(devnet.advances([0, 1, 2, 3]), devnet.logs())
      let pid = try #require(devnet.pid(3))
      kill(pid, SIGSTOP)
      let copied = startCopy(seconds: 120)
      defer { stopCopy() }
      let api = API(socket: copy + "/" + (devnet.socket(3) as NSString).lastPathComponent)
      let goal = devnet.api(0).height + 3
      #expect(Moment.wait(20) { api.height >= goal }, devnet.logs())
      kill(pid, SIGCONT)
      #expect(Moment.wait(15) { !Devnet.isAlive(pid) }, devnet.logs())
      #expect(devnet.log(3).contains("another process with this validator's identity key"), devnet.logs())
      #expect(Moment.wait(20) { votes(api) }, devnet.logs())
      #expect(devnet.signal(SIGKILL, 0))
      let next = devnet.api(1).height + 3
      #expect(Moment.wait(15) { api.height >= next && devnet.api(1).height >= next }, devnet.logs())
      stopCopy()
      #expect(copied().code == 0)
    }
  }
}
