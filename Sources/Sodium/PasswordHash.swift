// Keys from passwords by Argon2id (RFC 9106), for key files.

import CSodium

public enum PasswordHash {
  public static let saltBytes = 16
  /// Costs a new key file uses: libsodium's "moderate" setting, about a second and 256 MiB.
  public static let opsLimit: UInt64 = 3
  public static let memLimit = 256 << 20
  /// Costs that a key file from elsewhere may ask for at most.
  public static let opsLimitMax: UInt64 = 16
  public static let memLimitMax = 1 << 30

  /// 32 bytes. `memLimit` is in bytes. Nil if the salt has not 16 bytes, a cost is outside what Argon2id and the
  /// maxima above allow, or there is not enough memory.
  public static func derive(
    password: SecretBytes, salt: [UInt8], opsLimit: UInt64 = opsLimit, memLimit: Int = memLimit
  ) -> SecretBytes? {
    guard salt.count == saltBytes, (1...opsLimitMax).contains(opsLimit), (8192...memLimitMax).contains(memLimit)
    else { return nil }
    Sodium.start()
    var status: Int32 = -1
    let key = SecretBytes(count: 32) { key in
      password.withBytes { password in
        status = crypto_pwhash_argon2id(
          key.pointer, UInt64(key.count),
          UnsafeRawPointer(password.pointer).assumingMemoryBound(to: CChar.self), UInt64(password.count), salt,
          opsLimit, memLimit,
          crypto_pwhash_argon2id_ALG_ARGON2ID13)
      }
    }
    return status == 0 ? key : nil
  }
}
