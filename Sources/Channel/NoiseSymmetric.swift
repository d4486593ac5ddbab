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
    let derived = secret.withBytes { derive([64, 32], from: $0) }
    chainingKey = derived[0]
    cipher = NoiseCipher(key: derived[1])
  }

  mutating func mixKeyAndHash(_ secret: SecretBytes) {
    let derived = secret.withBytes { derive([64, 64, 32], from: $0) }
    chainingKey = derived[0]
    mixHash(derived[1].withBytes { Array($0) })
    cipher = NoiseCipher(key: derived[2])
  }

  mutating func encryptAndHash(_ plaintext: [UInt8], appendingTo output: inout [UInt8]) throws(NoiseError) {
    var sealed: [UInt8] = []
    // By way of `Result`, as the arrays' closures do not rethrow typed errors.
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
    let derived = derive([32, 32], from: UnsafeRawBufferPointer(start: nil, count: 0))
    return (NoiseCipher(key: derived[0]), NoiseCipher(key: derived[1]))
  }

  /// As many secrets as lengths.
  private func derive(_ lengths: [Int], from input: UnsafeRawBufferPointer) -> [SecretBytes] {
    NoiseHKDF.derive(chainingKey: chainingKey, input: input, lengths: lengths)
  }
}
