// Decompression of gzip files (RFC 1952) through zlib, bounded: a small file cannot fill the memory.

import CZlib

enum Gzip {
  /// Whether the bytes begin like a gzip file.
  static func isCompressed(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

  /// What the file holds, all its members one after the other. `name` is for the messages.
  static func inflate(_ bytes: [UInt8], limit: Int, name: String) throws(ReplayError) -> [UInt8] {
    var stream = z_stream()
    // 15 bits of window, and 16 for the gzip wrapper with its checksum.
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw ReplayError("\(name): zlib cannot start")
    }
    defer { inflateEnd(&stream) }
    guard bytes.count <= Int(UInt32.max) else { throw ReplayError("\(name) is too long") }
    var output: [UInt8] = []
    let fault: ReplayError? = bytes.withUnsafeBufferPointer { input in
      stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.avail_in = UInt32(input.count)
      return run(&stream, into: &output, limit: limit, name: name)
    }
    if let fault { throw fault }
    return output
  }

  private static func run(
    _ stream: inout z_stream, into output: inout [UInt8], limit: Int, name: String
  ) -> ReplayError? {
    var piece = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let (status, count) = piece.withUnsafeMutableBufferPointer { room -> (Int32, Int) in
        stream.next_out = room.baseAddress
        stream.avail_out = UInt32(room.count)
        let status = CZlib.inflate(&stream, Z_NO_FLUSH)
        return (status, room.count - Int(stream.avail_out))
      }
      guard output.count + count <= limit else {
        return ReplayError("\(name): more than \(ByteSize.format(Int64(limit))) when decompressed")
      }
      output += piece[..<count]
      switch status {
      case Z_OK where stream.avail_in > 0 || count == piece.count: continue
      case Z_OK, Z_BUF_ERROR: return ReplayError("\(name): the compressed file ends too early")
      case Z_STREAM_END:
        if stream.avail_in == 0 { return nil }
        guard inflateReset(&stream) == Z_OK else { return ReplayError("\(name): damaged gzip data") }
      default: return ReplayError("\(name): damaged gzip data")
      }
    }
  }
}
