// swift-tools-version: 6.2
import PackageDescription

/// `NOVATION_MUTANTS=1` compiles in the bugs of `Mutant` for `Tests/MutantTests`: the cores and these tests, and nothing
/// else, so that no executable can have them.
let mutated = Context.environment["NOVATION_MUTANTS"] != nil

/// `NOVATION_CORES=1` leaves out what does input and output, and with it every package that has to be fetched: sanitizers
/// and fuzzing need only the cores.
let coresOnly =
  Context.environment["NOVATION_FUZZ"] != nil || Context.environment["NOVATION_CORES"] != nil || mutated

/// `NOVATION_FUZZ=1` builds the cores with libFuzzer's coverage and AddressSanitizer, for `Tests/Fuzz`.
let fuzzing = Context.environment["NOVATION_FUZZ"] != nil
let sanitized = ["-sanitize=address", "-sanitize-coverage=edge,trace-cmp,inline-8bit-counters,pc-table"]

let strict: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
  ] + (fuzzing ? [.unsafeFlags(sanitized)] : []) + (mutated ? [.define("MUTANTS")] : [])

/// One of our modules with the modules of lower layers that it imports; `Tests/ArchitectureTests` holds them against the
/// table of `docs/ARCHITECTURE.md`.
func module(_ name: String, _ modules: [Target.Dependency], _ products: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: modules + products, swiftSettings: strict)
}

func tests(of name: String, _ modules: [Target.Dependency] = []) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + modules, swiftSettings: strict)
}

let nio = "swift-nio"
let cores: [Target] = [
  .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
  .systemLibrary(name: "CLMDB", providers: [.apt(["liblmdb-dev"])]),
  .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
  .systemLibrary(name: "CLinux"),

  module("Primitives", []),
  module("Wire", ["Primitives"]),
  module("Sodium", ["CSodium", "Primitives"]),
  module("Pricing", ["Primitives"]),
  module("Threshold", ["Wire", "Sodium", "Primitives"]),
  module("Channel", ["Wire", "Sodium", "Primitives"]),
  module("Ledger", ["Wire", "Sodium", "Primitives"]),
  module("Clearing", ["Pricing", "Wire", "Ledger", "Primitives"]),
  module("Reference", ["Clearing", "Ledger", "Primitives", "Wire"]),
  module("Consensus", ["Wire", "Sodium", "Primitives"]),
  module("Gossip", ["Wire", "Sodium", "Primitives"]),
  module("Replica", ["Clearing", "Consensus", "Gossip", "Ledger", "Primitives", "Sodium", "Threshold", "Wire"]),
  module("Storage", ["CLMDB", "Ledger", "Primitives", "Sodium", "Wire"]),
  module(
    "Simulator",
    [
      "Clearing", "Consensus", "Gossip", "Ledger", "Primitives", "Reference", "Replica", "Sodium", "Storage",
      "Threshold", "Wire",
    ]),
]

let tested: [Target] = [
  // Opens what crashes leave of ledgers and journals; `StorageTests` starts it.
  .target(name: "DiskRecorder", path: "Tests/DiskRecorder"),
  .executableTarget(
    name: "CrashProbe", dependencies: ["DiskRecorder", "Ledger", "Primitives", "Sodium", "Storage", "Wire"],
    path: "Tests/CrashProbe", swiftSettings: strict),

  // What can be fed with any bytes: `FuzzTests` replays it, `Fuzz` runs it under libFuzzer.
  .target(
    name: "FuzzTargets",
    dependencies: [
      "Channel", "Clearing", "Consensus", "Gossip", "Ledger", "Primitives", "Replica", "Sodium", "Storage", "Threshold",
      "Wire",
    ],
    path: "Tests/FuzzTargets", swiftSettings: strict),
  .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "Primitives"], swiftSettings: strict),

  tests(of: "Primitives"),
  tests(of: "Wire", ["Primitives"]),
  tests(of: "Sodium", ["Primitives"]),
  tests(of: "Pricing", ["Primitives"]),
  tests(of: "Threshold", ["Sodium", "Wire", "Primitives"]),
  tests(of: "Channel", ["Sodium", "Primitives"]),
  tests(of: "Ledger", ["Sodium", "Wire", "Primitives"]),
  tests(of: "Storage", ["Ledger", "Sodium", "Wire", "Primitives"]),
  tests(of: "Clearing", ["Ledger", "Pricing", "Wire", "Primitives"]),
  tests(of: "Reference", ["Clearing", "Ledger", "Primitives"]),
  tests(of: "Consensus", ["Sodium", "Wire", "Primitives"]),
  tests(of: "Gossip", ["Sodium", "Wire", "Primitives"]),
  tests(of: "Replica", ["Clearing", "Consensus", "Gossip", "Ledger", "Sodium", "Threshold", "Wire", "Primitives"]),
  tests(
    of: "Simulator",
    ["Clearing", "Consensus", "Gossip", "Ledger", "Replica", "Sodium", "Storage", "Wire", "Primitives"]),
]

let mutants: Target = .testTarget(
  name: "MutantTests", dependencies: ["Primitives", "Reference", "Simulator"], swiftSettings: strict)

let fuzzer: Target = .executableTarget(
  name: "Fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz", swiftSettings: strict,
  // The toolchain's linker knows its own sanitizers; `main` is ours, so the archive gives the driver alone.
  linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])])

let shell: [Target] = [
  module(
    "Node",
    [
      "CLinux", "CZlib", "Channel", "Clearing", "Consensus", "Gossip", "Ledger", "Pricing", "Primitives", "Replica",
      "Simulator", "Sodium", "Storage", "Threshold", "Wire",
    ],
    [
      .product(name: "CoreMetrics", package: "swift-metrics"),
      .product(name: "HTTPTypes", package: "swift-http-types"),
      .product(name: "Hummingbird", package: "hummingbird"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "NIOConcurrencyHelpers", package: nio),
      .product(name: "NIOCore", package: nio),
      .product(name: "NIOHTTP1", package: nio),
      .product(name: "NIOPosix", package: nio),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      .product(name: "TOMLKit", package: "TOMLKit"),
    ]),
  .executableTarget(
    name: "novation",
    dependencies: [
      "Clearing", "Node", "Pricing", "Primitives", "Replica", "Simulator", "Sodium", "Wire",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    swiftSettings: strict,
    // The two archives are what a static FoundationEssentials needs besides itself.
    linkerSettings: [
      .unsafeFlags(["-static-executable"]), .linkedLibrary("_FoundationCShims"),
      .linkedLibrary("_FoundationCollections"),
    ]
  ),

  tests(
    of: "Node",
    [
      "Clearing", "Consensus", "Gossip", "Ledger", "Pricing", "Primitives", "Replica", "Simulator", "Sodium", "Storage",
      "Wire", .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: nio),
      .product(name: "NIOHTTP1", package: nio), .product(name: "NIOPosix", package: nio),
    ]),
  .testTarget(name: "ArchitectureTests", swiftSettings: strict),
  // Drives the real executable as a black box.
  .testTarget(name: "NetworkTests", swiftSettings: strict),
]

let fetched: [Package.Dependency] = [
  .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
  .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
  .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
  .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
  // Without its default traits Hummingbird needs no full Foundation.
  .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
  .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
]

let package = Package(
  name: "novation",
  dependencies: coresOnly ? [] : fetched,
  targets: cores + (mutated ? [mutants] : tested) + (coresOnly ? [] : shell) + (fuzzing ? [fuzzer] : [])
)
