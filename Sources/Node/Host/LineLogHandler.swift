// One line a message on standard error, as text for people or JSON for machines; the journal adds what is missing.

import Glibc
import Logging
import NIOConcurrencyHelpers
import Primitives

/// The level of all loggers of the process, which a reload may change.
final class LogLevelSetting: Sendable {
  private let box: NIOLockedValueBox<Logger.Level>
  init(_ level: NodeConfiguration.LogLevel) { box = NIOLockedValueBox(Self.level(level)) }

  var level: Logger.Level { box.withLockedValue { $0 } }
  func set(_ level: NodeConfiguration.LogLevel) { box.withLockedValue { $0 = Self.level(level) } }

  private static func level(_ level: NodeConfiguration.LogLevel) -> Logger.Level {
    Logger.Level(rawValue: level.rawValue) ?? .info
  }
}

struct LineLogHandler: LogHandler {
  /// Set on one logger, such as the server's: it may say less than the others, never more.
  private var own: Logger.Level?
  var metadata: Logger.Metadata = [:]
  private let setting: LogLevelSetting
  private let format: NodeConfiguration.LogFormat

  init(format: NodeConfiguration.LogFormat, level: LogLevelSetting) {
    self.format = format
    setting = level
  }

  var logLevel: Logger.Level {
    get { max(setting.level, own ?? .trace) }
    set { own = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let time = ISO8601.format(Clock.wall / Duration64.millisecond * Duration64.millisecond)
    var line: String
    switch format {
    case .text:
      line = "\(time) \(event.level) \(event.message)"
      for (key, value) in fields { line += " \(key)=\(value)" }
    case .json:
      var values: [String: JSONValue] = [
        "time": .string(time), "level": .string(event.level.rawValue), "message": .string("\(event.message)"),
      ]
      for (key, value) in fields { values[key] = .string("\(value)") }
      line = JSONText.render(JSONValue.object(values), pretty: false)
    }
    while line.last == "\n" { line.removeLast() }
    line += "\n"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

/// A text that one thread sets and another reads.
final class LockedText: Sendable {
  private let box = NIOLockedValueBox<String?>(nil)
  var text: String? { box.withLockedValue { $0 } }
  func set(_ text: String) { box.withLockedValue { $0 = $0 ?? text } }
}

/// Lets one line a second through, and counts the others: whoever is outside must not be able to fill the log.
struct LogLimit {
  private var last: Instant?
  private var unsaid = 0

  /// Nil where the line is one too many; else how many were left out before it.
  mutating func next(at now: Instant) -> Int? {
    if let last, now - last < Duration64.second {
      unsaid += 1
      return nil
    }
    last = now
    defer { unsaid = 0 }
    return unsaid
  }
}
