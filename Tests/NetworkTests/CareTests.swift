// Care of a stopped node: what is wrong is found and named, a backup is verified before it replaces anything, and a node
// restored from an old one comes back without ever voting twice.

import Foundation
import Glibc
import Testing

extension NetworkTests {
  @Suite(.serialized) struct CareTests {
    private let devnet: Devnet
    private let config: String
    private let database: String
    private let journal: String

    init() throws {
      devnet = try Devnet()
      config = devnet.home(3) + "/novation.toml"
      database = devnet.home(3) + "/ledger/state/ledger.mdb"
      journal = devnet.home(3) + "/ledger/journal"
    }

    private func doctor() -> (code: Int32, findings: [String: String], text: Comment) {
      let result = devnet.run(["doctor", "--config", config, "--json"])
      let findings = result.json["findings"].list.map { ($0["check"].text, $0["state"].text) }
      return (result.code, Dictionary(findings) { first, second in first == "fine" ? second : first }, result.summary)
    }

    private func overwrite(_ path: String, at offset: UInt64, _ bytes: [UInt8]) throws {
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      try file.seek(toOffset: offset)
      try file.write(contentsOf: Data(bytes))
      try file.close()
    }

    @Test func backupDamageRestoreAndReturn() throws {
      defer { devnet.tearDown() }
      let future = try devnet.future()
      #expect(devnet.place("buy", future.name, "0.01", at: future.low).code == 0)
      #expect(devnet.advances([3]), devnet.logs())

      let running = devnet.run(["doctor", "--config", config, "--json"])
      #expect(running.code == 1 && running.output.contains("Stop the node"), running.summary)
      #expect(devnet.signal(SIGTERM, 3))
      let well = doctor()
      #expect(well.code == 0, well.text)
      for check in ["configuration", "genesis", "disk", "ledger", "certificate", "journal", "clock"] {
        #expect(well.findings[check] == "fine", well.text)
      }

      let backup = devnet.home(3) + "/../backup"
      let made = devnet.run(["backup", "--config", config, "--to", backup, "--json"])
      #expect(made.code == 0 && made.json["certifiedHeight"].integer > 0, made.summary)
      #expect(!FileManager.default.fileExists(atPath: backup + "/journal"))
      let again = devnet.run(["backup", "--config", config, "--to", backup])
      #expect(again.code == 1 && again.error.contains("exists"), again.summary)

      // The node goes on and votes, so that the backup is old.
      #expect(devnet.restart(3).code == 0)
      #expect(devnet.place("buy", future.name, "0.02", at: future.low, node: 3).code == 0)
      #expect(devnet.advances([3]), devnet.logs())
      #expect(devnet.signal(SIGTERM, 3))

      let size = try #require(
        try FileManager.default.attributesOfItem(atPath: database)[.size] as? UInt64)
      // Past the two pages that LMDB heals by itself.
      for page in stride(from: UInt64(3), to: min(size / 4096, 60), by: 1) {
        try overwrite(database, at: page * 4096 + 2000, [UInt8](repeating: 0xa5, count: 64))
      }
      let ill = doctor()
      #expect(ill.code == 1 && ill.findings["ledger"] == "bad", ill.text)

      // A copy that was tampered with replaces nothing.
      let forged = backup + "-forged"
      try FileManager.default.copyItem(atPath: backup, toPath: forged)
      try overwrite(forged + "/state/ledger.mdb", at: 3 * 4096 + 2000, [UInt8](repeating: 0xa5, count: 64 * 1024))
      let refused = devnet.run(["restore", "--config", config, "--from", forged])
      #expect(refused.code == 1, refused.summary)
      #expect(FileManager.default.fileExists(atPath: journal), "nothing was touched")

      let restored = devnet.run(["restore", "--config", config, "--from", backup, "--json"])
      #expect(restored.code == 0, restored.summary)
      #expect(restored.json["restored"]["height"].integer == made.json["height"].integer)
      #expect(FileManager.default.fileExists(atPath: restored.json["kept"].text))
      #expect(!FileManager.default.fileExists(atPath: journal), "its votes are forgotten, and it knows")
      #expect(doctor().findings["journal"] == "warning")

      #expect(devnet.restart(3).code == 0)
      #expect(devnet.advances([0, 1, 2, 3], seconds: 30), devnet.logs())
      #expect(devnet.agrees(), devnet.logs())
    }

    /// What rots is put aside by the node itself, which fetches the chain from its peers; but not twice in a day.
    @Test func aDamagedLedgerIsFetchedAnew() throws {
      defer { devnet.tearDown() }
      let future = try devnet.future()
      #expect(devnet.place("buy", future.name, "0.01", at: future.low).code == 0)
      #expect(devnet.advances([3]), devnet.logs())
      let ledger = devnet.home(3) + "/ledger"
      func damage() throws {
        #expect(devnet.signal(SIGTERM, 3))
        let size = try #require(
          try FileManager.default.attributesOfItem(atPath: database)[.size] as? UInt64)
        // Where the entries of each page are said to be.
        for page in 3..<size / 4096 {
          try overwrite(database, at: page * 4096 + 16, [UInt8](repeating: 0xa5, count: 8))
        }
      }
      try damage()
      #expect(devnet.restart(3).code == 0, devnet.logs())
      let aside = try FileManager.default.contentsOfDirectory(atPath: ledger).filter { $0.hasPrefix("damaged-") }
      #expect(aside.count == 1)
      let log = FileManager.default.contents(atPath: devnet.home(3) + "/log") ?? Data()
      #expect(String(decoding: log, as: UTF8.self).contains("put aside"), devnet.logs())
      #expect(devnet.place("buy", future.name, "0.02", at: future.low, node: 3).code == 0)
      #expect(devnet.advances([0, 1, 2, 3], seconds: 30) && devnet.agrees(), devnet.logs())
      #expect(devnet.api(3).status["warnings"].list.contains { $0.text.contains("damaged-") })
      // It votes as before: the network goes on without another.
      #expect(devnet.signal(SIGKILL, 0))
      #expect(devnet.advances([1, 2, 3], seconds: 30), devnet.logs())

      try damage()
      #expect(doctor().findings["quarantine"] == "warning")
      let again = devnet.run(["start", "--config", config])
      #expect(again.code == 1 && again.error.contains("less than a day"), again.summary)
      #expect(FileManager.default.fileExists(atPath: database), "nothing was touched")
    }

    /// A node that runs is copied while it goes on, again and again, and only the newest copies stay.
    @Test func aRunningNodeIsCopied() throws {
      defer { devnet.tearDown() }
      let folder = devnet.home(3) + "/copies"
      var heights: [Int] = []
      for _ in 0..<3 {
        #expect(devnet.advances([3]), devnet.logs())
        let made = devnet.run(["backup", "--config", config, "--into", folder, "--keep", "2", "--json"])
        #expect(made.code == 0, made.summary)
        heights.append(made.json["backup"]["height"].integer)
        // Copies are named after the second.
        usleep(1_100_000)
      }
      #expect(heights == heights.sorted() && heights[0] > 0 && heights[2] > heights[0], "\(heights)")
      let copies = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(copies.count == 2)
      #expect(devnet.advances([3]), devnet.logs())
      #expect(devnet.signal(SIGTERM, 3))
      let restored = devnet.run(["restore", "--config", config, "--from", "\(folder)/\(copies[1])", "--json"])
      #expect(restored.code == 0 && restored.json["restored"]["height"].integer == heights[2], restored.summary)
      #expect(devnet.restart(3).code == 0)
      #expect(devnet.advances([0, 1, 2, 3], seconds: 30) && devnet.agrees(), devnet.logs())
    }

    @Test func aSnapshotHasTheStateAndNoHistory() throws {
      defer { devnet.tearDown() }
      let future = try devnet.future()
      let began = devnet.place("buy", future.name, "0.01", at: future.low)
      #expect(began.code == 0, began.summary)
      let height = began.json["height"].integer
      // Empty blocks are rare on a quiet network: every order makes some.
      #expect(
        Moment.wait(120) {
          _ = devnet.place("buy", future.name, "0.001", at: future.low, by: "maker1")
          return devnet.api(3).status["storedHeight"].integer > height + 130
        })
      let snapshot = devnet.home(3) + "/../snapshot"
      let made = devnet.run(["snapshot", "--config", config, "--to", snapshot, "--json"])
      #expect(made.code == 0 && made.json["certifiedHeight"].integer > height + 100, made.summary)
      #expect(made.json["stateRoot"].text.count == 64, made.summary)
      #expect(devnet.run(["snapshot", "--config", config, "--to", snapshot]).code == 1)
      let files = try FileManager.default.contentsOfDirectory(atPath: snapshot)
      #expect(!files.contains { $0.hasSuffix(".whole") }, "\(files)")

      #expect(devnet.signal(SIGTERM, 3))
      let restored = devnet.run(["restore", "--config", config, "--from", snapshot, "--json"])
      #expect(restored.code == 0, restored.summary)
      #expect(devnet.restart(3).code == 0)
      #expect(devnet.advances([0, 1, 2, 3], seconds: 30) && devnet.agrees(), devnet.logs())
      #expect(devnet.api(3).get("/v1/blocks/\(height)").status == 404)
      #expect(devnet.api(3).get("/v1/events?from=\(height)").status == 410)
      #expect(devnet.api(0).get("/v1/events?from=\(height)").status == 200)
    }

    @Test func whatIsWrongIsNamed() throws {
      defer { devnet.tearDown() }
      #expect(devnet.signal(SIGTERM, 3))
      try FileManager.default.removeItem(atPath: journal)
      let forgetful = doctor()
      #expect(forgetful.code == 0 && forgetful.findings["journal"] == "warning", forgetful.text)
      try FileManager.default.removeItem(atPath: devnet.home(3) + "/identity.key")
      let nameless = doctor()
      #expect(nameless.code == 1 && nameless.findings["identity"] == "bad", nameless.text)
      let nowhere = devnet.run(["doctor", "--config", config + ".none"])
      #expect(nowhere.code == 1 && nowhere.error.contains(".none"), nowhere.summary)
      for command in [["backup", "--to", "/proc/none/x"], ["restore", "--from", "/proc/none/x"]] {
        let result = devnet.run(command + ["--config", config])
        #expect(result.code == 1, result.summary)
      }
    }
  }
}
