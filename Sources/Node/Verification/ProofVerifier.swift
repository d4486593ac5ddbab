// Checks a printed certificate, receipt or account offline: every printed field is either recomputed from bytes that a
// the group signed, or named as one that cannot be proven; one that differs makes the whole document refused.
//
// Trusted are a chain id and a group key. With the genesis of the chain as well, lists of single votes are checked
// too, which no past holders of the group key can make (see docs/VERIFYING.md).

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
  public var groupKey: String?
  /// Validators whose own votes were verified as well.
  public var voters: Int?
  /// Paths of the fields that were recomputed and found equal.
  public var proven: [String]
  public var unproven: [Unproven]
}

public struct ProofVerifier: Sendable {
  let chain: Digest
  let groupKey: PublicKey?
  let genesis: Genesis?

  /// Largest document read.
  public static let bytesMax = 64 << 20

  /// `chain` is the chain id that the caller trusts. At least one of the others is needed; a genesis must be the chain's.
  public init(chain: Digest, groupKey: PublicKey?, genesis: Genesis? = nil) throws(ProofFault) {
    if let genesis, genesis.chain != chain {
      throw ProofFault("the genesis file is that of chain \(genesis.chain.hex), not of \(chain.hex)")
    }
    guard groupKey != nil || genesis != nil else { throw ProofFault("neither a group key nor a genesis is trusted") }
    self.chain = chain
    self.groupKey = groupKey
    self.genesis = genesis
  }

  public func verify(_ bytes: [UInt8]) throws(ProofFault) -> ProofReport {
    guard let document = JSONText.parse(JSONValue.self, bytes), case .object(let members) = document else {
      throw ProofFault("the document is not a JSON object")
    }
    // Programs differ in which of two values they take.
    if let name = RepeatedNames.first(in: bytes) { throw ProofFault("\"\(name)\" is there twice in one object") }
    if members["transaction"] != nil { return try verifyReceipt(document) }
    if members["account"] != nil { return try verifyAccount(document) }
    if members["signature"] != nil { return try verifyCertificate(document) }
    throw ProofFault("the document is neither a certificate nor a receipt nor an account")
  }

  // MARK: Certificates

  private func verifyCertificate(_ document: JSONValue) throws(ProofFault) -> ProofReport {
    let certified = try CertifiedState(document, verifier: self)
    return try report(
      .certificate, certified, document, expected: certified.expected,
      reasons: [
        "votes": Self.votesReason, "certificate": Self.votesReason, "groupKey": Self.keyReason,
        "signature": Self.keyReason, "message": Self.keyReason,
      ])
  }

  private static let keyReason = "no group key is trusted; votes do not say which is the right one"
  private static let votesReason = "the genesis says whose votes they are"

  // MARK: Receipts

  private func verifyReceipt(_ document: JSONValue) throws(ProofFault) -> ProofReport {
    guard let proof = document["proof"], proof != .null else {
      throw ProofFault("the receipt carries no proof; ask for it with --proof once its height is certified")
    }
    let certified = try CertifiedState(proof, verifier: self)
    if let inclusion = proof["receipt"], inclusion != .null {
      let expected = try ProvenReceipt.expected(document, inclusion: inclusion, certified: certified)
      return try report(.receipt, certified, document, expected: expected, reasons: [:])
    }
    guard let height = document["height"]?.integer else {
      throw ProofFault("the receipt has no height: it is not final")
    }
    guard height <= Int64(clamping: certified.header.height) else {
      throw ProofFault("the receipt is of height \(height), above the certified height \(certified.header.height)")
    }
    throw ProofFault(
      "the receipt's height \(height) has no certificate of its own; that of height \(certified.header.height) proves that its block is final, not what the transaction did"
    )
  }

  // MARK: Accounts

  private static let otherRecord = "in a record that is not part of this proof"

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
    var expected = try records.expectedAccount(account, underlyings: try records.underlyings())
    expected["height"] = JSONValue(ordinal: certified.header.height)
    expected["stateRoot"] = .string(certified.stateRoot.hex)
    expected["proof"] = .object([
      "certificate": certified.expected, "stateRoot": .string(certified.stateRoot.hex), "records": records.document,
    ])
    let computed = "computed from marks and risk arrays, which are not records"
    return try report(
      .account, certified, document, expected: .object(expected),
      reasons: [
        "": "not a record", "proof.certificate.votes": Self.votesReason,
        "proof.certificate.certificate": Self.votesReason, "margin": computed, "positions": computed,
        "delegations": Self.otherRecord, "owner": Self.otherRecord, "subAccount": Self.otherRecord,
        "subAccounts": Self.otherRecord, "acceptances": Self.otherRecord,
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
      timestamp: ISO8601.format(certified.header.timestamp), groupKey: groupKey?.hex,
      voters: certified.voters, proven: comparison.proven, unproven: comparison.unproven + also)
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
    if let groupKey { facts.add("signed by", "the group \(groupKey)") }
    if let voters { facts.add("and by", "\(voters) validators, each with its own vote") }
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
