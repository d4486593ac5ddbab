// Key files and the keystore: what is written can be opened by whoever knows the password, and by nobody else.

import Glibc
import Node
import Primitives
import Sodium
import Testing

/// A directory that goes away with it.
final class TemporaryDirectory: Sendable {
  let path: String
  init() {
    path = "/tmp/novation-test-\(getpid())-\(Hex.encode(SecureRandom.bytes(6)))"
    mkdir(path, 0o700)
  }
  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    for name in FileAccess.names(in: path) { remove(path + "/" + name) }
    if unlink(path) != 0 { rmdir(path) }
  }
}

@Suite struct KeystoreTests {
  private static let cheap = SealedSeed.Cost(operations: 1, memory: 8192)
  private func secret(_ text: String) -> SecretBytes { SecretBytes(copying: Array(text.utf8)) }
  private func never() throws(KeyError) -> SecretBytes { throw KeyError("asked for a password") }

  private func key(_ seed: UInt8 = 7) throws -> SigningKey {
    try #require(SigningKey(seed: [UInt8](repeating: seed, count: 32)))
  }

  private func refusal(_ text: String) -> String? {
    do {
      _ = try KeyFile.parse(text, path: "k")
      return nil
    } catch {
      return error.message
    }
  }

  @Test func sealedFileRoundTrips() throws {
    let file = try KeyFile.sealed(key(), name: "alice", password: secret("horse"), cost: Self.cheap)
    let parsed = try KeyFile.parse(file.text(), path: "k")
    #expect(parsed.isEncrypted && parsed.name == "alice")
    #expect(parsed.text() == file.text())
    let opened = try parsed.open { () throws(KeyError) in secret("horse") }
    #expect(opened.publicKey == (try key().publicKey))
    #expect(Ed25519.verify(opened.sign([1]), [1], by: parsed.publicKey))
  }

  @Test func sealedFileHoldsNoSeed() throws {
    let file = try KeyFile.sealed(key(), name: "alice", password: secret("horse"), cost: Self.cheap)
    #expect(!file.text().contains(String(repeating: "07", count: 32)))
    #expect(!file.text().contains("horse"))
  }

  @Test func equalKeysSealDifferently() throws {
    let first = try KeyFile.sealed(key(), name: "a", password: secret("x"), cost: Self.cheap)
    #expect(first.text() != (try KeyFile.sealed(key(), name: "a", password: secret("x"), cost: Self.cheap)).text())
  }

  @Test func wrongPasswordIsRefused() throws {
    let file = try KeyFile.sealed(key(), name: "alice", password: secret("horse"), cost: Self.cheap)
    #expect(throws: KeyError.self) { try file.open { () throws(KeyError) in secret("house") } }
    do {
      _ = try file.open { () throws(KeyError) in secret("house") }
    } catch {
      #expect(error.message == "key \"alice\" does not open: wrong password, or the file was changed")
    }
  }

  /// Every field is under the seal or checked against what is.
  @Test func changedFileIsRefused() throws {
    let file = try KeyFile.sealed(key(), name: "alice", password: secret("horse"), cost: Self.cheap)
    let lines = file.text().split(separator: "\n").map(String.init)
    for (index, line) in lines.enumerated() where line.contains(" = ") {
      var changed = lines
      let last = try #require(line.last)
      changed[index] = String(line.dropLast()) + (last == "1" ? "2" : "1")
      let text = changed.joined(separator: "\n")
      #expect(throws: KeyError.self, "\(line)") {
        try KeyFile.parse(text, path: "k").open { () throws(KeyError) in secret("horse") }
      }
    }
  }

  @Test func clearFileSaysSoAndNeedsNoPassword() throws {
    let file = try KeyFile.clear(key(), name: "bob")
    #expect(file.text().hasPrefix("# unencrypted: for test networks only\n"))
    let opened = try KeyFile.parse(file.text(), path: "k").open(password: never)
    #expect(opened.publicKey == (try key().publicKey))
  }

  @Test func secretOfAnotherKeyIsRefused() throws {
    let text = try KeyFile.clear(key(), name: "bob").text().replacing(
      key().publicKey.hex, with: key(8).publicKey.hex)
    #expect(throws: KeyError.self) { try KeyFile.parse(text, path: "k").open(password: never) }
  }

  @Test func refusalsSayLineAndFieldAndNoSecret() throws {
    let good = try KeyFile.clear(key(), name: "bob").text()
    #expect(refusal("nonsense") == "k:1: expected `name = value`; this is no key file of Novation")
    #expect(refusal("") == "k: format: missing")
    #expect(refusal(good + "name = x\n") == "k:6: name: given twice")
    #expect(refusal(good + "colour = x\n") == "k:6: colour: unknown key")
    #expect(refusal(good.replacing("name = bob", with: "name = ../bob"))?.hasPrefix("k:3: name: expected") == true)
    let short = try #require(refusal(String(good.dropLast(3))))
    #expect(short == "k:5: secret: expected 64 hexadecimal digits")
  }

  @Test func costsAreBounded() throws {
    let text = try KeyFile.sealed(key(), name: "a", password: secret("x"), cost: Self.cheap).text()
    let greedy = text.replacing("memory = 8192", with: "memory = 99999999999")
    #expect(refusal(greedy)?.contains("memory: expected an integer from 8192 to 1073741824") == true)
    #expect(
      refusal(text.replacing("operations = 1", with: "operations = 17"))?.contains("operations: expected") == true)
  }

  @Test func keystoreKeepsFilesForTheirOwner() throws {
    let directory = TemporaryDirectory()
    let store = Keystore(directory: directory.path + "/a/keys")
    try store.add(.clear(key(), name: "bob"))
    try store.add(.clear(key(8), name: "alice"))
    #expect(store.names() == ["alice", "bob"])
    #expect(FileAccess.mode(of: store.path(of: "bob")) == 0o600)
    #expect(FileAccess.mode(of: store.directory) == 0o700)
    #expect(try store.load("bob").warnings.count == 1)
    chmod(store.path(of: "bob"), 0o644)
    #expect(try store.load("bob").warnings.contains { $0.contains("mode 0644") })
  }

  @Test func keystoreNeverReplacesAKey() throws {
    let directory = TemporaryDirectory()
    let store = Keystore(directory: directory.path)
    try store.add(.clear(key(), name: "bob"))
    #expect(throws: KeyError.self) { try store.add(.clear(key(8), name: "bob")) }
    #expect(try store.load("bob").file.publicKey == key().publicKey)
    #expect(FileAccess.names(in: directory.path) == ["bob.key"])
  }

  @Test func namesOfADevnetAreFoundFromItsSocket() throws {
    let directory = TemporaryDirectory()
    try Keystore(directory: directory.path + "/keys").add(.clear(key(), name: "alice"))
    let empty = Keystore(directory: directory.path + "/none")
    let locator = KeyLocator(socket: directory.path + "/node0/novation.sock", keystore: empty)
    let account = AccountID(words: try key().publicKey.words)
    #expect(try locator.account("alice") == account)
    #expect(try locator.account(account.hex) == account)
    #expect(throws: KeyError.self) { try locator.account("carol") }
    #expect(throws: KeyError.self) { try locator.account("../alice") }
  }

  @Test func passwordIsTheFirstLineOfAFile() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/pw"
    try FileAccess.write(Array("horse\nrest".utf8), to: path, mode: 0o600)
    #expect(try Password.read(from: .path(path)).isEqual(to: secret("horse")))
    try FileAccess.write(Array("\n".utf8), to: path, mode: 0o600)
    #expect(throws: KeyError.self) { try Password.read(from: .path(path)) }
  }

  @Test(arguments: ["credential:", "credential:a/b", "credential:..", ""]) func badSourcesAreRefused(text: String) {
    #expect(SecretSource(text) == nil)
  }
}

@Suite struct FileAccessTests {
  @Test func writeReplacesWholeAndLeavesNothingBehind() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/f"
    try FileAccess.write([1, 2, 3], to: path, mode: 0o640)
    try FileAccess.write([4], to: path, mode: 0o600)
    #expect(try FileAccess.read(path, limit: 10) == [4])
    #expect(FileAccess.mode(of: path) == 0o600)
    #expect(FileAccess.names(in: directory.path) == ["f"])
  }

  @Test func readsAreBounded() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/f"
    try FileAccess.write([UInt8](repeating: 1, count: 11), to: path, mode: 0o600)
    #expect(try FileAccess.read(path, limit: 11).count == 11)
    #expect(throws: FileError.self) { try FileAccess.read(path, limit: 10) }
    #expect(throws: FileError.self) { try FileAccess.read(directory.path, limit: 10) }
  }

  @Test(arguments: [
    ("a", "/d", "/d/a"), ("../a", "/d/e", "/d/a"), ("/x/./y//z", "/d", "/x/y/z"), ("../../..", "/d", "/"),
  ]) func pathsResolve(path: String, directory: String, expected: String) {
    #expect(FilePaths.resolve(path, in: directory) == expected)
  }
}
