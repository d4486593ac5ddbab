// What a validator keeps secret between its starts besides its identity: shares of the group key, sealed under a key that
// only the identity opens. Lies in the home, outside the ledger, so no backup of the ledger holds it.

import Primitives
import Sodium
import Threshold

struct SecretsFile {
  static let name = "shares"
  private static let limit = 64 << 10
  private static let magic = Array("novation-shares/1\n".utf8)

  let path: String
  private let key: SecretBytes
  private let context: [UInt8]

  init(home: String, identity: SigningKey, chain: Digest) {
    path = home + "/" + Self.name
    key = identity.withSeed { SecretBytes(copying: $0) }.derived("novation/shares-file/v1", counter: 0)
    context = chain.bytes
  }

  /// What was kept; nothing where there is no file. A damaged one is refused: the validator could go on without its
  /// share, but somebody should know why it lost it.
  func load() throws -> ShareKeeper {
    guard FileAccess.exists(path) else { return ShareKeeper() }
    let bytes = try FileAccess.read(path, limit: Self.limit)
    let body = Array(bytes.dropFirst(Self.magic.count))
    guard bytes.starts(with: Self.magic), body.count > AEAD.extendedNonceBytes,
      let contents = AEAD.openExtended(
        Array(body.dropFirst(AEAD.extendedNonceBytes)), key: key, nonce: Array(body.prefix(AEAD.extendedNonceBytes)),
        authenticating: context),
      let keeper = ShareKeeper(contents: contents)
    else {
      throw NodeError(
        "\(path) is damaged, or of another identity or chain; move it away, and the validator gets a new share at the next epoch"
      )
    }
    return keeper
  }

  /// Durable when this returns.
  func save(_ contents: SecretBytes) throws {
    let nonce = SecureRandom.bytes(AEAD.extendedNonceBytes)
    let sealed = contents.withBytes { AEAD.sealExtended($0, key: key, nonce: nonce, authenticating: context) }
    try FileAccess.write(Self.magic + nonce + sealed, to: path, mode: 0o600)
  }
}
