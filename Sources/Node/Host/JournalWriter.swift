// The journal on a thread of its own: one durable write at a time.

import NIOCore
import NIOPosix
import Replica
import Storage
import Wire

/// After `init` the journal is touched on `thread` alone.
final class JournalWriter: @unchecked Sendable {
  private let journal: Journal
  private let thread = NIOThreadPool(numberOfThreads: 1)
  let sizeAtStart: Int

  init(_ journal: Journal) {
    self.journal = journal
    sizeAtStart = journal.size
    thread.start()
  }

  /// The bytes of the journal once `write` is durable.
  func perform(_ write: JournalWrite, on loop: any EventLoop) -> EventLoopFuture<Int> {
    thread.runIfActive(eventLoop: loop) { [self] in
      let records = write.records.map(\.wireBytes)
      if let replacement = write.replacement {
        try journal.rewrite(keeping: replacement.map(\.wireBytes) + records)
      } else {
        for record in records { journal.append(record) }
        try journal.sync()
      }
      return journal.size
    }
  }

  /// Ends after the write that is under way.
  func stop() async { try? await thread.shutdownGracefully() }
}
