// Reads and writes the text of key files. The secret line of an unencrypted file passes through ordinary memory: such
// files are for test networks.

import Primitives
import Sodium

extension KeyFile {
  /// First line of a file whose secret is in the clear.
  public static let clearWarning = "# unencrypted: for test networks only"

  /// The file's text.
  public func text() -> String {
    var lines: [String]
    switch secret {
    case .clear: lines = [Self.clearWarning]
    case .sealed:
      lines = ["# A Novation key under a password. Nobody can recover it without the password: keep a copy of both."]
    }
    lines += ["format = \(Self.format)", "name = \(name)", "public = \(publicKey.hex)"]
    switch secret {
    case .clear(let seed): lines.append("secret = \(seed.withBytes { Hex.encode($0) })")
    case .sealed(let seed):
      lines += [
        "kdf = argon2id", "operations = \(seed.cost.operations)", "memory = \(seed.cost.memory)",
        "salt = \(Hex.encode(seed.salt))", "cipher = xchacha20poly1305", "nonce = \(Hex.encode(seed.nonce))",
        "ciphertext = \(Hex.encode(seed.ciphertext))",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Reads a file's text; `path` is for messages, which never quote a value that could be secret.
  public static func parse(_ text: String, path: String) throws(KeyError) -> KeyFile {
    let fields = try KeyFields(text, path: path)
    try fields.expect("format", KeyFile.format)
    let name = try fields.value("name")
    guard isName(name) else { throw fields.refusal("name", "expected 1 to 64 letters, digits, '.', '-', '_'") }
    guard let publicKey = PublicKey(hex: try fields.value("public")) else {
      throw fields.refusal("public", "expected 64 hexadecimal digits")
    }
    if fields.has("secret") {
      try fields.refuseOthers(than: ["format", "name", "public", "secret"])
      let seed = SecretBytes(copying: try fields.bytes("secret", count: 32))
      return KeyFile(name: name, publicKey: publicKey, secret: .clear(seed))
    }
    try fields.expect("kdf", "argon2id")
    try fields.expect("cipher", "xchacha20poly1305")
    try fields.refuseOthers(than: [
      "format", "name", "public", "kdf", "operations", "memory", "salt", "cipher", "nonce", "ciphertext",
    ])
    let seed = SealedSeed(
      cost: .init(
        operations: UInt64(try fields.integer("operations", in: 1...Int(PasswordHash.opsLimitMax))),
        memory: try fields.integer("memory", in: 8192...PasswordHash.memLimitMax)),
      salt: try fields.bytes("salt", count: PasswordHash.saltBytes),
      nonce: try fields.bytes("nonce", count: AEAD.extendedNonceBytes),
      ciphertext: try fields.bytes("ciphertext", count: 32 + AEAD.tagBytes))
    return KeyFile(name: name, publicKey: publicKey, secret: .sealed(seed))
  }
}

/// The `name = value` lines of a key file.
private struct KeyFields {
  private var fields: [(name: String, value: String, line: Int)] = []
  private let path: String

  init(_ text: String, path: String) throws(KeyError) {
    self.path = path
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = line.drop { $0 == " " }
      if line.isEmpty || line.hasPrefix("#") { continue }
      let parts = line.split(separator: "=", maxSplits: 1).map { Self.trimmed($0) }
      guard parts.count == 2 else {
        throw KeyError("\(path):\(index + 1): expected `name = value`; this is no key file of Novation")
      }
      guard !has(parts[0]) else { throw KeyError("\(path):\(index + 1): \(parts[0]): given twice") }
      fields.append((parts[0], parts[1], index + 1))
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  func has(_ name: String) -> Bool { fields.contains { $0.name == name } }

  func refusal(_ name: String, _ message: String) -> KeyError {
    let line = fields.first { $0.name == name }.map { ":\($0.line)" } ?? ""
    return KeyError("\(path)\(line): \(name): \(message)")
  }

  func value(_ name: String) throws(KeyError) -> String {
    guard let field = fields.first(where: { $0.name == name }) else { throw refusal(name, "missing") }
    return field.value
  }

  func expect(_ name: String, _ value: String) throws(KeyError) {
    guard try self.value(name) == value else { throw refusal(name, "expected \(value)") }
  }

  func bytes(_ name: String, count: Int) throws(KeyError) -> [UInt8] {
    guard let bytes = Hex.decode(try value(name)), bytes.count == count else {
      throw refusal(name, "expected \(count * 2) hexadecimal digits")
    }
    return bytes
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(KeyError) -> Int {
    guard let number = Int(try value(name)), range.contains(number) else {
      throw refusal(name, "expected an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func refuseOthers(than known: [String]) throws(KeyError) {
    if let field = fields.first(where: { !known.contains($0.name) }) { throw refusal(field.name, "unknown key") }
  }
}
