// The executable under test, as a black box: found, run with arguments, and judged by its exit code and what it prints.

import Foundation
import Glibc
import Testing

enum Program {
  /// The environment names it, or the package was built.
  static let path: String? = {
    let named = ProcessInfo.processInfo.environment["NOVATION_EXECUTABLE"].map { [$0] } ?? []
    let built = [".build/novation", ".build/release/novation"].map { Package.path($0) }
    return (named + built).first { access($0, X_OK) == 0 }
  }()

  static var exists: Bool { path != nil }

  struct Result: Sendable {
    var code: Int32
    var output: String
    var error: String

    /// The one JSON document that `--json` prints.
    var json: JSON { JSON.parse(output) ?? .null }
    var errorLines: [Substring] { error.split(separator: "\n").filter { !$0.hasPrefix("warning:") } }
    var summary: Comment {
      Comment(rawValue: "exit code \(code)\n\(output.prefix(2000))\n\(error.prefix(2000))")
    }
  }

  /// Runs a command to its end; 124 as exit code if it does not end in time.
  @discardableResult static func run(
    _ arguments: [String], home: String = "/nonexistent", input: String? = nil, seconds: Double = 60
  ) -> Result {
    guard let path else { return Result(code: 127, output: "", error: "no executable") }
    let environment = ["HOME=\(home)", "XDG_DATA_HOME=\(home)", "PATH=/usr/bin:/bin", "NO_COLOR=1"]
    return execute(path, arguments, environment, input: input, seconds: seconds)
  }

  /// Runs another program of this machine, found like a shell finds it.
  @discardableResult static func runTool(_ arguments: [String], input: String? = nil, seconds: Double = 60) -> Result {
    let environment = ["PATH=\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")"]
    return execute("/usr/bin/env", arguments, environment, input: input, seconds: seconds)
  }

  private static func execute(
    _ path: String, _ arguments: [String], _ environment: [String], input: String?, seconds: Double
  ) -> Result {
    guard let folder = TemporaryFolder() else { return Result(code: 127, output: "", error: "no folder") }
    defer { folder.remove() }
    let files = (out: folder.path("out"), error: folder.path("error"), input: folder.path("in"))
    if let input { folder.write("in", input) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input == nil ? "/dev/null" : files.input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, files.out, O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, files.error, O_WRONLY | O_CREAT, 0o600)
    var pid = pid_t()
    guard spawn(&pid, path, [path] + arguments, environment, &actions) == 0 else {
      return Result(code: 127, output: "", error: "cannot start \(path)")
    }
    let code = wait(for: pid, seconds: seconds)
    return Result(code: code, output: folder.read("out"), error: folder.read("error"))
  }

  private static func spawn(
    _ pid: inout pid_t, _ path: String, _ arguments: [String], _ environment: [String],
    _ actions: inout posix_spawn_file_actions_t
  ) -> Int32 {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let words = arguments.map { strdup($0) } + [nil]
    let variables = environment.map { strdup($0) } + [nil]
    defer { for word in words + variables { free(word) } }
    return posix_spawn(&pid, path, &actions, &attributes, words, variables)
  }

  private static func wait(for pid: pid_t, seconds: Double) -> Int32 {
    let deadline = Moment.now + seconds
    var status: Int32 = 0
    while waitpid(pid, &status, WNOHANG) == 0 {
      if Moment.now > deadline {
        kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
        return 124
      }
      usleep(2_000)
    }
    return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
  }
}

/// Monotonic seconds.
enum Moment {
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Asks again and again until `condition` holds; false if it does not in time.
  static func wait(_ seconds: Double, until condition: () -> Bool) -> Bool {
    let deadline = now + seconds
    while !condition() {
      if now > deadline { return false }
      usleep(20_000)
    }
    return true
  }
}

/// The package on disk, found from where this file was compiled.
enum Package {
  /// Tests/NetworkTests/Support/Program.swift, four levels up.
  static let directory = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func path(_ relative: String) -> String { directory.appendingPathComponent(relative).path }

  static func text(_ relative: String) -> String {
    FileManager.default.contents(atPath: path(relative)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

/// A folder with a short path, since the path of a Unix socket has at most 107 bytes.
struct TemporaryFolder: Sendable {
  let directory: String

  init?() {
    var template = Array("/tmp/nvt-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return nil }
    directory = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  func path(_ name: String) -> String { directory + "/" + name }
  func read(_ name: String) -> String {
    FileManager.default.contents(atPath: path(name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
  func write(_ name: String, _ text: String) { write(name, Array(text.utf8)) }
  func write(_ name: String, _ bytes: [UInt8]) {
    _ = FileManager.default.createFile(
      atPath: path(name), contents: Data(bytes), attributes: [.posixPermissions: 0o600])
  }
  func remove() { try? FileManager.default.removeItem(atPath: directory) }
}
