// Options that several commands share.

import ArgumentParser
import Glibc
import Node
import Primitives
import Sodium

struct SocketOption: ParsableArguments {
  @Option(help: "Unix socket of the node; NOVATION_SOCKET sets the default.", completion: .file())
  var socket = SocketOption.standard

  var api: NodeAPI { NodeAPI(socket: socket) }

  private static var standard: String {
    getenv("NOVATION_SOCKET").map { String(cString: $0) } ?? "/run/novation/novation.sock"
  }
}

struct JSONFlag: ParsableArguments {
  @Flag(help: "Print one JSON document.") var json = false
}

struct TimeoutOption: ParsableArguments {
  @Option(help: "Longest wait, such as 30s or 2m, from 1s to 5m.") var timeout = Seconds(value: 30)
}

struct KeyOption: ParsableArguments {
  @Option(help: "Key to sign with: a key file, credential:NAME, or a name in the keystore.", completion: .file())
  var key: String
  @OptionGroup var password: PasswordOption

  /// Opens the key; says on standard error what is unsafe about it.
  func open(socket: String?) throws -> SigningKey {
    let loaded = try KeyLocator(socket: socket).load(key)
    for warning in loaded.warnings { Terminal.error.line(Terminal.error.style(.yellow, "warning:") + " " + warning) }
    return try loaded.file.open(password: password.existing(for: loaded.file.name))
  }
}

struct PasswordOption: ParsableArguments {
  @Option(
    help: "File or credential:NAME whose first line is the password; the terminal is asked otherwise.",
    completion: .file())
  var passwordFile: String?

  var source: SecretSource? {
    get throws {
      guard let passwordFile else { return nil }
      guard let source = SecretSource(passwordFile) else {
        throw ValidationError("--password-file: \"\(passwordFile)\" is no path or credential:NAME")
      }
      return source
    }
  }
}

/// A whole number of seconds, written with or without a unit.
struct Seconds: ExpressibleByArgument, CustomStringConvertible {
  var value: Int64

  init(value: Int64) { self.value = value }

  init?(argument: String) {
    guard let span = TimeSpan.parse(argument) ?? Int64(argument)?.multiplied(by: Duration64.second),
      (Duration64.second...300 * Duration64.second).contains(span)
    else { return nil }
    value = (span + Duration64.second - 1) / Duration64.second
  }

  var description: String { "\(value)s" }
  var defaultValueDescription: String { description }
  var duration: Duration { .seconds(value) }
}

/// USD with at most six decimals.
struct MoneyArgument: ExpressibleByArgument {
  var value: Int64
  init?(argument: String) {
    guard let value = Decimal.parse(argument, scale: Decimal.moneyScale) else { return nil }
    self.value = value
  }
}

/// Contracts with at most three decimals.
struct QuantityArgument: ExpressibleByArgument {
  var value: Int64
  init?(argument: String) {
    guard let value = Decimal.parse(argument, scale: Decimal.quantityScale) else { return nil }
    self.value = value
  }
}
