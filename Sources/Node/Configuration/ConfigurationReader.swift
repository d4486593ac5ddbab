// Reads a configuration file and refuses what it does not know.

import Primitives
import TOMLKit

extension NodeConfiguration {
  /// Reads `path`. Relative paths in it start at its directory. All problems are reported at once.
  public static func load(from path: String) throws(ConfigurationError) -> NodeConfiguration {
    try parse(try TOMLSource.read(path), file: path)
  }

  /// Reads `text`; `file` is its path, for messages and relative paths.
  public static func parse(_ text: String, file: String) throws(ConfigurationError) -> NodeConfiguration {
    let table = try TOMLSource.table(of: text, file: file)
    var reader = ConfigurationReader(file: file, lines: SourceLines(text))
    reader.read(table)
    if !reader.problems.isEmpty {
      throw ConfigurationError(problems: reader.problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
    }
    return reader.configuration
  }
}

private struct ConfigurationReader {
  let file: String
  let lines: SourceLines
  var configuration = NodeConfiguration()
  var problems: [ConfigurationError.Problem] = []

  init(file: String, lines: SourceLines) {
    self.file = file
    self.lines = lines
  }

  mutating func refuse(_ path: [String], _ message: String) {
    problems.append(
      .init(file: file, line: lines.line(of: path), key: path.joined(separator: "."), message: message))
  }

  mutating func read(_ table: TOMLTable) {
    for name in table.keys.sorted() {
      guard Setting.sections.contains(where: { $0.name == name }) else {
        let known = Setting.sections.map { "[\($0.name)]" }.joined(separator: " ")
        refuse([name], "unknown \(table[name]?.type == .table ? "section" : "key"); there are \(known)")
        continue
      }
      guard let section = table[name]?.table else {
        refuse([name], "expected a section [\(name)]")
        continue
      }
      readSection(name, section)
    }
    resolvePaths()
    if problems.isEmpty { checkTogether() }
  }

  private mutating func readSection(_ name: String, _ table: TOMLTable) {
    let settings = Setting.all.filter { $0.section == name }
    for key in table.keys.sorted() {
      guard let setting = settings.first(where: { $0.name == key }) else {
        refuse([name, key], "unknown key; [\(name)] has \(settings.map(\.name).joined(separator: ", "))")
        continue
      }
      if let value = table[key], !assign(value, to: setting.kind) {
        refuse([name, key], "expected \(setting.kind.accepted), found \(describe(value))")
      }
    }
  }

  /// False if the value is not accepted.
  private mutating func assign(_ value: any TOMLValueConvertible, to kind: Setting.Kind) -> Bool {
    switch kind {
    case .integer(let place, let range):
      return set(place, value.int.map(Int64.init), range)
    case .size(let place, let range):
      return set(place, value.string.flatMap(ByteSize.parse), range)
    case .duration(let place, let range):
      return set(place, value.string.flatMap(TimeSpan.parse), range)
    case .peers(let place, let limit):
      guard let list = value.array, list.count <= limit else { return false }
      let peers = list.map { $0.string.flatMap(Peer.init) }
      configuration[keyPath: place] = peers.compactMap(\.self)
      return peers.allSatisfy { $0 != nil }
    case .choice(let choices, _, let set):
      guard let text = value.string, choices.contains(text) else { return false }
      set(&configuration, text)
      return true
    case .text(let place, _, let isAccepted):
      guard let text = value.string, isAccepted(text) else { return false }
      configuration[keyPath: place] = text
      return true
    case .path(let place):
      guard let text = value.string, (1...4095).contains(text.utf8.count) else { return false }
      configuration[keyPath: place] = text
      return true
    case .secret(let place, let optional):
      guard let text = value.string, optional && text.isEmpty || SecretSource(text) != nil else { return false }
      configuration[keyPath: place] = text
      return true
    }
  }

  private mutating func set(
    _ place: Setting.Place<Int64>, _ value: Int64?, _ range: ClosedRange<Int64>
  ) -> Bool {
    guard let value, range.contains(value) else { return false }
    configuration[keyPath: place] = value
    return true
  }

  private func describe(_ value: any TOMLValueConvertible) -> String {
    switch value.type {
    case .table: "a table"
    case .array: "a list\(value.array.map { " of \($0.count)" } ?? "")"
    case .string: "\"\(value.string.map { String($0.prefix(60)) } ?? "")\""
    case .int: value.int.map { String($0) } ?? "an integer"
    case .bool: value.bool.map { String($0) } ?? "a boolean"
    default: "a \(value.type)"
    }
  }

  private mutating func resolvePaths() {
    let directory = FilePaths.directory(of: FilePaths.absolute(file))
    for setting in Setting.all {
      switch setting.kind {
      case .path(let place):
        configuration[keyPath: place] = FilePaths.resolve(configuration[keyPath: place], in: directory)
      case .secret(let place, _):
        let text = configuration[keyPath: place]
        if !text.isEmpty, !text.hasPrefix(SecretSource.credentialPrefix) {
          configuration[keyPath: place] = FilePaths.resolve(text, in: directory)
        }
      default: break
      }
    }
  }

  /// Values that are right alone and wrong together.
  private mutating func checkTogether() {
    if configuration.consensus.minimumDelay > configuration.consensus.maximumDelay {
      refuse(["consensus", "minimum_delay"], "expected at most maximum_delay")
    }
    if configuration.api.socket.utf8.count > 107 {
      refuse(
        ["api", "socket"],
        "expected at most 107 bytes, the system's limit for a socket, found \(configuration.api.socket.utf8.count)")
    }
    if configuration.limits.peerQueue < configuration.limits.peerMessage {
      refuse(["limits", "peer_queue"], "expected at least peer_message")
    }
  }
}
