// The certificate of a block and the state after it: one Ed25519 signature under the group key.

public import Primitives
import Sodium
public import Wire

public struct GroupCertificate: Hashable, Sendable, WireCodable {
  public var epoch: Epoch
  public var view: View
  public var height: Height
  public var headerHash: Digest
  /// Of the state after the block.
  public var stateRoot: Digest
  public var signature: Signature

  public init(_ statement: CertificateStatement, signature: Signature) {
    epoch = statement.epoch
    view = statement.view
    height = statement.height
    headerHash = statement.headerHash
    stateRoot = statement.stateRoot
    self.signature = signature
  }

  /// T1: what was signed.
  public func statement(chain: Digest) -> CertificateStatement {
    CertificateStatement(
      chain: chain, epoch: epoch, view: view, height: height, headerHash: headerHash, stateRoot: stateRoot)
  }

  /// About 60 microseconds.
  public func verify(chain: Digest, groupKey: PublicKey) -> Bool {
    Ed25519.verify(signature, statement(chain: chain).message, by: groupKey)
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(epoch)
    writer.write(view)
    writer.write(height)
    writer.write(headerHash)
    writer.write(stateRoot)
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    epoch = try reader.readOrdinal()
    view = try reader.readOrdinal()
    height = try reader.readOrdinal()
    headerHash = try reader.readBytes32()
    stateRoot = try reader.readBytes32()
    signature = try reader.readSignature()
  }
}
