// The dashboard at `/` of the read-only listener: one page, made at most once a second for all who look.

import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOConcurrencyHelpers
import Primitives
import Sodium

/// The page of this second.
final class DashboardCache: Sendable {
  private let kept = NIOLockedValueBox<(at: Instant, page: DashboardPage)?>(nil)

  func page(_ make: () async throws -> DashboardPage) async throws -> DashboardPage {
    let now = Clock.monotonic
    if let kept = kept.withLockedValue({ $0 }), now - kept.at < Duration64.second { return kept.page }
    let page = try await make()
    kept.withLockedValue { $0 = (now, page) }
    return page
  }
}

extension APIServer {
  func dashboard(_ cache: DashboardCache) async throws -> Response {
    let page = try await cache.page {
      let status = try await status()
      let finality = metrics.finalityCounts
      return DashboardPage(
        try await host.readLocal { [host, info] replica in
          DashboardData(host, &replica, info: info, status: status, finality: finality)
        })
    }
    let nonce = Hex.encode(withUnsafeBytes(of: SecureRandom.uint64()) { Array($0) })
    var response = APIResponse.text(page.render(nonce: nonce), type: "text/html; charset=utf-8")
    for (name, value) in Self.headers(nonce: nonce) {
      if let name = HTTPField.Name(name) { response.headers[name] = value }
    }
    return response
  }

  /// Nothing but this page's own style and script, and no other site around it.
  private static func headers(nonce: String) -> [(String, String)] {
    [
      (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)'; connect-src 'self'; "
          + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
      ),
      ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
    ]
  }
}
