// What the command line writes to, and whether it may use colour there.

import Glibc

/// Standard output or standard error. Each `write` is one system call where it fits, so that lines of several threads
/// do not mix.
public struct Terminal: Sendable {
  public let descriptor: Int32
  /// Somebody is looking at it.
  public let isInteractive: Bool
  public let style: Style

  public init(descriptor: Int32) {
    self.descriptor = descriptor
    isInteractive = isatty(descriptor) == 1
    style = Style(isOn: isInteractive && Self.environmentAllowsColour)
  }

  public static let output = Terminal(descriptor: STDOUT_FILENO)
  public static let error = Terminal(descriptor: STDERR_FILENO)

  /// NO_COLOR (no-color.org) set to anything but the empty string turns colour off, as does TERM=dumb.
  private static var environmentAllowsColour: Bool {
    if let value = getenv("NO_COLOR"), value.pointee != 0 { return false }
    return getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  public func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var start = 0
      while start < bytes.count {
        let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
        if count < 0 && errno == EINTR { continue }
        // Nobody reads any more: there is no one to tell.
        if count <= 0 { return }
        start += count
      }
    }
  }

  public func line(_ text: String = "") { write(text + "\n") }
}

/// Colours, or nothing where they are off.
public struct Style: Sendable {
  public enum Colour: String, Sendable {
    case red = "31", green = "32", yellow = "33", cyan = "36", bold = "1", dim = "2"
  }

  public let isOn: Bool
  public init(isOn: Bool) { self.isOn = isOn }

  public func callAsFunction(_ colour: Colour, _ text: String) -> String {
    isOn ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text
  }
}

/// Text from a node or a file, made safe to print: control characters could drive the terminal.
public func printable(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{fffd}" : $0 }))
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
  scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || (0x202a...0x202e).contains(scalar.value)
    || (0x2066...0x2069).contains(scalar.value)
}
