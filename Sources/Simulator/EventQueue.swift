// What is going to happen, by virtual time: a heap of small keys over a pool of events.

import Primitives
import Replica

/// Something that happens to one host, or to the world.
struct QueuedEvent {
  enum Kind: UInt8 {
    /// A message arrives.
    case deliver
    /// The wake-up that the replica asked for.
    case wake
    /// `input` for the replica.
    case input
    /// The journal's sync is done.
    case synced
    /// Messages that nobody waits for have waited long enough.
    case unhurried
    /// The ledger's transaction is durable.
    case committed
    /// `happening`
    case world
  }

  var kind: Kind
  /// Place of the host; 0 for the world.
  var host: UInt16 = 0
  /// Sender of a message, by identity.
  var from: UInt16 = 0
  /// Life of the host for which this is: what is meant for an earlier one is lost.
  var life: UInt32 = 0
  /// Which wake-up or which sync; of an input, the numbering that it is by.
  var number: UInt64 = 0
  var bytes: [UInt8] = []
  var box: Box?

  /// What is rare and large.
  final class Box {
    let input: Input?
    let happening: Happening?

    init(_ input: Input) { (self.input, happening) = (input, nil) }
    init(_ happening: Happening) { (input, self.happening) = (nil, happening) }
  }
}

/// What happens to the world.
enum Happening {
  case connect(Int, Int)
  case restart(Int)
  case fault
  /// The end of the fault with this number.
  case mend(UInt64)
  case phase
  case submit
  case read
  case observe(Int)
  case audit
  case change
}

struct EventQueue {
  private struct Key {
    var at: Instant
    var order: UInt64
    var slot: Int

    @inline(__always)
    static func < (a: Key, b: Key) -> Bool { a.at < b.at || (a.at == b.at && a.order < b.order) }
  }

  private var heap: [Key] = []
  private var pool: [QueuedEvent] = []
  private var free: [Int] = []
  private var order: UInt64 = 0

  var count: Int { heap.count }
  var nextAt: Instant? { heap.first?.at }

  mutating func push(_ event: QueuedEvent, at instant: Instant) {
    order &+= 1
    let slot: Int
    if let reused = free.popLast() {
      slot = reused
      pool[slot] = event
    } else {
      slot = pool.count
      pool.append(event)
    }
    rise(Key(at: instant, order: order, slot: slot))
  }

  mutating func pop() -> (at: Instant, event: QueuedEvent)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty { sink(last) }
    var event = QueuedEvent(kind: .world)
    swap(&event, &pool[first.slot])
    free.append(first.slot)
    return (first.at, event)
  }

  /// Four children a node: half the levels of a binary heap, and siblings in one or two cache lines.
  private mutating func rise(_ key: Key) {
    heap.append(key)
    heap.withUnsafeMutableBufferPointer { heap in
      var child = heap.count - 1
      while child > 0 {
        let parent = (child - 1) >> 2
        guard key < heap[parent] else { break }
        heap[child] = heap[parent]
        child = parent
      }
      heap[child] = key
    }
  }

  private mutating func sink(_ key: Key) {
    heap.withUnsafeMutableBufferPointer { heap in
      var parent = 0
      while true {
        let first = parent << 2 + 1
        guard first < heap.count else { break }
        var least = first
        for child in (first + 1)..<max(first + 1, min(first + 4, heap.count)) where heap[child] < heap[least] {
          least = child
        }
        guard heap[least] < key else { break }
        heap[parent] = heap[least]
        parent = least
      }
      heap[parent] = key
    }
  }
}
