// `novation top`: a screen about one node that is drawn again and again.

import ArgumentParser
import Node
import Primitives

struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "A live screen: rates, finality, validators, prices. Ends with q.")
  @OptionGroup var socket: SocketOption
  @Option(help: "Pause between two looks, from 1s to 5m.") var interval = Seconds(value: 1)
  @Flag(help: "Print one screen and stop; always so where the output is no terminal.") var once = false

  func run() async throws {
    let api = socket.api
    var view = TopView()
    view.add(try await look(api))
    guard !once, Terminal.output.isInteractive else {
      // Rates need two looks.
      try await Task.sleep(for: interval.duration)
      view.add(try await look(api))
      Terminal.output.write(view.render(LiveScreen.size(), style: Terminal.output.style))
      return
    }
    let screen = LiveScreen()
    defer { screen.close() }
    while true {
      screen.draw(view.render(LiveScreen.size(), style: Terminal.output.style))
      if await screen.isEnded(within: interval.duration) { return }
      do {
        view.add(try await look(api))
      } catch let failure as CommandFailure {
        view.lost(failure.message)
      }
    }
  }

  private func look(_ api: NodeAPI) async throws -> TopView.Look {
    func read(_ noun: String) async throws -> JSONValue {
      try await api.read(RequestPath(noun).with("consistency", "local"), timeout: .seconds(3))
    }
    return TopView.Look(
      at: Clock.monotonic, status: try await read("status"), validators: try await read("validators"),
      oracle: try await read("oracle"), liquidations: try await read("liquidations"))
  }
}
