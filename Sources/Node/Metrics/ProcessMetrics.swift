// What the system says of this process, under the names that Prometheus' own clients use.

import Glibc

struct ProcessMetrics {
  private var processorSeconds = 0.0
  private var residentBytes = 0.0
  private var virtualBytes = 0.0
  private var threads = 0.0

  /// From proc_pid_stat(5); zeros where it cannot be read.
  init() {
    guard let bytes = try? FileAccess.read("/proc/self/stat", limit: 4096),
      let close = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return }
    let fields = bytes[(close + 1)...].split(separator: 0x20).map { Double(String(decoding: $0, as: UTF8.self)) ?? 0 }
    // The first of them is the third field of the file.
    guard fields.count > 21 else { return }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    processorSeconds = (fields[11] + fields[12]) / max(ticks, 1)
    threads = fields[17]
    virtualBytes = fields[20]
    residentBytes = fields[21] * Double(sysconf(Int32(_SC_PAGESIZE)))
  }

  func render(uptimeSeconds: Double, into text: inout PrometheusText) {
    text.add(.counter("process_cpu_seconds_total", "Processor time used."), processorSeconds)
    text.add(.gauge("process_resident_memory_bytes", "Memory in use."), residentBytes)
    text.add(.gauge("process_virtual_memory_bytes", "Address space, the map of the ledger included."), virtualBytes)
    text.add(.gauge("process_threads", "Threads."), threads)
    text.add(
      .gauge("process_start_time_seconds", "When the node started, in seconds since 1970."),
      (Double(Clock.wall) / 1e9 - uptimeSeconds).rounded())
  }
}
