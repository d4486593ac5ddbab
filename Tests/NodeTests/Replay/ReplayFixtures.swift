// Small option chains made here, and files to put them in.

import Glibc
import Node

enum Chain {
  static let columns = [
    "timestamp", "instrument_name", "option_type", "strike", "expiry_datetime", "bid_price", "ask_price", "mark_price",
    "futures_price", "implied_volatility", "currency", "index_price", "comment",
  ]

  static func row(
    time: String = "2026-01-05T20:00:00.123456+00:00", name: String = "BTC-27MAR26-100000-C", type: String = "call",
    strike: String = "100000.0", expiry: String = "2026-03-27T08:00:00+00:00", bid: String = "0.05",
    ask: String = "0.06", mark: String = "0.055", future: String = "90000", volatility: String = "0.5",
    currency: String = "BTC", index: String = "89900", comment: String = "\"a, b\""
  ) -> String {
    [
      time, name, type, strike, expiry, bid, ask, mark, future, volatility, currency, index, comment,
    ].joined(separator: ",")
  }

  static func file(_ rows: [String], header: [String] = columns, lineEnd: String = "\n") -> String {
    ([header.joined(separator: ",")] + rows).joined(separator: lineEnd) + lineEnd
  }
}

/// A directory that goes away with the test.
final class ScratchDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/novation-replay.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ReplayError("no scratch directory") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  @discardableResult func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = "\(path)/\(name)"
    try FileAccess.write(bytes, to: file, mode: 0o600)
    return file
  }

  @discardableResult func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  deinit {
    for name in FileAccess.names(in: path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}

/// A gzip file of stored blocks (RFC 1951, section 3.2.4), so that the tests need no compressor.
enum StoredGzip {
  static func make(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]
    let pieces = stride(from: 0, to: max(1, bytes.count), by: 65_535).map {
      Array(bytes[$0..<min(bytes.count, $0 + 65_535)])
    }
    for (place, piece) in pieces.enumerated() {
      let count = UInt16(piece.count)
      out.append(place == pieces.count - 1 ? 1 : 0)
      for value in [count, ~count] { out += [UInt8(value & 0xff), UInt8(value >> 8)] }
      out += piece
    }
    for value in [checksum(bytes), UInt32(bytes.count)] {
      for shift in stride(from: UInt32(0), to: 32, by: 8) { out.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
    return out
  }

  /// CRC-32 of RFC 1952.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }
    return ~crc
  }
}
