// Reads of what is past: blocks, transactions and certificates, from the ledger on disk.

import Clearing
import Consensus
import Hummingbird
import Ledger
import NIOCore
import Primitives
import Replica
import Storage
import Threshold
import Wire

extension APIServer {
  func block(_ context: BasicRequestContext) async throws -> Response {
    let height = try await height(context)
    let base = info.genesis.base
    if height == base { return APIResponse.json(genesisBlock(base)) }
    if height < base {
      throw APIError.notFound("block \(height) is of the chain that this one goes on from, which ended before \(base)")
    }
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

  private func genesisBlock(_ height: Height) -> BlockDocument {
    let root = (try? host.store.block(at: height))?.flatMap { $0.stateRoot.hex } ?? ""
    return BlockDocument(
      height: height, hash: info.genesis.chain.hex, parent: (info.genesis.resume?.block ?? .zero).hex, stateRoot: root,
      timestamp: ISO8601.format(info.genesis.resume?.timestamp ?? info.genesis.market.time), view: 0, leader: 0,
      transactions: [],
      consistency: "local")
  }

  func transaction(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let text = context.text("hash")
    guard let hash = Digest(hex: text) else {
      throw APIError.malformed("transaction \"\(text.prefix(80))\" is not 64 hex digits", hint: "Use a receipt's hash.")
    }
    guard var document = try storedReceipt(hash) else {
      throw APIError.notFound("transaction \(hash.hex) is not in this node's ledger (yet)")
    }
    if try request.flag("proof"), let height = document.height, let index = document.index {
      document.proof = try await receiptProof(height, Int(index))
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

  func certificate(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let withVotes = try request.flag("votes")
    if context.text("height") == "latest" {
      guard let stored = try host.store.latestCertificate() else { throw noCertificate("any height") }
      return APIResponse.json(try certificateDocument(stored, withVotes: withVotes))
    }
    let height = try await height(context)
    guard let stored = try host.store.certificate(covering: height) else { throw noCertificate("height \(height)") }
    return APIResponse.json(try certificateDocument(stored, withVotes: withVotes))
  }

  private func noCertificate(_ what: String) -> APIError {
    APIError.notFound("there is no certificate for \(what) in this node's ledger (yet)")
  }

  func certificateDocument(_ stored: StoredCertificate, withVotes: Bool = false) throws -> CertificateDocument {
    guard let certificate = try? WireReader.decode(GroupCertificate.self, from: stored.bytes) else {
      throw damagedCertificate(stored.height)
    }
    return try certificateDocument(certificate, withVotes: withVotes)
  }

  /// With the header of its block, which the ledger has by now.
  func certificateDocument(_ certificate: GroupCertificate, withVotes: Bool = false) throws -> CertificateDocument {
    guard let block = try host.store.block(at: certificate.height),
      let proposal = try? WireReader.decode(Proposal.self, from: block.proposal),
      let groupKey = try groupKey()
    else { throw damagedCertificate(certificate.height) }
    var document = CertificateDocument(
      certificate, header: proposal.header, chain: info.genesis.chain, groupKey: groupKey)
    if withVotes, let held = try? WireReader.decode(Certificates.self, from: block.certificates), let votes = held.state
    {
      if let committee = try LedgerCertificate.committee(votes.epoch, in: host.store, genesis: info.genesis) {
        document.add(votes, of: committee)
      }
    }
    return document
  }

  private func damagedCertificate(_ height: Height) -> StoreError {
    StoreError(.damaged, "Certificate \(height) in the ledger is damaged.", advice: "Run novation doctor.")
  }

  /// From the ledger's records, once there is one.
  func groupKey() throws -> PublicKey? {
    try LedgerCertificate.groupKey(in: host.store)
  }

  /// The receipt's way to the certificate of exactly its height; without one the certificate of a later height, which
  /// proves the block but not what it did. Nil while neither is there.
  func receiptProof(_ height: Height, _ index: Int) async throws -> CertificateDocument? {
    guard var document = try await proof(of: height) else { return nil }
    guard document.height == height, let block = try host.store.block(at: height),
      let events = try host.store.events(at: height)
    else { return document }
    document.receipt = ReceiptInclusionDocument(
      outcome: Hex.encode(block.receipts[index]),
      record: Hex.encode(
        BlockRecord(
          height: height, receipts: UInt32(truncatingIfNeeded: block.receipts.count),
          receiptsRoot: ReceiptTree.root(block.receipts), events: BlockEvents.hash(of: events),
          underlyings: info.genesis.market.underlyings
        ).wireBytes),
      recordPath: Hex.encode(block.receiptsProof),
      path: ReceiptTree.path(to: index, of: block.receipts).map(\.hex))
    return document
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
