// A disk as POSIX lets power loss leave it. What was synced is there. Of what was not, each sector of 512 bytes holds any
// of its versions, or the beginning of one and the rest of the one before; a file has any of its sizes; of the names,
// some first part of the changes is there. A sync of a file says nothing about its name: that takes one of its
// directory. (Stricter than ext4 or XFS, whose syncs take older names along.)

import Glibc
import Primitives

struct Disk {
  static let sector = 512

  private struct File {
    var durable: [UInt8] = []
    /// Since the last sync, oldest first.
    var pending: [Change] = []

    enum Change {
      case write(offset: Int, bytes: [UInt8])
      case size(Int)
    }

    /// The sizes that the file may have, the one after all changes last.
    var sizes: [Int] {
      var sizes = [durable.count]
      for change in pending {
        let last = sizes[sizes.count - 1]
        switch change {
        case .write(let offset, let bytes): sizes.append(max(last, offset + bytes.count))
        case .size(let size): sizes.append(size)
        }
      }
      return sizes
    }
  }

  private enum Entry {
    case file(Int)
    case directory
  }

  private enum NameChange {
    case link(String, Entry)
    case rename(String, String)
    case unlink(String)

    var directory: String {
      switch self {
      case .link(let path, _), .rename(let path, _), .unlink(let path): Disk.directory(of: path)
      }
    }
  }

  private var files: [File] = []
  private var durableNames: [String: Entry] = [:]
  private var pendingNames: [NameChange] = []
  private var names: [String: Entry] = [:]

  init() {}

  /// A disk that holds this and nothing that is not synced.
  init(_ image: DiskImage) {
    for directory in image.directories { names[directory] = .directory }
    for (path, bytes) in image.files {
      names[path] = .file(files.count)
      files.append(File(durable: bytes))
    }
    durableNames = names
  }

  static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  /// The disk after the first `count` events. What stands below `slowPath` may be behind: there, only those of the first
  /// `slowCount`.
  init(
    after count: Int, of events: [DiskEvent], from start: Disk = Disk(), slowPath: String? = nil, slowCount: Int = .max
  ) {
    self = start
    var open: [Int32: (path: String, file: Int?)] = [:]
    for (place, event) in events.prefix(count).enumerated() {
      func isSkipped(_ path: String) -> Bool { place >= slowCount && slowPath.map { path.hasPrefix($0) } ?? false }
      switch event {
      case .open(let descriptor, let path, let flags):
        open[descriptor] = (path, isSkipped(path) ? nil : self.open(path, flags: flags))
      case .close(let descriptor): open[descriptor] = nil
      case .rename(let old, let new): if !isSkipped(old) { change(.rename(old, new)) }
      case .unlink(let path): if !isSkipped(path) { change(.unlink(path)) }
      case .makeDirectory(let path): if !isSkipped(path) { change(.link(path, .directory)) }
      case .write(let descriptor, _, _), .durableWrite(let descriptor), .truncate(let descriptor, _),
        .extend(let descriptor, _), .sync(let descriptor):
        guard let (path, file) = open[descriptor], !isSkipped(path) else { continue }
        if let file { perform(event, on: file) } else { synchroniseNames(in: path) }
      case .mark: break
      }
    }
  }

  /// The file's number; nil for a directory.
  private mutating func open(_ path: String, flags: Int32) -> Int? {
    switch names[path] {
    case .file(let file): return file
    case .directory: return nil
    case nil:
      guard flags & O_CREAT != 0 else { return nil }
      files.append(File())
      change(.link(path, .file(files.count - 1)))
      return files.count - 1
    }
  }

  private mutating func perform(_ event: DiskEvent, on file: Int) {
    switch event {
    case .write(_, let offset, let bytes): files[file].pending.append(.write(offset: offset, bytes: bytes))
    case .truncate(_, let size): files[file].pending.append(.size(size))
    case .extend(_, let size):
      if let last = files[file].sizes.last, size > last { files[file].pending.append(.size(size)) }
    case .durableWrite:
      guard let last = files[file].pending.popLast() else { return }
      Self.apply(last, to: &files[file].durable)
    case .sync:
      for change in files[file].pending { Self.apply(change, to: &files[file].durable) }
      files[file].pending = []
    default: break
    }
  }

  private static func apply(_ change: File.Change, to bytes: inout [UInt8]) {
    switch change {
    case .size(let size): resize(&bytes, size)
    case .write(let offset, let data):
      resize(&bytes, max(bytes.count, offset + data.count))
      bytes.replaceSubrange(offset..<offset + data.count, with: data)
    }
  }

  private static func resize(_ bytes: inout [UInt8], _ size: Int) {
    if bytes.count > size { bytes.removeLast(bytes.count - size) }
    if bytes.count < size { bytes.append(contentsOf: repeatElement(0, count: size - bytes.count)) }
  }

  // MARK: - Names

  private mutating func change(_ change: NameChange) {
    Self.apply(change, to: &names)
    pendingNames.append(change)
  }

  private static func apply(_ change: NameChange, to names: inout [String: Entry]) {
    switch change {
    case .link(let path, let entry): names[path] = entry
    case .rename(let old, let new): names[new] = names.removeValue(forKey: old)
    case .unlink(let path): names[path] = nil
    }
  }

  private mutating func synchroniseNames(in directory: String) {
    for change in pendingNames where change.directory == directory { Self.apply(change, to: &durableNames) }
    pendingNames.removeAll { $0.directory == directory }
  }

  // MARK: - Images

  /// What of the unsynced is there.
  enum Kept: CaseIterable {
    case all
    case nothing
    /// Of each file only its newest write: it overtook all others.
    case newest
    /// Any choice for each sector, size and name.
    case any
  }

  func image(keeping kept: Kept, root: String, _ random: inout SeededRandom) -> DiskImage {
    var names = durableNames
    let count: Int =
      switch kept {
      case .all: pendingNames.count
      case .nothing: 0
      case .newest, .any: Int(random.below(UInt64(pendingNames.count + 1)))
      }
    for change in pendingNames.prefix(count) { Self.apply(change, to: &names) }
    var image = DiskImage()
    for path in names.keys.sorted() where isReachable(path, in: names, root: root) {
      switch names[path] {
      case .directory: image.directories.append(path)
      case .file(let file): image.files.append((path, bytes(of: files[file], keeping: kept, &random)))
      case nil: break
      }
    }
    return image
  }

  private func isReachable(_ path: String, in names: [String: Entry], root: String) -> Bool {
    let directory = Self.directory(of: path)
    guard directory != root else { return true }
    guard case .directory = names[directory] else { return false }
    return isReachable(directory, in: names, root: root)
  }

  private func bytes(of file: File, keeping kept: Kept, _ random: inout SeededRandom) -> [UInt8] {
    var bytes = file.durable
    switch kept {
    case .nothing: break
    case .all: for change in file.pending { Self.apply(change, to: &bytes) }
    case .newest: if let last = file.pending.last { Self.apply(last, to: &bytes) }
    case .any: bytes = anyBytes(of: file, &random)
    }
    return bytes
  }

  private func anyBytes(of file: File, _ random: inout SeededRandom) -> [UInt8] {
    guard !file.pending.isEmpty else { return file.durable }
    let sizes = file.sizes
    let size = sizes[Int(random.below(UInt64(sizes.count)))]
    var bytes = file.durable
    Self.resize(&bytes, sizes.max() ?? size)
    // Whether this disk tends to keep, to drop, or neither.
    let bias = random.below(3)
    for (sector, versions) in versions(of: file) {
      let kept: Int =
        switch (bias, random.below(4)) {
        case (0, 1...): versions.count
        case (1, 1...): 0
        default: Int(random.below(UInt64(versions.count + 1)))
        }
      let start = sector * Self.sector
      for write in versions.prefix(kept) { Self.put(write, into: &bytes, from: start, upTo: start + Self.sector) }
      guard kept < versions.count, random.below(3) == 0 else { continue }
      Self.put(versions[kept], into: &bytes, from: start, upTo: start + Int(random.below(UInt64(Self.sector))))
    }
    Self.resize(&bytes, size)
    return bytes
  }

  private typealias Written = (offset: Int, bytes: [UInt8])

  /// The writes that touched each sector, ascending by sector.
  private func versions(of file: File) -> [(sector: Int, writes: [Written])] {
    var found: [Int: [Written]] = [:]
    for case .write(let offset, let bytes) in file.pending where !bytes.isEmpty {
      for sector in offset / Self.sector...(offset + bytes.count - 1) / Self.sector {
        found[sector, default: []].append((offset, bytes))
      }
    }
    return found.keys.sorted().map { ($0, found[$0] ?? []) }
  }

  /// The part of a write that lies in a range.
  private static func put(_ write: Written, into bytes: inout [UInt8], from start: Int, upTo end: Int) {
    let range = max(start, write.offset)..<max(max(start, write.offset), min(end, write.offset + write.bytes.count))
    bytes.replaceSubrange(range, with: write.bytes[range.lowerBound - write.offset..<range.upperBound - write.offset])
  }
}

/// What a process finds after the crash.
struct DiskImage {
  var directories: [String] = []
  var files: [(path: String, bytes: [UInt8])] = []

  /// Changes one file where nobody wrote: a bit, or a sector that is zero, another sector's, or noise, or the file's end.
  mutating func rot(_ random: inout SeededRandom) {
    let candidates = files.indices.filter { files[$0].bytes.count > Disk.sector }
    guard !candidates.isEmpty else { return }
    let file = candidates[Int(random.below(UInt64(candidates.count)))]
    let count = UInt64(files[file].bytes.count)
    // Where data is: a journal is mostly empty space.
    var place = Int(random.below(count))
    for _ in 0..<20 where files[file].bytes[place] == 0 { place = Int(random.below(count)) }
    let sector = place / Disk.sector * Disk.sector
    let end = min(Int(count), sector + Disk.sector)
    switch random.below(8) {
    case 0: for index in sector..<end { files[file].bytes[index] = 0 }
    case 1: for index in sector..<end { files[file].bytes[index] = UInt8(random.below(256)) }
    case 2:
      let other = Int(random.below(count / UInt64(Disk.sector))) * Disk.sector
      for index in sector..<end { files[file].bytes[index] = files[file].bytes[other + index - sector] }
    case 3: files[file].bytes.removeLast(Int(count) - place)
    default: files[file].bytes[place] ^= 1 << UInt8(random.below(8))
    }
  }

  /// Puts the image on the real file system, in place of all that was there.
  func materialise(at root: String) {
    FileTree.remove(root)
    mkdir(root, 0o700)
    for path in directories { mkdir(path, 0o700) }
    for (path, bytes) in files { FileTree.write(bytes, to: path) }
  }
}
