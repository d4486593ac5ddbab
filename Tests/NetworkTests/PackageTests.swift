// What the package consists of besides the program: units, manual and completions, as far as a machine can judge them.

import Foundation
import Testing

extension NetworkTests {
  @Suite(.serialized) struct PackageTests {
    private static let analyze = "/usr/bin/systemd-analyze"

    private func run(_ program: String, _ arguments: [String]) throws -> (code: Int32, output: String) {
      let process = Process()
      let pipe = Pipe()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
      process.standardOutput = pipe
      process.standardError = pipe
      try process.run()
      let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationStatus, output)
    }

    private static let units = [
      "novation.service", "novation@.service", "novation-backup.service", "novation-backup@.service",
    ]

    @Test(.enabled(if: access(analyze, X_OK) == 0, "no systemd-analyze on this machine"), arguments: units)
    func theSandboxIsTight(_ unit: String) throws {
      // The threshold is in tenths.
      let result = try run(
        Self.analyze, ["security", "--offline=true", "--threshold=10", Package.path("systemd/\(unit)")])
      #expect(result.code == 0, "\(result.output.suffix(3000))")
    }

    @Test(.enabled(if: access(analyze, X_OK) == 0, "no systemd-analyze on this machine"))
    func systemdUnderstandsEveryLine() throws {
      let folder = try #require(TemporaryFolder())
      defer { folder.remove() }
      let program = try #require(Program.path)
      for unit in Self.units + ["novation-backup.timer", "novation-backup@.timer"] {
        folder.write(unit, Package.text("systemd/\(unit)").replacingOccurrences(of: "/usr/bin/novation", with: program))
      }
      let instances = (Self.units + ["novation-backup.timer", "novation-backup@.timer"]).map {
        folder.path($0.replacingOccurrences(of: "@.", with: "@a."))
      }
      let result = try run(Self.analyze, ["verify", "--man=no"] + instances)
      #expect(result.code == 0 && !result.output.contains(folder.directory), "\(result.output)")
    }

    @Test func everyCommandHasAPage() throws {
      let folder = try #require(TemporaryFolder())
      defer { folder.remove() }
      let made = Program.run(["manual", "--to", folder.path("man")])
      #expect(made.code == 0, made.summary)
      let help = Program.run(["--help"]).output
      let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path("man"))
      #expect(pages.count > 20)
      for command in ["start", "status", "query", "order", "backup", "restore", "doctor", "init", "genesis", "key"] {
        #expect(help.contains("\n  \(command) "))
        let page = folder.read("man/novation-\(command).1")
        #expect(page.contains(".SH SYNOPSIS\n\\fBnovation \(command)"), "\(command)")
      }
      let backup = folder.read("man/novation-backup.1")
      #expect(backup.contains("\\fB\\-\\-into <into>\\fR") && backup.contains("(default: 7)"), "\(backup)")
      for page in pages {
        let requests = folder.read("man/\(page)").split(separator: "\n").filter { $0.hasPrefix(".") }
        let known = Set(requests.map { $0.split(separator: " ")[0] })
        #expect(known.isSubset(of: [".TH", ".SH", ".TP", ".PP", ".br", ".B"]), "\(page): \(known)")
      }
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func everyShellHasACompletion(_ shell: String) {
      let script = Program.run(["--generate-completion-script", shell])
      #expect(script.code == 0 && script.output.contains("backup"), script.summary)
    }

    @Test func theSamplesAreGood() throws {
      let genesis = Program.run(["genesis", "check", Package.path("deploy/genesis.json")])
      #expect(genesis.code == 0, genesis.summary)
    }
  }
}
