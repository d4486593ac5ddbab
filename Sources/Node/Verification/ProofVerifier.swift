// Checks a printed certificate, receipt or account offline: every printed field is either recomputed from bytes that a
// quorum signed, or named as one that cannot be proven; one that differs makes the whole document refused.
//
// Finality is proven by the list of votes: the keys come from the genesis, whose hash is the chain id. On a network
// with a group key the 64-byte group signature will take its place.

import Clearing
import Consensus
import FoundationEssentials
import Ledger
public import Primitives
public import Replica
import Wire

/// Why a document proves nothing, in a sentence.
public struct ProofFault: Error, Equatable, CustomStringConvertible {
  public var description: String
  init(_ text: String) { description = text }
}

/// What a document was found to prove.
public struct ProofReport: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable { case certificate, account, receipt }

  public struct Unproven: Codable, Sendable, Equatable {
    /// Path of the field, such as "margin.initial" or "orders.0.id".
    public var field: String
    public var reason: String
  }

  public var kind: Kind
  public var chainId: String
  public var height: UInt64
  public var stateRoot: String
  /// Consensus time of the block.
  public var timestamp: String
  public var signers: Int
  public var quorum: Int
  /// Paths of the fields that were recomputed and found equal.
  public var proven: [String]
  public var unproven: [Unproven]
}

public struct ProofVerifier: Sendable {
  let genesis: Genesis
  let chain: Digest
  let committee: Committee

  /// Largest document read.
  public static let bytesMax = 64 << 20

  /// `chain` is the chain id that the caller trusts; the genesis must be its.
  public init(genesis: Genesis, chain: Digest) throws(ProofFault) {
    guard genesis.chain == chain else {
      throw ProofFault("the genesis file is that of chain \(genesis.chain.hex), not of \(chain.hex)")
    }
    self.genesis = genesis
    self.chain = chain
    committee = Committee(chain: chain, epoch: 0, keys: genesis.validators.map(\.key))
  }

  public func verify(_ bytes: [UInt8]) throws(ProofFault) -> ProofReport {
    guard let document = JSONText.parse(JSONValue.self, bytes), case .object(let members) = document else {
      throw ProofFault("the document is not a JSON object")
    }
    if members["certificate"] != nil { return try verifyCertificate(document) }
    if members["transaction"] != nil { return try verifyReceipt(document) }
    if members["account"] != nil { return try verifyAccount(document) }
    throw ProofFault("the document is neither a certificate nor a receipt nor an account")
  }

  // MARK: Certificates

  private func verifyCertificate(_ document: JSONValue) throws(ProofFault) -> ProofReport {
    let certified = try CertifiedState(document, verifier: self)
    return try report(.certificate, certified, document, expected: certified.expected, reasons: [:])
  }

  // MARK: Receipts

  private func verifyReceipt(_ document: JSONValue) throws(ProofFault) -> ProofReport {
    guard let proof = document["proof"], proof != .null else {
      throw ProofFault("the receipt carries no proof; ask for it with --proof once its height is certified")
    }
    let certified = try CertifiedState(proof, verifier: self)
    guard let height = document["height"]?.integer else {
      throw ProofFault("the receipt has no height: it is not final")
    }
    guard height <= Int64(clamping: certified.header.height) else {
      throw ProofFault("the receipt is of height \(height), above the certified height \(certified.header.height)")
    }
    var expected: [String: JSONValue] = ["proof": certified.expected]
    var reasons = ["": "the outcome of a transaction is not under the state root yet"]
    if height == Int64(clamping: certified.header.height) {
      expected["height"] = .integer(height)
      expected["stateRoot"] = .string(certified.stateRoot.hex)
    } else {
      reasons["height"] = "the certificate is of the later height \(certified.header.height)"
      reasons["stateRoot"] = reasons["height"]
    }
    return try report(.receipt, certified, document, expected: .object(expected), reasons: reasons)
  }

  // MARK: Accounts

  private func verifyAccount(_ document: JSONValue) throws(ProofFault) -> ProofReport {
    guard let proof = document["proof"], proof != .null else {
      throw ProofFault("the account carries no proof; ask for it with --proof")
    }
    guard let certificate = proof["certificate"] else { throw ProofFault("proof.certificate is missing") }
    let certified = try CertifiedState(certificate, verifier: self)
    guard let text = document["account"]?.string, let account = AccountID(hex: text) else {
      throw ProofFault("account is not 64 hex digits")
    }
    let records = try ProvenRecords(proof, root: certified.stateRoot)
    var expected = try records.expectedAccount(account, underlyings: genesis.market.underlyings)
    expected["height"] = JSONValue(ordinal: certified.header.height)
    expected["stateRoot"] = .string(certified.stateRoot.hex)
    expected["proof"] = .object([
      "certificate": certified.expected, "stateRoot": .string(certified.stateRoot.hex), "records": records.document,
    ])
    let computed = "computed from marks and risk arrays, which are not records"
    return try report(
      .account, certified, document, expected: .object(expected),
      reasons: [
        "": "not a record", "margin": computed, "positions": computed,
        "consistency": "a property of the read, not of the state",
      ],
      also: [
        .init(field: "positions", reason: "each one is proven, that there is no other is not"),
        .init(field: "orders", reason: "each one is proven, that there is no other is not"),
      ])
  }

  // MARK: Comparison

  private func report(
    _ kind: ProofReport.Kind, _ certified: CertifiedState, _ document: JSONValue, expected: JSONValue,
    reasons: [String: String], also: [ProofReport.Unproven] = []
  ) throws(ProofFault) -> ProofReport {
    var comparison = DocumentComparison(reasons: reasons)
    try comparison.compare(document, expected, at: "")
    return ProofReport(
      kind: kind, chainId: chain.hex, height: certified.header.height, stateRoot: certified.stateRoot.hex,
      timestamp: ISO8601.format(certified.header.timestamp), signers: certified.certificate.entries.count,
      quorum: committee.quorum, proven: comparison.proven, unproven: comparison.unproven + also)
  }
}

extension JSONValue {
  /// As a decoder reads it: signed where it fits.
  init(ordinal: UInt64) { self = Int64(exactly: ordinal).map { .integer($0) } ?? .unsigned(ordinal) }
}

extension ProofReport {
  /// One screen: what is proven, and what is not and why.
  public func render(style: Style) -> String {
    var facts = Facts()
    facts.add("proven", .init("\(kind.rawValue) at height \(height)", .green))
    facts.add("state root", stateRoot)
    facts.add("time", timestamp)
    facts.add("signed by", "\(signers) validators, of whom \(quorum) are needed")
    facts.add("chain id", chainId)
    facts.add("fields", printable(proven.joined(separator: " ")))
    var text = facts.render(style: style)
    if !unproven.isEmpty {
      var table = TextTable([.init("not proven"), .init("because")])
      for entry in unproven { table.add([.init(entry.field, .yellow), .init(entry.reason)]) }
      text += "\n" + table.render(style: style)
    }
    return text
  }
}
