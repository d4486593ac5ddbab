// Decoding and signature verification of transactions: the one costly step that needs nothing but the bytes, so hosts
// run it wherever a core is free.

public import Clearing
import Gossip
public import Primitives
public import Sodium
import Wire

public enum TransactionCheck {
  /// Largest canonical transaction in bytes (D9).
  public static let bytesMax = LaneLimits.transactionBytes

  /// The identifier of a transaction: the hash of its canonical bytes, signature included.
  public static func hash(of bytes: [UInt8]) -> Digest { Blake2b.hash(bytes) }

  /// What the engine is told about one transaction of a batch. Deterministic: bytes that do not decode, belong to
  /// another chain or carry a wrong signature give the same verdict on every node.
  public static func run(_ bytes: [UInt8], chain: Digest, scheme: SignatureScheme) -> TransactionInput {
    let hash = hash(of: bytes)
    guard !KeyMessageEnvelope.isOne(bytes) else {
      return TransactionInput(hash: hash, transaction: nil, signatureValid: false)
    }
    guard let transaction = try? WireReader.decode(Transaction.self, from: bytes) else {
      return TransactionInput(hash: hash, transaction: nil, signatureValid: false)
    }
    let valid =
      transaction.chain == chain
      && scheme.verify(transaction.signature, transaction.signingBytes, by: transaction.signer)
      && transaction.firmQuotes.allSatisfy { scheme.verify($0.signature, $0.signingBytes, by: $0.maker) }
    return TransactionInput(
      hash: hash, transaction: transaction, signatureValid: valid,
      evidence: valid ? EvidenceCheck.verdict(on: transaction, chain: chain, scheme: scheme) : nil)
  }
}
