// Hashes against RFC 7693 and values computed with Python's hashlib and hmac.

import Primitives
import Sodium
import Testing

@Suite struct HashTests {
  @Test func blake2bOfKnownInputs() {
    let expected =
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
      + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    #expect(Hex.encode(Blake2b.hash64(Array("abc".utf8))) == expected)
    #expect(
      Blake2b.hash(Array("abc".utf8)).hex == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
    #expect(Blake2b.hash([]).hex == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    #expect(Blake2b.hash(nothing) == Blake2b.hash([]))
  }

  @Test func domainsSeparate() {
    let parts: [[UInt8]] = [[], Array("ab".utf8), Array(0..<200)]
    let hash = Blake2b.hash(domain: "novation/test/v1", parts[0], parts[1], parts[2])
    #expect(hash.hex == "fb67ccaad273408eb413929b946bd49c194fe1556b7329284f0f8d39a5b70534")
    let others = [
      Blake2b.hash(domain: "novation/test/v2", parts[0], parts[1], parts[2]),
      Blake2b.hash(domain: "novation/test/v1", parts[1], parts[0], parts[2]),
      Blake2b.hash(domain: "novation/test/v1", parts[1], parts[2]),
      Blake2b.hash(domain: "novation/test/v1", Array("a".utf8), Array("b".utf8), parts[2]),
      Blake2b.hash(domain: "novation/test/v1", parts[0], Array("ab".utf8) + Array(0..<200)),
      Blake2b.hash(domain: "", parts[0], parts[1], parts[2]),
    ]
    #expect(Set(others + [hash]).count == others.count + 1)
  }

  @Test func aPairIsTagAndBothDigests() throws {
    let (a, b) = (try #require(Digest(0..<32)), try #require(Digest(32..<64)))
    let hash = Blake2b.hashPair(tag: 5, a, b)
    #expect(hash.hex == "93e9f12753734d236e2dde9b9c8ad3800d67bcc6f06f3bd421c06fc71298c876")
    #expect(hash == Blake2b.hash([5] + a.bytes + b.bytes))
    #expect(hash != Blake2b.hashPair(tag: 6, a, b) && hash != Blake2b.hashPair(tag: 5, b, a))
  }

  @Test func streamsHashWhatTheyAreGiven() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<200 {
      let whole = (0..<random.below(700)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      var stream = Blake2bStream()
      var rest = whole[...]
      while !rest.isEmpty {
        let piece = rest.prefix(1 + Int(random.below(200)))
        rest = rest.dropFirst(piece.count)
        stream.update(Array(piece))
      }
      var copy = stream
      #expect(stream.finish() == Blake2b.hash(whole))
      copy.update(UInt8(9))
      copy.update(Digest.zero)
      #expect(copy.finish() == Blake2b.hash(whole + [9] + [UInt8](repeating: 0, count: 32)))
    }
  }

  @Test func hmacIsThatOfRFC2104() {
    let cases: [([UInt8], [UInt8], String)] = [
      (
        Array("key".utf8), Array("message".utf8),
        "04e9ada930688cde75eec939782eed653073dd621d7643f813702976257cf037"
          + "d325b50eedd417c01b6ad1f978fbe2980a93d27d854044e8626df6fa279d6680"
      ),
      (
        Array(0..<128), [],
        "e79ec585fc83408cd654da61cc87457edd77cae194e6e4727420fa21a001229e"
          + "d67f1fb7bb03effaaaec05d2d7902f98bfad11da65b4c08d197eefa96f314b31"
      ),
      (
        Array(0..<200), [UInt8](repeating: 0x78, count: 300),
        "f68aacf1cf1f840572d05491582f786c3196c66994f3f409c60765cb157b3e28"
          + "b0bcb1172074c9a423378f4760b24199ed5de50bc2e8c7c2e18f50a11759d0be"
      ),
    ]
    for (key, message, expected) in cases {
      #expect(Hex.encode(HMACBlake2b.authenticate(key: key, message)) == expected)
    }
  }

  @Test func noiseKeyDerivation() {
    let expected = [
      "12c4352c487964a39209817dc1f3a007a0d46ca33334d4a860fd773ac5dc462c"
        + "37dfeaa45b8b38a14b7f416a9107ea18e15700c2de4a105e6607be1964ce0184",
      "c9b08b41c790d5ccfb34c7575440ff38aa6daebdf57cc8caf802d7588be685b1"
        + "03a8b67a866c7193734491c3f6ca839d82f80844f7ee827c8db71540f039c317",
      "9dbe15e48d63a2eab2013bb3f6674837d44c26103a1e4c7ebf47d02803253bf8"
        + "4f4119b1057ca2466bfb9798956c66ab1cf32df742fc2b011d1b5c0cfd684f78",
    ]
    let chainingKey = SecretBytes(copying: [UInt8](repeating: 1, count: 64))
    let input = [UInt8](repeating: 2, count: 32)
    let derive = { (lengths: [Int]) in
      input.withUnsafeBytes { NoiseHKDF.derive(chainingKey: chainingKey, input: $0, lengths: lengths) }
        .map { $0.withBytes { Hex.encode($0) } }
    }
    #expect(derive([64, 64, 64]) == expected)
    #expect(derive([64, 64]) == Array(expected.prefix(2)))
    #expect(derive([0, 64, 32]) == ["", expected[1], String(expected[2].prefix(64))])
  }
}
