// What can be fed with any bytes: each decoder, and each state machine whose inputs are bytes of others. A target traps
// where something is wrong. `Fuzz` runs one under libFuzzer, `FuzzTests` replays the seeds and their mutations.

public struct FuzzTarget: Sendable {
  public let name: String
  /// Valid inputs to start from.
  public let seeds: @Sendable () -> [[UInt8]]
  public let run: @Sendable ([UInt8]) -> Void

  init(
    _ name: String, seeds: @escaping @Sendable () -> [[UInt8]], run: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.name = name
    self.seeds = seeds
    self.run = run
  }

  public static let all: [FuzzTarget] = decoders + signing + texts + files + machines

  public static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Reads an input as a program for a target: short numbers and byte strings, until it is used up.
struct Script {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func number() -> Int { Int(byte()) << 8 | Int(byte()) }

  mutating func bytes() -> [UInt8] { take(number()) }

  mutating func take(_ count: Int) -> [UInt8] {
    let taken = Array(rest.prefix(count))
    rest = rest.dropFirst(count)
    return taken
  }

  mutating func remainder() -> [UInt8] { take(rest.count) }

  /// The inverse of `bytes`; nil for what is too long.
  static func encode(_ bytes: [UInt8]) -> [UInt8]? {
    bytes.count > 0xffff ? nil : [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
  }
}
