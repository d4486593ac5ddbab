// Passwords as the options name them.

import Node
import Sodium

extension PasswordOption {
  /// Asks for the password of an existing key, only when called.
  func existing(for name: String) throws -> () throws(KeyError) -> SecretBytes {
    let source = try source
    return { () throws(KeyError) in
      if let source { return try Password.read(from: source) }
      return try Password.prompt("Password of key \"\(name)\": ")
    }
  }

  /// The password of a key that is being made.
  func new() throws -> SecretBytes {
    if let source = try source { return try Password.read(from: source) }
    return try Password.promptNew()
  }
}
