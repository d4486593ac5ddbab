// Writes: a signed transaction in, a receipt out.

import Sodium
import Storage
import Clearing
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Ledger
import Primitives
import Replica
import Wire

extension APIServer {
  private enum Wait: String { case final, accepted, proven }

  /// Canonical bytes, or `{"transaction": "hex of them"}`.
  func submit(_ request: Request) async throws -> Response {
    let wait = try wait(request)
    let bytes = try await transactionBytes(request)
    guard bytes.count <= TransactionCheck.bytesMax else {
      throw APIError(
        .contentTooLarge, "tooLarge", "the transaction has \(bytes.count) bytes, above \(TransactionCheck.bytesMax)",
        hint: "Split the batch.")
    }
    let input = TransactionCheck.run(bytes, chain: info.chain, scheme: .ed25519)
    try check(input, bytes)
    if let known = try storedReceipt(input.hash) { return respond(known, wait: wait) }
    if wait == .accepted {
      Task { await host.submit(bytes, input, timeout: Self.submitTimeout) }
      return APIResponse.json(ReceiptDocument(accepted: input.hash), status: .accepted)
    }
    switch await host.submit(bytes, input, timeout: timeout(request)) {
    case .final(let receipt):
      if let first = receipt.outcome.duplicateOf, let document = try await firstReceipt(first) {
        return respond(document, wait: wait)
      }
      var document = ReceiptDocument(receipt, underlyings: info.genesis.market.underlyings)
      if wait == .proven { document.proof = try await receiptProof(receipt.height, Int(receipt.index)) }
      return respond(document, wait: wait)
    case .refused(.noLane):
      throw APIError(
        .serviceUnavailable, "noLane",
        "this node puts nothing on the chain now: it is an observer and no validator is connected, or it has just started",
        hint: "Send it to another node, or again in a moment: the same bytes execute at most once.")
    case .refused: throw APIError.busy
    case .unknown:
      throw APIError(
        .serviceUnavailable, "unknown", "the transaction was not final in time; it may still become final",
        hint: "Ask /v1/transactions/\(input.hash.hex) or send the same bytes again: they execute at most once.")
    }
  }

  /// A client id was used before: what the transaction did that used it. Nil when it is not in the ledger in time.
  private func firstReceipt(_ hash: Digest) async throws -> ReceiptDocument? {
    for _ in 0..<100 {
      if let known = try storedReceipt(hash) { return known }
      try await Task.sleep(for: .milliseconds(20))
    }
    return nil
  }

  private func respond(_ document: ReceiptDocument, wait: Wait) -> Response {
    APIResponse.json(document, status: document.status == "rejected" ? .unprocessableContent : .ok)
  }

  /// What no engine needs to see: other chains, wrong signatures, expired transactions.
  private func check(_ input: TransactionInput, _ bytes: [UInt8]) throws {
    guard let transaction = input.transaction else {
      var reason = "not a transaction"
      do { _ = try WireReader.decode(Transaction.self, from: bytes) } catch { reason = "\(error)" }
      throw APIError.malformed("transaction: \(reason)", hint: "See docs/openapi.yaml for the encoding.")
    }
    guard transaction.chain == info.chain else {
      throw APIError.malformed(
        "the transaction was signed for chain \(transaction.chain.hex), this is \(info.chain.hex)",
        hint: "Take the chain id from /v1/status.")
    }
    guard input.signatureValid else {
      throw APIError.malformed(
        "the signature is not valid for key \(transaction.signer.hex)", hint: "Sign the canonical bytes with the key.")
    }
    let now = Clock.wall
    guard transaction.expiry > now else {
      throw APIError(
        .conflict, "expired", "the transaction expired at \(ISO8601.format(transaction.expiry))",
        hint: "Sign a new one.")
    }
    let drawn = Nonce.time(of: transaction.nonce)
    guard drawn > now - Limits.nonceLifetime, drawn < now + Limits.nonceAhead else {
      throw APIError(
        .conflict, "nonce", "the nonce was drawn at \(ISO8601.format(drawn)), outside the accepted window",
        hint: "Draw it from the present time; check this machine's clock.")
    }
  }

  private func wait(_ request: Request) throws -> Wait {
    guard let text = request.uri.queryParameters["wait"] else { return .final }
    guard let wait = Wait(rawValue: String(text)) else {
      throw APIError.malformed("wait \"\(text.prefix(40))\" is unknown", hint: "Use final, accepted or proven.")
    }
    return wait
  }

  private func timeout(_ request: Request) -> Int64 {
    guard let text = request.uri.queryParameters["timeout"], let seconds = Int64(text), (1...300).contains(seconds)
    else {
      return Self.submitTimeout
    }
    return seconds * Duration64.second
  }

  private func transactionBytes(_ request: Request) async throws -> [UInt8] {
    let buffer = try await request.body.collect(upTo: Int(limits.requestBody))
    let type = request.headers[.contentType] ?? ""
    if type.hasPrefix("application/octet-stream") { return Array(buffer.readableBytesView) }
    guard type.hasPrefix("application/json") else {
      throw APIError.malformed(
        "content type \"\(type.prefix(80))\"", hint: "Send application/octet-stream or application/json.")
    }
    struct Body: Decodable { var transaction: String }
    guard let body = try? JSONDecoder().decode(Body.self, from: Data(buffer.readableBytesView)),
      let bytes = Hex.decode(body.transaction)
    else {
      throw APIError.malformed(
        "the body is not {\"transaction\": \"hexadecimal bytes\"}", hint: "See docs/openapi.yaml.")
    }
    return bytes
  }

  /// Waits for the certificate that covers a height: its own, or the next one above it.
  func proof(of height: Height) async throws -> CertificateDocument? {
    guard await host.waitProven(height, timeout: Self.readTimeout) else { return nil }
    for _ in 0..<500 {
      if let recent = await host.recentCertificate(at: height), (try host.store.head()?.height ?? 0) >= height {
        return try certificateDocument(recent)
      }
      if let stored = try host.store.certificate(covering: height) { return try certificateDocument(stored) }
      try await Task.sleep(for: .milliseconds(2))
    }
    return nil
  }

  /// Prices for this validator to publish from now on; test networks only.
  func observe(_ request: Request) async throws -> Response {
    let buffer = try await request.body.collect(upTo: Int(limits.requestBody))
    let document: ObservationDocument
    do {
      document = try JSONDecoder().decode(ObservationDocument.self, from: Data(buffer.readableBytesView))
    } catch {
      throw APIError.malformed("not an observation: \(error)", hint: "See docs/openapi.yaml.")
    }
    do {
      try await publisher.use(document)
    } catch let error as ObservationFault {
      throw APIError.malformed(error.description, hint: "Use decimal strings and listed underlyings.")
    }
    return APIResponse.text("{\"accepted\":true}\n")
  }
}
