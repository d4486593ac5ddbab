// Messages out of the decrypted stream: four bytes of length, little-endian, then that many bytes. Where the frames
// were cut has no meaning.

/// Holds at most the beginning of one message, in no more memory than a small multiple of the bytes that came.
struct RecordReader: Sendable {
  static let headerBytes = 4

  private var header: UInt32 = 0
  private var headerCount = 0
  private var body: [UInt8] = []

  var bufferedBytes: Int { headerCount + body.count }

  /// Appends the messages that `text` completes. Throws on a message above `limit` bytes, by its length alone.
  mutating func consume(
    _ text: UnsafeRawBufferPointer, limit: Int, into messages: inout [[UInt8]]
  ) throws(ChannelError) {
    var position = 0
    while position < text.count || headerCount == Self.headerBytes {
      while headerCount < Self.headerBytes {
        guard position < text.count else { return }
        header |= UInt32(text[position]) << (8 * UInt32(headerCount))
        headerCount += 1
        position += 1
      }
      let length = Int(header)
      guard length <= limit else { throw .messageTooLong(count: length, limit: limit) }
      let taken = min(length - body.count, text.count - position)
      body.append(contentsOf: text[position..<position + taken])
      position += taken
      guard body.count == length else { return }
      messages.append(body)
      self = RecordReader()
    }
  }
}
