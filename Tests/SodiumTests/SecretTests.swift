// Secret memory, authenticated encryption and password hashing.

import Primitives
import Sodium
import Testing

@Suite struct SecretTests {
  static func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

  static let text = Array(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
      .utf8)
  static let key = SecretBytes(copying: Array(0x80...0x9f))

  @Test func secretsHaveNoTextualForm() throws {
    let secret = SecretBytes(copying: Array("hunter2".utf8))
    let key = try #require(SigningKey(seed: [UInt8](repeating: 0x41, count: 32)))
    let agreement = key.agreementKey()
    var dumped = ""
    dump(secret, to: &dumped)
    dump(key, to: &dumped)
    dump(agreement, to: &dumped)
    let shown = "\(secret) \(String(reflecting: secret)) \(key) \(String(reflecting: key)) \(agreement) " + dumped
    #expect(shown.contains("secret(7 bytes)"))
    #expect(!shown.contains("hunter2") && !shown.contains("4141") && !shown.contains("65, 65"))
  }

  @Test func secretsHoldTheirBytes() {
    #expect(SecretBytes(count: 0).count == 0)
    #expect(SecretBytes(copying: []).withBytes { $0.count } == 0)
    #expect(SecretBytes(count: 5).withBytes { Array($0) } == [0, 0, 0, 0, 0])
    let secret = SecretBytes(copying: Array(1...200))
    #expect(secret.withBytes { Array($0) } == Array(1...200))
    #expect(secret.prefix(3).withBytes { Array($0) } == [1, 2, 3])
    #expect(secret.isEqual(to: SecretBytes(copying: Array(1...200))))
    #expect(!secret.isEqual(to: secret.prefix(199)))
    #expect(!SecretBytes(count: 3).isEqual(to: secret.prefix(3)))
    #expect(!SecretBytes.random(32).isEqual(to: .random(32)))
  }

  /// RFC 8439, section 2.8.2.
  @Test func chaCha20Poly1305OfRFC8439() throws {
    let nonce = try #require(Nonce96(try Self.bytes("070000004041424344454647")))
    let associated = try Self.bytes("50515253c0c1c2c3c4c5c6c7")
    let sealed = AEAD.seal(Self.text, key: Self.key, nonce: nonce, authenticating: associated)
    let expected =
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
      + "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
      + "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
    #expect(Hex.encode(sealed) == expected)
    #expect(AEAD.open(sealed, key: Self.key, nonce: nonce, authenticating: associated) == Self.text)
  }

  @Test func everythingSealedIsBound() throws {
    let nonce = Nonce96(counter: 0x0102_0304_0506_0708)
    #expect(nonce == Nonce96([0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]))
    #expect(Nonce96([1, 2, 3]) == nil)
    let sealed = AEAD.seal([1, 2, 3], key: Self.key, nonce: nonce, authenticating: [9])
    #expect(AEAD.open(sealed, key: Self.key, nonce: nonce, authenticating: [9]) == [1, 2, 3])
    #expect(AEAD.open(sealed, key: Self.key, nonce: nonce, authenticating: []) == nil)
    #expect(AEAD.open(sealed, key: Self.key, nonce: Nonce96(counter: 1), authenticating: [9]) == nil)
    #expect(AEAD.open(sealed, key: SecretBytes(count: 32), nonce: nonce, authenticating: [9]) == nil)
    for index in sealed.indices {
      var tampered = sealed
      tampered[index] ^= 1
      #expect(AEAD.open(tampered, key: Self.key, nonce: nonce, authenticating: [9]) == nil)
      #expect(AEAD.open(Array(sealed.prefix(index)), key: Self.key, nonce: nonce, authenticating: [9]) == nil)
    }
    let empty = AEAD.seal([], key: Self.key, nonce: nonce)
    #expect(empty.count == AEAD.tagBytes && AEAD.open(empty, key: Self.key, nonce: nonce) == [])
  }

  /// What was in the output stays, whether the text opens or not.
  @Test func outputIsAppendedTo() {
    let sealed = AEAD.seal([1, 2], key: Self.key, nonce: Nonce96(counter: 0))
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    var output: [UInt8] = [7]
    for (counter, expected) in [(UInt64(1), [UInt8(7)]), (0, [7, 1, 2])] {
      let opened = sealed.withUnsafeBytes {
        AEAD.open(
          $0, key: Self.key, nonce: Nonce96(counter: counter), authenticating: nothing, appendingTo: &output)
      }
      #expect(opened == (counter == 0) && output == expected)
    }
  }

  @Test func theSuccessorIsNoisesRekey() throws {
    let zeros = [UInt8](repeating: 0, count: 32)
    let sealed = AEAD.seal(zeros, key: Self.key, nonce: Nonce96(counter: .max))
    #expect(AEAD.successor(of: Self.key).withBytes { Array($0) } == Array(sealed.prefix(32)))
  }

  /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
  @Test func xChaCha20Poly1305OfTheDraft() throws {
    let nonce: [UInt8] = Array(0x40...0x57)
    let associated = try Self.bytes("50515253c0c1c2c3c4c5c6c7")
    let secret = SecretBytes(copying: Self.text)
    let sealed = secret.withBytes {
      AEAD.sealExtended($0, key: Self.key, nonce: nonce, authenticating: associated)
    }
    let expected =
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
      + "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
      + "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
    #expect(Hex.encode(sealed) == expected)
    let opened = try #require(AEAD.openExtended(sealed, key: Self.key, nonce: nonce, authenticating: associated))
    #expect(opened.isEqual(to: secret))
    #expect(AEAD.openExtended(sealed, key: Self.key, nonce: nonce) == nil)
    #expect(AEAD.openExtended(sealed, key: Self.key, nonce: [1], authenticating: associated) == nil)
    #expect(AEAD.openExtended([1, 2], key: Self.key, nonce: nonce) == nil)
    for index in sealed.indices {
      var tampered = sealed
      tampered[index] ^= 1
      #expect(AEAD.openExtended(tampered, key: Self.key, nonce: nonce, authenticating: associated) == nil)
    }
  }

  /// Computed with OpenSSL's Argon2id: one lane, two passes, 64 KiB.
  @Test func argon2id() throws {
    let password = SecretBytes(copying: Array("password".utf8))
    let salt = Array("somesaltsomesalt".utf8)
    let key = try #require(PasswordHash.derive(password: password, salt: salt, opsLimit: 2, memLimit: 65_536))
    #expect(key.withBytes { Hex.encode($0) } == "1a98fba8e6394425c9bdc333a9c750aaf811df070f5fb4a5788e1cf4db5793a1")
    #expect(PasswordHash.derive(password: password, salt: [1], opsLimit: 2, memLimit: 65_536) == nil)
    #expect(PasswordHash.derive(password: password, salt: salt, opsLimit: 0, memLimit: 65_536) == nil)
    #expect(PasswordHash.derive(password: password, salt: salt, opsLimit: .max, memLimit: 65_536) == nil)
    #expect(PasswordHash.derive(password: password, salt: salt, opsLimit: 2, memLimit: 1) == nil)
    #expect(PasswordHash.derive(password: password, salt: salt, opsLimit: 2, memLimit: .max) == nil)
    #expect(PasswordHash.derive(password: password, salt: salt, opsLimit: 2, memLimit: -1) == nil)
    let none = try #require(
      PasswordHash.derive(password: SecretBytes(count: 0), salt: salt, opsLimit: 1, memLimit: 8_192))
    #expect(!none.isEqual(to: key))
  }
}
