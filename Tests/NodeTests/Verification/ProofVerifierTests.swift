// Offline verification: what is printed is recomputed, and one changed digit anywhere is noticed.

import Ledger
import Consensus
import Node
import Primitives
import Testing

@Suite struct ProofVerifierTests {
  let fixture: ProofFixture
  let verifier: ProofVerifier

  init() throws {
    fixture = try ProofFixture()
    verifier = try fixture.verifier
  }

  private func refuses(_ document: JSONValue, _ part: String) -> Bool {
    do throws(ProofFault) {
      _ = try verifier.verify(document.bytes)
      return false
    } catch {
      return error.description.contains(part)
    }
  }

  @Test func aCertificateIsProvenWhole() throws {
    let report = try verifier.verify(fixture.certificate().bytes)
    #expect(report.kind == .certificate)
    #expect(report.height == 5)
    #expect(report.stateRoot == fixture.tree.root.hex)
    #expect(report.signers == 3)
    #expect(report.unproven.isEmpty)
    #expect(Set(report.proven).isSuperset(of: ["height", "header", "stateRoot", "votes", "message"]))
  }

  @Test func everyFieldOfACertificateCounts() throws {
    let document = fixture.certificate()
    #expect(refuses(document.replacing("height", with: 6), "height is printed as 6"))
    #expect(refuses(document.replacing("stateRoot", with: .string(Digest.zero.hex)), "stateRoot is printed"))
    #expect(refuses(document.replacing("chainId", with: .string(Digest.zero.hex)), "chainId"))
    #expect(refuses(document.replacing("message", with: "00"), "message"))
    #expect(refuses(document.replacing("votes", "1", "publicKey", with: "00"), "votes.1.publicKey"))
    #expect(refuses(document.replacing("votes", with: []), "votes has 0 entries in print and 3"))
    #expect(refuses(document.replacing("header", with: "zz"), "header is not hexadecimal"))
    #expect(refuses(document.replacing("certificate", with: "00"), "certificate is no vote list"))
    #expect(refuses(document.replacing("signature", with: "00"), "group signature"))
  }

  @Test func aFieldThatIsNotUnderstoodIsNamed() throws {
    let report = try verifier.verify(fixture.certificate().replacing("comment", with: "hello").bytes)
    #expect(report.unproven.map(\.field) == ["comment"])
  }

  @Test func votesMustBeAQuorumOfTheGenesis() throws {
    #expect(refuses(fixture.certificate(voters: [0, 1]), "fewer than 3 valid signatures"))
    #expect(refuses(fixture.certificate(forging: true), "fewer than 3 valid signatures"))
  }

  @Test func theGenesisMustBeThatOfTheChain() {
    #expect(throws: ProofFault.self) { try ProofVerifier(genesis: fixture.genesis, chain: .zero) }
  }

  @Test func anAccountIsProvenButForWhatIsComputed() throws {
    let report = try verifier.verify(fixture.accountDocument().bytes)
    #expect(report.kind == .account)
    #expect(Set(report.proven).isSuperset(of: ["account", "balances", "margin.mode", "height", "stateRoot", "proof"]))
    #expect(
      Set(report.unproven.map(\.field))
        == [
          "consistency", "margin.equity", "margin.excess", "margin.initial", "margin.maintenance", "positions",
          "orders",
        ])
  }

  @Test func aChangedAccountIsRefused() {
    #expect(refuses(fixture.accountDocument(cash: "1001.500000"), "balances.USD is printed as \"1001.500000\""))
    #expect(refuses(fixture.accountDocument(of: AccountID(words: (8, 8, 8, 8))), "belongs to another account"))
    let document = fixture.accountDocument()
    #expect(refuses(document.replacing("height", with: 4), "height"))
    #expect(refuses(document.replacing("margin", "mode", with: "marginCall"), "margin.mode"))
    #expect(refuses(document.replacing("positions", with: [["instrument": "BTC-27MAR26"]]), "positions has 1 entries"))
    #expect(
      refuses(document.replacing("proof", "records", "0", "value", with: "00"), "not under the certified state root"))
    #expect(refuses(document.replacing("proof", "records", with: []), "proof.records is not a list"))
    #expect(refuses(document.replacing("proof", with: .null), "carries no proof"))
    #expect(
      refuses(
        document.replacing("proof", "certificate", with: fixture.certificate(root: .zero)),
        "not under the certified state root"))
  }

  @Test func aReceiptIsProvenForItsPlace() throws {
    let receipt: JSONValue = [
      "transaction": .string(Digest.zero.hex), "height": 5, "index": 0, "status": "final", "error": .null,
      "stateRoot": .string(fixture.tree.root.hex), "orders": [], "fills": [], "proof": fixture.certificate(),
    ]
    let report = try verifier.verify(receipt.bytes)
    #expect(report.proven == ["height", "proof", "stateRoot"])
    #expect(report.unproven.map(\.field).contains("status"))
    #expect(refuses(receipt.replacing("height", with: 6), "above the certified height 5"))
    #expect(refuses(receipt.replacing("stateRoot", with: "00"), "stateRoot"))
    // The certificate of a later height says nothing about the root at this one.
    let earlier = try verifier.verify(receipt.replacing("height", with: 4).bytes)
    #expect(earlier.proven == ["proof"])
  }

  @Test func anythingElseIsRefused() {
    #expect(refuses([], "not a JSON object"))
    #expect(refuses(["height": 1], "neither a certificate"))
    #expect(throws: ProofFault.self) { try verifier.verify([0x7b, 0xff]) }
  }

  @Test func randomDamageNeverTraps() throws {
    let whole = fixture.accountDocument().bytes
    var random = SeededRandom(seed: 3)
    for _ in 0..<200 {
      var bytes = whole
      bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
      // Damage is either refused or leaves what is proven as it was.
      if let report = try? verifier.verify(bytes) { #expect(report.stateRoot == fixture.tree.root.hex) }
    }
  }
}
