// `novation devnet`: a local network of real processes.

import ArgumentParser
import Node
import Primitives

struct DevnetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devnet", abstract: "A local network of real processes.",
    discussion: """
      One directory holds everything: genesis.json, keys/NAME.key (unencrypted: for tests only), and for each validator nodeK/ \
      and each observer observerK/ with its configuration, socket, process id, log and ledger.
      """,
    subcommands: [Up.self, Down.self, Status.self, Restart.self])

  struct Directory: ParsableArguments {
    @Option(help: "Directory of the network.") var dir: String

    func open() throws -> Devnet { try explained { try Devnet(at: dir) } }
  }

  struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make and start a network, or start one that was stopped.",
      discussion: """
        Without --detach it stays in the foreground with a table of the nodes, and stops them on ^C. What is chosen about \
        a network (validators, clock, seed, instruments) is chosen once, when it is made.
        """)

    @OptionGroup var directory: Directory
    @Option(help: "Validators of a new network, 1 to 31. (default: 4)") var validators: Int?
    @Option(help: "Observers of a new network, 0 to 64. (default: 0)") var observers: Int?
    @Flag(help: "Return when every node serves and blocks advance.") var detach = false
    @Flag(help: "Print the network as one JSON document.") var json = false
    @Option(help: ArgumentHelp("Market time at genesis, ISO 8601. (default: now)", valueName: "time"))
    var clockStart: String?
    @Option(help: "Market seconds in a real one, 1 to 100000. (default: 1)") var clockRate: Int64?
    @Option(help: "Blocks after which the shares of the group key are renewed, at least 64. (default: 200)")
    var epochBlocks: UInt64?
    @Option(help: "Seed of the synthetic market. (default: 1)") var seed: UInt64?
    @Flag(help: "List nothing at genesis.") var noInstruments = false
    @Flag(help: "Give each node of a new network a dashboard on a free port.") var dashboard = false

    func validate() throws {
      if let validators, !(1...31).contains(validators) { throw ValidationError("--validators is 1 to 31") }
      if let observers, !(0...64).contains(observers) { throw ValidationError("--observers is 0 to 64") }
      if let epochBlocks, !(64...10_000_000).contains(epochBlocks) {
        throw ValidationError("--epoch-blocks is 64 to 10000000")
      }
      if let clockRate, !(1...100_000).contains(clockRate) { throw ValidationError("--clock-rate is 1 to 100000") }
      if let clockStart, ISO8601.parse(clockStart) == nil {
        throw ValidationError("--clock-start \"\(clockStart)\" is not a time such as 2026-03-02T08:00:00Z")
      }
    }

    func run() async throws {
      var devnet = try explained { try Devnet.exists(at: directory.dir) ? existing() : create() }
      let alreadyRunning = devnet.runningCount
      if alreadyRunning == devnet.nodeCount {
        Terminal.error.line("the network in \(devnet.layout.directory) runs already")
      } else {
        try await start(&devnet)
      }
      if json { Terminal.output.line(JSONText.render(devnet.document)) }
      for node in devnet.document.nodes where !json {
        if let listener = node.listener { Terminal.output.line("\(node.name): http://\(listener)/") }
      }
      guard !detach else {
        if !json { Terminal.output.write(await devnet.statusDocument().render(style: Terminal.output.style)) }
        return
      }
      await watch(devnet)
    }

    private func existing() throws -> Devnet {
      let devnet = try Devnet(at: directory.dir)
      let chosen =
        validators.map { $0 != devnet.validatorCount } ?? false
        || observers.map { $0 != devnet.nodeCount - devnet.validatorCount } ?? false
      if chosen || clockStart != nil || clockRate != nil || noInstruments || epochBlocks != nil
        || (dashboard && devnet.document.nodes.allSatisfy { $0.listener == nil })
        || seed.map({ $0 != devnet.document.seed }) ?? false
      {
        throw CommandFailure(
          .failed,
          "there is a network of \(devnet.validatorCount) validators and \(devnet.nodeCount - devnet.validatorCount) observers in \(devnet.layout.directory) already, and its nodes, clock, seed and instruments were chosen when it was made",
          hint: "start it without these options, or choose another directory")
      }
      return devnet
    }

    private func create() throws -> Devnet {
      var options = DevnetOptions()
      options.validators = validators ?? options.validators
      options.observers = observers ?? options.observers
      options.seed = seed ?? options.seed
      options.clockStart = clockStart.flatMap(ISO8601.parse)
      options.clockRate = clockRate ?? options.clockRate
      options.epochBlocks = epochBlocks
      options.listInstruments = !noInstruments
      options.hasDashboard = dashboard
      return try Devnet.create(at: directory.dir, options: options)
    }

    private func start(_ devnet: inout Devnet) async throws {
      let progress = Progress("starting")
      defer { progress.finish() }
      do {
        try devnet.startAll()
        try await devnet.waitReady(timeoutSeconds: 30) { progress.update($0) }
      } catch {
        progress.finish()
        await devnet.stopAll()
        throw CommandFailure(.failed, "\(error)", hint: "the nodes were stopped again")
      }
    }

    private func watch(_ devnet: Devnet) async {
      let terminal = Terminal.error
      let title = terminal.style(.bold, "devnet in \(devnet.layout.directory)") + "  ^C stops it\n\n"
      if !terminal.isInteractive { terminal.write(title) }
      await StopSignals.untilStopped(every: terminal.isInteractive ? .seconds(1) : .seconds(60)) {
        let text = await devnet.statusDocument().render(style: terminal.style)
        // Home, then each line cleared to its end, so that nothing flickers.
        guard terminal.isInteractive else { return terminal.write(text) }
        let lines = (title + text).split(separator: "\n", omittingEmptySubsequences: false)
        terminal.write("\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\n") + "\u{1b}[J")
      }
      let progress = Progress("stopping", terminal: terminal)
      let count = await devnet.stopAll { progress.update($0) }
      progress.finish()
      terminal.line("stopped \(count) nodes; `novation devnet up --dir \(directory.dir)` starts them again")
    }
  }

  struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop a network; everything it knows stays.")
    @OptionGroup var directory: Directory

    func run() async throws {
      let progress = Progress("stopping")
      let count = await (try directory.open()).stopAll { progress.update($0) }
      progress.finish()
      Terminal.error.line(count == 0 ? "nothing was running" : "stopped \(count) nodes")
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Look at a network.", discussion: "Fails if two nodes have different state roots at one height.")
    @OptionGroup var directory: Directory
    @Flag(help: "Print one JSON document.") var json = false

    func run() async throws {
      let status = await (try directory.open()).statusDocument()
      if json {
        Terminal.output.line(JSONText.render(status))
      } else {
        Terminal.output.write(status.render(style: Terminal.output.style))
      }
      if status.agreement?.rootsEqual == false {
        throw CommandFailure(.failed, "the nodes do not have one state root")
      }
    }
  }

  struct Restart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Start one node again, stopping it first if it runs.",
      discussion: "Returns when the node serves and has caught up with the others that run.")
    @OptionGroup var directory: Directory
    @Option(help: "Number of the node, from 0, or its name: node0, observer0.") var node: String

    func run() async throws {
      var devnet = try directory.open()
      guard let node = devnet.node(node) else {
        throw CommandFailure(
          .failed, "there is no node \(self.node)",
          hint: "the nodes are \(devnet.document.nodes.map(\.name).joined(separator: ", "))")
      }
      let name = devnet.document.nodes[node].name
      let progress = Progress("restarting \(name)")
      defer { progress.finish() }
      do {
        try await devnet.restart(node)
        try await devnet.waitServing(node, timeoutSeconds: 30) { progress.update($0) }
      } catch {
        progress.finish()
        throw CommandFailure(.failed, "\(error)")
      }
      progress.finish()
      Terminal.error.line("\(name) serves")
    }
  }
}

/// Errors whose description is a sentence for the operator, as failures of the command.
func explained<Value>(_ body: () throws -> Value) throws -> Value {
  do {
    return try body()
  } catch let error as CommandFailure {
    throw error
  } catch {
    throw CommandFailure(.failed, "\(error)")
  }
}
