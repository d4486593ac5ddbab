// What a block orders (D4): for each lane, the tip up to which it is ordered.

public import Primitives
public import Wire

/// Up to where a cut orders one lane.
public struct LaneTip: WireCodable, Hashable, Sendable {
  public var point: LanePoint
  /// Proof that the data can be had; nil for an optimistic tip, and for one the parent's cut had already.
  public var proof: LaneProof?

  public init(point: LanePoint, proof: LaneProof? = nil) {
    self.point = point
    self.proof = proof
  }

  public var lane: ValidatorIndex { point.lane }
  public var sequence: UInt64 { point.sequence }
  public var hash: Digest { point.hash }

  public func encode(to writer: inout WireWriter) {
    writer.write(point)
    writer.write(proof)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    point = try LanePoint(from: &reader)
    proof = try reader.readOptional()
    if let proof, proof.point != point { throw reader.invalid("proof of another tip") }
  }
}

/// The tips of all lanes that have any batch ordered, ascending by lane. Cuts are cumulative: genesis has the empty
/// one, and no lane ever goes back. A block orders, of each lane, the batches after its parent's tip up to its own, found
/// by walking back from the tip by hash; so the content is the same for everybody whatever a forked lane did before.
public struct LaneCut: WireCodable, Hashable, Sendable {
  public private(set) var tips: [LaneTip]

  /// The cut of genesis.
  public init() { tips = [] }

  /// Nil unless the lanes are strictly ascending.
  public init?(tips: [LaneTip]) {
    for index in tips.indices.dropFirst() where tips[index - 1].lane >= tips[index].lane { return nil }
    self.tips = tips
  }

  /// Binary search.
  public func tip(of lane: ValidatorIndex) -> LaneTip? {
    var low = 0
    var high = tips.count
    while low < high {
      let middle = (low + high) / 2
      if tips[middle].lane < lane { low = middle + 1 } else { high = middle }
    }
    return low < tips.count && tips[low].lane == lane ? tips[low] : nil
  }

  /// Sequence up to which `lane` is ordered; 0 if nothing of it is.
  public func sequence(of lane: ValidatorIndex) -> UInt64 { tip(of: lane)?.sequence ?? 0 }

  /// For builders that go through the lanes in order.
  mutating func append(_ tip: LaneTip) {
    precondition(tips.last.map { $0.lane < tip.lane } ?? true, "the tips of a cut are ascending by lane")
    tips.append(tip)
  }

  public func encode(to writer: inout WireWriter) { writer.write(tips) }

  public init(from reader: inout WireReader) throws(WireError) {
    let tips: [LaneTip] = try reader.readArray(limit: LaneLimits.lanes)
    guard let cut = LaneCut(tips: tips) else { throw reader.invalid("order of lanes") }
    self = cut
  }
}

/// Why a cut is invalid, whoever looks at it.
public enum LaneCutFault: Hashable, Sendable {
  /// A lane that the epoch does not have.
  case unknownLane(ValidatorIndex)
  /// The lane is behind its tip in the parent's cut, or names another batch of the same sequence.
  case behindParent(ValidatorIndex)
  /// A proof at a tip that the parent's cut had already.
  case idleProof(ValidatorIndex)
  /// More than `LaneLimits.batchesPerCut` past the parent's tip.
  case tooFar(ValidatorIndex)
  /// Not f+1 good acknowledgements of the tip.
  case badProof(ValidatorIndex)
  /// The batches on the way back from the tip do not have the sequences they should.
  case badChain(ValidatorIndex)
}

/// What a voter may say about a cut.
public enum LaneVerdict: Hashable, Sendable {
  /// Everything it names is held or proven.
  case available
  /// As `available`, but the leader left this lane out against D7: a first vote may be nullify. Never for fallbacks.
  case omission(ValidatorIndex)
  /// Data to `fetch` first; the verdict may improve with each `held`.
  case missing([MissingBatch])
  case invalid(LaneCutFault)
}

/// The first batch not held on the way back from a tip.
public struct MissingBatch: Hashable, Sendable {
  public var point: LanePoint
  /// Those of this sequence and below are not needed.
  public var after: UInt64

  public init(point: LanePoint, after: UInt64) {
    self.point = point
    self.after = after
  }
}
