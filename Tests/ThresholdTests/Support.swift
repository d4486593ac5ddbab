// What the tests of this module share: deterministic randomness, keys split by a trusted dealer, published vectors.

import Foundation
import Primitives
import Sodium
import Threshold

enum Make {
  static func bytes(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  static func scalar(_ random: inout SeededRandom) -> Scalar25519 { Scalar25519(reducing: bytes(64, &random)) }

  static func secret(_ random: inout SeededRandom) -> SecretBytes { SecretBytes(copying: bytes(32, &random)) }

  static func secretScalar(_ scalar: Scalar25519) throws -> SecretScalar {
    try secretScalar(bytes: scalar.bytes.bytes)
  }

  @discardableResult
  static func secretScalar(bytes: [UInt8]) throws -> SecretScalar {
    guard let secret = SecretScalar(canonical: SecretBytes(copying: bytes)) else { throw Missing() }
    return secret
  }
}

struct Missing: Error {}

/// Where published vectors lie: `NOVATION_SHARED`, else `shared` beside the package.
enum Published {
  static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["NOVATION_SHARED"] { return URL(fileURLWithPath: path) }
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { package.deleteLastPathComponent() }
    return package.deletingLastPathComponent().appendingPathComponent("shared")
  }()

  static func file(_ name: String) -> URL { folder.appendingPathComponent("vectors/\(name)") }

  static func isPresent(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path) }

  static func json(_ name: String) throws -> [String: Any] {
    guard let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file(name))) as? [String: Any] else {
      throw Missing()
    }
    return json
  }
}

/// A group key split among n participants by a dealer whom everybody trusts: for tests of signing alone.
struct Group {
  let n: Int
  let t: Int
  let key: PublicKey
  let shares: [Scalar25519]
  let publicShares: [EdwardsPoint]

  init(n: Int, t: Int, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let coefficients = (0..<t).map { _ in Make.scalar(&random) }
    self.n = n
    self.t = t
    key = PublicKey(words: Edwards25519.base(times: coefficients[0]).words)
    shares = (1...n).map { place in
      coefficients.reversed().reduce(.zero) { $0 * Scalar25519(UInt64(place)) + $1 }
    }
    publicShares = shares.map { EdwardsPoint.sum([], base: $0) }
  }

  func multiples() throws -> FixedBase {
    guard let point = EdwardsPoint(PointEncoding(words: key.words)) else { throw Missing() }
    return FixedBase(point)
  }

  var keys: GroupKeys {
    GroupKeys(epoch: 0, groupKey: key, threshold: UInt16(t), publicShares: publicShares.map(\.encoding))
  }

  func signer(_ participant: Participant, bootId: UInt64 = 1, seed: UInt64 = 7) throws -> ThresholdSigner {
    var random = SeededRandom(seed: seed &* 1000 &+ UInt64(participant) &+ bootId)
    return ThresholdSigner(
      keyEpoch: 0,
      participant: participant, threshold: t, participants: n, groupKey: key,
      share: try Make.secretScalar(shares[Int(participant) - 1]), seed: Make.secret(&random), bootId: bootId)
  }
}

func statement(view: View = 5, root: UInt64 = 9) -> CertificateStatement {
  CertificateStatement(
    chain: Digest(words: (1, 2, 3, 4)), epoch: 0, view: view, height: view, headerHash: Digest(words: (5, 6, 7, 8)),
    stateRoot: Digest(words: (root, 0, 0, 0)))
}
