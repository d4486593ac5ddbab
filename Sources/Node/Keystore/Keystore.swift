// A directory of key files, `NAME.key` each, readable by their owner alone.

import Glibc
import Sodium

public struct Keystore: Sendable {
  public let directory: String

  public init(directory: String) { self.directory = directory }

  /// `$XDG_DATA_HOME/novation/keys`, or below `~/.local/share`.
  public static var standard: Keystore {
    if let data = getenv("XDG_DATA_HOME"), data.pointee != 0 {
      return Keystore(directory: String(cString: data) + "/novation/keys")
    }
    let home = getenv("HOME").map { String(cString: $0) } ?? "."
    return Keystore(directory: home + "/.local/share/novation/keys")
  }

  public func path(of name: String) -> String { "\(directory)/\(name).key" }

  /// Names, sorted.
  public func names() -> [String] {
    FileAccess.names(in: directory).filter { $0.hasSuffix(".key") }.map { String($0.dropLast(4)) }
  }

  /// Adds a key, never replacing one. The file and the directory are for their owner only.
  public func add(_ file: KeyFile) throws(KeyError) {
    guard KeyFile.isName(file.name) else {
      throw KeyError("\"\(file.name)\" is no name for a key", hint: "use 1 to 64 letters, digits, '.', '-', '_'")
    }
    let path = path(of: file.name)
    do {
      try FileAccess.makeDirectory(directory, mode: 0o700)
      try FileAccess.write(Array(file.text().utf8), to: path, mode: 0o600, isNew: true)
    } catch {
      guard !FileAccess.exists(path) else {
        throw KeyError("key \"\(file.name)\" exists already in \(directory)", hint: "choose another name")
      }
      throw KeyError(error.description)
    }
  }

  public func load(_ name: String) throws(KeyError) -> LoadedKeyFile { try LoadedKeyFile(path: path(of: name)) }
}

/// A key file that was read, and what should be said about how it lies on disk.
public struct LoadedKeyFile: Sendable {
  public let file: KeyFile
  public let path: String
  /// For standard error: an unencrypted key, or permissions that let others read it.
  public let warnings: [String]

  public init(path: String) throws(KeyError) {
    self.path = path
    let bytes: [UInt8]
    do {
      bytes = try FileAccess.read(path, limit: KeyFile.fileLimit)
    } catch {
      throw KeyError(
        error.isMissing ? "there is no key at \(path)" : error.description,
        hint: error.isMissing ? "see `novation key list`, or make one with `novation key new`" : nil)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw KeyError("\(path) is no key file: not UTF-8 text")
    }
    file = try KeyFile.parse(text, path: path)
    var warnings: [String] = []
    if !file.isEncrypted { warnings.append("\(path) is unencrypted: for test networks only") }
    if let mode = FileAccess.mode(of: path), mode & 0o077 != 0 {
      warnings.append("\(path) can be read or changed by others (mode 0\(String(mode, radix: 8))); run chmod 600")
    }
    self.warnings = warnings
  }

  public init(_ source: SecretSource) throws(KeyError) { try self.init(path: source.resolved()) }
}
