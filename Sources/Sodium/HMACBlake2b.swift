// HMAC (RFC 2104) over unkeyed BLAKE2b-512, and the key derivation the Noise framework builds on it (revision 34,
// section 4.3). Not BLAKE2b's own keyed mode, which Noise does not use.

import CSodium

public enum HMACBlake2b {
  public static let tagBytes = 64
  private static let blockBytes = 128

  /// HMAC-BLAKE2b-512 of the pieces in order, into `output`, which has 64 bytes.
  public static func authenticate(
    key: UnsafeRawBufferPointer, _ first: UnsafeRawBufferPointer,
    _ second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    into output: UnsafeMutableRawBufferPointer
  ) {
    precondition(output.count == tagBytes)
    withUnsafeTemporaryAllocation(byteCount: blockBytes + tagBytes, alignment: 8) { scratch in
      let block = UnsafeMutableRawBufferPointer(rebasing: scratch[..<blockBytes])
      let inner = UnsafeMutableRawBufferPointer(rebasing: scratch[blockBytes...])
      fill(block, with: key)
      for index in block.indices { block[index] ^= 0x36 }
      hash(UnsafeRawBufferPointer(block), first, second, into: inner)
      for index in block.indices { block[index] ^= 0x36 ^ 0x5c }
      hash(UnsafeRawBufferPointer(block), UnsafeRawBufferPointer(inner), nil, into: output)
      if let base = scratch.baseAddress { sodium_memzero(base, scratch.count) }
    }
  }

  /// HMAC-BLAKE2b-512: 64 bytes.
  public static func authenticate(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: tagBytes)
    output.withUnsafeMutableBytes { output in
      key.withUnsafeBytes { key in
        message.withUnsafeBytes { message in authenticate(key: key, message, into: output) }
      }
    }
    return output
  }

  /// The key padded with zeros to a block; a longer key is hashed first.
  private static func fill(_ block: UnsafeMutableRawBufferPointer, with key: UnsafeRawBufferPointer) {
    if let base = block.baseAddress { sodium_memzero(base, block.count) }
    if key.count <= blockBytes {
      block.copyMemory(from: key)
    } else {
      hash(key, nil, nil, into: UnsafeMutableRawBufferPointer(rebasing: block[..<tagBytes]))
    }
  }

  private static func hash(
    _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer?, _ c: UnsafeRawBufferPointer?,
    into output: UnsafeMutableRawBufferPointer
  ) {
    var stream = Blake2bStream(outputLength: tagBytes)
    stream.update(a)
    if let b { stream.update(b) }
    if let c { stream.update(c) }
    stream.finish(into: output)
    stream.wipe()
  }
}

/// HKDF of the Noise framework over HMAC-BLAKE2b. Every output has 64 bytes.
public enum NoiseHKDF {
  public static func derive2(
    chainingKey: SecretBytes, input: UnsafeRawBufferPointer
  ) -> (SecretBytes, SecretBytes) {
    let temporary = extract(chainingKey, input)
    let first = expand(temporary, after: nil, counter: 1)
    return (first, expand(temporary, after: first, counter: 2))
  }

  public static func derive3(
    chainingKey: SecretBytes, input: UnsafeRawBufferPointer
  ) -> (SecretBytes, SecretBytes, SecretBytes) {
    let temporary = extract(chainingKey, input)
    let first = expand(temporary, after: nil, counter: 1)
    let second = expand(temporary, after: first, counter: 2)
    return (first, second, expand(temporary, after: second, counter: 3))
  }

  private static func extract(_ chainingKey: SecretBytes, _ input: UnsafeRawBufferPointer) -> SecretBytes {
    SecretBytes(count: HMACBlake2b.tagBytes) { output in
      chainingKey.withBytes { HMACBlake2b.authenticate(key: $0, input, into: output) }
    }
  }

  private static func expand(_ key: SecretBytes, after previous: SecretBytes?, counter: UInt8) -> SecretBytes {
    SecretBytes(count: HMACBlake2b.tagBytes) { output in
      key.withBytes { key in
        withUnsafeBytes(of: counter) { counter in
          guard let previous else { return HMACBlake2b.authenticate(key: key, counter, into: output) }
          previous.withBytes { HMACBlake2b.authenticate(key: key, $0, counter, into: output) }
        }
      }
    }
  }
}
