// Reads of what is past: blocks, transactions and certificates, from the ledger on disk.

import Clearing
import Consensus
import Hummingbird
import Ledger
import NIOCore
import Primitives
import Replica
import Storage
import Wire

extension APIServer {
  func block(_ context: BasicRequestContext) async throws -> Response {
    let height = try await height(context)
    guard height > 0 else { return APIResponse.json(genesisBlock()) }
    guard let stored = try host.store.block(at: height) else {
      throw APIError.notFound("block \(height) is not in this node's ledger (yet)")
    }
    guard let proposal = try? WireReader.decode(Proposal.self, from: stored.proposal) else {
      throw StoreError(.damaged, "Block \(height) in the ledger is damaged.", advice: "Run novation doctor.")
    }
    return APIResponse.json(
      BlockDocument(
        height: stored.height, hash: stored.hash.hex, parent: proposal.header.parentHash.hex,
        stateRoot: stored.stateRoot.hex, timestamp: ISO8601.format(stored.timestamp), view: proposal.header.view,
        leader: Int(proposal.header.leader), transactions: stored.transactions.map(\.hex), consistency: "local"))
  }

  private func genesisBlock() -> BlockDocument {
    let root = (try? host.store.block(at: 0))?.flatMap { $0.stateRoot.hex } ?? ""
    return BlockDocument(
      height: 0, hash: info.genesis.chain.hex, parent: Digest.zero.hex, stateRoot: root,
      timestamp: ISO8601.format(info.genesis.market.time), view: 0, leader: 0, transactions: [],
      consistency: "local")
  }

  func transaction(_ context: BasicRequestContext) async throws -> Response {
    let text = context.text("hash")
    guard let hash = Digest(hex: text) else {
      throw APIError.malformed("transaction \"\(text.prefix(80))\" is not 64 hex digits", hint: "Use a receipt's hash.")
    }
    guard let document = try storedReceipt(hash) else {
      throw APIError.notFound("transaction \(hash.hex) is not in this node's ledger (yet)")
    }
    return APIResponse.json(document)
  }

  /// The receipt of a transaction that the ledger holds.
  func storedReceipt(_ hash: Digest) throws -> ReceiptDocument? {
    guard let place = try host.store.place(of: hash), let block = try host.store.block(at: place.height),
      Int(place.index) < block.receipts.count,
      let outcome = try? WireReader.decode(TransactionOutcome.self, from: block.receipts[Int(place.index)])
    else { return nil }
    let receipt = Receipt(
      transaction: hash, height: place.height, index: place.index, stateRoot: block.stateRoot, outcome: outcome)
    return ReceiptDocument(receipt, underlyings: info.genesis.market.underlyings)
  }

  func certificate(_ context: BasicRequestContext) async throws -> Response {
    if context.text("height") == "latest" {
      guard let stored = try host.store.latestCertificate() else { throw noCertificate("any height") }
      return APIResponse.json(try certificateDocument(stored))
    }
    let height = try await height(context)
    guard let stored = try host.store.certificate(covering: height) else { throw noCertificate("height \(height)") }
    return APIResponse.json(try certificateDocument(stored))
  }

  private func noCertificate(_ what: String) -> APIError {
    APIError.notFound("there is no certificate for \(what) in this node's ledger (yet)")
  }

  func certificateDocument(_ stored: StoredCertificate) throws -> CertificateDocument {
    guard let block = try host.store.block(at: stored.height),
      let proposal = try? WireReader.decode(Proposal.self, from: block.proposal),
      let certificate = try? WireReader.decode(Certificate.self, from: stored.bytes)
    else {
      throw StoreError(
        .damaged, "Certificate \(stored.height) in the ledger is damaged.", advice: "Run novation doctor.")
    }
    return CertificateDocument(
      certificate, header: proposal.header, height: stored.height, genesis: info.genesis, bytes: stored.bytes)
  }

  /// A height of the path, or the last stored one for "latest".
  private func height(_ context: BasicRequestContext) async throws -> Height {
    let text = context.text("height")
    if text == "latest" { return try host.store.head()?.height ?? 0 }
    guard let height = Height(text), height < ordinalLimit else {
      throw APIError.malformed("height \"\(text.prefix(40))\" is not a number", hint: "Use a height or \"latest\".")
    }
    return height
  }
}
