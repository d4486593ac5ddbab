// A strict reader of Prometheus' text format 0.0.4.

import Foundation

struct Exposition {
  struct Family {
    var kind = ""
    var help = ""
    var samples: [(name: String, labels: [String: String], value: Double)] = []
  }

  struct Fault: Error, CustomStringConvertible { var description: String }

  private(set) var families: [String: Family] = [:]

  init(_ text: String) throws {
    guard text.hasSuffix("\n") else { throw Fault(description: "the last line does not end") }
    var current = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      if let match = line.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)/) {
        current = String(match.1)
        guard families[current] == nil else { throw Fault(description: "\(current) appears twice") }
        families[current] = Family(help: String(match.2))
      } else if let match = line.wholeMatch(of: /# TYPE (\S+) (counter|gauge|histogram)/), match.1 == current {
        families[current]?.kind = String(match.2)
      } else if let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/),
        let value = Double(match.3)
      {
        try add(String(match.1), labels: String(match.2 ?? ""), value, to: current)
      } else {
        throw Fault(description: "not a line of the format: \(line)")
      }
    }
  }

  private mutating func add(_ name: String, labels text: String, _ value: Double, to family: String) throws {
    let suffixes = families[family]?.kind == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
    guard suffixes.contains(where: { family + $0 == name }) else {
      throw Fault(description: "\(name) stands under \(family)")
    }
    var labels: [String: String] = [:]
    for match in text.matches(of: /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/) {
      labels[String(match.1)] = String(match.2)
    }
    let known = families[family]?.samples.contains { $0.name == name && $0.labels == labels } ?? false
    guard !known else { throw Fault(description: "\(name) \(labels) appears twice") }
    families[family]?.samples.append((name, labels, value))
  }

  /// The value of a sample; nil if there is none.
  func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    for family in families.values {
      if let found = family.samples.first(where: { $0.name == name && $0.labels == labels }) { return found.value }
    }
    return nil
  }

  func sum(_ name: String, where isWanted: ([String: String]) -> Bool = { _ in true }) -> Double {
    families[name]?.samples.filter { isWanted($0.labels) }.map(\.value).reduce(0, +) ?? 0
  }
}
