// The text and the table of a TOML file, or where and why there is none.

import Primitives
import TOMLKit

enum TOMLSource {
  /// Largest file that is read.
  static let fileLimit = 1 << 20

  static func read(_ path: String) throws(ConfigurationError) -> String {
    let bytes: [UInt8]
    do {
      bytes = try FileAccess.read(path, limit: fileLimit)
    } catch {
      throw ConfigurationError(problems: [.init(file: path, message: error.description)])
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationError(problems: [.init(file: path, message: "not UTF-8 text")])
    }
    return text
  }

  /// `file` is the path for messages.
  static func table(of text: String, file: String) throws(ConfigurationError) -> TOMLTable {
    // The parser takes a C string: what follows a NUL would be silently ignored.
    if let position = text.utf8.firstIndex(of: 0) {
      let line = text.utf8[..<position].count { $0 == UInt8(ascii: "\n") } + 1
      throw ConfigurationError(problems: [.init(file: file, line: line, message: "contains a NUL byte")])
    }
    do {
      return try TOMLTable(string: text)
    } catch let error as TOMLParseError {
      throw ConfigurationError(problems: [
        .init(
          file: file, line: error.source.begin.line,
          message: "column \(error.source.begin.column): \(error.description)")
      ])
    } catch {
      throw ConfigurationError(problems: [.init(file: file, message: "not TOML: \(error)")])
    }
  }
}
