// One line a message on standard error, as text for people or JSON for machines; the journal adds what is missing.

import Glibc
import Logging
import NIOConcurrencyHelpers
import Primitives

struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]
  let format: NodeConfiguration.LogFormat

  init(format: NodeConfiguration.LogFormat) { self.format = format }

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
