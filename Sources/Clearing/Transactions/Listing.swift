// Listing of instruments and their states.

import Ledger
import Primitives

extension ClearingHouse {
  /// All of them or none.
  mutating func listAll(_ listings: [Listing]) throws(Rejection) {
    guard listings.count <= Limits.maxListingsPerAction else { throw Rejection(.limitReached) }
    let point = savepoint()
    do throws(Rejection) {
      for listing in listings { try list(listing) }
    } catch {
      restore(point)
      throw error
    }
    for listing in listings { markListed(listing.instrument) }
  }

  mutating func list(_ listing: Listing) throws(Rejection) {
    let id = listing.instrument
    guard let kind = id.kind, listing.isAcceptable, Int(id.underlying) < genesis.underlyings.count,
      id.expiry > marketTime(at: max(totals.timestamp, genesis.time))
    else { throw Rejection(.badTerms) }
    guard !tables.instruments.contains(id) else { throw Rejection(.alreadyListed) }
    guard tables.instruments.count < Limits.maxInstruments, hasRoomForExpiry(id) else {
      throw Rejection(.limitReached)
    }
    var record = InstrumentRecord(tick: listing.tick, lot: listing.lot)
    if genesis.trading.openingAuction > 0 {
      record.state = .pending
      tables.auctions.put(AuctionRecord(.opening, until: .max), for: id)
    }
    let slot = tables.instruments.put(record, for: id)
    indexInstrument(id, kind: kind, slot: slot)
    live.undo.append(.listed(id))
    emit(.listed(id))
  }

  private func hasRoomForExpiry(_ id: InstrumentID) -> Bool {
    let key = FeedKey(id.underlying, id.expiry)
    if live.groups.contains(where: { $0.key == key }) { return true }
    return live.groups.count { $0.key.underlying == id.underlying } < Limits.maxExpiriesPerUnderlying
  }

  /// Makes the derived state of an instrument.
  mutating func indexInstrument(_ id: InstrumentID, kind: InstrumentKind, slot: Int32) {
    let number = Int32(truncatingIfNeeded: live.instruments.count)
    live.instruments.append(LiveInstrument(id: id, kind: kind, slot: slot))
    live.scenarios.append(contentsOf: repeatElement(0, count: LiveState.slots))
    live.instrumentNumbers[id] = number
    let key = FeedKey(id.underlying, id.expiry)
    if let group = live.groups.firstIndex(where: { $0.key == key }) {
      live.groups[group].instruments.append(number)
      // Its marks are made again, for the new member.
      live.groups[group].source = nil
    } else {
      let place = live.groups.firstIndex { ($0.key.underlying, $0.key.expiry) > (key.underlying, key.expiry) }
      live.groups.insert(ExpiryGroup(key: key, instruments: [number]), at: place ?? live.groups.count)
    }
  }

  private mutating func markListed(_ id: InstrumentID) {
    let key = FeedKey(id.underlying, id.expiry)
    guard let group = live.groups.firstIndex(where: { $0.key == key }), live.groups[group].source == nil else { return }
    refreshMarks()
  }

  /// Forgets the derived state of an instrument. Its number is not used again before the next restart.
  mutating func dropInstrument(_ id: InstrumentID) {
    guard let number = live.instrumentNumbers[id] else { return }
    live.instrumentNumbers[id] = nil
    live.instruments[Int(number)].trades = []
    if id.isCombo {
      live.combos.removeAll { $0 == number }
      live.freeCombos.append(number)
      return
    }
    let key = FeedKey(id.underlying, id.expiry)
    guard let group = live.groups.firstIndex(where: { $0.key == key }) else { return }
    live.groups[group].instruments.removeAll { $0 == number }
    if live.groups[group].instruments.isEmpty { live.groups.remove(at: group) }
  }

  mutating func setState(_ id: InstrumentID, _ state: InstrumentState) throws(Rejection) {
    guard let record = tables.instruments[id], let number = live.instrumentNumbers[id] else {
      throw Rejection(.unknownInstrument)
    }
    guard !record.state.hasExpired, !state.hasExpired, !id.isCombo else { throw Rejection(.instrumentNotOpen) }
    guard record.state != state else { return }
    if state == .auction { return callAuction(number, .called, until: .max) }
    if state == .open {
      // A5: continuous trading begins with the auction's price.
      if record.state == .auction {
        tables.auctions.update(id) { $0.until = totals.timestamp }
        return
      }
      if isCrossed(number) || genesis.trading.outageAuction > 0 && (record.state == .halted || record.state == .pending)
      {
        return callAuction(number, .called)
      }
    }
    guard state.mayCross || !isCrossed(number) else { throw Rejection(.instrumentNotOpen) }
    tables.auctions.remove(id)
    tables.instruments.update(id) { $0.state = state }
    emit(.stateChanged(id, state))
  }

  private func isCrossed(_ number: Int32) -> Bool {
    guard let bid = live.instruments[Int(number)].bids.best else { return false }
    return live.instruments[Int(number)].asks.crosses(bid)
  }
}
