// Reads of the clearing state. Each runs on the loop that carries the replica, on final state unless it asks for more.

import Consensus
import Clearing
import Hummingbird
import Ledger
import NIOCore
import Primitives
import Replica

extension APIServer {
  /// Runs `body` on the state that the request's consistency allows; 503 where no quorum answers.
  func read<R: Sendable>(
    _ options: ReadOptions, _ body: @escaping @Sendable (inout Replica, ReadPoint) throws -> R
  ) async throws -> R {
    let name = options.consistency.rawValue
    let atLeast = options.atLeast
    let run: @Sendable (inout Replica) throws -> R = { replica in
      guard replica.finalHeight >= atLeast else {
        throw Self.tooOld(replica.finalHeight, atLeast)
      }
      let point = ReadPoint(height: replica.finalHeight, stateRoot: replica.finalRoot.hex, consistency: name)
      return try body(&replica, point)
    }
    switch options.consistency {
    case .linearizable: return try await host.readLinearizable(timeout: Self.readTimeout, run)
    case .local: return try await host.readLocal(run)
    case .causal:
      try await reach(atLeast)
      return try await host.readLocal(run)
    case .speculative:
      return try await host.readSpeculative { replica in
        let (height, root) = replica.executedTip
        guard height >= atLeast else { throw Self.tooOld(height, atLeast) }
        return try body(&replica, ReadPoint(height: height, stateRoot: root.hex, consistency: name))
      }
    }
  }

  /// Waits until this node's final state is as new as what the client has seen elsewhere.
  private func reach(_ height: Height) async throws {
    let deadline = Clock.monotonic + Self.readTimeout
    while true {
      let reached = try await host.readLocal { $0.finalHeight }
      if reached >= height { return }
      guard Clock.monotonic < deadline else { throw Self.tooOld(reached, height) }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  private static func tooOld(_ height: Height, _ wanted: Height) -> APIError {
    APIError(
      .serviceUnavailable, "tooOld", "this node is at height \(height), below \(wanted)",
      hint: "Ask again in a moment or ask another node.")
  }

  func account(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let text = context.text("id")
    guard let id = AccountID(hex: text) else {
      throw APIError.malformed(
        "account \"\(text.prefix(80))\" is not 64 hex digits", hint: "An account is its public key.")
    }
    let options = try ReadOptions(request)
    let terms = info.genesis.market.underlyings
    guard options.wantsProof else {
      return APIResponse.json(
        try await read(options) { replica, point in
          guard let view = replica.account(id) else { throw APIError.notFound("there is no account \(id.hex)") }
          return AccountDocument(view, at: point, underlyings: terms)
        })
    }
    var (document, proof): (AccountDocument, ProofDocument) = try await proven {
      try await read(options) { replica, point in
        guard let view = replica.account(id) else { throw APIError.notFound("there is no account \(id.hex)") }
        return (AccountDocument(view, at: point, underlyings: terms), RecordProofs.account(id, in: &replica))
      }
    }
    document.proof = proof
    return APIResponse.json(document)
  }

  func instruments(_ request: Request) async throws -> Response {
    let options = try ReadOptions(request)
    return APIResponse.json(
      try await read(options) { replica, point in
        InstrumentsDocument(
          instruments: replica.clearing.instruments().map { InstrumentDocument($0) }, height: point.height,
          stateRoot: point.stateRoot, consistency: point.consistency)
      })
  }

  func combos(_ request: Request) async throws -> Response {
    let terms = info.genesis.market.underlyings
    return APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        CombosDocument(
          combos: replica.clearing.combos().map { ComboDocument($0, underlyings: terms) }, height: point.height,
          stateRoot: point.stateRoot, consistency: point.consistency)
      })
  }

  func instrument(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = try instrumentID(context)
    return APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        guard let view = replica.clearing.instrument(id) else { throw APIError.notFound("there is no such instrument") }
        return InstrumentReadDocument(
          instrument: InstrumentDocument(view), height: point.height, stateRoot: point.stateRoot,
          consistency: point.consistency)
      })
  }

  func book(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = try instrumentID(context)
    let name = context.text("name")
    var depth = 20
    if let text = request.uri.queryParameters["depth"] {
      guard let value = Int(text), (1...1000).contains(value) else {
        throw APIError.malformed("depth \"\(text.prefix(40))\" is out of range", hint: "Use 1 to 1000.")
      }
      depth = value
    }
    return APIResponse.json(
      try await read(try ReadOptions(request)) { [depth] replica, point in
        guard let view = replica.clearing.book(id, depth: depth) else {
          throw APIError.notFound("there is no instrument \(name)")
        }
        return BookDocument(view, name: name, at: point)
      })
  }

  func trades(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = try instrumentID(context)
    let name = context.text("name")
    return APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        guard replica.clearing.instrument(id) != nil else {
          throw APIError.notFound("there is no instrument \(name)")
        }
        return TradesDocument(
          trades: replica.clearing.trades(id).map { TradeDocument($0, name: name) }, height: point.height,
          stateRoot: point.stateRoot,
          consistency: point.consistency)
      })
  }

  func order(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let text = context.text("id")
    guard let id = OrderID(text) else {
      throw APIError.malformed("order \"\(text.prefix(40))\" is not a number", hint: "Use the id of a receipt.")
    }
    let terms = info.genesis.market.underlyings
    return APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        guard let view = replica.clearing.order(id) else {
          throw APIError.notFound("there is no open order \(id)")
        }
        return OrderReadDocument(
          order: OrderDocument(view, underlyings: terms), account: view.account.hex, height: point.height,
          stateRoot: point.stateRoot, consistency: point.consistency)
      })
  }

  func oracle(_ request: Request) async throws -> Response {
    APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        OracleDocument(replica.clearing.oracle(), at: point)
      })
  }

  func liquidations(_ request: Request) async throws -> Response {
    APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        LiquidationsDocument(replica.liquidations(), replica.clearing.funds(), at: point)
      })
  }

  func instrumentID(_ context: BasicRequestContext) throws -> InstrumentID {
    let name = context.text("name")
    guard let id = InstrumentName.parse(name, underlyings: info.genesis.market.underlyings) else {
      throw APIError.notFound("there is no instrument \"\(name.prefix(80))\"")
    }
    return id
  }
}
