// A printed certificate, verified: a header, the state after it, and the quorum that signed both.

import Consensus
import Primitives
import Sodium
import Wire

struct CertifiedState {
  let certificate: Certificate
  let header: Header
  let stateRoot: Digest
  /// The document as it must be printed.
  let expected: JSONValue

  /// Refuses anything but the certificate of a state of this chain.
  init(_ document: JSONValue, verifier: ProofVerifier) throws(ProofFault) {
    if let signature = document["signature"], signature != .null {
      throw ProofFault(
        "the certificate carries a group signature, which this version cannot check; it checks vote lists of networks without a group key"
      )
    }
    let header: Header = try Self.decode(document, "header", "header")
    let certificate: Certificate = try Self.decode(document, "certificate", "vote list")
    let committee = verifier.committee
    guard header.epoch == committee.epoch, header.validatorSetHash == committee.setHash else {
      throw ProofFault("the header is of another set of validators than the genesis names")
    }
    let hash = header.hash(chain: verifier.chain)
    guard certificate.block == hash, certificate.view == header.view else {
      throw ProofFault("the votes are for another block than the header: \(hash.hex)")
    }
    guard certificate.kind == .state else {
      throw ProofFault("the votes prove no state: the certificate is a \(certificate.kind)")
    }
    guard certificate.verify(committee: committee, scheme: .ed25519) else {
      throw ProofFault("the votes do not verify: fewer than \(committee.quorum) valid signatures of the validators")
    }
    self.certificate = certificate
    self.header = header
    stateRoot = certificate.stateRoot
    let printed = CertificateDocument(
      certificate, header: header, height: header.height, genesis: verifier.genesis, bytes: certificate.wireBytes)
    guard let expected = JSONText.parse(JSONValue.self, Array(JSONText.render(printed).utf8)),
      case .object(var members) = expected
    else { throw ProofFault("the certificate has no document") }
    // Absent and null are the same to whoever prints documents.
    members["signature"] = .null
    members["groupKey"] = .null
    self.expected = .object(members)
  }

  private static func decode<Value: WireDecodable>(
    _ document: JSONValue, _ field: String, _ name: String
  ) throws(ProofFault) -> Value {
    guard let text = document[field]?.string, let bytes = Hex.decode(text) else {
      throw ProofFault("\(field) is not hexadecimal text")
    }
    do throws(WireError) {
      return try WireReader.decode(Value.self, from: bytes)
    } catch {
      throw ProofFault("\(field) is no \(name): \(error)")
    }
  }
}
