import Foundation
import Testing

/// The repository speaks of itself alone: no path of the machine it was written on stands in it.
@Suite struct RepositoryTests {
  /// Put together from pieces, or this file would be the first hit.
  private let forbidden = ["/tmp" + "/dev", "/" + "work/"]

  @Test(.enabled(if: PackageRoot.isRepository)) func noPathOfAWorkplaceIsInTheText() throws {
    let paths = try PackageRoot.trackedFiles()
    #expect(paths.contains("Package.swift"))
    for path in paths {
      // A file that is deleted but not yet committed is still listed.
      guard let data = FileManager.default.contents(atPath: PackageRoot.path(path)) else { continue }
      #expect(occurrences(in: String(decoding: data, as: UTF8.self)) == [], "\(path)")
    }
  }

  @Test func theCheckBites() {
    #expect(occurrences(in: "see /tmp" + "/dev/b and /" + "work/main") == forbidden)
    #expect(occurrences(in: "https://example.org/" + "work/ and framework/x") == [])
  }

  /// The unit for several nodes on a host is the unit for one with the instance's name in its paths: a sandbox that is
  /// tightened in one only would go unseen.
  @Test func bothUnitsAreAlike() throws {
    let renamed = [
      ("node\n", "node %i\n"), ("novation/novation.toml", "novation/%i.toml"), ("identity.key", "%i.key"),
      ("identity.password", "%i.password"),
      ("StateDirectory=novation", "StateDirectory=novation/%i"),
      ("RuntimeDirectory=novation", "RuntimeDirectory=novation/%i"),
    ]
    let expected = try renamed.reduce(unit("novation")) { text, names in
      text.replacingOccurrences(of: names.0, with: names.1)
    }
    #expect(try unit("novation@") == expected)
    #expect(expected.contains("ProtectSystem=strict"))
  }

  @Test func bothBackupUnitsAreAlike() throws {
    let renamed = [
      ("ledger\n", "ledger %i\n"), ("novation/novation.toml", "novation/%i.toml"),
      ("novation-backup --keep", "novation-backup/%i --keep"),
      ("StateDirectory=novation novation-backup", "StateDirectory=novation/%i novation-backup/%i"),
    ]
    let expected = try renamed.reduce(unit("novation-backup")) { text, names in
      text.replacingOccurrences(of: names.0, with: names.1)
    }
    #expect(try unit("novation-backup@") == expected)
    #expect(expected.contains("PrivateNetwork=yes"))
  }

  /// A unit file from its first section on.
  private func unit(_ name: String) throws -> String {
    let data = try #require(FileManager.default.contents(atPath: PackageRoot.path("systemd/\(name).service")))
    let text = String(decoding: data, as: UTF8.self)
    return String(text[try #require(text.range(of: "[Unit]")).lowerBound...])
  }

  /// A word counts at the start of a path, not inside a longer one.
  private func occurrences(in text: String) -> [String] {
    forbidden.filter { word in
      text.ranges(of: word).contains { range in
        range.lowerBound == text.startIndex || !isPathCharacter(text[text.index(before: range.lowerBound)])
      }
    }
  }

  private func isPathCharacter(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || "._-/".contains(character)
  }
}
