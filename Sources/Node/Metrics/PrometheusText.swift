// The text format of Prometheus, version 0.0.4: families of samples, each with what it means.

/// What a metric is called, is and means.
struct MetricFamily: Sendable {
  enum Kind: String, Sendable { case counter, gauge, histogram }

  var name: String
  var kind: Kind
  /// One sentence without line ends.
  var help: String
  /// Upper bounds of a histogram's buckets, ascending; seconds.
  var bounds: [Double]

  static func counter(_ name: String, _ help: String) -> MetricFamily {
    MetricFamily(name: name, kind: .counter, help: help, bounds: [])
  }

  static func gauge(_ name: String, _ help: String) -> MetricFamily {
    MetricFamily(name: name, kind: .gauge, help: help, bounds: [])
  }

  static func histogram(_ name: String, _ bounds: [Double], _ help: String) -> MetricFamily {
    MetricFamily(name: name, kind: .histogram, help: help, bounds: bounds)
  }
}

/// `{name="value",...}` of a sample; empty for none.
struct MetricLabels: Sendable, Hashable {
  let text: String

  static let none = MetricLabels([])

  init(_ pairs: [(String, String)]) {
    text = pairs.isEmpty ? "" : "{" + pairs.map { "\($0)=\"\(Self.escape($1))\"" }.joined(separator: ",") + "}"
  }

  /// These labels and one more, for the buckets of a histogram.
  func with(_ name: String, _ value: String) -> String {
    text.isEmpty ? "{\(name)=\"\(value)\"}" : text.dropLast() + ",\(name)=\"\(value)\"}"
  }

  private static func escape(_ value: String) -> String {
    var out = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": out += "\\\\"
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}

/// Text under construction: `begin` a family, then its samples.
struct PrometheusText {
  private(set) var text = ""

  mutating func begin(_ family: MetricFamily) {
    text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
  }

  mutating func sample(_ name: String, _ labels: String, _ value: Double) {
    text += "\(name)\(labels) \(Self.number(value))\n"
  }

  /// A family of one sample.
  mutating func add(_ family: MetricFamily, _ value: Double) {
    begin(family)
    sample(family.name, "", value)
  }

  /// A family with a sample for each set of labels.
  mutating func add(_ family: MetricFamily, _ samples: [(labels: [(String, String)], value: Double)]) {
    begin(family)
    for (labels, value) in samples { sample(family.name, MetricLabels(labels).text, value) }
  }

  static func number(_ value: Double) -> String {
    value.magnitude < 9e15 && value == value.rounded(.towardZero) ? String(Int64(value)) : "\(value)"
  }
}
