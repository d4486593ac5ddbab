// Server-sent events (HTML Living Standard, section 9.2), read from bytes that arrive in any pieces.

/// One event of a stream.
public struct ServerSentEvent: Sendable, Equatable {
  public var id: String?
  public var event: String?
  public var data: String

  public init(id: String? = nil, event: String? = nil, data: String) {
    self.id = id
    self.event = event
    self.data = data
  }
}

/// Collects lines into events. Memory is bounded by `limit` per event.
public struct ServerSentEventParser: Sendable {
  private let limit: Int
  private var line: [UInt8] = []
  private var data: [UInt8] = []
  private var hasData = false
  private var id: String?
  private var event: String?
  private var afterReturn = false

  public init(limit: Int = 1 << 20) { self.limit = limit }

  /// Appends the events that these bytes complete. False if one is longer than the limit; nothing can be read then.
  public mutating func read(_ bytes: some Sequence<UInt8>, into events: inout [ServerSentEvent]) -> Bool {
    for byte in bytes {
      let skipped = afterReturn && byte == 0x0a
      afterReturn = byte == 0x0d
      if skipped { continue }
      if byte == 0x0a || byte == 0x0d {
        endLine(&events)
      } else {
        line.append(byte)
      }
      guard line.count + data.count <= limit else { return false }
    }
    return true
  }

  private mutating func endLine(_ events: inout [ServerSentEvent]) {
    defer { line.removeAll(keepingCapacity: true) }
    if line.isEmpty {
      if hasData {
        if data.last == 0x0a { data.removeLast() }
        events.append(.init(id: id, event: event, data: String(decoding: data, as: UTF8.self)))
      }
      data.removeAll(keepingCapacity: true)
      hasData = false
      event = nil
      return
    }
    let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
    var value = line[min(colon + 1, line.endIndex)...]
    if value.first == 0x20 { value.removeFirst() }
    switch String(decoding: line[..<colon], as: UTF8.self) {
    case "data":
      data += value
      data.append(0x0a)
      hasData = true
    case "event": event = String(decoding: value, as: UTF8.self)
    case "id": id = String(decoding: value, as: UTF8.self)
    default: break
    }
  }
}
