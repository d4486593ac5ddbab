// Reads option-chain snapshots from CSV or CSV.gz: files, or all files of a directory with the needed header.

import Clearing
import Glibc
import Primitives

public struct OptionChainReader {
  /// Largest file, as it lies on the disk and decompressed, and most rows of all files.
  static let fileLimit = 64 << 20
  static let textLimit = 1 << 30
  static let rowsMax = 5_000_000

  static let columns = [
    "timestamp", "instrument_name", "option_type", "strike", "expiry_datetime", "bid_price", "ask_price", "mark_price",
    "futures_price", "implied_volatility", "currency", "index_price",
  ]

  private var builder = RecordingBuilder()
  private var skipped: [Recording.Skipped] = []
  private var rows = 0

  /// `progress` is told the file at hand.
  public static func read(_ paths: [String], progress: (String) -> Void = { _ in }) throws(ReplayError) -> Recording {
    var reader = OptionChainReader()
    for path in paths {
      if isDirectory(path) {
        let names = FileAccess.names(in: path)
        for name in names {
          progress(name)
          try reader.readIfFitting(path.hasSuffix("/") ? path + name : path + "/" + name)
        }
      } else {
        progress(path)
        try reader.read(path)
      }
    }
    var recording = try reader.builder.finish()
    recording.skipped = reader.skipped
    guard !recording.snapshots.isEmpty else {
      throw ReplayError(
        "no option-chain snapshots in \(paths.joined(separator: ", ")): files are CSV or CSV.gz with the columns "
          + columns.joined(separator: ", "))
    }
    return recording
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// A file of a directory: what is no option chain is noted and passed over.
  private mutating func readIfFitting(_ path: String) throws(ReplayError) {
    guard !Self.isDirectory(path) else { return skip(path, "a directory") }
    guard path.hasSuffix(".csv") || path.hasSuffix(".csv.gz") else { return skip(path, "neither .csv nor .csv.gz") }
    let lines = try Self.lines(path)
    let missing = Self.missing(lines.first)
    guard missing.isEmpty else { return skip(path, "no column \(missing.joined(separator: ", "))") }
    try read(lines, path)
  }

  private mutating func skip(_ path: String, _ reason: String) { skipped.append(.init(path: path, reason: reason)) }

  private mutating func read(_ path: String) throws(ReplayError) {
    let lines = try Self.lines(path)
    let missing = Self.missing(lines.first)
    guard missing.isEmpty else {
      throw .file(path, line: 1, "the header has no column \(missing.joined(separator: ", "))")
    }
    try read(lines, path)
  }

  private static func missing(_ header: ArraySlice<UInt8>?) -> [String] {
    let present = Set(header.flatMap(CSVLine.fields) ?? [])
    return columns.filter { !present.contains($0) }
  }

  private static func lines(_ path: String) throws(ReplayError) -> [ArraySlice<UInt8>] {
    var bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileAccess.read(path, limit: fileLimit)
    } catch {
      throw ReplayError(error.description)
    }
    if Gzip.isCompressed(bytes) { bytes = try Gzip.inflate(bytes, limit: textLimit, name: path) }
    // A byte order mark is no part of the first column's name.
    let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
    return text.split(separator: 0x0a, omittingEmptySubsequences: false).map { $0.last == 0x0d ? $0.dropLast() : $0 }
  }

  private mutating func read(_ lines: [ArraySlice<UInt8>], _ path: String) throws(ReplayError) {
    let header = lines.first.flatMap(CSVLine.fields) ?? []
    let places = Self.columns.compactMap { header.firstIndex(of: $0) }
    let file = builder.addFile(path)
    for (number, line) in lines.enumerated().dropFirst() where !line.isEmpty {
      rows += 1
      guard rows <= Self.rowsMax else { throw ReplayError("more than \(Self.rowsMax) rows") }
      guard let fields = CSVLine.fields(line), fields.count == header.count else {
        throw .file(path, line: number + 1, "not \(header.count) fields separated by commas")
      }
      do throws(RowFault) {
        let row = try OptionRow(places.map { fields[$0] })
        try builder.add(row, file: file, line: number + 1)
      } catch {
        throw .file(path, line: number + 1, error.text)
      }
    }
  }
}

/// What is wrong with a row.
struct RowFault: Error {
  var text: String
  init(_ text: String) { self.text = text }
}

/// One row, checked and in USD.
struct OptionRow {
  var time: Timestamp
  var symbol: String
  var name: String
  var kind: InstrumentKind
  var strike: Price
  var expiry: Timestamp
  var bid: Double?
  var ask: Double?
  var mark: Double?
  var forward: Double
  var volatility: Double?
  var index: Double

  /// `fields` in the order of `OptionChainReader.columns`.
  init(_ fields: [String]) throws(RowFault) {
    time = try Self.time(fields[0], "timestamp")
    name = fields[1]
    switch fields[2] {
    case "call", "C": kind = .call
    case "put", "P": kind = .put
    default: throw RowFault("option_type \"\(fields[2].prefix(40))\" is neither call nor put")
    }
    guard let strike = Decimal.parse(fields[3], scale: Decimal.moneyScale), strike > 0 else {
      throw RowFault("strike \"\(fields[3].prefix(40))\" is not a positive number")
    }
    self.strike = strike
    expiry = try Self.time(fields[4], "expiry_datetime")
    forward = try Self.number(fields[8], "futures_price")
    index = try Self.number(fields[11], "index_price")
    guard forward > 0, index > 0 else { throw RowFault("futures_price and index_price must be above zero") }
    symbol = fields[10]
    // A quote in coin is worth this many dollars at the future's price; a price of zero is no quote.
    bid = try Self.quote(fields[5], "bid_price").flatMap { $0 > 0 ? $0 : nil }
    ask = try Self.quote(fields[6], "ask_price").flatMap { $0 > 0 ? $0 : nil }
    mark = try Self.quote(fields[7], "mark_price")
    volatility = try Self.quote(fields[9], "implied_volatility")
    bid = bid.map { $0 * forward }
    ask = ask.map { $0 * forward }
    mark = mark.map { $0 * forward }
    try checkName()
  }

  private func checkName() throws(RowFault) {
    let terms = [UnderlyingTerms(symbol: symbol)]
    guard InstrumentName.isSymbol(symbol) else { throw RowFault("currency \"\(symbol.prefix(40))\" is not a symbol") }
    guard let id = InstrumentName.parse(name, underlyings: terms) else {
      throw RowFault("instrument_name \"\(name.prefix(60))\" is not a name such as \(symbol)-27MAR26-100000-C")
    }
    guard id.kind == kind, id.strike == strike, id.expiry == expiry else {
      throw RowFault("instrument_name \(name) contradicts option_type, strike or expiry_datetime")
    }
  }

  private static func time(_ text: String, _ column: String) throws(RowFault) -> Timestamp {
    guard let time = ISO8601.parse(text) else {
      throw RowFault("\(column) \"\(text.prefix(40))\" is not an ISO 8601 time")
    }
    return time
  }

  private static func number(_ text: String, _ column: String) throws(RowFault) -> Double {
    guard let value = Double(text), value.isFinite, value >= 0, value < 1e9 else {
      throw RowFault("\(column) \"\(text.prefix(40))\" is not a number of zero or more")
    }
    return value
  }

  /// Nil where the field is empty.
  private static func quote(_ text: String, _ column: String) throws(RowFault) -> Double? {
    text.isEmpty ? nil : try number(text, column)
  }
}
