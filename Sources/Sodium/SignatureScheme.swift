// How validators and traders sign: Ed25519, or in simulations a stand-in that costs a microsecond instead of ninety.

public import Primitives

public enum SignatureScheme: Sendable, Hashable {
  case ed25519
  /// Anyone can make one for any key: for simulations of honest signers only, never on a network.
  case standIn

  public func verify(_ signature: Signature, _ message: [UInt8], by key: PublicKey) -> Bool {
    switch self {
    case .ed25519: Ed25519.verify(signature, message, by: key)
    case .standIn: signature == StandIn.sign(message, as: key)
    }
  }
}

/// Something that can sign as one public key.
public enum Signer: Sendable {
  case ed25519(SigningKey)
  case standIn(PublicKey)

  public var publicKey: PublicKey {
    switch self {
    case .ed25519(let key): key.publicKey
    case .standIn(let key): key
    }
  }

  public var scheme: SignatureScheme {
    switch self {
    case .ed25519: .ed25519
    case .standIn: .standIn
    }
  }

  public func sign(_ message: [UInt8]) -> Signature {
    switch self {
    case .ed25519(let key): key.sign(message)
    case .standIn(let key): StandIn.sign(message, as: key)
    }
  }
}

/// BLAKE2b-512 of the public key and the message.
enum StandIn {
  static func sign(_ message: [UInt8], as key: PublicKey) -> Signature {
    var stream = Blake2bStream(outputLength: 64)
    stream.update(key)
    stream.update(message)
    return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { out in
      stream.finish(into: out)
      let word = { (index: Int) in out.load(fromByteOffset: index * 8, as: UInt64.self).bigEndian }
      return Signature(
        r: .init(words: (word(0), word(1), word(2), word(3))), s: .init(words: (word(4), word(5), word(6), word(7))))
    }
  }
}
