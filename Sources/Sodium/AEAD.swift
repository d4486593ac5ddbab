// Authenticated encryption: ChaCha20-Poly1305 (RFC 8439) for sessions, XChaCha20-Poly1305 for key files.

import CSodium

/// The 96-bit nonce of ChaCha20-Poly1305.
public struct Nonce96: Sendable, Hashable {
  /// The twelve bytes in memory order.
  var words: (UInt32, UInt32, UInt32)

  /// Four zero bytes, then `counter` little-endian: the nonces of the Noise framework, revision 34, section 12.3.
  public init(counter: UInt64) {
    words = (0, UInt32(truncatingIfNeeded: counter).littleEndian, UInt32(counter >> 32).littleEndian)
  }

  /// Nil unless there are 12 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 12 else { return nil }
    words = (0, 0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
  }

  public static func == (a: Self, b: Self) -> Bool { a.words == b.words }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
  }
}

/// Keys have 32 bytes; a key of another length is a bug of ours.
public enum AEAD {
  /// Bytes that a sealed text is longer than its plain text.
  public static let tagBytes = 16
  /// Bytes of an XChaCha20-Poly1305 nonce, long enough to be chosen at random.
  public static let extendedNonceBytes = 24

  /// Appends the ChaCha20-Poly1305 sealing of `plaintext`. A (key, nonce) pair must never be used twice.
  public static func seal(
    _ plaintext: UnsafeRawBufferPointer, key: SecretBytes, nonce: Nonce96,
    authenticating associated: UnsafeRawBufferPointer, appendingTo output: inout [UInt8]
  ) {
    precondition(key.count == 32)
    append(plaintext.count + tagBytes, to: &output) { out in
      withUnsafeBytes(of: nonce.words) { nonce in
        key.withBytes { key in
          crypto_aead_chacha20poly1305_ietf_encrypt(
            out, nil, plaintext.pointer, UInt64(plaintext.count), associated.pointer, UInt64(associated.count), nil,
            nonce.pointer, key.pointer) == 0
        }
      }
    }
  }

  /// Appends the plain text. False, with `output` as it was, if the text was not sealed with this key, nonce and
  /// associated data.
  public static func open(
    _ sealed: UnsafeRawBufferPointer, key: SecretBytes, nonce: Nonce96,
    authenticating associated: UnsafeRawBufferPointer, appendingTo output: inout [UInt8]
  ) -> Bool {
    precondition(key.count == 32)
    guard sealed.count >= tagBytes else { return false }
    return append(sealed.count - tagBytes, to: &output) { out in
      withUnsafeBytes(of: nonce.words) { nonce in
        key.withBytes { key in
          crypto_aead_chacha20poly1305_ietf_decrypt(
            out, nil, nil, sealed.pointer, UInt64(sealed.count), associated.pointer, UInt64(associated.count),
            nonce.pointer, key.pointer) == 0
        }
      }
    }
  }

  /// ChaCha20-Poly1305 of an array.
  public static func seal(
    _ plaintext: [UInt8], key: SecretBytes, nonce: Nonce96, authenticating associated: [UInt8] = []
  ) -> [UInt8] {
    var output: [UInt8] = []
    plaintext.withUnsafeBytes { plaintext in
      associated.withUnsafeBytes { associated in
        seal(plaintext, key: key, nonce: nonce, authenticating: associated, appendingTo: &output)
      }
    }
    return output
  }

  /// Nil if the text was not sealed with this key, nonce and associated data.
  public static func open(
    _ sealed: [UInt8], key: SecretBytes, nonce: Nonce96, authenticating associated: [UInt8] = []
  ) -> [UInt8]? {
    var output: [UInt8] = []
    let opened = sealed.withUnsafeBytes { sealed in
      associated.withUnsafeBytes { associated in
        open(sealed, key: key, nonce: nonce, authenticating: associated, appendingTo: &output)
      }
    }
    return opened ? output : nil
  }

  /// The key that follows `key` by the Noise framework's `REKEY`, revision 34, section 4.2: the first 32 bytes of 32
  /// zero bytes sealed with the largest nonce.
  public static func successor(of key: SecretBytes) -> SecretBytes {
    precondition(key.count == 32)
    Sodium.start()
    let sealed = SecretBytes(count: 32 + tagBytes) { out in
      withUnsafeBytes(of: Nonce96(counter: .max).words) { nonce in
        key.withBytes { key in
          // In place: the buffer holds the zero bytes already.
          _ = crypto_aead_chacha20poly1305_ietf_encrypt(
            out.pointer, nil, out.pointer, 32, nil, 0, nil, nonce.pointer, key.pointer)
        }
      }
    }
    return sealed.prefix(32)
  }

  /// XChaCha20-Poly1305 of a secret. `nonce` has `extendedNonceBytes`, by the caller's own making.
  public static func sealExtended(
    _ plaintext: UnsafeRawBufferPointer, key: SecretBytes, nonce: [UInt8], authenticating associated: [UInt8] = []
  ) -> [UInt8] {
    precondition(key.count == 32 && nonce.count == extendedNonceBytes)
    var output: [UInt8] = []
    append(plaintext.count + tagBytes, to: &output) { out in
      key.withBytes { key in
        crypto_aead_xchacha20poly1305_ietf_encrypt(
          out, nil, plaintext.pointer, UInt64(plaintext.count), associated, UInt64(associated.count), nil, nonce,
          key.pointer) == 0
      }
    }
    return output
  }

  /// The secret, in protected memory. Nil if the nonce has another length or the text was not sealed with this key,
  /// nonce and associated data.
  public static func openExtended(
    _ sealed: [UInt8], key: SecretBytes, nonce: [UInt8], authenticating associated: [UInt8] = []
  ) -> SecretBytes? {
    precondition(key.count == 32)
    guard nonce.count == extendedNonceBytes, sealed.count >= tagBytes else { return nil }
    Sodium.start()
    var opened = false
    let secret = SecretBytes(count: sealed.count - tagBytes) { out in
      key.withBytes { key in
        opened =
          crypto_aead_xchacha20poly1305_ietf_decrypt(
            out.pointer, nil, nil, sealed, UInt64(sealed.count), associated,
            UInt64(associated.count), nonce, key.pointer) == 0
      }
    }
    return opened ? secret : nil
  }

  /// Grows `output` by `count` bytes for `body` to write; takes them back if it says false.
  @discardableResult
  private static func append(
    _ count: Int, to output: inout [UInt8], _ body: (UnsafeMutablePointer<UInt8>) -> Bool
  ) -> Bool {
    Sodium.start()
    let start = output.count
    output.append(contentsOf: repeatElement(0, count: max(count, 1)))
    let done = output.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return false }
      return body(base + start)
    }
    output.removeLast(done ? max(count, 1) - count : max(count, 1))
    return done
  }
}
