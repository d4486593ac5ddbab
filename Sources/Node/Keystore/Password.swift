// Passwords: from a file or credential, or from the terminal without echo.

import Glibc
public import Sodium

public enum Password {
  /// Longest password, in bytes.
  static let limit = 1024

  /// The first line of the file.
  public static func read(from source: SecretSource) throws(KeyError) -> SecretBytes {
    let path = try source.resolved()
    var bytes: [UInt8]
    do {
      bytes = try FileAccess.read(path, limit: 4 * limit)
    } catch {
      throw KeyError("password file: \(error.description)")
    }
    defer { wipe(&bytes) }
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    guard (1...limit).contains(line.count) else {
      throw KeyError("\(path): expected a password of 1 to \(limit) bytes in the first line")
    }
    return line.withUnsafeBytes { SecretBytes(copying: $0) }
  }

  /// Asks the controlling terminal, without showing what is typed.
  public static func prompt(_ question: String) throws(KeyError) -> SecretBytes {
    let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard terminal >= 0 else {
      throw KeyError("a password is needed and there is no terminal to ask", hint: "give --password-file")
    }
    defer { close(terminal) }
    say(question, to: terminal)
    var bytes = readHidden(terminal)
    defer { wipe(&bytes) }
    say("\n", to: terminal)
    guard (1...limit).contains(bytes.count) else { throw KeyError("expected a password of 1 to \(limit) bytes") }
    return SecretBytes(copying: bytes)
  }

  /// Asks twice, for a new key.
  public static func promptNew() throws(KeyError) -> SecretBytes {
    let first = try prompt("New password: ")
    guard try prompt("Again: ").isEqual(to: first) else { throw KeyError("the two passwords differ") }
    return first
  }

  private static func say(_ text: String, to terminal: Int32) {
    var text = text
    text.withUTF8 { _ = write(terminal, $0.baseAddress, $0.count) }
  }

  private static func readHidden(_ terminal: Int32) -> [UInt8] {
    var before = termios()
    let known = tcgetattr(terminal, &before) == 0
    var hidden = before
    hidden.c_lflag &= ~tcflag_t(ECHO)
    if known { tcsetattr(terminal, TCSAFLUSH, &hidden) }
    defer { if known { tcsetattr(terminal, TCSAFLUSH, &before) } }
    // Reserved at once, so that no copy is left behind by growing.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(limit + 2)
    var byte: UInt8 = 0
    while bytes.count <= limit, Glibc.read(terminal, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
    return bytes
  }

  private static func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { buffer in
      if let base = buffer.baseAddress { explicit_bzero(base, buffer.count) }
    }
  }
}
