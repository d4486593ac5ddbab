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

/// HKDF of the Noise framework over HMAC-BLAKE2b.
public enum NoiseHKDF {
  /// Two or three secrets of up to 64 bytes, as many as `lengths` has entries: the framework's outputs in order, each
  /// cut to its length. What lies between stays on the stack and is wiped, as protected memory takes tens of
  /// microseconds to set up.
  public static func derive(
    chainingKey: SecretBytes, input: UnsafeRawBufferPointer, lengths: [Int]
  ) -> [SecretBytes] {
    precondition((2...3).contains(lengths.count) && lengths.allSatisfy { (0...HMACBlake2b.tagBytes).contains($0) })
    let size = HMACBlake2b.tagBytes
    return withUnsafeTemporaryAllocation(byteCount: 2 * size, alignment: 8) { scratch in
      let extracted = UnsafeMutableRawBufferPointer(rebasing: scratch[..<size])
      let output = UnsafeMutableRawBufferPointer(rebasing: scratch[size...])
      chainingKey.withBytes { HMACBlake2b.authenticate(key: $0, input, into: extracted) }
      var secrets: [SecretBytes] = []
      var counter: UInt8 = 0
      for length in lengths {
        counter += 1
        expand(UnsafeRawBufferPointer(extracted), counter: counter, output)
        secrets.append(SecretBytes(copying: UnsafeRawBufferPointer(rebasing: output[..<length])))
      }
      sodium_memzero(scratch.pointer, scratch.count)
      return secrets
    }
  }

  /// Replaces the previous output, if there is one, by the next.
  private static func expand(
    _ key: UnsafeRawBufferPointer, counter: UInt8, _ output: UnsafeMutableRawBufferPointer
  ) {
    let previous = UnsafeRawBufferPointer(rebasing: output[..<(counter == 1 ? 0 : output.count)])
    withUnsafeBytes(of: counter) { counter in
      // The previous output is read whole before the new one is written.
      HMACBlake2b.authenticate(key: key, previous, counter, into: output)
    }
  }
}
