// Where swift-metrics puts what the node counts as it happens, until somebody asks for it as Prometheus text.

import CoreMetrics
import NIOConcurrencyHelpers
import Synchronization

/// Exports the families it was made with; what is reported under another name is dropped, and so is what exceeds
/// `seriesMax` sets of labels of one family: nobody outside can make the text grow.
final class PrometheusRegistry: MetricsFactory, Sendable {
  static let seriesMax = 1024

  private let families: [MetricFamily]
  private let series: NIOLockedValueBox<[String: [MetricLabels: any MetricCell]]>

  init(_ families: [MetricFamily]) {
    self.families = families
    series = NIOLockedValueBox(Dictionary(uniqueKeysWithValues: families.map { ($0.name, [:]) }))
  }

  func render(into text: inout PrometheusText) {
    let now = series.withLockedValue { $0 }
    for family in families {
      text.begin(family)
      let cells = (now[family.name] ?? [:]).sorted { $0.key.text < $1.key.text }
      for (labels, cell) in cells { cell.render(family, labels, into: &text) }
    }
  }

  /// What a histogram without labels holds; empty for anything else.
  func counts(of name: String) -> HistogramCounts {
    let cell = series.withLockedValue { $0[name]?[.none] } as? HistogramCell
    return cell?.counts ?? HistogramCounts(bounds: [], counts: [])
  }

  /// The cell of these labels, made when they are seen first; nil for one that is not exported.
  private func cell<Cell: MetricCell>(
    _ label: String, _ dimensions: [(String, String)], _ make: (MetricFamily) -> Cell
  ) -> Cell? {
    guard let family = families.first(where: { $0.name == label }) else { return nil }
    let labels = MetricLabels(dimensions)
    return series.withLockedValue { series in
      if let known = series[label]?[labels] { return known as? Cell }
      guard (series[label]?.count ?? 0) < Self.seriesMax else { return nil }
      let cell = make(family)
      series[label]?[labels] = cell
      return cell
    }
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    cell(label, dimensions) { _ in CounterCell() } ?? CounterCell()
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    cell(label, dimensions) { _ in GaugeCell() } ?? GaugeCell()
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    cell(label, dimensions) { HistogramCell($0.bounds) } ?? HistogramCell([])
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    cell(label, dimensions) { HistogramCell($0.bounds) } ?? HistogramCell([])
  }

  // Cells live as long as the node: their number is bounded.
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyMeter(_ handler: any MeterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}

/// Upper bounds of buckets, and how many values each holds and one above them all; not cumulative.
struct HistogramCounts: Sendable {
  var bounds: [Double]
  var counts: [UInt64]
}

private protocol MetricCell: AnyObject, Sendable {
  func render(_ family: MetricFamily, _ labels: MetricLabels, into text: inout PrometheusText)
}

private final class CounterCell: MetricCell, CounterHandler {
  private let value = Atomic<Int64>(0)

  func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
  func reset() { value.store(0, ordering: .relaxed) }

  func render(_ family: MetricFamily, _ labels: MetricLabels, into text: inout PrometheusText) {
    text.sample(family.name, labels.text, Double(value.load(ordering: .relaxed)))
  }
}

private final class GaugeCell: MetricCell, MeterHandler {
  private let value = NIOLockedValueBox(0.0)

  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { self.value.withLockedValue { $0 = value } }
  func increment(by amount: Double) { value.withLockedValue { $0 += amount } }
  func decrement(by amount: Double) { value.withLockedValue { $0 -= amount } }

  func render(_ family: MetricFamily, _ labels: MetricLabels, into text: inout PrometheusText) {
    text.sample(family.name, labels.text, value.withLockedValue { $0 })
  }
}

private final class HistogramCell: MetricCell, TimerHandler, RecorderHandler {
  private struct State {
    var counts: [UInt64]
    var sum = 0.0
  }

  private let bounds: [Double]
  /// One count a bucket and one above them all; not cumulative.
  private let state: NIOLockedValueBox<State>

  init(_ bounds: [Double]) {
    self.bounds = bounds
    state = NIOLockedValueBox(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  var counts: HistogramCounts { HistogramCounts(bounds: bounds, counts: state.withLockedValue { $0.counts }) }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    let place = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLockedValue { state in
      state.counts[place] &+= 1
      state.sum += value
    }
  }

  func render(_ family: MetricFamily, _ labels: MetricLabels, into text: inout PrometheusText) {
    let now = state.withLockedValue { $0 }
    var total: UInt64 = 0
    for (bound, count) in zip(bounds, now.counts) {
      total &+= count
      text.sample(family.name + "_bucket", labels.with("le", PrometheusText.number(bound)), Double(total))
    }
    total &+= now.counts.last ?? 0
    text.sample(family.name + "_bucket", labels.with("le", "+Inf"), Double(total))
    text.sample(family.name + "_sum", labels.text, now.sum)
    text.sample(family.name + "_count", labels.text, Double(total))
  }
}
