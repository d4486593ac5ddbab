// Threshold finality on real processes: one group key over epochs of new shares and a killed validator, checked by a
// program that shares nothing with this one.

import Foundation
import Testing

extension NetworkTests {
  @Suite(.serialized) struct ThresholdTests {
    static let verifier = Package.path("docs/examples/verify.py")
    static let hasPyNaCl = Program.runTool(["python3", "-c", "import nacl.signing"]).code == 0

    /// `docs/VERIFYING.md` in Python with PyNaCl.
    private func verify(_ document: String, _ devnet: Devnet, _ key: String) -> Program.Result {
      Program.runTool(["python3", Self.verifier, devnet.chain, key], input: document)
    }

    @Test(.enabled(if: hasPyNaCl, "PyNaCl is not installed"))
    func aStrangersProgramVerifiesOverThreeEpochsAndAKilledValidator() throws {
      let devnet = try Devnet(["--epoch-blocks", "64"])
      defer { devnet.tearDown() }
      let future = try devnet.future()
      let key = devnet.groupKey
      #expect(key.count == 64)
      var epochs: Set<Int> = []
      var checked = 0
      var killed = false
      // Two epochs go by without new shares once a holder is dead.
      while epochs.count < 5, checked < 100 {
        let node = checked % 2
        let order = devnet.place("buy", future.name, "0.01", at: future.low, by: "maker1", node: node, ["--proven"])
        #expect(order.code == 0, order.summary)
        epochs.insert(devnet.api(node).status["epoch"].integer)
        for document in [
          order, devnet.ask(["query", "account", "maker1", "--proof"], node: node),
          devnet.ask(["query", "certificate", "latest"], node: node),
        ] {
          let result = verify(document.output, devnet, key)
          #expect(result.code == 0 && result.output.hasPrefix("proven:"), "\(document.summary) \(result.summary)")
        }
        if epochs.count == 2, !killed {
          killed = true
          #expect(devnet.signal(SIGKILL, 3))
        }
        if epochs.count == 4, killed, !devnet.isAlive(3) { #expect(devnet.restart(3).code == 0) }
        checked += 1
        _ = devnet.advances([0, 1], by: 8, seconds: 20)
      }
      #expect(epochs.count >= 5 && killed, "epochs \(epochs.sorted()) in \(checked) rounds")
      #expect(devnet.groupKey == key)
      // What was changed is refused.
      let certificate = devnet.ask(["query", "certificate", "latest"])
      let root = certificate.json["stateRoot"].text
      let other = certificate.output.replacingOccurrences(of: root, with: String(root.reversed()))
      #expect(verify(other, devnet, key).code != 0)
      #expect(verify(certificate.output, devnet, String(key.reversed())).code != 0)
    }

    /// Shares survive a restart; nonces do not, and the validator signs again.
    @Test func allRestartAndTheGroupSignsOn() throws {
      let devnet = try Devnet()
      defer { devnet.tearDown() }
      let key = devnet.groupKey
      #expect(devnet.signal(SIGKILL, 0, 1, 2, 3))
      let up = devnet.run(["devnet", "up", "--dir", devnet.directory, "--detach", "--json"])
      #expect(up.code == 0, up.summary)
      #expect(devnet.groupKey == key)
      let height = devnet.api(0).height
      #expect(
        Moment.wait(20) { devnet.api(0).status["certifiedHeight"].integer > height + 3 },
        "certified \(devnet.api(0).status["certifiedHeight"].integer), was \(height)")
      #expect(FileManager.default.contents(atPath: devnet.home(0) + "/shares") != nil)
    }
  }
}
