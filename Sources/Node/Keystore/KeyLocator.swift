// Which key file a person means by "alice", "keys/alice.key" or "credential:trader", and whose account a name is.

import Clearing
public import Primitives

public struct KeyLocator: Sendable {
  /// Searched in this order.
  public let keystores: [Keystore]

  /// Looks in the key directory of the devnet that the socket belongs to (`D/nodeN/novation.sock` has `D/keys`), then
  /// in `keystore`.
  public init(socket: String?, keystore: Keystore = .standard) {
    guard let socket else {
      keystores = [keystore]
      return
    }
    let network = FilePaths.directory(of: FilePaths.directory(of: FilePaths.absolute(socket)))
    keystores = [Keystore(directory: network + "/keys"), keystore]
  }

  /// The file of a path (anything with "/" or ending in ".key"), a credential, or a name in a keystore.
  public func load(_ text: String) throws(KeyError) -> LoadedKeyFile {
    guard let source = SecretSource(text) else { throw KeyError("\"\(printable(text))\" is no path or name of a key") }
    if case .path(let path) = source, !path.contains("/"), !path.hasSuffix(".key") {
      guard KeyFile.isName(path), let store = keystores.first(where: { FileAccess.exists($0.path(of: path)) }) else {
        throw KeyError(
          "there is no key named \"\(printable(path))\" in \(keystores.map(\.directory).joined(separator: " or "))",
          hint: "see `novation key list`, or give the path of a key file")
      }
      return try store.load(path)
    }
    return try LoadedKeyFile(source)
  }

  /// The account of 64 hexadecimal digits, or of a key's name; with "/1" after it, its first sub-account.
  public func account(_ text: String) throws(KeyError) -> AccountID {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2 {
      guard let number = SubAccountNumber(parts[1]), (1...Limits.maxSubAccounts).contains(number) else {
        throw KeyError(
          "\"\(printable(text))\" is no account",
          hint: "write a sub-account like alice/1, with a number from 1 to \(Limits.maxSubAccounts)")
      }
      return AccountID(subAccount: number, of: try account(String(parts[0])))
    }
    if let id = AccountID(hex: text) { return id }
    guard KeyFile.isName(text) else {
      throw KeyError(
        "\"\(printable(text))\" is no account", hint: "give 64 hexadecimal digits or the name of a key")
    }
    return AccountID(words: try load(text).file.publicKey.words)
  }
}
