// `novation replay`: drives a running devnet with recorded or generated option chains as oracle, surface and order flow,
// and reports what cleared.

import Primitives

public struct ReplayOptions: Sendable {
  public enum Source: Sendable {
    case paths([String])
    /// A tape generated from this seed.
    case tape(UInt64)
  }

  public var directory: String
  public var source: Source
  /// Of differences between validators and of the order flow.
  public var seed: UInt64
  /// Real seconds for the clock that is suggested where the network's does not fit.
  public var seconds: Int64 = 90
  /// Accounts made besides the devnet's own.
  public var takers = 8

  public init(directory: String, source: Source, seed: UInt64 = 1) {
    self.directory = directory
    self.source = source
    self.seed = seed
  }
}

/// How the replay tells what it does.
public struct ReplayVoice: Sendable {
  /// How far it is; as often as it likes.
  public var progress: @Sendable (String) -> Void
  /// One line of what happened on the market.
  public var narrate: @Sendable (String) -> Void

  public init(
    progress: @escaping @Sendable (String) -> Void = { _ in }, narrate: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.progress = progress
    self.narrate = narrate
  }
}

public enum Replay {
  /// Runs the whole replay; throws with a sentence where it is refused.
  public static func run(_ options: ReplayOptions, voice: ReplayVoice) async throws(ReplayError) -> ReplayReport {
    switch options.source {
    case .paths(let paths):
      // What the data need is known before any network is.
      let recording = try OptionChainReader.read(paths) { voice.progress("reading \($0)") }
      let fit = ReplayFit(recording, seconds: options.seconds)
      let document = try devnet(options) { advice(options, fit.suggestion, isNew: true) }
      let network = try await connect(document)
      defer { network.close() }
      if let fault = fit.fault(network.clock, now: Clock.wall) ?? notTest(network) {
        throw refusal(fault, advice(options, fit.suggestion, isNew: false))
      }
      var session = try ReplaySession(
        network, document, recording, options, source: paths.joined(separator: " "), voice)
      return try await session.run()
    case .tape(let seed):
      let document = try devnet(options) { tapeAdvice(options, isNew: true) }
      let network = try await connect(document)
      defer { network.close() }
      if let fault = tapeFault(network.clock) ?? notTest(network) {
        throw refusal(fault, tapeAdvice(options, isNew: false))
      }
      let first = Tape.first(network.clock, now: Clock.wall)
      let tape = Tape.make(seed: seed, start: network.clock.start, first: first)
      var session = try ReplaySession(network, document, tape, options, source: "tape \(seed)", voice)
      return try await session.run()
    }
  }

  private static func connect(_ document: DevnetDocument) async throws(ReplayError) -> ReplayNetwork {
    try await ReplayNetwork(document)
  }

  private static func devnet(_ options: ReplayOptions, advice: () -> String) throws(ReplayError) -> DevnetDocument {
    let layout = DevnetLayout(directory: options.directory)
    guard let document = DevnetDocument.load(layout) else {
      throw ReplayError("there is no devnet in \(layout.directory); start one with: \(advice())")
    }
    return document
  }

  private static func notTest(_ network: ReplayNetwork) -> String? {
    network.genesis.network == "test" ? nil : "it is no test network but \"\(network.genesis.network)\""
  }

  private static func tapeFault(_ clock: MarketClock) -> String? {
    guard !Tape.rates.contains(clock.rate) else { return nil }
    return
      "a tape of two days is played at \(Tape.rates.lowerBound) to \(Tape.rates.upperBound) market seconds a second, "
      + "its clock runs at \(clock.rate)"
  }

  private static func refusal(_ fault: String, _ advice: String) -> ReplayError {
    ReplayError("this network does not fit: \(fault); start one with: \(advice)")
  }

  private static func advice(
    _ options: ReplayOptions, _ clock: (start: Timestamp, rate: Int64), isNew: Bool
  ) -> String {
    command(options, start: ISO8601.format(clock.start), rate: clock.rate, isNew: isNew)
  }

  private static func tapeAdvice(_ options: ReplayOptions, isNew: Bool) -> String {
    command(options, start: Tape.clockStart, rate: Tape.clockRate, isNew: isNew)
  }

  /// A network's clock is part of its genesis, so another one needs a directory of its own.
  private static func command(_ options: ReplayOptions, start: String, rate: Int64, isNew: Bool) -> String {
    var directory = options.directory
    while directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
    if !isNew { directory += "-replay" }
    return "novation devnet up --dir \(directory) --detach --clock-start \(start) --clock-rate \(rate)"
  }
}
