// The published vectors of Noise handshakes (cacophony's, as distributed with snow), where they are present.

import Foundation
import Primitives

struct NoiseVector: Decodable, Sendable {
  struct Message: Decodable, Sendable {
    let payload: String
    let ciphertext: String
  }

  let protocolName: String
  let initPrologue: String
  let initPsks: [String]?
  let initStatic: String
  let initEphemeral: String
  let initRemoteStatic: String?
  let respPrologue: String
  let respPsks: [String]?
  let respStatic: String
  let respEphemeral: String
  let handshakeHash: String
  let messages: [Message]
}

enum NoiseVectors {
  private struct File: Decodable { let vectors: [NoiseVector] }

  /// `NOVATION_SHARED`, else `shared` beside the package.
  static let file: URL = {
    let shared: URL
    if let path = ProcessInfo.processInfo.environment["NOVATION_SHARED"] {
      shared = URL(fileURLWithPath: path)
    } else {
      let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      shared = package.deletingLastPathComponent().appendingPathComponent("shared")
    }
    return shared.appendingPathComponent("vectors/noise.json")
  }()

  static let present = FileManager.default.fileExists(atPath: file.path)

  static func load() throws -> [NoiseVector] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(File.self, from: Data(contentsOf: file)).vectors
  }
}
