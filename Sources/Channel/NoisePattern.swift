// The handshake patterns of the Noise framework, revision 34, sections 7 and 9, that the product and the published
// vectors use.

/// What one step of a handshake message does: sends a public key, or mixes a shared secret in. In the names of secrets
/// the first letter is the initiator's key, the second the responder's.
enum NoiseToken: Sendable {
  case e, s, ee, es, se, ss, psk
}

/// Who knows and who tells which static key, and in what order secrets are mixed in.
public enum NoisePattern: Sendable, Hashable, CaseIterable {
  /// The initiator knows the responder's key and tells its own in the first message. The product's sessions.
  case ik
  /// IK with a pre-shared key at the end of the second message.
  case ikpsk2
  /// The initiator knows the responder's key and tells its own in the third message.
  case xk
  /// Both tell their keys, in the second and third message.
  case xx

  /// The full protocol name with the primitives of this module.
  public var protocolName: String {
    let name =
      switch self {
      case .ik: "IK"
      case .ikpsk2: "IKpsk2"
      case .xk: "XK"
      case .xx: "XX"
      }
    return "Noise_\(name)_25519_ChaChaPoly_BLAKE2b"
  }

  /// Whether the initiator must know the responder's static key beforehand.
  public var knowsResponder: Bool { self != .xx }

  /// Whether the pattern needs a pre-shared key.
  public var hasPresharedKey: Bool { self == .ikpsk2 }

  /// The messages, the initiator's first, then in turns.
  var messages: [[NoiseToken]] {
    switch self {
    case .ik: [[.e, .es, .s, .ss], [.e, .ee, .se]]
    case .ikpsk2: [[.e, .es, .s, .ss], [.e, .ee, .se, .psk]]
    case .xk: [[.e, .es], [.e, .ee], [.s, .se]]
    case .xx: [[.e], [.e, .ee, .s, .es], [.s, .se]]
    }
  }
}
