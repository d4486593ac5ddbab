// One request to a node and its reply.

public struct HTTPRequest: Sendable {
  public enum Method: String, Sendable { case get = "GET", post = "POST" }

  public var method: Method
  /// Path and query, percent-encoded: see `RequestPath`.
  public var target: String
  public var contentType: String?
  public var body: [UInt8]

  public static func get(_ target: String) -> HTTPRequest {
    HTTPRequest(method: .get, target: target, contentType: nil, body: [])
  }

  public static func post(_ target: String, contentType: String, body: [UInt8]) -> HTTPRequest {
    HTTPRequest(method: .post, target: target, contentType: contentType, body: body)
  }
}

public struct HTTPReply: Sendable, Equatable {
  public var status: Int
  public var contentType: String?
  /// Seconds of a Retry-After header.
  public var retryAfter: Int?
  public var body: [UInt8]
}

/// A path and query from segments that may hold anything.
public struct RequestPath: Sendable, CustomStringConvertible {
  private var path: String
  private var query = ""

  /// `segments` are encoded; "/v1" is put before them.
  public init(_ segments: String...) {
    path = (["/v1"] + segments.map(Self.encode)).joined(separator: "/")
  }

  /// Adds `name=value`; nothing if the value is nil.
  public func with(_ name: String, _ value: String?) -> RequestPath {
    guard let value else { return self }
    var copy = self
    copy.query += (query.isEmpty ? "?" : "&") + "\(name)=\(Self.encode(value))"
    return copy
  }

  public var description: String { path + query }

  /// RFC 3986, section 2.3: everything but the unreserved characters.
  private static func encode(_ text: String) -> String {
    var out: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: out.append(byte)
      default:
        let digits = Array("0123456789ABCDEF".utf8)
        out += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    // A lone "." or ".." would be taken for a step in the path.
    let encoded = String(decoding: out, as: UTF8.self)
    return encoded == "." || encoded == ".." ? encoded.split(separator: "").map { _ in "%2E" }.joined() : encoded
  }
}
