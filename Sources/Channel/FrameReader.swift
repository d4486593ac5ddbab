// Frames out of a stream of bytes: two bytes of length, big-endian, then that many bytes.

/// Holds at most the beginning of one frame. Whole frames are handed on where they lie in the input, uncopied.
struct FrameReader: Sendable {
  static let headerBytes = 2

  /// The beginning of a frame whose rest has not come.
  private var partial: [UInt8] = []

  var bufferedBytes: Int { partial.count }

  /// What `advance` found at the front of the input.
  enum Step {
    /// A whole frame; its bytes are valid during the call of `advance` only.
    case frame(UnsafeRawBufferPointer)
    /// No whole frame; what there was is kept.
    case starved
    /// A length that is not allowed here.
    case refused(Int)
  }

  /// Takes one frame, or what there is of one, from the front of `input` and hands it to `body`. A length outside
  /// `lengths` is refused as soon as it is known, so that nobody makes us keep what we would not read.
  mutating func advance<R>(
    _ input: inout UnsafeRawBufferPointer, lengths: ClosedRange<Int>, _ body: (Step) -> R
  ) -> R {
    if partial.isEmpty, input.count >= Self.headerBytes {
      let length = Int(input[0]) << 8 | Int(input[1])
      guard lengths.contains(length) else { return body(.refused(length)) }
      if input.count - Self.headerBytes >= length {
        let frame = UnsafeRawBufferPointer(rebasing: input[Self.headerBytes..<Self.headerBytes + length])
        Self.drop(Self.headerBytes + length, from: &input)
        return body(.frame(frame))
      }
    }
    fill(to: Self.headerBytes, from: &input)
    guard partial.count >= Self.headerBytes else { return body(.starved) }
    let length = Int(partial[0]) << 8 | Int(partial[1])
    guard lengths.contains(length) else { return body(.refused(length)) }
    fill(to: Self.headerBytes + length, from: &input)
    guard partial.count == Self.headerBytes + length else { return body(.starved) }
    defer { partial.removeAll(keepingCapacity: true) }
    return partial.withUnsafeBytes { body(.frame(UnsafeRawBufferPointer(rebasing: $0[Self.headerBytes...]))) }
  }

  /// Forgets everything.
  mutating func clear() { partial = [] }

  private mutating func fill(to count: Int, from input: inout UnsafeRawBufferPointer) {
    let taken = min(count - partial.count, input.count)
    guard taken > 0 else { return }
    partial.append(contentsOf: input.prefix(taken))
    Self.drop(taken, from: &input)
  }

  private static func drop(_ count: Int, from input: inout UnsafeRawBufferPointer) {
    input = UnsafeRawBufferPointer(rebasing: input.dropFirst(count))
  }
}
