// What the recorder wrote down, as values.

import DiskRecorder
import Glibc

/// One thing that a process did to its files, in the order in which it returned.
enum DiskEvent {
  case open(descriptor: Int32, path: String, flags: Int32)
  case close(descriptor: Int32)
  case write(descriptor: Int32, offset: Int, bytes: [UInt8])
  /// The write before it was durable when it returned: the file was opened with O_DSYNC.
  case durableWrite(descriptor: Int32)
  case truncate(descriptor: Int32, size: Int)
  case extend(descriptor: Int32, size: Int)
  case sync(descriptor: Int32)
  case rename(old: String, new: String)
  case unlink(path: String)
  case makeDirectory(path: String)
  case mark(Mark)

  var isSync: Bool {
    switch self {
    case .sync, .durableWrite: true
    default: false
    }
  }

  /// Whether a crash after it can find other disks than a crash before it.
  var changesDisk: Bool {
    switch self {
    case .open(_, _, let flags): flags & O_CREAT != 0
    case .close, .mark: false
    default: true
    }
  }
}

/// Where a workload stands: the state of this number was asked for, or is promised.
struct Mark {
  enum Kind: Int64 { case ledgerBegun, ledgerPromised, journalBegun, journalPromised }

  var kind: Kind
  var number: Int

  static func set(_ kind: Kind, _ number: Int) { disk_mark(kind.rawValue, Int64(number)) }
}

enum DiskLog {
  /// What `body` does below `root`.
  static func record<R, E: Error>(below root: String, _ body: () throws(E) -> R) throws(E) -> (events: [DiskEvent], R) {
    disk_record(root)
    defer { disk_stop() }
    let result = try body()
    return ((0..<disk_count()).compactMap(event(at:)), result)
  }

  private static func event(at index: Int64) -> DiskEvent? {
    guard let event = disk_event_at(index)?.pointee else { return nil }
    let path = event.path.map { String(cString: $0) } ?? ""
    switch Int(event.kind) {
    case DISK_OPEN: return .open(descriptor: event.descriptor, path: path, flags: Int32(event.offset))
    case DISK_CLOSE: return .close(descriptor: event.descriptor)
    case DISK_WRITE:
      let bytes = Array(UnsafeBufferPointer(start: event.data, count: Int(event.length)))
      return .write(descriptor: event.descriptor, offset: Int(event.offset), bytes: bytes)
    case DISK_WRITE_SYNC: return .durableWrite(descriptor: event.descriptor)
    case DISK_TRUNCATE: return .truncate(descriptor: event.descriptor, size: Int(event.offset))
    case DISK_EXTEND: return .extend(descriptor: event.descriptor, size: Int(event.offset))
    case DISK_SYNC: return .sync(descriptor: event.descriptor)
    case DISK_RENAME: return .rename(old: path, new: event.other.map { String(cString: $0) } ?? "")
    case DISK_UNLINK: return .unlink(path: path)
    case DISK_MKDIR: return .makeDirectory(path: path)
    case DISK_MARK: return Mark.Kind(rawValue: event.offset).map { .mark(Mark(kind: $0, number: Int(event.length))) }
    default: return nil
    }
  }
}
