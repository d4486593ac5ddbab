// Whole key generations and resharings, honest and attacked: every node reaches the same verdict, honest shares stay
// secret, and whatever fails leaves the old shares in place.

import Primitives
import Sodium
import Testing
import Threshold
import Wire

/// n identities that run a ceremony over a chain of blocks.
struct Ceremonial {
  let signers: [Signer]
  let chain = Digest(words: (9, 9, 9, 9))
  var keys: [PublicKey] { signers.map(\.publicKey) }

  init(_ n: Int, seed: UInt64 = 1) throws {
    var random = SeededRandom(seed: seed)
    signers = try (0..<n).map { _ in
      guard let key = SigningKey(seed: Make.bytes(32, &random)) else { throw Missing() }
      return .ed25519(key)
    }
  }

  func fresh(_ threshold: Int, epoch: Epoch = 1) throws -> Ceremony {
    guard
      let ceremony = Ceremony(
        chain: chain, epoch: epoch, source: .fresh, dealers: keys, recipients: keys, threshold: threshold)
    else { throw Missing() }
    return ceremony
  }

  func resharing(_ old: GroupKeys, to next: Ceremonial, threshold: Int) throws -> Ceremony {
    guard
      let ceremony = Ceremony(
        chain: chain, epoch: old.epoch + 1, source: .resharing(old), dealers: keys, recipients: next.keys,
        threshold: threshold)
    else { throw Missing() }
    return ceremony
  }

  func seed(_ place: Int, _ epoch: Epoch) -> SecretBytes {
    var random = SeededRandom(seed: UInt64(place) &+ epoch &* 1000 &+ 77)
    return Make.secret(&random)
  }

  func parties(_ ceremony: Ceremony, shares: [Scalar25519?] = []) throws -> [KeyGenerationParty] {
    try signers.indices.map { place in
      var old: SecretScalar?
      if shares.indices.contains(place), let share = shares[place] { old = try Make.secretScalar(share) }
      return KeyGenerationParty(
        ceremony, signer: signers[place], seed: seed(place, ceremony.epoch), oldShare: old.take())
    }
  }
}

/// Runs a ceremony block by block on two nodes at once, which must agree. `tamper` sees each message before it goes on
/// the chain and says what goes there instead.
func run(
  _ ceremony: Ceremony, _ parties: [KeyGenerationParty], blocks: Int = 60,
  tamper: (KeyGenerationMessage, KeyGeneration) -> [KeyGenerationMessage] = { message, _ in [message] },
  refusals: inout [KeyGenerationRefusal]
) -> KeyGeneration {
  var state = KeyGeneration(ceremony, scheme: .ed25519, startingAt: 1)
  var other = state
  for height in 1...Height(blocks) {
    let messages = parties.flatMap { $0.messages(state) }.flatMap { tamper($0, state) }
    for message in messages {
      let travelled = try? WireReader.decode(KeyGenerationMessage.self, from: message.wireBytes)
      #expect(travelled == message)
      let refusal = state.apply(message)
      #expect(other.apply(message) == refusal)
      if let refusal { refusals.append(refusal) }
    }
    state.endBlock(height)
    other.endBlock(height)
    #expect(state.phase == other.phase)
    if case .done = state.phase { break }
    if case .failed = state.phase { break }
  }
  return state
}

func run(
  _ ceremony: Ceremony, _ parties: [KeyGenerationParty],
  tamper: (KeyGenerationMessage, KeyGeneration) -> [KeyGenerationMessage] = { message, _ in [message] }
) -> KeyGeneration {
  var refusals: [KeyGenerationRefusal] = []
  return run(ceremony, parties, tamper: tamper, refusals: &refusals)
}

extension KeyGeneration {
  func result() throws -> GroupKeys {
    guard case .done(let keys) = phase else { throw Missing() }
    return keys
  }
}

extension KeyGenerationParty {
  /// The share in the open: only tests may look.
  func openShare(_ state: KeyGeneration) -> Scalar25519? {
    guard let share = share(state) else { return nil }
    return share.answer(to: .one, nonce: zero())
  }

  private func zero() -> SecretScalar {
    guard let zero = SecretScalar(canonical: SecretBytes(count: 32)) else { preconditionFailure("zero is a scalar") }
    return zero
  }
}

/// The secret behind t shares, to compare with the group key.
func interpolate(_ shares: [Scalar25519?], threshold: Int) throws -> PublicKey {
  let chosen = shares.indices.filter { shares[$0] != nil }.suffix(threshold)
  let coefficients = try LagrangeCoefficients(chosen.map { Participant($0 + 1) })
  let secret = zip(chosen, coefficients.values).reduce(Scalar25519.zero) { $0 + $1.1 * (shares[$1.0] ?? .zero) }
  return PublicKey(words: Edwards25519.base(times: secret).words)
}

@Suite struct KeyGenerationTests {
  @Test(arguments: [(1, 1), (2, 2), (4, 3), (7, 5), (10, 7)]) func honestRunsGiveOneKey(_ n: Int, _ t: Int) throws {
    let people = try Ceremonial(n)
    let ceremony = try people.fresh(t)
    let parties = try people.parties(ceremony)
    var refusals: [KeyGenerationRefusal] = []
    let state = run(ceremony, parties, blocks: 4, refusals: &refusals)
    #expect(refusals == [])
    let keys = try state.result()
    #expect(state.qualifiedDealers == (1...t).map { Participant($0) })
    let shares = parties.map { $0.openShare(state) }
    #expect(try interpolate(shares, threshold: t) == keys.groupKey)
    for (place, share) in shares.enumerated() {
      #expect(share.map { Edwards25519.base(times: $0) } == keys.publicShares[place])
    }
    let copy = try WireReader.decode(GroupKeys.self, from: keys.wireBytes)
    #expect(copy == keys)
  }

  /// Committees that grow, shrink and overlap nowhere; the group key stays.
  @Test func resharingKeepsTheGroupKey() throws {
    var people = try Ceremonial(4)
    var ceremony = try people.fresh(3)
    var parties = try people.parties(ceremony)
    var state = run(ceremony, parties)
    let groupKey = try state.result().groupKey
    for (n, t, seed) in [(4, 3, 1), (7, 5, 2), (4, 3, 3), (10, 7, 3)] {
      let shares = parties.map { $0.openShare(state) }
      let old = try state.result()
      let next = try Ceremonial(n, seed: UInt64(seed))
      ceremony = try people.resharing(old, to: next, threshold: t)
      let oldParties = try people.parties(ceremony, shares: shares)
      // Those in both committees speak once, as dealer and recipient.
      let newcomers = try next.parties(ceremony).enumerated().filter { !people.keys.contains(next.keys[$0.offset]) }
      parties = try next.keys.map { key in
        if let place = people.keys.firstIndex(of: key) { return oldParties[place] }
        return try #require(newcomers.first { next.keys[$0.offset] == key }).element
      }
      let leavers = people.keys.indices.filter { !next.keys.contains(people.keys[$0]) }.map { oldParties[$0] }
      state = run(ceremony, parties + leavers)
      let keys = try state.result()
      #expect(keys.groupKey == groupKey)
      #expect(keys.publicShares.count == n && Int(keys.threshold) == t)
      let fresh = parties.map { $0.openShare(state) }
      #expect(try interpolate(fresh, threshold: t) == groupKey)
      #expect(fresh.first != shares.first)
      people = next
    }
  }

  /// New shares do not add up with old ones: mixing epochs gives another key.
  @Test func sharesOfTwoEpochsDoNotMix() throws {
    let people = try Ceremonial(4)
    let first = try people.fresh(3)
    let firstParties = try people.parties(first)
    let before = run(first, firstParties)
    let old = firstParties.map { $0.openShare(before) }
    let second = try people.resharing(try before.result(), to: people, threshold: 3)
    let secondParties = try people.parties(second, shares: old)
    let after = run(second, secondParties)
    let new = secondParties.map { $0.openShare(after) }
    let key = try after.result().groupKey
    #expect(try interpolate(new, threshold: 3) == key)
    #expect(try interpolate([nil, old[1], new[2], new[3]], threshold: 3) != key)
  }

  /// Shares that were changed after the proofs were made: refused at once.
  @Test func changedDealingIsRefused() throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    let parties = try people.parties(ceremony)
    let state = run(ceremony, parties) { message, _ in
      guard case .dealing(var dealing) = message.body, message.sender == 2 else { return [message] }
      dealing.shares[3] = Bytes32(words: (1, 2, 3, 4))
      return [resigned(message, .dealing(dealing), people, ceremony, by: 1)]
    }
    #expect(state.disqualified == [])
    #expect(state.qualifiedDealers == [1, 3, 4])
    _ = try state.result()
  }

  /// A share that does not fit: its recipient complains, everybody sees that it is right, the dealer drops out.
  @Test(arguments: [[UInt8](repeating: 0xff, count: 32), [UInt8](repeating: 1, count: 32)])
  func badShareIsComplainedAbout(_ share: [UInt8]) throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    let parties = try people.parties(ceremony)
    var complaints = 0
    let state = run(ceremony, parties) { message, state in
      if case .complaint = message.body { complaints += 1 }
      guard case .dealing(let dealing) = message.body, message.sender == 2 else { return [message] }
      let bad = badDealing(dealing, ceremony, dealer: 2, seed: people.seed(1, ceremony.epoch), share: share)
      return [resigned(message, .dealing(bad), people, ceremony, by: 1)]
    }
    #expect(complaints == 1)
    #expect(state.disqualified == [2])
    #expect(state.falseComplainers == [])
    #expect(state.qualifiedDealers == [1, 3, 4])
    let keys = try state.result()
    #expect(try interpolate(parties.map { $0.openShare(state) }, threshold: 3) == keys.groupKey)
  }

  /// True to the shared point but about a right share, or about another point: the dealer stays.
  @Test func falseComplaintsHurtNobody() throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    let parties = try people.parties(ceremony)
    var refusals: [KeyGenerationRefusal] = []
    let state = run(
      ceremony, parties,
      tamper: { message, state in
        guard case .acknowledgement = message.body, message.sender == 4 else { return [message] }
        let lies = [false, true].map { isForged in
          complaint(state, people, ceremony, recipient: 4, dealer: 1, isForged: isForged)
        }
        return [lies[1], lies[0], lies[0], message]
      }, refusals: &refusals)
    #expect(refusals == [.badProof, .falseComplaint, .duplicate])
    #expect(state.disqualified == [])
    #expect(state.falseComplainers == [4])
    #expect(state.qualifiedDealers == [1, 2, 3])
    _ = try state.result()
  }

  @Test func silentDealerCostsOnlyTime() throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    let parties = try people.parties(ceremony)
    let state = run(ceremony, parties) { message, _ in
      if case .dealing = message.body, message.sender == 1 { [] } else { [message] }
    }
    #expect(state.qualifiedDealers == [2, 3, 4])
    let keys = try state.result()
    #expect(try interpolate(parties.map { $0.openShare(state) }, threshold: 3) == keys.groupKey)
  }

  /// One validator that is down all the time has no share; the others have the key without it.
  @Test func absentRecipientHasNoShare() throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    let parties = try people.parties(ceremony)
    let state = run(ceremony, Array(parties[0..<3]))
    let keys = try state.result()
    #expect(keys.publicShares[3] == nil)
    #expect(try interpolate(parties.map { $0.openShare(state) }, threshold: 3) == keys.groupKey)
    // And at the next resharing it gets one.
    let next = try people.resharing(keys, to: people, threshold: 3)
    let again = try people.parties(next, shares: parties.map { $0.openShare(state) })
    let after = run(next, again)
    #expect(try after.result().publicShares.allSatisfy { $0 != nil })
    #expect(after.qualifiedDealers == [1, 2, 3])
  }

  @Test func tooFewFailsAndSaysWhy() throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    #expect(run(ceremony, Array(try people.parties(ceremony)[0..<2])).phase == .failed(.tooFewKeys))
    let mute = run(ceremony, try people.parties(ceremony)) { message, _ in
      if case .dealing = message.body, message.sender > 2 { [] } else { [message] }
    }
    #expect(mute.phase == .failed(.tooFewDealings))
    // Proof of life: shares alone are not enough, their holders must be there.
    let dead = run(ceremony, try people.parties(ceremony)) { message, _ in
      if case .proofOfLife = message.body, message.sender > 2 { [] } else { [message] }
    }
    #expect(dead.phase == .failed(.tooFewAlive))
    // Two bad dealers of four leave too few.
    let bad = run(ceremony, try people.parties(ceremony)) { message, _ in
      guard case .dealing(let dealing) = message.body, message.sender < 3 else { return [message] }
      let place = Int(message.sender) - 1
      let changed = badDealing(
        dealing, ceremony, dealer: message.sender, seed: people.seed(place, ceremony.epoch),
        share: [UInt8](repeating: 3, count: 32))
      return [resigned(message, .dealing(changed), people, ceremony, by: place)]
    }
    #expect(bad.phase == .failed(.tooFewDealings))
    #expect(bad.disqualified == [1, 2])
  }

  /// Messages of another chain, epoch or attempt, from strangers, unsigned, twice, or too early change nothing.
  @Test func whatDoesNotBelongIsRefused() throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    let parties = try people.parties(ceremony)
    let state = KeyGeneration(ceremony, scheme: .ed25519, startingAt: 1)
    let key = try #require(parties[0].messages(state).first)
    let later = try people.fresh(3, epoch: 2)
    let late = try #require(
      try people.parties(later)[0].messages(KeyGeneration(later, scheme: .ed25519, startingAt: 1)).first)
    func refusal(_ message: KeyGenerationMessage, after earlier: [KeyGenerationMessage] = []) -> KeyGenerationRefusal? {
      var copy = state
      for message in earlier { _ = copy.apply(message) }
      return copy.apply(message)
    }
    #expect(refusal(late) == .wrongCeremony)
    #expect(refusal(key) == nil)
    #expect(refusal(key, after: [key]) == .duplicate)
    var changed = key
    changed.sender = 2
    #expect(refusal(changed) == .badSignature)
    changed.sender = 5
    #expect(refusal(changed) == .unknownSender)
    changed.sender = 0
    #expect(refusal(changed) == .unknownSender)
    changed = key
    changed.signature = .zero
    #expect(refusal(changed) == .badSignature)
    // The proof of another recipient does not serve: it is bound to its place.
    #expect(refusal(resigned(key, key.body, people, ceremony, by: 1)) == .badProof)
    #expect(refusal(resigned(key, .acknowledgement, people, ceremony, by: 0)) == .wrongPhase)
    for hex in EdwardsTests.smallOrder + EdwardsTests.notCanonical {
      guard case .recipientKey(_, let proof) = key.body else { throw Missing() }
      let point = try #require(PointEncoding(hex: hex))
      #expect(refusal(resigned(key, .recipientKey(point, proof), people, ceremony, by: 0)) == .invalidPoint)
    }
  }

  /// A node that restarts in the middle, from nothing but its seed and the chain, says the same and has the same share.
  @Test func restartsInTheMiddleChangeNothing() throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    var steady = KeyGeneration(ceremony, scheme: .ed25519, startingAt: 1)
    let parties = try people.parties(ceremony)
    for height in 1...Height(4) {
      let messages = parties.flatMap { $0.messages(steady) }
      #expect(try people.parties(ceremony).flatMap { $0.messages(steady) } == messages)
      for message in messages { #expect(steady.apply(message) == nil) }
      steady.endBlock(height)
    }
    _ = try steady.result()
    let again = try people.parties(ceremony)
    #expect(again.map { $0.openShare(steady) } == parties.map { $0.openShare(steady) })
  }

  /// A dealer of a resharing must deal its own share, not another secret.
  @Test func resharingRefusesAnotherSecret() throws {
    let people = try Ceremonial(4)
    let first = try people.fresh(3)
    let parties = try people.parties(first)
    let before = run(first, parties)
    var shares = parties.map { $0.openShare(before) }
    let second = try people.resharing(try before.result(), to: people, threshold: 3)
    // One with a wrong share does not even try.
    shares[0] = .one
    let state = run(second, try people.parties(second, shares: shares))
    #expect(state.qualifiedDealers == [2, 3, 4])
    // One that deals a fresh constant is refused.
    var refusals: [KeyGenerationRefusal] = []
    shares[0] = parties[0].openShare(before)
    _ = run(
      second, try people.parties(second, shares: shares),
      tamper: { message, _ in
        guard case .dealing(let dealing) = message.body, message.sender == 1 else { return [message] }
        let seed = people.seed(0, 55)
        let swapped = otherDealing(dealing, second, dealer: 1, seed: seed)
        return [resigned(message, .dealing(swapped), people, second, by: 0)]
      }, refusals: &refusals)
    #expect(!refusals.isEmpty && refusals.allSatisfy { $0 == .notTheDealersShare })
  }

  /// Decoding is bounded and never traps: every cut and many changes of real messages.
  @Test func damagedMessagesAreRefused() throws {
    let people = try Ceremonial(4)
    let ceremony = try people.fresh(3)
    let parties = try people.parties(ceremony)
    var random = SeededRandom(seed: 5)
    var seen = 0
    _ = run(ceremony, parties) { message, state in
      let bytes = message.wireBytes
      for _ in 0..<20 {
        var damaged = bytes
        if random.below(4) == 0 {
          damaged.removeLast(Int(random.below(UInt64(bytes.count))) + 1)
          #expect((try? WireReader.decode(KeyGenerationMessage.self, from: damaged)) == nil)
          continue
        }
        damaged[Int(random.below(UInt64(bytes.count)))] ^= UInt8(1 << random.below(8))
        guard let other = try? WireReader.decode(KeyGenerationMessage.self, from: damaged) else { continue }
        var copy = state
        #expect(copy.apply(other) != nil)
        seen += 1
      }
      return [message]
    }
    #expect(seen > 50)
  }
}

// MARK: Adversaries

/// The message with another body, signed by the party at this place.
func resigned(
  _ message: KeyGenerationMessage, _ body: KeyGenerationMessage.Body, _ people: Ceremonial, _ ceremony: Ceremony,
  by place: Int
) -> KeyGenerationMessage {
  KeyGenerationMessage(
    ceremony: ceremony.id, sender: Participant(place + 1), body: body, signedBy: people.signers[place])
}

/// A dealing that is right but for the share of the last recipient; its proofs are made for it.
func badDealing(
  _ dealing: Dealing, _ ceremony: Ceremony, dealer: Participant, seed: SecretBytes, share: [UInt8]
) -> Dealing {
  var shares = dealing.shares
  shares[shares.count - 1] = Bytes32(share) ?? .zero
  let hash = Dealing.hash(dealing.commitmentEighths, dealing.ephemeral, shares)
  let ephemeral = SecretScalar(seed: seed, domain: "novation/ephemeral/v1", context: ceremony.id.bytes)
  let polynomial = SecretPolynomial(
    count: ceremony.threshold, seed: seed, domain: "novation/dealing-polynomial/v1", context: ceremony.id.bytes)
  let constant = polynomial.value(at: .zero)
  return Dealing(
    commitmentEighths: dealing.commitmentEighths, ephemeral: dealing.ephemeral, shares: shares,
    ephemeralProof: SchnorrProof(of: ephemeral, context: ceremony.context("ephemeral", dealer, hash)),
    constantProof: SchnorrProof(of: constant, context: ceremony.context("constant", dealer, hash)))
}

/// A dealing of another secret than the dealer's share.
func otherDealing(_ dealing: Dealing, _ ceremony: Ceremony, dealer: Participant, seed: SecretBytes) -> Dealing {
  let polynomial = SecretPolynomial(count: ceremony.threshold, seed: seed, domain: "other", context: [])
  let eighths = polynomial.commitmentEighths()
  let ephemeral = SecretScalar(seed: seed, domain: "other ephemeral", context: [])
  let point = ephemeral.timesBase()
  let hash = Dealing.hash(eighths, point, dealing.shares)
  return Dealing(
    commitmentEighths: eighths, ephemeral: point, shares: dealing.shares,
    ephemeralProof: SchnorrProof(of: ephemeral, context: ceremony.context("ephemeral", dealer, hash)),
    constantProof: nil)
}

/// A complaint about a share that is right; forged, it also names another point than the shared one.
func complaint(
  _ state: KeyGeneration, _ people: Ceremonial, _ ceremony: Ceremony, recipient: Participant, dealer: Participant,
  isForged: Bool
) -> KeyGenerationMessage {
  let place = Int(recipient) - 1
  let secret = SecretScalar(
    seed: people.seed(place, ceremony.epoch), domain: "novation/decryption-key/v1", context: ceremony.id.bytes)
  let ephemeral = state.dealings.first { $0.dealer == dealer }?.dealing.ephemeral ?? .zero
  var shared = secret.times(ephemeral) ?? .zero
  if isForged { shared = Edwards25519.add(shared, EdwardsPoint.base.encoding) ?? .zero }
  let context = ceremony.context("complaint", recipient, ephemeral.bytes)
  guard let proof = EqualityProof(of: secret, over: ephemeral, shared: shared, context: context) else {
    preconditionFailure("an accepted dealing has a valid ephemeral key")
  }
  return KeyGenerationMessage(
    ceremony: ceremony.id, sender: recipient,
    body: .complaint(Complaint(dealer: dealer, shared: shared, proof: proof)), signedBy: people.signers[place])
}
