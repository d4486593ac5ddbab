// How the API answers: JSON with sorted keys, and errors that say what is wrong and what to do.

import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOConcurrencyHelpers
import NIOCore

/// A refusal with its HTTP status.
struct APIError: Error {
  var status: HTTPResponse.Status
  var code: String
  var message: String
  var hint: String

  init(_ status: HTTPResponse.Status, _ code: String, _ message: String, hint: String) {
    self.status = status
    self.code = code
    self.message = message
    self.hint = hint
  }

  static func malformed(_ message: String, hint: String) -> APIError {
    .init(.badRequest, "malformed", message, hint: hint)
  }

  static func notFound(_ what: String) -> APIError {
    .init(.notFound, "notFound", what, hint: "Check the spelling; `novation query` lists what exists.")
  }

  static let noQuorum = APIError(
    .serviceUnavailable, "noQuorum", "no quorum of validators answered, so this node cannot promise a current state",
    hint:
      "Read with consistency=local to accept an older state, or ask again when `novation status` shows enough peers."
  )
  static let busy = APIError(
    .tooManyRequests, "slowDown", "this node holds as much unfinished work as it may",
    hint: "Wait a moment and send again; the same client id is safe to repeat.")
}

enum APIResponse {
  static let contentType = "application/json; charset=utf-8"

  static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else {
      return text(
        "{\"error\":{\"code\":\"internal\",\"message\":\"answer cannot be encoded\",\"hint\":\"\"}}",
        .internalServerError)
    }
    var buffer = ByteBufferAllocator().buffer(capacity: data.count + 1)
    buffer.writeBytes(data)
    buffer.writeInteger(UInt8(0x0a))
    return Response(
      status: status, headers: [.contentType: contentType], body: ResponseBody(byteBuffer: buffer))
  }

  static func text(_ text: String, _ status: HTTPResponse.Status = .ok, type: String = contentType) -> Response {
    Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  static func error(_ error: APIError) -> Response {
    json(ErrorDocument(code: error.code, message: error.message, hint: error.hint), status: error.status)
  }
}

/// Turns every error into the document of an error, so that no path answers with an empty body or a trace.
struct ErrorMiddleware: RouterMiddleware {
  typealias Context = BasicRequestContext

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as APIError {
      return APIResponse.error(error)
    } catch let error as HTTPError {
      return APIResponse.error(translate(error, request))
    } catch ReadFailure.noQuorum {
      return APIResponse.error(.noQuorum)
    } catch ReadFailure.overloaded {
      return APIResponse.error(.busy)
    } catch is NIOTooManyBytesError {
      return APIResponse.error(
        APIError(.contentTooLarge, "tooLarge", "the request body is too large", hint: "Split the batch."))
    } catch is CancellationError {
      return APIResponse.error(
        APIError(.serviceUnavailable, "stopping", "the node is stopping", hint: "Ask another node."))
    } catch {
      return APIResponse.error(APIError(.internalServerError, "internal", "\(error)", hint: "See the node's log."))
    }
  }

  private func translate(_ error: HTTPError, _ request: Request) -> APIError {
    switch error.status {
    case .notFound:
      APIError(
        .notFound, "notFound", "no such resource: \(request.method) \(request.uri.path.prefix(200))",
        hint: "The paths are described in docs/openapi.yaml.")
    case .contentTooLarge:
      APIError(.contentTooLarge, "tooLarge", "the request body is too large", hint: "Split the batch.")
    default: APIError(error.status, "malformed", error.body ?? "\(error.status)", hint: "See docs/openapi.yaml.")
    }
  }
}

/// Counts requests and times their answers, by route; what no route takes is one route together.
struct RequestMetrics: RouterMiddleware {
  typealias Context = BasicRequestContext
  let metrics: NodeMetrics

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    let began = Clock.monotonic
    let response = try await next(request, context)
    metrics.answered(
      context.endpointPath ?? "NotFound", status: Int(response.status.code), nanoseconds: Clock.monotonic - began)
    return response
  }
}

/// Bounds how many requests are served at once and how many a second; what is above is refused, not queued.
final class RequestGate: RouterMiddleware, @unchecked Sendable {
  typealias Context = BasicRequestContext
  private let concurrentMax: Int
  private let perSecond: Int64
  private let lock = NIOLockedValueBox(State())

  private struct State {
    var running = 0
    var tokens: Int64 = 0
    var refilledAt: Int64 = 0
  }

  init(concurrentMax: Int64, perSecond: Int64) {
    self.concurrentMax = Int(concurrentMax)
    self.perSecond = perSecond
  }

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    guard enter() else { return APIResponse.error(.busy) }
    defer { lock.withLockedValue { $0.running -= 1 } }
    return try await next(request, context)
  }

  private func enter() -> Bool {
    let now = Clock.monotonic
    return lock.withLockedValue { state in
      let elapsed = min(now - state.refilledAt, 1_000_000_000)
      let refill = elapsed / 1000 * perSecond / 1_000_000
      if refill > 0 {
        state.tokens = min(perSecond, state.tokens + refill)
        state.refilledAt = now
      }
      guard state.tokens > 0, state.running < concurrentMax else { return false }
      state.tokens -= 1
      state.running += 1
      return true
    }
  }
}
