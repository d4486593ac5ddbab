// What-if margin and Greeks: reads of final state that change nothing.

import Clearing
import FoundationEssentials
import Hummingbird
import NIOCore
import Primitives
import Replica

extension APIServer {
  /// Served on the socket alone: a question costs the replica's loop more than a plain read.
  func whatIf(_ request: Request) async throws -> Response {
    let buffer = try await request.body.collect(upTo: Int(limits.requestBody))
    let document: WhatIfDocument
    do {
      document = try JSONDecoder().decode(WhatIfDocument.self, from: Data(buffer.readableBytesView))
    } catch {
      throw APIError.malformed("not a question about margin: \(error)", hint: WhatIf.hint)
    }
    guard let account = AccountID(hex: document.account) else {
      throw APIError.malformed(
        "account \"\(document.account.prefix(80))\" is not 64 hex digits", hint: "An account is its public key.")
    }
    let terms = info.genesis.market.underlyings
    let question = try WhatIf(document, underlyings: terms)
    return APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        do throws(WhatIfFault) {
          return MarginAnswerDocument(
            try replica.clearing.whatIf(account, question), at: point, underlyings: terms)
        } catch { throw APIError(error, account: account.hex, underlyings: terms) }
      })
  }

  func instrumentGreeks(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = try instrumentID(context)
    let name = context.text("name")
    let terms = info.genesis.market.underlyings
    return APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        guard let greeks = replica.clearing.greeks(id) else {
          throw APIError.notFound("there is no instrument \(name), or no price of it")
        }
        return InstrumentGreeksDocument(
          greeks: GreeksDocument(greeks, underlyings: terms), height: point.height, stateRoot: point.stateRoot,
          consistency: point.consistency)
      })
  }

  func accountGreeks(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let text = context.text("id")
    guard let id = AccountID(hex: text) else {
      throw APIError.malformed(
        "account \"\(text.prefix(80))\" is not 64 hex digits", hint: "An account is its public key.")
    }
    let terms = info.genesis.market.underlyings
    return APIResponse.json(
      try await read(try ReadOptions(request)) { replica, point in
        guard let greeks = replica.clearing.greeks(of: id) else {
          throw APIError.notFound("there is no account \(id.hex)")
        }
        return AccountGreeksDocument(
          account: id.hex,
          positions: greeks.positions.map {
            GreeksDocument($0.greeks, quantity: $0.quantity, underlyings: terms)
          },
          totals: greeks.totals.map { .init($0, underlyings: terms) }, height: point.height,
          stateRoot: point.stateRoot, consistency: point.consistency)
      })
  }
}
