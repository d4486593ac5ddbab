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
