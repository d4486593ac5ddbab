// Proofs of records: their bytes, their paths in the state tree, and the certificate of its root.

import HTTPTypes
import Clearing
import Consensus
import Ledger
import Primitives
import Replica
import Sodium
import Threshold
import Wire

/// Proven bytes of some records at one height, before the certificate of that height is at hand.
struct RecordProofs: Sendable {
  struct Item: Sendable {
    var table: TableID
    var key: [UInt8]
    var value: [UInt8]?
    var proof: StateProof
  }

  var height: Height
  var stateRoot: Digest
  var items: [Item]

  /// Everything that an account owns: its own record, its positions and its open orders, or the absence of its record.
  static func account(_ id: AccountID, in replica: inout Replica) -> RecordProofs {
    var proofs = RecordProofs(height: replica.finalHeight, stateRoot: replica.finalRoot, items: [])
    let tables = replica.clearing.tables
    proofs.add(tables.accounts, AccountKey(id), replica)
    // It says which underlyings the numbers in the others mean.
    proofs.add(replica.system.tables.blocks, SystemKey(), replica)
    guard let view = replica.account(id) else { return proofs }
    for position in view.positions { proofs.add(tables.positions, PositionKey(id, position.instrument), replica) }
    for order in view.orders { proofs.add(tables.orders, OrderKey(order.id), replica) }
    return proofs
  }

  private mutating func add<Key, Record>(_ table: Table<Key, Record>, _ key: Key, _ replica: Replica) {
    let bytes = key.wireBytes
    items.append(
      Item(
        table: table.id, key: bytes, value: table[key]?.wireBytes,
        proof: replica.tree.proof(table: table.id, key: bytes)))
  }
}

extension APIServer {
  /// Reads until the height that was read gets a certificate of its own: one quorum may sign a later state instead, and
  /// only a certificate of exactly this state proves its records.
  func proven<Document>(
    _ read: () async throws -> (Document, RecordProofs)
  ) async throws -> (Document, ProofDocument) {
    let deadline = Clock.monotonic + Self.readTimeout
    while true {
      let (document, proofs) = try await read()
      if let proof = try await finish(proofs) { return (document, proof) }
      guard Clock.monotonic < deadline else {
        throw APIError(
          .serviceUnavailable, "notCertified", "height \(proofs.height) has no certificate of its own (yet)",
          hint: "Ask again in a moment.")
      }
    }
  }

  /// Adds the certificate of exactly the height at which the records were read; nil if there is none.
  private func finish(_ proofs: RecordProofs) async throws -> ProofDocument? {
    guard let certificate = try await proof(of: proofs.height), certificate.height == proofs.height else { return nil }
    return ProofDocument(
      records: proofs.items.map { item in
        .init(
          table: Int(item.table.rawValue), key: Hex.encode(item.key), value: item.value.map { Hex.encode($0) },
          path: Hex.encode(item.proof.wireBytes))
      }, stateRoot: proofs.stateRoot.hex, certificate: certificate)
  }
}

extension CertificateDocument {
  init(_ certificate: GroupCertificate, header: Header, chain: Digest, groupKey: PublicKey) {
    self.init(
      height: certificate.height, header: Hex.encode(header.wireBytes), headerHash: certificate.headerHash.hex,
      stateRoot: certificate.stateRoot.hex, message: Hex.encode(certificate.statement(chain: chain).message),
      signature: certificate.signature.hex, groupKey: groupKey.hex, chainId: chain.hex, epoch: certificate.epoch,
      view: certificate.view, votes: [], certificate: nil, receipt: nil)
  }

  /// Each vote with the bytes that its validator signed.
  mutating func add(_ list: Certificate, of committee: Committee) {
    votes = list.entries.map { entry -> Vote in
      let vote = list.vote(entry)
      return Vote(
        validator: Int(entry.voter),
        publicKey: Int(entry.voter) < committee.n ? committee.keys[Int(entry.voter)].hex : "",
        message: Hex.encode(vote.signingBytes(committee: committee)), signature: entry.signature.hex)
    }
    certificate = Hex.encode(list.wireBytes)
  }
}
