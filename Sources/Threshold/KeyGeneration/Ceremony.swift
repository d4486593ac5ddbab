// What a key generation is about, fixed before its first message: who deals to whom, and how long each phase may take.

public import Primitives
public import Sodium
public import Wire

/// A group key with the public shares of its holders: all that is needed to check shares, and no secret.
public struct GroupKeys: Hashable, Sendable, WireCodable {
  /// The epoch from which these shares sign.
  public var epoch: Epoch
  public var groupKey: PublicKey
  public var threshold: UInt16
  /// The public share of participant i + 1; nil for one that got no share and is left out of signing until the next
  /// resharing.
  public var publicShares: [PointEncoding?]

  public init(epoch: Epoch, groupKey: PublicKey, threshold: UInt16, publicShares: [PointEncoding?]) {
    self.epoch = epoch
    self.groupKey = groupKey
    self.threshold = threshold
    self.publicShares = publicShares
  }

  public func publicShare(of participant: Participant) -> PointEncoding? {
    let place = Int(participant) - 1
    return publicShares.indices.contains(place) ? publicShares[place] : nil
  }

  public var hash: Digest { Blake2b.hash(domain: "novation/group-keys/v1", wireBytes) }

  public func encode(to writer: inout WireWriter) {
    writer.write(epoch)
    writer.write(groupKey)
    writer.write(threshold)
    writer.write(UInt32(publicShares.count))
    for share in publicShares { writer.write(share) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    epoch = try reader.readOrdinal()
    groupKey = try reader.readBytes32()
    threshold = try reader.read()
    let count = try reader.readCount(limit: Frost.participantsMax)
    publicShares = []
    for _ in 0..<count { publicShares.append(try reader.readOptional()) }
    guard threshold > 0, Int(threshold) <= count else { throw reader.invalid("threshold") }
  }
}

/// The longest time of each phase, in blocks. A phase ends early when everybody has spoken.
public struct CeremonyWindows: Hashable, Sendable {
  public var keys: UInt64
  public var dealing: UInt64
  public var complaints: UInt64
  public var life: UInt64

  public init(keys: UInt64 = 8, dealing: UInt64 = 8, complaints: UInt64 = 8, life: UInt64 = 8) {
    self.keys = keys
    self.dealing = dealing
    self.complaints = complaints
    self.life = life
  }

  /// Twice as long for each failure before, up to a limit that is at least their own length.
  func doubled(_ times: UInt32, atMost limit: UInt64) -> CeremonyWindows {
    func longer(_ window: UInt64) -> UInt64 { max(window, min(window.saturatingMultiplied(times), limit)) }
    return CeremonyWindows(
      keys: longer(keys), dealing: longer(dealing), complaints: longer(complaints), life: longer(life))
  }
}

extension UInt64 {
  /// Doubled so many times.
  fileprivate func saturatingMultiplied(_ doublings: UInt32) -> UInt64 {
    doublings < UInt32(leadingZeroBitCount) ? self << UInt64(doublings) : .max
  }
}

/// One key generation. The same value on every node; its `id` is in every message, so a message of another chain, epoch,
/// attempt or purpose is refused.
public struct Ceremony: Sendable {
  public enum Source: Hashable, Sendable {
    /// A new group key.
    case fresh
    /// New shares of a key that stays the same.
    case resharing(GroupKeys)
  }

  public let chain: Digest
  /// The epoch in which the new shares will sign.
  public let epoch: Epoch
  /// Counts tries for one epoch.
  public let attempt: UInt32
  public let source: Source
  /// Identity keys of those who deal: the new committee for a fresh key, the holders of the old one for a resharing.
  public let dealers: [PublicKey]
  /// Identity keys of the committee that gets the shares.
  public let recipients: [PublicKey]
  public let threshold: Int
  public let windows: CeremonyWindows
  /// Recipients without whom it fails. A resharing that went on without a holder who was only slow would leave the key to
  /// those who are left, all of whom are needed then: one liar among them that falls silent takes it away for ever. So no
  /// holder loses its share before two attempts in a row, in longer and longer windows, have waited for it in vain. Nobody
  /// new becomes a validator without having proven that it holds its share.
  public let required: [Participant]
  static let patientAttempts: UInt32 = 2
  public let id: Digest

  /// Nil if the numbers do not fit: a threshold outside 1...recipients, no or too many participants, or holders that are
  /// not as many as the old key has shares.
  public init?(
    chain: Digest, epoch: Epoch, attempt: UInt32 = 0, source: Source, dealers: [PublicKey], recipients: [PublicKey],
    threshold: Int, windows: CeremonyWindows = CeremonyWindows()
  ) {
    guard (1...Frost.participantsMax).contains(recipients.count), (1...recipients.count).contains(threshold),
      (1...Frost.participantsMax).contains(dealers.count)
    else { return nil }
    switch source {
    case .fresh: guard dealers == recipients else { return nil }
    case .resharing(let old): guard old.publicShares.count == dealers.count else { return nil }
    }
    self.chain = chain
    self.epoch = epoch
    self.attempt = attempt
    self.source = source
    self.dealers = dealers
    self.recipients = recipients
    self.threshold = threshold
    self.windows = windows
    required = Self.required(source, attempt: attempt, dealers: dealers, recipients: recipients)
    var writer = WireWriter()
    writer.write(chain)
    writer.write(epoch)
    writer.write(attempt)
    switch source {
    case .fresh: writer.write(UInt8(1))
    case .resharing(let old):
      writer.write(UInt8(2))
      writer.write(old.hash)
    }
    writer.write(dealers)
    writer.write(recipients)
    writer.write(UInt16(truncatingIfNeeded: threshold))
    for window in [windows.keys, windows.dealing, windows.complaints, windows.life] { writer.write(window) }
    id = Blake2b.hash(domain: "novation/key-generation/v1", writer.bytes)
  }

  private static func required(
    _ source: Source, attempt: UInt32, dealers: [PublicKey], recipients: [PublicKey]
  ) -> [Participant] {
    guard case .resharing(let old) = source else { return [] }
    return recipients.indices.filter { place in
      // Who is new and does not take part would be a validator that is not there; who was left out last time is not waited
      // for.
      dealers.firstIndex(of: recipients[place]).map { attempt < patientAttempts && old.publicShares[$0] != nil } ?? true
    }.map { Participant(truncatingIfNeeded: $0 + 1) }
  }

  /// Dealings that make the key: enough that one dealer is honest for a fresh key, and the old threshold to interpolate
  /// for a resharing.
  public var dealingsNeeded: Int {
    switch source {
    case .fresh: threshold
    case .resharing(let old): Int(old.threshold)
    }
  }

  /// What C[0] of a dealer must be: nil where it is the dealer's choice.
  func constantTerm(of dealer: Participant) -> PointEncoding? {
    guard case .resharing(let old) = source else { return nil }
    return old.publicShare(of: dealer)
  }

  /// A dealer of a resharing holds a share.
  func mayDeal(_ dealer: Participant) -> Bool {
    guard dealer > 0, Int(dealer) <= dealers.count else { return false }
    if case .resharing(let old) = source { return old.publicShare(of: dealer) != nil }
    return true
  }

  func dealerKey(_ dealer: Participant) -> PublicKey? { mayDeal(dealer) ? dealers[Int(dealer) - 1] : nil }

  func recipientKey(_ recipient: Participant) -> PublicKey? {
    recipient > 0 && Int(recipient) <= recipients.count ? recipients[Int(recipient) - 1] : nil
  }

  /// Bytes that bind a proof to this ceremony, one kind of proof and one participant.
  public func context(_ kind: String, _ participant: Participant, _ rest: [UInt8] = []) -> [UInt8] {
    var writer = WireWriter()
    writer.write(kind)
    writer.write(id)
    writer.write(participant)
    writer.write(bytes: rest)
    return writer.bytes
  }
}
