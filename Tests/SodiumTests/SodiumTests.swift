// Known answers of RFC 7693 and RFC 8032.

import Primitives
import Sodium
import Testing

@Suite struct SodiumTests {
  @Test func blake2b512OfRFC7693() {
    let expected =
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
      + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    #expect(Hex.encode(Blake2b.hash64(Array("abc".utf8))) == expected)
  }

  @Test func ed25519OfRFC8032() throws {
    let seed = try #require(Hex.decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    let key = try #require(SigningKey(seed: seed))
    #expect(key.publicKey.hex == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    let signature = key.sign([])
    #expect(
      signature.hex
        == "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        + "d25bf5f0595bbe24655141438e7a100b")
    #expect(Ed25519.verify(signature, [], by: key.publicKey))
    #expect(!Ed25519.verify(signature, [0], by: key.publicKey))
  }
}
