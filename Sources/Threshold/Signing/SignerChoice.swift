// T2: which validators sign the certificate of the next block, and with which commitments. Every node keeps this, for each
// leads some time; nothing in it is agreed upon, and a bad choice costs a proof, never finality.

public import Primitives
public import Wire

/// A signer's commitments for views to come.
public struct NonceBatch: Hashable, Sendable, WireCodable {
  public static let countMax = 64

  /// Of the share that will sign.
  public var keyEpoch: Epoch
  /// The start of the signer: commitments of an earlier one are dead (T4).
  public var bootId: UInt64
  /// View of the first commitment; the others follow without a gap.
  public var firstView: View
  public var commitments: [CommitmentEighths]

  public init(keyEpoch: Epoch, bootId: UInt64, firstView: View, commitments: [CommitmentEighths]) {
    self.keyEpoch = keyEpoch
    self.bootId = bootId
    self.firstView = firstView
    self.commitments = commitments
  }

  public func encode(to writer: inout WireWriter) {
    writer.write(keyEpoch)
    writer.write(bootId)
    writer.write(firstView)
    writer.write(commitments)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    keyEpoch = try reader.readOrdinal()
    bootId = try reader.read()
    firstView = try reader.readOrdinal()
    commitments = try reader.readArray(limit: Self.countMax)
  }
}

public struct SignerChoice: Sendable {
  /// Commitments kept of one validator.
  static let kept = 128
  /// A validator whose share stayed away is tried again once in this many views, and once in twice as many after each
  /// further lapse, up to `probation << lapsesMax`; so many good shares make a lapse undone.
  static let probation: View = 32
  static let lapsesMax: UInt32 = 6
  static let goodShares: UInt32 = 64

  /// Commitments of one share and one start.
  private struct Pool: Sendable {
    var keyEpoch: Epoch
    var bootId: UInt64
    var firstView: View
    var commitments: [CommitmentEighths]

    func commitment(for view: View) -> CommitmentEighths? {
      guard view >= firstView, let place = Int(exactly: view - firstView) else { return nil }
      return commitments.indices.contains(place) ? commitments[place] : nil
    }
  }

  private struct Standing: Sendable {
    /// Of the share that signs and of the next one, newest last.
    var pools: [Pool] = []
    var bootId: UInt64 = 0
    /// Plans in a row that named it and got no share. A new start does not wipe it out: nothing else costs a liar less.
    var misses: UInt32 = 0
    var lapses: UInt32 = 0
    var good: UInt32 = 0
    /// T6: it sent a wrong share in this epoch of keys.
    var excludedIn: Epoch?
    /// Mean place among the votes of a block, in sixteenths of a place. Who never votes is last.
    var lateness: Int

    func isTried(in view: View, place: Int) -> Bool {
      let period = SignerChoice.probation << View(min(lapses, SignerChoice.lapsesMax))
      return view % period == View(place) % period
    }
  }

  private var standings: [Standing]

  public init(validators: Int) {
    standings = Array(repeating: Standing(lateness: 16 * validators), count: validators)
  }

  /// A validator announced commitments. What follows what is held is appended; anything else takes its place.
  public mutating func take(_ batch: NonceBatch, of participant: Participant) {
    guard let place = place(participant), !batch.commitments.isEmpty else { return }
    var standing = standings[place]
    if standing.bootId != batch.bootId {
      standing.bootId = batch.bootId
      standing.pools = []
    }
    var pool = Pool(
      keyEpoch: batch.keyEpoch, bootId: batch.bootId, firstView: batch.firstView, commitments: batch.commitments)
    if let known = standing.pools.firstIndex(where: { $0.keyEpoch == batch.keyEpoch }) {
      let held = standing.pools.remove(at: known)
      if held.firstView.saturatingAdding(View(held.commitments.count)) == batch.firstView {
        pool = held
        pool.commitments += batch.commitments
      }
    }
    let excess = pool.commitments.count - Self.kept
    if excess > 0 {
      pool.commitments.removeFirst(excess)
      pool.firstView = pool.firstView.saturatingAdding(View(excess))
    }
    standing.pools.append(pool)
    if standing.pools.count > 2 { standing.pools.removeFirst() }
    standings[place] = standing
  }

  /// The session with a validator is gone: its shares would not come.
  public mutating func forget(_ participant: Participant) {
    if let place = place(participant) { standings[place].pools = [] }
  }

  /// A vote with the state came as the `order`th of its block.
  public mutating func voted(_ participant: Participant, order: Int) {
    guard let place = place(participant) else { return }
    standings[place].lateness += (16 * order - standings[place].lateness) / 8
  }

  /// Its share was part of a certificate.
  public mutating func signed(_ participant: Participant) {
    guard let place = place(participant) else { return }
    standings[place].misses = 0
    standings[place].good += 1
    guard standings[place].good >= Self.goodShares else { return }
    standings[place].good = 0
    if standings[place].lapses > 0 { standings[place].lapses -= 1 }
  }

  /// It was in a plan with a commitment of its own, and its share never came.
  public mutating func missed(_ participant: Participant) {
    guard let place = place(participant) else { return }
    if standings[place].misses == 0 { standings[place].lapses = min(standings[place].lapses + 1, Self.lapsesMax) }
    standings[place].misses = standings[place].misses.saturatingAdding(1)
    standings[place].good = 0
  }

  /// T6: it sent a wrong share, or commitments that are no points.
  public mutating func exclude(_ participant: Participant, keyEpoch: Epoch) {
    if let place = place(participant) { standings[place].excludedIn = keyEpoch }
  }

  public func isExcluded(_ participant: Participant, keyEpoch: Epoch) -> Bool {
    place(participant).map { standings[$0].excludedIn == keyEpoch } ?? false
  }

  /// Whether a plan names what its signers announced to this node as well: else nobody but its leader is to blame for it.
  public func isFair(_ plan: SigningPlan) -> Bool {
    plan.entries.allSatisfy { entry in
      guard let place = place(entry.participant) else { return false }
      return standings[place].pools.contains {
        $0.keyEpoch == plan.keyEpoch && $0.bootId == entry.bootId && $0.commitment(for: plan.view) == entry.commitment
      }
    }
  }

  /// The plan of a view: the fastest of those whose shares come, one place going round among the others of them; silent
  /// ones only to fill up, or for a try. Nil while fewer than the threshold can sign. Who announced what is no point of
  /// the group is excluded.
  public mutating func plan(for view: View, keys: GroupKeys) -> SigningPlan? {
    while let plan = draft(for: view, keys: keys) {
      let wrong = plan.entries.filter { !$0.commitment.isValid }
      if wrong.isEmpty { return plan }
      for entry in wrong { exclude(entry.participant, keyEpoch: keys.epoch) }
    }
    return nil
  }

  private func draft(for view: View, keys: GroupKeys) -> SigningPlan? {
    let threshold = Int(keys.threshold)
    var entries: [Participant: SigningPlan.Entry] = [:]
    var lively: [Participant] = []
    var silent: [Participant] = []
    for place in standings.indices {
      let participant = Participant(truncatingIfNeeded: place + 1)
      let standing = standings[place]
      guard keys.publicShare(of: participant) != nil, standing.excludedIn != keys.epoch,
        let pool = standing.pools.first(where: { $0.keyEpoch == keys.epoch }),
        let commitment = pool.commitment(for: view)
      else { continue }
      entries[participant] = SigningPlan.Entry(participant: participant, bootId: pool.bootId, commitment: commitment)
      if standing.misses == 0 || standing.isTried(in: view, place: place) {
        lively.append(participant)
      } else {
        silent.append(participant)
      }
    }
    guard entries.count >= threshold, threshold > 0 else { return nil }
    lively.sort { (standings[Int($0) - 1].lateness, $0) < (standings[Int($1) - 1].lateness, $1) }
    silent.sort { (standings[Int($0) - 1].misses, $0) < (standings[Int($1) - 1].misses, $1) }
    var signers: [Participant]
    if lively.count > threshold {
      signers = Array(lively.prefix(threshold - 1))
      let rest = lively.dropFirst(threshold - 1)
      let tried = rest.first { standings[Int($0) - 1].misses > 0 }
      signers.append(tried ?? rest[rest.startIndex + Int(view % View(rest.count))])
    } else {
      signers = Array((lively + silent).prefix(threshold))
    }
    return SigningPlan(
      keyEpoch: keys.epoch, view: view, entries: signers.sorted().compactMap { entries[$0] })
  }

  private func place(_ participant: Participant) -> Int? {
    participant > 0 && Int(participant) <= standings.count ? Int(participant) - 1 : nil
  }
}
