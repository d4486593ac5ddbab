// Buffers as libsodium's headers want them: a pointer that is never null, also where there are no bytes.

/// Where empty buffers point. Never read or written through; it lives as long as the process.
nonisolated(unsafe) private let emptyBuffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)

extension UnsafeRawBufferPointer {
  @inline(__always)
  var pointer: UnsafePointer<UInt8> {
    baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(emptyBuffer)
  }
}

extension UnsafeMutableRawBufferPointer {
  @inline(__always)
  var pointer: UnsafeMutablePointer<UInt8> { baseAddress?.assumingMemoryBound(to: UInt8.self) ?? emptyBuffer }
}
