// Where a secret file lies: a path, or a credential that systemd hands to the service (systemd.exec(5),
// LoadCredential=). Secrets never come from arguments or environment variables; the environment only names the directory.

import Glibc

public enum SecretSource: Sendable, Equatable {
  case path(String)
  case credential(String)

  public static let credentialPrefix = "credential:"

  /// Nil if the text is empty or the credential's name is not a plain file name.
  public init?(_ text: String) {
    guard text.hasPrefix(Self.credentialPrefix) else {
      guard (1...4095).contains(text.utf8.count) else { return nil }
      self = .path(text)
      return
    }
    let name = String(text.dropFirst(Self.credentialPrefix.count))
    guard (1...255).contains(name.utf8.count), !name.contains("/"), name != ".", name != ".." else { return nil }
    self = .credential(name)
  }

  /// The file to read.
  public func resolved() throws(KeyError) -> String {
    switch self {
    case .path(let path): return path
    case .credential(let name):
      guard let directory = getenv("CREDENTIALS_DIRECTORY") else {
        throw KeyError(
          "credential \"\(name)\" cannot be found: CREDENTIALS_DIRECTORY is not set",
          hint: "start through systemd with LoadCredential=\(name):PATH, or give a path")
      }
      return String(cString: directory) + "/" + name
    }
  }
}

/// Why a key could not be read, opened or written, and what to do.
public struct KeyError: Error, Equatable, CustomStringConvertible {
  public var message: String
  public var hint: String?

  public init(_ message: String, hint: String? = nil) {
    self.message = message
    self.hint = hint
  }

  public var description: String { hint.map { "\(message); \($0)" } ?? message }
}
