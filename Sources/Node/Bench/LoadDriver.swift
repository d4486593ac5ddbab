// Drives many connections from one event loop: closed loop (each connection sends as soon as it is answered) or open
// loop (requests fall due at a rate, whatever the answers; latency counts from when a request was due, so that a
// stalled server cannot hide).

import NIOCore
import NIOPosix
import Primitives

enum Pacing: Sendable {
  /// One request of each connection under way at any time.
  case closed
  case open(perSecond: Double)
  /// One at a time on the first connection, `pause` nanoseconds apart.
  case single(pause: Int64)
}

/// What a run of the driver saw.
struct LoadOutcome: Sendable {
  var seconds = 0.0
  /// Within the measured time.
  var finals = 0
  var actions = 0
  /// Over the whole run, as is what follows.
  var allActions = 0
  var sent = 0
  var answered = 0
  var rejected = 0
  var refusedOrders = 0
  var busy = 0
  var unknown = 0
  var failed = 0
  var lastFailure = 0
  var latencies = LatencySamples()
  var acknowledged: [(hash: Digest, node: Int)] = []
  /// When finals arrived, by node; kept only when asked for.
  var arrivals: [(at: Instant, node: Int)] = []
  var ranOut = false
}

/// Confined to `loop` but for the `async` methods, which hop there.
final class LoadDriver: @unchecked Sendable {
  let loop: any EventLoop
  private var connections: [LoadConnection] = []
  private var outcome = LoadOutcome()
  private var pacing = Pacing.closed
  private var measureFrom: Instant = 0
  private var deadline: Instant = 0
  private var due: [Instant] = []
  private var dueHead = 0
  private var started: Instant = 0
  private var issued = 0
  private var turn = 0
  private var keepsArrivals = false
  private var ticker: RepeatedTask?
  private var done: EventLoopPromise<LoadOutcome>?
  /// Requests that may still be answered after the deadline.
  private static let patience: Int64 = 20 * Duration64.second

  init(loop: any EventLoop) { self.loop = loop }

  /// Opens connections, spread over the sockets in turn.
  func connect(_ count: Int, to sockets: [String]) async throws {
    for number in 0..<count {
      let node = number % sockets.count
      let channel = ClientBootstrap(group: loop).channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = LoadConnection(node: node) { [unowned self] in replied($0, $1, $2, $3) }
          connections.append(connection)
          try channel.pipeline.syncOperations.addHandler(connection)
        }
      }
      do {
        _ = try await channel.connect(unixDomainSocketPath: sockets[node]).get()
      } catch {
        throw CommandFailure(.unreachable, "cannot connect to \(sockets[node]): \(error)")
      }
    }
  }

  var connectionCount: Int { get async { (try? await loop.submit { self.connections.count }.get()) ?? 0 } }

  func close() async {
    _ = try? await loop.submit { [self] in
      for connection in connections { connection.close() }
      connections.removeAll()
    }.get()
  }

  /// Runs scripts, one for each connection. The first `warmup` nanoseconds do not count.
  func run(
    _ scripts: [[PreparedRequest]], _ pacing: Pacing, seconds: Double, warmup: Int64 = 0, keepsArrivals: Bool = false
  ) async throws -> LoadOutcome {
    try await loop.flatSubmit { [self] in
      let promise = loop.makePromise(of: LoadOutcome.self)
      done = promise
      outcome = LoadOutcome()
      self.pacing = pacing
      self.keepsArrivals = keepsArrivals
      for (place, connection) in connections.enumerated() {
        connection.script = place < scripts.count ? scripts[place] : []
        connection.next = 0
      }
      started = Clock.monotonic
      measureFrom = started + warmup
      deadline = measureFrom + Int64(seconds * Double(Duration64.second))
      outcome.seconds = seconds
      (due, dueHead, issued, turn) = ([], 0, 0, 0)
      begin()
      return promise.futureResult
    }.get()
  }

  private func begin() {
    switch pacing {
    case .closed: for connection in connections { send(connection, since: Clock.monotonic) }
    case .single: if let first = connections.first { send(first, since: Clock.monotonic) }
    case .open: break
    }
    ticker = loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(1)) { [self] _ in tick() }
  }

  private func send(_ connection: LoadConnection, since: Instant) {
    guard connection.canSend else {
      if connection.isOpen, connection.inFlight == nil { outcome.ranOut = true }
      return
    }
    outcome.sent += 1
    connection.send(since: since)
  }

  private func tick() {
    let now = Clock.monotonic
    if now >= deadline {
      let waiting = connections.contains { $0.inFlight != nil }
      if !waiting || now > deadline + Self.patience { finish() }
      return
    }
    guard case .open(let rate) = pacing else {
      if !connections.contains(where: { $0.inFlight != nil || $0.canSend }) { finish() }
      return
    }
    let target = Int(Double(now - started) / Double(Duration64.second) * rate)
    while issued < target {
      due.append(started + Int64(Double(issued) / rate * Double(Duration64.second)))
      issued += 1
    }
    sendDue()
  }

  private func sendDue() {
    var tried = 0
    while dueHead < due.count, tried < connections.count {
      turn = (turn + 1) % connections.count
      tried += 1
      guard connections[turn].canSend else { continue }
      tried = 0
      send(connections[turn], since: due[dueHead])
      dueHead += 1
    }
    if dueHead == due.count {
      due.removeAll(keepingCapacity: true)
      dueHead = 0
    }
  }

  private func replied(_ connection: LoadConnection, _ request: PreparedRequest, _ since: Instant, _ result: LoadResult)
  {
    let now = Clock.monotonic
    outcome.answered += 1
    switch result {
    case .final(let refused):
      outcome.refusedOrders += refused
      outcome.acknowledged.append((request.hash, connection.node))
      if keepsArrivals { outcome.arrivals.append((now, connection.node)) }
      count(request, since, now)
    case .rejected:
      outcome.rejected += 1
      outcome.acknowledged.append((request.hash, connection.node))
      count(request, since, now)
    case .busy: outcome.busy += 1
    case .unknown: outcome.unknown += 1
    case .failed(let status):
      outcome.failed += 1
      outcome.lastFailure = status
    }
    guard now < deadline else { return }
    switch pacing {
    case .closed:
      if case .busy = result {
        loop.scheduleTask(in: .milliseconds(5)) { [self] in send(connection, since: Clock.monotonic) }
      } else {
        send(connection, since: now)
      }
    case .single(let pause):
      loop.scheduleTask(in: .nanoseconds(pause)) { [self] in send(connection, since: Clock.monotonic) }
    case .open: sendDue()
    }
  }

  private func count(_ request: PreparedRequest, _ since: Instant, _ now: Instant) {
    outcome.allActions += request.actions
    guard now >= measureFrom, now <= deadline else { return }
    outcome.finals += 1
    outcome.actions += request.actions
    outcome.latencies.add(now - since)
  }

  private func finish() {
    ticker?.cancel()
    ticker = nil
    // Due, but never sent: the server was too slow for this rate.
    outcome.unknown += connections.count { $0.inFlight != nil }
    let result = outcome
    outcome = LoadOutcome()
    done?.succeed(result)
    done = nil
  }
}
