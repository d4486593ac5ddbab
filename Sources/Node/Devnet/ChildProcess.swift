// Starting and stopping the processes of a local network.

import CLinux
import Glibc

/// Failures carry the sentence for the operator.
struct ChildProcessError: Error, CustomStringConvertible {
  var description: String
}

enum ChildProcess {
  /// POSIX_SPAWN_SETSID of spawn.h, which is a GNU extension that the module of the C library does not show.
  private static let newSession: Int16 = 0x80

  /// Starts a program in a session of its own, so that closing the terminal does not end it. Standard input is
  /// /dev/null; both outputs are appended to `log`. Nothing else that is open here is handed on: whoever waits for the end
  /// of a pipe must not wait for the node.
  static func start(_ program: String, _ arguments: [String], log: String) throws(ChildProcessError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, newSession)
    var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    argv.append(nil)
    defer { for pointer in argv { free(pointer) } }
    var pid: pid_t = 0
    _ = linux_close_on_exec(3)
    let status = posix_spawn(&pid, program, &actions, &attributes, argv, environ)
    guard status == 0 else {
      throw ChildProcessError(description: "cannot start \(program): \(String(cString: strerror(status)))")
    }
    return pid
  }

  /// Whether a process exists and is no zombie of ours.
  static func isRunning(_ pid: pid_t) -> Bool {
    guard pid > 1 else { return false }
    var status: Int32 = 0
    if waitpid(pid, &status, WNOHANG) == pid { return false }
    guard kill(pid, 0) == 0 || errno == EPERM else { return false }
    return !isZombie(pid)
  }

  /// Whether a process that runs was started with this argument: a process id alone may have passed to another program.
  static func isRunning(_ pid: pid_t, argument: String) -> Bool {
    guard isRunning(pid), let bytes = try? FileAccess.read("/proc/\(pid)/cmdline", limit: 1 << 20) else { return false }
    return bytes.split(separator: 0).contains { $0.elementsEqual(argument.utf8) }
  }

  private static func isZombie(_ pid: pid_t) -> Bool {
    guard let bytes = try? FileAccess.read("/proc/\(pid)/stat", limit: 4096),
      let close = bytes.lastIndex(of: 0x29), close + 2 < bytes.count
    else { return false }
    return bytes[close + 2] == 0x5a
  }

  /// Path of this program's own file.
  static func ownProgram() -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard count > 0 else { return CommandLine.arguments.first ?? "novation" }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// A TCP port of the loopback interface that is free now.
  static func freePort() -> UInt16? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    guard bound == 0 else { return nil }
    let named = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return named == 0 ? UInt16(bigEndian: address.sin_port) : nil
  }
}
