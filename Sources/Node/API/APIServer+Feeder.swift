// Prices of a feeder, for this validator to sign: on the Unix socket alone.

import Clearing
import Hummingbird
import NIOCore
import Primitives
import Replica

/// What became of a batch of lines.
public struct FeedDocument: Codable, Sendable {
  public struct Refused: Codable, Sendable {
    /// From 1, within the request.
    public var line: Int
    /// malformed | unlisted | stale | early | wild
    public var reason: String
    public var message: String
  }

  public var accepted: Int
  public var refused: [Refused]
  /// Lines by verdict since the node started.
  public var totals: [String: UInt64]
}

extension APIServer {
  static let feedLinesMax = 1024

  /// JSON lines; each is judged for itself, and what is refused of them does not stop the others.
  func feed(_ request: Request) async throws -> Response {
    // Not as a read of the state: that undoes speculation, and a feeder comes many times a second.
    guard try await host.readSpeculative({ $0.index != nil }) else {
      throw APIError(
        .conflict, "notValidator", "this node is no validator, so it signs no prices",
        hint: "Give the socket of a validator.")
    }
    let buffer = try await request.body.collect(upTo: Int(limits.requestBody))
    let lines = buffer.readableBytesView.split(separator: UInt8(ascii: "\n")).map { Array($0) }
      .filter { line in line.contains { $0 != 0x20 && $0 != 0x09 && $0 != 0x0d } }
    guard lines.count <= Self.feedLinesMax else {
      throw APIError(
        .contentTooLarge, "tooLarge", "\(lines.count) lines, above \(Self.feedLinesMax)", hint: "Send fewer at a time.")
    }
    return APIResponse.json(try await publisher.take(lines))
  }
}
