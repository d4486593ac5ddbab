// Offline verification: what is printed is recomputed, and one changed digit anywhere is noticed.

import Foundation
import Ledger
import Consensus
import Node
import Primitives
import Sodium
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
    #expect(report.groupKey == fixture.group.publicKey.hex)
    #expect(report.unproven.isEmpty)
    #expect(
      Set(report.proven).isSuperset(of: ["height", "header", "stateRoot", "signature", "message", "groupKey", "view"]))
  }

  @Test func everyFieldOfACertificateCounts() throws {
    let document = fixture.certificate()
    #expect(refuses(document.replacing("height", with: 6), "height is printed as 6"))
    #expect(refuses(document.replacing("view", with: 6), "view is printed as 6"))
    #expect(refuses(document.replacing("stateRoot", with: .string(Digest.zero.hex)), "not the group's"))
    #expect(refuses(document.replacing("chainId", with: .string(Digest.zero.hex)), "chainId"))
    #expect(refuses(document.replacing("message", with: "00"), "message"))
    #expect(refuses(document.replacing("header", with: "zz"), "header is not hexadecimal"))
    #expect(refuses(document.replacing("signature", with: "00"), "signature is not 128"))
    #expect(refuses(document.replacing("groupKey", with: .string(Digest.zero.hex)), "not under the trusted"))
    let other = try #require(SigningKey(seed: [UInt8](repeating: 98, count: 32)))
    #expect(refuses(fixture.certificate(by: other), "not under the trusted"))
    let forged = document.replacing("signature", with: .string(other.sign([1]).hex))
    #expect(refuses(forged, "not the group's"))
  }

  @Test func aFieldThatIsNotUnderstoodIsNamed() throws {
    let report = try verifier.verify(fixture.certificate().replacing("comment", with: "hello").bytes)
    #expect(report.unproven.map(\.field) == ["comment"])
  }

  @Test func t9VotesAreHeldAgainstTheGenesis() throws {
    let strict = try fixture.strict
    let whole = fixture.certificate(voters: [0, 1, 3])
    let report = try strict.verify(whole.bytes)
    #expect(report.voters == 3)
    // Whoever prints a document can make a key of its own.
    #expect(Set(report.unproven.map(\.field)) == ["groupKey", "signature", "message"])
    for (document, part) in [
      (fixture.certificate(voters: [0, 1]), "fewer than 3 valid signatures"),
      (fixture.certificate(voters: [0, 1, 3], forging: true), "fewer than 3 valid signatures"),
      (whole.replacing("votes", "1", "publicKey", with: "00"), "votes.1.publicKey"),
      (whole.replacing("votes", with: []), "votes has 0 entries in print and 3"),
      (whole.replacing("certificate", with: "00"), "certificate is no vote list"),
      (fixture.certificate(), "no votes in the document and no trusted group key"),
    ] {
      do throws(ProofFault) {
        _ = try strict.verify(document.bytes)
        Issue.record("accepted: \(part)")
      } catch {
        #expect(error.description.contains(part), "\(error)")
      }
    }
    // Without the genesis nobody knows whose votes they are.
    let named = try verifier.verify(whole.bytes).unproven.map(\.field)
    #expect(Set(named) == ["votes", "certificate"], "\(named)")
  }

  @Test func theGenesisMustBeThatOfTheChain() {
    #expect(throws: ProofFault.self) { try ProofVerifier(chain: .zero, groupKey: nil, genesis: fixture.genesis) }
    #expect(throws: ProofFault.self) { try ProofVerifier(chain: .zero, groupKey: nil) }
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

  @Test(arguments: 0..<5) func aReceiptIsProvenWhole(place: Int) throws {
    let receipt = fixture.receipt(at: place)
    let report = try verifier.verify(receipt.bytes)
    #expect(report.kind == .receipt && report.unproven.isEmpty, "\(report.unproven)")
    #expect(Set(report.proven).isSuperset(of: ["transaction", "height", "index", "status", "stateRoot", "orders"]))
    #expect(refuses(receipt.replacing("height", with: 6), "height"))
    #expect(refuses(receipt.replacing("index", with: .integer(Int64((place + 1) % 5))), "not the receipt at index"))
    #expect(refuses(receipt.replacing("status", with: "rejected"), "status"))
    #expect(refuses(receipt.replacing("transaction", with: .string(Digest.zero.hex)), "transaction"))
    #expect(refuses(receipt.replacing("proof", "receipt", "path", with: []), "not the receipt at index"))
    #expect(refuses(receipt.replacing("proof", "receipt", "record", with: "00"), "record"))
    #expect(
      refuses(
        receipt.replacing(
          "proof", "receipt", "outcome", with: .string(Hex.encode(fixture.receipts[(place + 1) % 5]))),
        "not the receipt at index"))
  }

  @Test func aLaterCertificateSaysNothingAboutAReceipt() throws {
    let receipt = fixture.receipt(at: 0).replacing("proof", with: fixture.certificate())
    #expect(refuses(receipt.replacing("height", with: 4), "has no certificate of its own"))
    #expect(refuses(receipt.replacing("height", with: 6), "above the certified height 5"))
  }

  @Test func nothingIsThereTwice() {
    let document = fixture.accountDocument()
    let text = String(decoding: document.bytes, as: UTF8.self)
    let doubled = text.replacingOccurrences(
      of: "\"balances\"", with: "\"b\\u0061lances\" : {\"USD\" : \"9.000000\"}, \"balances\"")
    do throws(ProofFault) {
      _ = try verifier.verify(Array(doubled.utf8))
      Issue.record("accepted")
    } catch {
      #expect(error.description.contains("\"balances\" is there twice"), "\(error)")
    }
    let records = document["proof"]?["records"]?.array ?? []
    #expect(refuses(document.replacing("proof", "records", with: .array(records + records)), "is there twice"))
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
