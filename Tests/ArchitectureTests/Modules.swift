/// The module table of docs/ARCHITECTURE.md: what each folder of Sources may import. An import points to a lower layer,
/// or to a module of the same layer that this table names.
struct Module {
  let name: String
  let layer: Int
  let imports: Set<String>

  /// Layers 0 to 4 are the cores: pure, deterministic, without Foundation.
  var isCore: Bool { layer <= 4 }

  private init(_ name: String, layer: Int, _ imports: Set<String>) {
    self.name = name
    self.layer = layer
    self.imports = imports.union(name == "Primitives" ? [] : ["Primitives"])
  }

  static let all: [Module] = [
    Module("CSodium", layer: 0, []),
    Module("CLMDB", layer: 0, []),
    Module("CZlib", layer: 0, []),
    Module("CLinux", layer: 0, []),
    Module("Primitives", layer: 0, []),
    Module("Wire", layer: 1, []),
    Module("Sodium", layer: 1, ["CSodium"]),
    Module("Pricing", layer: 1, []),
    Module("Threshold", layer: 2, ["Wire", "Sodium"]),
    Module("Channel", layer: 2, ["Wire", "Sodium"]),
    // The in-memory twin of the disk is a store like the other, shared between threads, and needs a lock.
    Module("Ledger", layer: 2, ["Wire", "Sodium", "Synchronization"]),
    Module("Clearing", layer: 3, ["Pricing", "Wire", "Ledger"]),
    Module("Reference", layer: 4, ["Clearing", "Ledger", "Wire"]),
    Module("Consensus", layer: 3, ["Wire", "Sodium", "Threshold"]),
    Module("Gossip", layer: 3, ["Wire", "Sodium"]),
    Module("Replica", layer: 4, cores),
    Module("Storage", layer: 5, system.union(["Ledger", "CLMDB", "Wire", "Sodium"])),
    Module(
      "Node", layer: 5, system.union(server).union(cores).union(["Replica", "Simulator", "Storage", "CZlib", "CLinux"])),
    Module("Simulator", layer: 5, cores.union(["Reference", "Replica", "Storage", "Synchronization"])),
    Module("novation", layer: 6, system.union(server).union(cores).union(shell).union(["ArgumentParser"])),
  ]

  /// Layers 1 to 3.
  private static let cores: Set = [
    "Wire", "Sodium", "Pricing", "Threshold", "Channel", "Ledger", "Clearing", "Consensus", "Gossip",
  ]

  private static let shell: Set = ["Replica", "Storage", "Node", "Simulator"]

  private static let system: Set = ["Glibc", "Dispatch", "Foundation", "FoundationEssentials", "Synchronization"]

  private static let server: Set = [
    "HTTPTypes", "Hummingbird", "HummingbirdCore", "Logging", "CoreMetrics", "NIOConcurrencyHelpers", "NIOCore",
    "NIOFoundationCompat", "NIOHTTP1", "NIOPosix", "ServiceLifecycle", "TOMLKit", "UnixSignals",
  ]
}

/// What the rules of the cores forbid, as it looks in code.
struct ForbiddenConstruct {
  let name: String
  let pattern: Regex<Substring>

  nonisolated(unsafe) static let all: [ForbiddenConstruct] = [
    ForbiddenConstruct(name: "try!", pattern: /\btry!/),
    ForbiddenConstruct(name: "as!", pattern: /\bas!/),
    ForbiddenConstruct(name: "fatalError", pattern: /\bfatalError\s*\(/),
    ForbiddenConstruct(
      name: "binary floating point", pattern: /\b(?:Double|Float|Float16|Float32|Float64|Float80|CGFloat)\b/),
    ForbiddenConstruct(name: "async", pattern: /\b(?:async|await)\b/),
    ForbiddenConstruct(name: "a clock", pattern: /\bDate\s*\(\s*\)|\b(?:ContinuousClock|SuspendingClock)\b/),
    ForbiddenConstruct(
      name: "chance",
      pattern:
        /\bSystemRandomNumberGenerator\b|\.random\s*\(\s*in:\s*[^,()]*\)|\.randomElement\s*\(\s*\)|\.shuffled\s*\(\s*\)/
    ),
  ]
}
