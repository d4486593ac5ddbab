// Which triggers a price has reached, found without looking at the others. Derived from the table of triggers.

import Primitives

struct TriggerQueues: Sendable {
  /// Triggers that watch the same price in the same direction, for one instrument.
  struct Key: Hashable, Sendable {
    var instrument: InstrumentID
    var source: TriggerSource
    var condition: TriggerCondition
  }

  struct Entry: Sendable {
    var level: Price
    var id: OrderID
    func isBefore(_ other: Entry) -> Bool { level != other.level ? level < other.level : id < other.id }
  }

  /// Ascending by level and number.
  private(set) var queues: [Key: [Entry]] = [:]
  /// Numbers by owner, in no particular order.
  private(set) var owned: [AccountID: [OrderID]] = [:]
  private(set) var count = 0

  mutating func insert(_ id: OrderID, _ record: TriggerRecord) {
    let entry = Entry(level: record.level, id: id)
    var queue = queues.removeValue(forKey: record.key) ?? []
    queue.insert(entry, at: Self.place(of: entry, in: queue))
    queues[record.key] = queue
    owned[record.account, default: []].append(id)
    count += 1
  }

  mutating func remove(_ id: OrderID, _ record: TriggerRecord) {
    let entry = Entry(level: record.level, id: id)
    guard var queue = queues.removeValue(forKey: record.key) else { return }
    let place = Self.place(of: entry, in: queue)
    if place < queue.count, queue[place].id == id {
      queue.remove(at: place)
      count -= 1
    }
    if !queue.isEmpty { queues[record.key] = queue }
    guard var mine = owned.removeValue(forKey: record.account) else { return }
    if let at = mine.lastIndex(of: id) { mine.remove(at: at) }
    if !mine.isEmpty { owned[record.account] = mine }
  }

  /// Those of a queue that fire at `price`.
  static func reached(_ queue: [Entry], _ condition: TriggerCondition, _ price: Price) -> ArraySlice<Entry> {
    switch condition {
    case .atOrAbove: queue[..<place(of: Entry(level: price, id: .max), in: queue)]
    case .atOrBelow: queue[place(of: Entry(level: price, id: 0), in: queue)...]
    }
  }

  /// Of all triggers of an instrument, in no particular order.
  func ids(of instrument: InstrumentID) -> [OrderID] {
    var found: [OrderID] = []
    for source in [TriggerSource.mark, .index] {
      for condition in [TriggerCondition.atOrAbove, .atOrBelow] {
        let key = Key(instrument: instrument, source: source, condition: condition)
        found.append(contentsOf: queues[key, default: []].map(\.id))
      }
    }
    return found
  }

  private static func place(of entry: Entry, in queue: [Entry]) -> Int {
    var low = 0
    var high = queue.count
    while low < high {
      let middle = (low + high) / 2
      if queue[middle].isBefore(entry) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension TriggerRecord {
  var key: TriggerQueues.Key {
    TriggerQueues.Key(instrument: order.instrument, source: source, condition: condition)
  }
}
