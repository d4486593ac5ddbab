// Key files: an Ed25519 seed, sealed under a password (Argon2id, XChaCha20-Poly1305) or, for test networks, in the
// clear. A short text of `name = value` lines, so that people see what they hold.

public import Primitives
public import Sodium

/// What a key file says, before any password.
public struct KeyFile: Sendable {
  public enum Secret: Sendable {
    case clear(SecretBytes)
    case sealed(SealedSeed)
  }

  public var name: String
  public var publicKey: PublicKey
  public var secret: Secret

  public var isEncrypted: Bool {
    if case .sealed = secret { true } else { false }
  }

  /// Largest file that is read.
  static let fileLimit = 16 << 10
  static let format = "novation-key-1"

  /// Letters, digits, '.', '-' and '_', not starting with '.': safe as a file name everywhere.
  public static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
        default: false
        }
      }
  }

  /// An unencrypted file: for test networks only, and the file says so.
  public static func clear(_ key: SigningKey, name: String) -> KeyFile {
    KeyFile(name: name, publicKey: key.publicKey, secret: .clear(key.withSeed { SecretBytes(copying: $0) }))
  }

  /// A file sealed under a password. Takes about a second with the default cost.
  public static func sealed(
    _ key: SigningKey, name: String, password: SecretBytes, cost: SealedSeed.Cost = .standard
  ) throws(KeyError) -> KeyFile {
    let salt = SecureRandom.bytes(PasswordHash.saltBytes)
    let nonce = SecureRandom.bytes(AEAD.extendedNonceBytes)
    var seed = SealedSeed(cost: cost, salt: salt, nonce: nonce, ciphertext: [])
    guard
      let wrapping = PasswordHash.derive(
        password: password, salt: salt, opsLimit: cost.operations, memLimit: cost.memory)
    else { throw KeyError("not enough memory to encrypt the key", hint: "\(cost.memory >> 20) MiB are needed") }
    let context = seed.context(name: name, publicKey: key.publicKey)
    seed.ciphertext = key.withSeed { AEAD.sealExtended($0, key: wrapping, nonce: nonce, authenticating: context) }
    return KeyFile(name: name, publicKey: key.publicKey, secret: .sealed(seed))
  }

  /// The key. `password` is asked only of an encrypted file. Refused if the secret does not belong to the public key.
  public func open(password: () throws(KeyError) -> SecretBytes) throws(KeyError) -> SigningKey {
    let seed: SecretBytes
    switch secret {
    case .clear(let bytes): seed = bytes
    case .sealed(let sealed): seed = try sealed.open(name: name, publicKey: publicKey, password: password())
    }
    guard let key = SigningKey(seed: seed), key.publicKey == publicKey else {
      throw KeyError(
        "key \"\(name)\" is damaged: its secret does not belong to its public key", hint: "use a backup of the file")
    }
    return key
  }
}

/// A 32-byte seed under a password.
public struct SealedSeed: Sendable, Equatable {
  public struct Cost: Sendable, Equatable {
    public var operations: UInt64
    /// Bytes.
    public var memory: Int

    public init(operations: UInt64, memory: Int) {
      self.operations = operations
      self.memory = memory
    }

    public static let standard = Cost(operations: PasswordHash.opsLimit, memory: PasswordHash.memLimit)
  }

  var cost: Cost
  var salt: [UInt8]
  var nonce: [UInt8]
  var ciphertext: [UInt8]

  /// What the seal vouches for besides the seed: a file cannot be renamed or given another public key unnoticed.
  func context(name: String, publicKey: PublicKey) -> [UInt8] {
    Array("\(KeyFile.format)/\(name)/\(publicKey.hex)/\(cost.operations)/\(cost.memory)".utf8)
  }

  func open(name: String, publicKey: PublicKey, password: SecretBytes) throws(KeyError) -> SecretBytes {
    guard
      let wrapping = PasswordHash.derive(
        password: password, salt: salt, opsLimit: cost.operations, memLimit: cost.memory)
    else { throw KeyError("not enough memory to decrypt key \"\(name)\"", hint: "\(cost.memory >> 20) MiB are needed") }
    guard
      let seed = AEAD.openExtended(
        ciphertext, key: wrapping, nonce: nonce, authenticating: context(name: name, publicKey: publicKey))
    else {
      throw KeyError(
        "key \"\(name)\" does not open: wrong password, or the file was changed",
        hint: "try again, or use a backup of the file")
    }
    return seed
  }
}
