// Everything a run depends on. A seed expands into one such value; a run is a function of it alone.

public import Primitives
public import Sodium

/// What goes wrong in the fault phases. Each seed turns on a subset (swarm testing: Groce et al., ISSTA 2012).
public enum FaultKind: String, CaseIterable, Sendable {
  case isolateOne, isolateLeader, halves, oneWay
  case clog
  case crash, crashAll
  case stall
  case clockJump
  case failedSync, diskFull
  case bitRot, lostJournal, olderDisk
  case burst, priceCrash
}

/// All times in nanoseconds of virtual time, all rates in thousandths.
public struct SimulationOptions: Sendable {
  public var seed: UInt64
  public var validators: Int
  public var signatures: SignatureScheme = .standIn
  /// Length of the run.
  public var duration: Instant
  /// Length that was asked for; large or costly networks run shorter.
  public let requestedDuration: Instant
  /// Made by `storm`.
  public private(set) var isStorm = false
  /// Length of each phase with faults, after which all is healed and finality must return. Zero: calm, no faults at all.
  public var faultPhase: Instant
  public var network = NetworkOptions()
  public var disk = DiskOptions()
  public var clock = ClockOptions()
  public var load = LoadOptions()
  /// Kinds of faults in use, and the mean pause between two of them.
  public var faults: [FaultKind] = []
  public var faultEvery: Instant = 5 * Duration64.second
  /// The reference model judges the clearing, in a market without liquidation, which it does not know. Slow.
  public var hasOracle = false
  /// Byzantine validators; at most f of them.
  public var adversaries: [AdversaryAssignment] = []
  /// Validators that never start.
  public var absent: Set<Int> = []
  /// A leader with nothing to order waits this long (C13), and D before votes were measured (C1).
  public var heartbeat: Instant = Duration64.second
  public var delayInitial: Instant = 200 * Duration64.millisecond
  /// Journal bytes after which a replica rewrites it.
  public var journalBytesMax = 256 << 10
  /// Blocks of an epoch of signing keys; 0: no group key, for key generation and signatures cost real arithmetic even where
  /// identities sign with the stand-in.
  public var epochBlocks: UInt64 = 0
  /// Machines that follow at first and may become validators, and the mean pause between two decisions of the operators
  /// about who is one (V1 to V8, E1 to E5); without adversaries and twins.
  public var joiners = 0
  public var changeEvery: Instant = 0
  /// A view may go by for each of these before finality has to return after healing, and one for each adversary.
  public var viewsToFinality: View = 10

  public init(seed: UInt64, validators: Int = 4, duration: Instant = 60 * Duration64.second, faultPhase: Instant = 0) {
    self.seed = seed
    self.validators = validators
    self.duration = duration
    requestedDuration = duration
    self.faultPhase = faultPhase
  }
}

/// Links between nodes.
public struct NetworkOptions: Sendable {
  /// Of each link drawn below these: the least latency and the mean of the exponential part above it.
  public var latencyMin: Instant = 5 * Duration64.millisecond
  public var latencyMean: Instant = 2 * Duration64.millisecond
  /// Each link draws its own latencies, else all are alike.
  public var isUneven = false
  /// One-way latency from row to column instead of `latencyMin`, by place of the validator.
  public var latencies: [[Instant]] = []
  public var loss: UInt64 = 0
  public var duplication: UInt64 = 0
  /// Messages of one link arrive in the order in which they left, as on one connection.
  public var isOrdered = true

  public init() {}
}

public struct DiskOptions: Sendable {
  public var syncMin: Instant = 300 * Duration64.microsecond
  public var syncMean: Instant = 200 * Duration64.microsecond
  public var commitMin: Instant = Duration64.millisecond
  public var commitMean: Instant = Duration64.millisecond

  public init() {}
}

public struct ClockOptions: Sendable {
  /// Largest distance of a wall clock from true time.
  public var skew: Instant = 20 * Duration64.millisecond
  /// Largest drift of a monotonic clock, in parts per million.
  public var drift: Int64 = 50

  public init() {}
}

public struct LoadOptions: Sendable {
  /// Transactions a second on the whole network, in thousandths.
  public var rate: UInt64 = 10_000
  /// How much faster in a burst.
  public var burst: UInt64 = 10
  /// Linearizable reads a second, in thousandths.
  public var reads: UInt64 = 1_000
  public var traders = 6
  /// Market seconds in a real one.
  public var clockRate: Int64 = 60
  /// Pause between two observations of a validator; zero turns prices off.
  public var oracleEvery: Instant = Duration64.second

  public init() {}
}

public struct AdversaryAssignment: Sendable, Hashable {
  public var validator: Int
  public var kind: AdversaryKind

  public init(validator: Int, kind: AdversaryKind) {
    self.validator = validator
    self.kind = kind
  }
}

extension SimulationOptions {
  /// Byzantine validators that agreement tolerates.
  public var f: Int { validators < 4 ? 0 : (validators - 1) / 3 }

  /// A network without faults under steady load.
  public static func calm(seed: UInt64, validators: Int = 4, duration: Instant = 60 * Duration64.second) -> Self {
    SimulationOptions(seed: seed, validators: validators, duration: duration)
  }

  /// The swarm: which faults there are, how often, how many nodes, what network. `validators` overrides the drawn number.
  public static func swarm(
    seed: UInt64, validators: Int? = nil, duration: Instant = 600 * Duration64.second
  ) -> Self {
    var random = SeededRandom(seed: seed).stream(Purpose.options.rawValue)
    let sizes = [4, 4, 4, 4, 4, 4, 4, 4, 5, 6, 7, 10]
    let rare = [13, 16, 22, 31]
    let isLarge = random.below(40) == 0
    let drawn = isLarge ? rare[Int(random.below(4))] : sizes[Int(random.below(12))]
    var options = SimulationOptions(seed: seed, validators: validators ?? drawn, duration: duration)
    if options.validators > 10 { options.duration = min(duration, duration * 40 / Int64(options.validators * 10)) }
    options.faultPhase = random.between(20, 90) * Duration64.second
    options.faultEvery = random.between(200, 8_000) * Duration64.millisecond
    if random.below(50) == 0 {
      options.signatures = .ed25519
      options.duration = min(options.duration, 60 * Duration64.second)
    }
    options.network.draw(&random)
    options.disk.draw(&random)
    options.clock.skew = random.between(0, 500) * Duration64.millisecond
    options.clock.drift = random.between(0, 300)
    options.load.draw(&random)
    if options.validators > 7 {
      // The work of a view grows with the square of the validators.
      options.load.rate = min(options.load.rate, 500)
      options.load.oracleEvery = max(options.load.oracleEvery, 10 * Duration64.second)
    }
    options.faults = FaultKind.allCases.filter { _ in random.below(3) == 0 }
    options.journalBytesMax = Int(random.between(32, 1024)) << 10
    options.drawAdversaries(&random)
    if random.below(10) == 0 {
      options.epochBlocks = UInt64(random.between(64, 200))
      options.duration = min(options.duration, 120 * Duration64.second)
      if !options.adversaries.isEmpty, random.below(2) == 0 {
        let kinds = AdversaryKind.ofSigning
        options.adversaries[0].kind = kinds[Int(random.below(UInt64(kinds.count)))]
      }
    }
    options.hasOracle = options.epochBlocks == 0 && random.below(8) == 0
    return options
  }

  /// Short and rough: a small network in which something breaks several times a second. A minute of it has as much of
  /// what is rare as hours of the swarm.
  public static func storm(
    seed: UInt64, validators: Int? = nil, duration: Instant = 60 * Duration64.second
  ) -> Self {
    var random = SeededRandom(seed: seed).stream(Purpose.storm.rawValue)
    let drawn = [4, 4, 4, 4, 4, 5, 6, 7][Int(random.below(8))]
    var options = SimulationOptions(seed: seed, validators: validators ?? drawn, duration: duration)
    options.isStorm = true
    options.faultPhase = random.between(5, 15) * Duration64.second
    options.faultEvery = random.between(50, 650) * Duration64.millisecond
    options.network.draw(&random)
    options.disk.draw(&random)
    options.clock.skew = random.between(0, 500) * Duration64.millisecond
    options.clock.drift = random.between(0, 300)
    options.load.draw(&random)
    options.load.rate = [2_000, 5_000, 10_000, 20_000][Int(random.below(4))]
    options.load.reads = 2_000
    options.load.oracleEvery = [1, 2, 5][Int(random.below(3))] * Duration64.second
    options.faults = FaultKind.allCases.filter { _ in random.below(2) == 0 }
    options.journalBytesMax = Int(random.between(16, 128)) << 10
    options.drawAdversaries(&random, quarters: 3)
    options.hasOracle = random.below(4) == 0
    return options
  }

  /// Committees that come and go, with everything in between that the fault table has.
  public static func succession(
    seed: UInt64, validators: Int? = nil, duration: Instant = 300 * Duration64.second
  ) -> Self {
    var random = SeededRandom(seed: seed).stream(Purpose.succession.rawValue)
    let drawn = [4, 4, 4, 4, 5, 6, 7, 10][Int(random.below(8))]
    var options = SimulationOptions(seed: seed, validators: validators ?? drawn, duration: duration)
    options.joiners = 1 + Int(random.below(4))
    options.epochBlocks = UInt64(random.between(64, 120))
    options.changeEvery = random.between(2_000, 20_000) * Duration64.millisecond
    options.faultPhase = random.between(20, 90) * Duration64.second
    options.faultEvery = random.between(500, 8_000) * Duration64.millisecond
    options.network.draw(&random)
    options.network.loss /= 4
    options.disk.draw(&random)
    options.clock.skew = random.between(0, 500) * Duration64.millisecond
    options.clock.drift = random.between(0, 300)
    options.load.draw(&random)
    // Blocks make epochs, and epochs make committees.
    options.load.rate = max(1_000, options.load.rate)
    options.load.oracleEvery = max(options.load.oracleEvery, 5 * Duration64.second)
    options.faults = FaultKind.allCases.filter { _ in random.below(3) == 0 }
    options.journalBytesMax = Int(random.between(32, 1024)) << 10
    return options
  }

  /// In so many quarters of the seeds there are some.
  private mutating func drawAdversaries(_ random: inout SeededRandom, quarters: UInt64 = 2) {
    guard random.below(4) < quarters, f > 0 else { return }
    let count = 1 + Int(random.below(UInt64(f)))
    var places = Array(0..<validators)
    for _ in 0..<count {
      let place = places.remove(at: Int(random.below(UInt64(places.count))))
      let kinds = AdversaryKind.ofAgreement
      adversaries.append(
        AdversaryAssignment(validator: place, kind: kinds[Int(random.below(UInt64(kinds.count)))]))
    }
  }
}

extension NetworkOptions {
  mutating func draw(_ random: inout SeededRandom) {
    latencyMin = random.between(100, 40_000) * Duration64.microsecond
    latencyMean = random.between(0, 20_000) * Duration64.microsecond
    isUneven = random.below(2) == 0
    loss = random.below(2) == 0 ? 0 : random.below(300)
    duplication = random.below(2) == 0 ? 0 : random.below(500)
    isOrdered = random.below(2) == 0
  }
}

extension DiskOptions {
  mutating func draw(_ random: inout SeededRandom) {
    let scale = [1, 1, 4, 20][Int(random.below(4))] as Int64
    syncMin = scale * random.between(50, 500) * Duration64.microsecond
    syncMean = scale * random.between(50, 500) * Duration64.microsecond
    commitMin = scale * random.between(200, 1_000) * Duration64.microsecond
    commitMean = scale * random.between(200, 1_000) * Duration64.microsecond
  }
}

extension LoadOptions {
  mutating func draw(_ random: inout SeededRandom) {
    // From idle to busy: an hour of an idle network costs a tenth of one under load, and meets as many faults.
    rate = [0, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000][Int(random.below(10))]
    burst = 2 + random.below(30)
    reads = [0, 200, 1_000][Int(random.below(3))]
    clockRate = [1, 60, 600][Int(random.below(3))]
    oracleEvery = [1, 2, 5, 10, 30, 60][Int(random.below(6))] * Duration64.second
  }
}

extension SimulationOptions: CustomStringConvertible {
  /// One option a line, so that a failing run says all that it depended on.
  public var description: String {
    func milliseconds(_ time: Instant) -> String { "\(time / Duration64.microsecond) us" }
    let lines = [
      "seed \(seed)", "validators \(validators) (f \(f))", "signatures \(signatures)",
      "duration \(duration / Duration64.millisecond) ms, fault phases of \(faultPhase / Duration64.millisecond) ms",
      "latency at least \(milliseconds(network.latencyMin)) and exponential with mean "
        + "\(milliseconds(network.latencyMean)), \(network.isUneven ? "uneven" : "even")"
        + (network.latencies.isEmpty ? "" : ", by table"),
      "loss \(network.loss) per mille, duplication \(network.duplication) per mille, "
        + (network.isOrdered ? "ordered" : "reordered"),
      "sync at least \(milliseconds(disk.syncMin)) and mean \(milliseconds(disk.syncMean)); "
        + "commit \(milliseconds(disk.commitMin)) and \(milliseconds(disk.commitMean))",
      "clock skew \(milliseconds(clock.skew)), drift \(clock.drift) ppm",
      "load \(load.rate) milli-transactions a second, burst x\(load.burst), reads \(load.reads) milli a second, "
        + "traders \(load.traders), market clock x\(load.clockRate), prices every \(milliseconds(load.oracleEvery))",
      "journal rewritten above \(journalBytesMax) bytes",
      epochBlocks == 0 ? "no group key" : "epochs of \(epochBlocks) blocks",
      joiners == 0
        ? "the validators stay"
        : "\(joiners) more machines, a change of the validators every \(changeEvery / Duration64.millisecond) ms",
      "clearing judged by the model: \(hasOracle ? "yes, without liquidation" : "no")",
      "faults every \(faultEvery / Duration64.millisecond) ms: \(faults.map(\.rawValue).joined(separator: ", "))",
      "adversaries: \(adversaries.map { "\($0.validator) \($0.kind.rawValue)" }.joined(separator: ", "))",
    ]
    return lines.joined(separator: "\n")
  }
}
