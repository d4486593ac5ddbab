// The symmetric state of a Noise handshake, revision 34, section 5.2, for BLAKE2b.

import Sodium

/// What both sides have agreed on so far: `hash` binds every byte of the handshake, `chainingKey` every secret.
struct NoiseSymmetric: Sendable {
  private var chainingKey: SecretBytes
  private(set) var hash: [UInt8]
  private var cipher = NoiseCipher()

  init(protocolName: String) {
    let name = Array(protocolName.utf8)
    hash = name.count <= 64 ? name + [UInt8](repeating: 0, count: 64 - name.count) : Blake2b.hash64(name)
    chainingKey = SecretBytes(copying: hash)
  }

  var sealedOverhead: Int { cipher.hasKey ? NoiseCipher.tagBytes : 0 }

  mutating func mixHash(_ bytes: [UInt8]) {
    hash = Blake2b.hash64(hash + bytes)
  }

  mutating func mixKey(_ secret: SecretBytes) {
    let (next, key) = secret.withBytes { NoiseHKDF.derive2(chainingKey: chainingKey, input: $0) }
    chainingKey = next
    cipher = NoiseCipher(key: key.prefix(32))
  }

  mutating func mixKeyAndHash(_ secret: SecretBytes) {
    let (next, mask, key) = secret.withBytes { NoiseHKDF.derive3(chainingKey: chainingKey, input: $0) }
    chainingKey = next
    mixHash(mask.withBytes { Array($0) })
    cipher = NoiseCipher(key: key.prefix(32))
  }

  mutating func encryptAndHash(_ plaintext: [UInt8], appendingTo output: inout [UInt8]) throws(NoiseError) {
    var sealed: [UInt8] = []
    // The buffers are copied out of their arrays' closures by `Result`, as those do not rethrow typed errors.
    let result = hash.withUnsafeBytes { hash in
      plaintext.withUnsafeBytes { plaintext in
        Result { () throws(NoiseError) in
          try cipher.encrypt(plaintext, authenticating: hash, appendingTo: &sealed)
        }
      }
    }
    try result.get()
    mixHash(sealed)
    output.append(contentsOf: sealed)
  }

  mutating func decryptAndHash(_ sealed: [UInt8], appendingTo output: inout [UInt8]) throws(NoiseError) {
    let result = hash.withUnsafeBytes { hash in
      sealed.withUnsafeBytes { sealed in
        Result { () throws(NoiseError) in
          try cipher.decrypt(sealed, authenticating: hash, appendingTo: &output)
        }
      }
    }
    try result.get()
    mixHash(sealed)
  }

  /// The ciphers of the two directions, the initiator's sending one first.
  func split() -> (NoiseCipher, NoiseCipher) {
    let (first, second) = NoiseHKDF.derive2(
      chainingKey: chainingKey, input: UnsafeRawBufferPointer(start: nil, count: 0))
    return (NoiseCipher(key: first.prefix(32)), NoiseCipher(key: second.prefix(32)))
  }
}
