// What the participants of a key generation put on the chain. Each message is signed by its sender's identity key and
// names its ceremony.

public import Primitives
public import Sodium
public import Wire

/// A dealer's commitments and its encrypted shares.
public struct Dealing: Hashable, Sendable, WireCodable {
  /// One eighth of each coefficient's point (see `CommitmentEighths`), constant term first.
  public var commitmentEighths: [PointEncoding]
  /// The dealer's part of the key agreement with every recipient.
  public var ephemeral: PointEncoding
  /// One masked share for each recipient that published a key, ascending.
  public var shares: [Bytes32<MaskedShareTag>]
  /// Knowledge of the ephemeral secret: without it a dealer could copy another's and read its shares from complaints.
  public var ephemeralProof: SchnorrProof
  /// Knowledge of the constant term, for a fresh key.
  public var constantProof: SchnorrProof?

  /// What both proofs are bound to.
  public static func hash(
    _ commitmentEighths: [PointEncoding], _ ephemeral: PointEncoding, _ shares: [Bytes32<MaskedShareTag>]
  ) -> [UInt8] {
    var writer = WireWriter()
    writer.write(commitmentEighths)
    writer.write(ephemeral)
    writer.write(shares)
    return Blake2b.hash(domain: "novation/dealing/v1", writer.bytes).bytes
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(commitmentEighths)
    writer.write(ephemeral)
    writer.write(shares)
    writer.write(ephemeralProof)
    writer.write(constantProof)
  }

  public init(
    commitmentEighths: [PointEncoding], ephemeral: PointEncoding, shares: [Bytes32<MaskedShareTag>],
    ephemeralProof: SchnorrProof, constantProof: SchnorrProof?
  ) {
    self.commitmentEighths = commitmentEighths
    self.ephemeral = ephemeral
    self.shares = shares
    self.ephemeralProof = ephemeralProof
    self.constantProof = constantProof
  }

  public init(from reader: inout WireReader) throws(WireError) {
    commitmentEighths = try reader.readArray(limit: Frost.participantsMax)
    ephemeral = try reader.readBytes32()
    shares = try reader.readArray(limit: Frost.participantsMax)
    ephemeralProof = try SchnorrProof(from: &reader)
    constantProof = try reader.readOptional()
  }
}

/// A recipient's proof that a dealing gave it a wrong share: the point that both share, from which anybody unmasks it.
public struct Complaint: Hashable, Sendable, WireCodable {
  public var dealer: Participant
  public var shared: PointEncoding
  public var proof: EqualityProof

  public func encode(to writer: inout WireWriter) {
    writer.write(dealer)
    writer.write(shared)
    writer.write(proof)
  }

  public init(dealer: Participant, shared: PointEncoding, proof: EqualityProof) {
    self.dealer = dealer
    self.shared = shared
    self.proof = proof
  }

  public init(from reader: inout WireReader) throws(WireError) {
    dealer = try reader.read()
    shared = try reader.readBytes32()
    proof = try EqualityProof(from: &reader)
  }
}

public struct KeyGenerationMessage: Hashable, Sendable, WireCodable {
  public enum Body: Hashable, Sendable, WireCodable {
    /// A recipient's encryption key of this ceremony, with proof that it knows the secret.
    case recipientKey(PointEncoding, SchnorrProof)
    case dealing(Dealing)
    case complaint(Complaint)
    /// A recipient has checked every dealing and complained where it had to.
    case acknowledgement
    /// A recipient holds the share behind its public share.
    case proofOfLife(SchnorrProof)

    public func encode(to writer: inout WireWriter) {
      switch self {
      case .recipientKey(let key, let proof):
        writer.write(UInt8(1))
        writer.write(key)
        writer.write(proof)
      case .dealing(let dealing):
        writer.write(UInt8(2))
        writer.write(dealing)
      case .complaint(let complaint):
        writer.write(UInt8(3))
        writer.write(complaint)
      case .acknowledgement: writer.write(UInt8(4))
      case .proofOfLife(let proof):
        writer.write(UInt8(5))
        writer.write(proof)
      }
    }

    public init(from reader: inout WireReader) throws(WireError) {
      switch try reader.read(UInt8.self) {
      case 1: self = .recipientKey(try reader.readBytes32(), try SchnorrProof(from: &reader))
      case 2: self = .dealing(try Dealing(from: &reader))
      case 3: self = .complaint(try Complaint(from: &reader))
      case 4: self = .acknowledgement
      case 5: self = .proofOfLife(try SchnorrProof(from: &reader))
      default: throw reader.invalid("kind of key generation message")
      }
    }
  }

  public var ceremony: Digest
  /// A dealer's number for a dealing, a recipient's for everything else.
  public var sender: Participant
  public var body: Body
  public var signature: Signature

  public init(ceremony: Digest, sender: Participant, body: Body, signedBy signer: Signer) {
    self.ceremony = ceremony
    self.sender = sender
    self.body = body
    signature = .zero
    signature = signer.sign(signingBytes)
  }

  public var signingBytes: [UInt8] {
    var writer = WireWriter()
    writer.write("novation/key-generation-message/v1")
    writer.write(ceremony)
    writer.write(sender)
    writer.write(body)
    return writer.bytes
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(ceremony)
    writer.write(sender)
    writer.write(body)
    writer.write(signature)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    ceremony = try reader.readBytes32()
    sender = try reader.read()
    body = try Body(from: &reader)
    signature = try reader.readSignature()
  }
}
