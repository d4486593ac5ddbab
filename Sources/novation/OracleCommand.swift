// `novation oracle publish`: how real prices come in.

import ArgumentParser
import Glibc
import Node

struct OracleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "oracle", abstract: "Bring real prices in.", subcommands: [Publish.self])

  struct Publish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Have a validator sign and publish the prices that come as JSON lines on standard input.",
      discussion: """
        A feeder beside each validator, in any language, writes lines such as
          {"underlying": "BTC", "price": "97000.5", "time": "2026-03-27T08:00:00.250Z"}
          {"underlying": "BTC", "expiry": "2026-03-27T08:00:00Z", "forward": "97400", "volatilities": ["0.71", ...],
           "time": 1774598400250}
        with nine volatilities a year, at -3, -2, -1.2816, -0.6745, 0, 0.6745, 1.2816, 2 and 3 standard deviations. time is \
        real time, ISO 8601 or a number since 1970. Each round the validator publishes the latest prices that are at most \
        three seconds old, in the place of a replay's and of a test network's synthetic ones. A line that is \
        malformed, unlisted, stale, early or wild is refused, named on standard error and counted. A price more than 20 % \
        from the network's last one is wild until the feeder has stayed within 2 % of it for three seconds.
        Ends with standard input: 0 if a line was accepted or there was none, else 1.
        """)
    @OptionGroup var socket: SocketOption
    @OptionGroup var timeout: TimeoutOption
    @Flag(help: "Do not name refused lines on standard error.") var quiet = false
    @OptionGroup var json: JSONFlag

    func run() async throws {
      var input = LineInput(descriptor: STDIN_FILENO)
      var tally = Tally()
      while let lines = try input.next() {
        guard !lines.isEmpty else { continue }
        let answer = try await socket.api.publish(lines.map(\.bytes), timeout: timeout.timeout.duration)
        tally.add(answer)
        if !quiet { report(answer["refused"]?.array ?? [], of: lines) }
      }
      if json.json {
        Terminal.output.line(JSONText.render(tally.document))
      } else {
        Terminal.output.line(tally.text)
      }
      guard tally.accepted > 0 || tally.refused.isEmpty else {
        throw CommandFailure(
          .failed, "no line was accepted", hint: "see the reasons above and `novation oracle publish --help`")
      }
    }

    private func report(_ refused: [JSONValue], of lines: [LineInput.Line]) {
      for refusal in refused {
        let place = Int(refusal["line"]?.integer ?? 0) - 1
        let number = lines.indices.contains(place) ? lines[place].number : 0
        Terminal.error.line(
          "line \(number): \(printable(refusal.text("reason"))): \(printable(refusal.text("message")))")
      }
    }
  }

  /// What became of all lines.
  private struct Tally {
    var accepted: Int64 = 0
    var refused: [String: Int64] = [:]

    mutating func add(_ answer: JSONValue) {
      accepted += answer["accepted"]?.integer ?? 0
      for refusal in answer["refused"]?.array ?? [] { refused[refusal.text("reason"), default: 0] += 1 }
    }

    var document: JSONValue {
      [
        "accepted": .integer(accepted), "refused": .integer(refused.values.reduce(0, +)),
        "reasons": .object(refused.mapValues { .integer($0) }),
      ]
    }

    var text: String {
      let reasons = refused.sorted { $0.key < $1.key }.map { "\($0.value) \(printable($0.key))" }
      return "\(accepted) accepted" + (reasons.isEmpty ? "" : ", refused: " + reasons.joined(separator: ", "))
    }
  }
}

/// Lines of a descriptor as they come: those that are there at once, at most a batch of them.
struct LineInput {
  struct Line {
    /// From 1.
    var number: Int
    var bytes: [UInt8]
  }

  private let descriptor: Int32
  private var rest: [UInt8] = []
  private var count = 0
  private var isAtEnd = false
  private static let batch = 256
  /// A longer line is handed over cut, and refused for its length.
  private static let lineMax = ObservationLine.bytesMax + 1

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// Waits for at least a part of a line; nil at the end.
  mutating func next() throws -> [Line]? {
    var lines = take()
    if !lines.isEmpty || isAtEnd { return lines.isEmpty ? nil : lines }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let got = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    if got < 0 {
      guard errno == EINTR else {
        throw CommandFailure(.failed, "cannot read standard input: \(String(cString: strerror(errno)))")
      }
      return []
    }
    if got == 0 {
      isAtEnd = true
      if !rest.isEmpty { rest.append(0x0a) }
    } else {
      rest += buffer[..<got]
    }
    lines = take()
    return lines.isEmpty && isAtEnd ? nil : lines
  }

  /// Whole lines that were read; blank ones only count.
  private mutating func take() -> [Line] {
    var lines: [Line] = []
    var start = 0
    while lines.count < Self.batch, let end = rest[start...].firstIndex(of: 0x0a) {
      count += 1
      let bytes = rest[start..<end]
      if bytes.contains(where: { $0 > 0x20 }) {
        lines.append(Line(number: count, bytes: Array(bytes.prefix(Self.lineMax))))
      }
      start = end + 1
    }
    rest.removeFirst(start)
    // Of a line without end only so much is kept as shows that it is too long.
    if rest.count > 2 * Self.lineMax, !rest.contains(0x0a) { rest.removeSubrange(Self.lineMax..<rest.count) }
    return lines
  }
}
