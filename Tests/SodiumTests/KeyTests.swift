// Signatures and key agreement against RFC 8032 and RFC 7748, and against keys and signatures meant to deceive.

import Primitives
import Sodium
import Testing

@Suite struct KeyTests {
  static func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

  struct Known: Sendable {
    let seed, key, message, signature: String
  }

  /// RFC 8032, section 7.1, tests 1 to 3.
  static let known = [
    Known(
      seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", message: "",
      signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        + "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    Known(
      seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", message: "72",
      signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    Known(
      seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", message: "af82",
      signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
  ]

  @Test(arguments: known) func ed25519OfRFC8032(_ known: Known) throws {
    let seed = try Self.bytes(known.seed)
    let key = try #require(SigningKey(seed: seed))
    #expect(key.publicKey.hex == known.key)
    let message = try Self.bytes(known.message)
    let signature = key.sign(message)
    #expect(signature.hex == known.signature)
    #expect(Ed25519.verify(signature, message, by: key.publicKey))
    #expect(key.withSeed { Array($0) } == seed)
    #expect(try #require(SigningKey(seed: SecretBytes(copying: seed))).publicKey == key.publicKey)
  }

  @Test func everyBitOfASignatureMatters() throws {
    let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
    let message: [UInt8] = [1, 2, 3]
    let signature = key.sign(message)
    for bit in 0..<512 {
      var bytes = signature.bytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!Ed25519.verify(try #require(Signature(bytes)), message, by: key.publicKey), "bit \(bit)")
    }
    for bit in 0..<256 {
      var bytes = key.publicKey.bytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!Ed25519.verify(signature, message, by: try #require(PublicKey(bytes))), "bit \(bit)")
    }
    #expect(!Ed25519.verify(signature, [1, 2], by: key.publicKey))
    #expect(!Ed25519.verify(.zero, message, by: key.publicKey))
    #expect(!Ed25519.verify(signature, message, by: .zero))
  }

  /// S + L passes the equation of verification too; accepting it would let anyone change a signature's bytes.
  @Test func signaturesAreNotMalleable() throws {
    let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
    let signature = key.sign([7])
    let order = try Self.bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
    var carry: UInt16 = 0
    let sum = zip(signature.s.bytes, order).map { s, l in
      carry = carry >> 8 + UInt16(s) + UInt16(l)
      return UInt8(carry & 0xff)
    }
    let twin = Signature(r: signature.r, s: try #require(Bytes32<SignatureTag>(sum)))
    #expect(carry >> 8 == 0 && Ed25519.verify(signature, [7], by: key.publicKey))
    #expect(!Ed25519.verify(twin, [7], by: key.publicKey))
  }

  /// Under a key of small order one signature would hold for many messages.
  @Test(arguments: [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  ]) func keysOfSmallOrderVerifyNothing(_ hex: String) throws {
    let weak = try #require(PublicKey(hex: hex))
    // R = A or the neutral element and S = 0 solve the equation for an eighth or more of all messages.
    let neutral = try #require(Bytes32<SignatureTag>([1] + [UInt8](repeating: 0, count: 31)))
    let same = try #require(Bytes32<SignatureTag>(weak.bytes))
    for message in UInt8(0)..<64 {
      #expect(!Ed25519.verify(Signature(r: neutral, s: .zero), [message], by: weak))
      #expect(!Ed25519.verify(Signature(r: same, s: .zero), [message], by: weak))
    }
    #expect(Ed25519.agreementKey(of: weak) == nil)
  }

  @Test func seedsOfOtherLengthsAreNoKeys() {
    for count in [0, 1, 31, 33, 64] {
      let bytes = [UInt8](repeating: 1, count: count)
      #expect(SigningKey(seed: bytes) == nil)
      #expect(SigningKey(seed: SecretBytes(copying: bytes)) == nil)
      #expect(AgreementKey(bytes) == nil)
      #expect(AgreementKey(SecretBytes(copying: bytes)) == nil)
    }
  }

  /// RFC 7748, section 6.1.
  @Test func x25519OfRFC7748() throws {
    let bob = try Self.bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    let key = try #require(AgreementKey(bob))
    #expect(key.publicKey.hex == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    let other = try #require(
      AgreementPublicKey(hex: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
    let shared = try #require(key.agree(with: other))
    #expect(
      shared.withBytes { Hex.encode($0) } == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
  }

  @Test func anIdentitySignsAndAgrees() throws {
    let a = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
    let b = try #require(SigningKey(seed: [UInt8](repeating: 2, count: 32)))
    #expect(Ed25519.agreementKey(of: a.publicKey) == a.agreementKey().publicKey)
    let ab = try #require(a.agreementKey().agree(with: b.agreementKey().publicKey))
    let ba = try #require(b.agreementKey().agree(with: a.agreementKey().publicKey))
    #expect(ab.isEqual(to: ba))
    #expect(a.agreementKey().agree(with: .zero) == nil)
  }

  @Test func generatedKeysDiffer() {
    #expect(SigningKey.generate().publicKey != SigningKey.generate().publicKey)
    #expect(AgreementKey.generate().publicKey != AgreementKey.generate().publicKey)
    #expect(SecureRandom.bytes(16) != SecureRandom.bytes(16))
    #expect(SecureRandom.uint64() != SecureRandom.uint64())
    #expect(SecureRandom.bytes(0).isEmpty)
  }

  @Test func signersSignByTheirScheme() throws {
    let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
    let stand = try #require(PublicKey([UInt8](repeating: 7, count: 32)))
    let message = Array("message".utf8)
    for signer in [Signer.ed25519(key), .standIn(stand)] {
      let signature = signer.sign(message)
      #expect(signer.scheme.verify(signature, message, by: signer.publicKey))
      #expect(!signer.scheme.verify(signature, message + [0], by: signer.publicKey))
      #expect(!signer.scheme.verify(signature, message, by: .zero))
      #expect(!signer.scheme.verify(.zero, message, by: signer.publicKey))
    }
    #expect(
      Signer.standIn(stand).sign(message).hex
        == "92531ddcd79c786bd6e0c3ec3b8e55861bcd6b572ca2e89c444c449383afc9b5"
        + "bc5b8e334e1035d6bf71490e64444f8a49ea55dbe976901933d4b4c98e4c1cbb")
    #expect(!SignatureScheme.ed25519.verify(Signer.standIn(stand).sign(message), message, by: stand))
  }
}
