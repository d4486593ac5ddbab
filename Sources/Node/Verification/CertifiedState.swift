// A printed certificate, verified: a header, the state after it, and the group's signature on both.

import Consensus
import Primitives
import Replica
import Sodium
import Threshold
import Wire

struct CertifiedState {
  let header: Header
  let stateRoot: Digest
  /// Validators of a vote list that was verified as well; nil without one.
  let voters: Int?
  /// The document as it must be printed.
  let expected: JSONValue

  /// Refuses anything but the certificate of a state of this chain under the trusted group key. A vote list is held
  /// against the genesis, where there is one, and then has to be right as well; where there is no trusted group key, it
  /// alone is the proof.
  init(_ document: JSONValue, verifier: ProofVerifier) throws(ProofFault) {
    let header: Header = try Self.decode(document, "header", "header")
    let chain = verifier.chain
    let hash = header.hash(chain: chain)
    guard let rootText = document["stateRoot"]?.string, let root = Digest(hex: rootText) else {
      throw ProofFault("stateRoot is not 64 hex digits")
    }
    guard let signatureText = document["signature"]?.string, let bytes = Hex.decode(signatureText),
      let signature = Signature(bytes)
    else { throw ProofFault("signature is not 128 hex digits") }
    let statement = CertificateStatement(
      chain: chain, epoch: header.epoch, view: header.view, height: header.height, headerHash: hash, stateRoot: root)
    let certificate = GroupCertificate(statement, signature: signature)
    var votes: Certificate?
    if let text = document["certificate"], text != .null, let genesis = verifier.genesis {
      let list: Certificate = try Self.decode(document, "certificate", "vote list")
      let committee = genesis.committee
      guard header.epoch == committee.epoch, header.validatorSetHash == committee.setHash else {
        throw ProofFault(
          "the header is of another committee than the genesis names: check its 64-byte certificate, which needs no more than the group key"
        )
      }
      guard list.kind == .state, list.block == hash, list.view == header.view, list.stateRoot == root else {
        throw ProofFault("the votes are for another block or state")
      }
      guard list.verify(committee: committee, scheme: .ed25519) else {
        throw ProofFault("the votes do not verify: fewer than \(committee.quorum) valid signatures of the validators")
      }
      votes = list
    }
    guard let printed = document["groupKey"]?.string, let printedKey = PublicKey(hex: printed) else {
      throw ProofFault("groupKey is not 64 hex digits")
    }
    if let trusted = verifier.groupKey, printedKey != trusted {
      throw ProofFault("the certificate is under the group key \(printedKey.hex), not under the trusted \(trusted.hex)")
    }
    guard verifier.groupKey != nil || votes != nil else {
      throw ProofFault("there are no votes in the document and no trusted group key to check its signature with")
    }
    guard certificate.verify(chain: chain, groupKey: printedKey) else {
      throw ProofFault("the signature is not the group's on this header and state root")
    }
    self.header = header
    stateRoot = root
    voters = votes?.entries.count
    var expected = CertificateDocument(certificate, header: header, chain: chain, groupKey: printedKey)
    if let votes, let genesis = verifier.genesis {
      expected.add(votes, of: genesis.committee)
    }
    guard let parsed = JSONText.parse(JSONValue.self, Array(JSONText.render(expected).utf8)),
      case .object(var members) = parsed
    else { throw ProofFault("the certificate has no document") }
    // Absent and null are the same to whoever prints documents.
    members["receipt"] = .null
    if votes == nil {
      members["certificate"] = .null
      if document["certificate"] != .null {
        // Without the genesis nothing says whose votes they are.
        members["votes"] = nil
        members["certificate"] = nil
      }
    }
    if verifier.groupKey == nil {
      // Whoever prints the document could have made a key of its own: the votes say nothing about it.
      for name in ["groupKey", "signature", "message"] { members[name] = nil }
    }
    self.expected = .object(members)
  }

  static func decode<Value: WireDecodable>(
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
