import Foundation

/// The package on disk, found from where this file was compiled.
enum PackageRoot {
  /// Tests/ArchitectureTests/PackageRoot.swift, three levels up.
  static let directory: URL = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func path(_ relative: String) -> String { directory.appendingPathComponent(relative).path }

  static var isRepository: Bool { FileManager.default.fileExists(atPath: path(".git")) }

  /// Every Swift file below a folder with its text; none if the folder does not exist (yet).
  static func swiftFiles(under folder: String) -> [(path: String, text: String)] {
    guard let names = FileManager.default.enumerator(atPath: path(folder)) else { return [] }
    return names.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
      let file = "\(folder)/\(name)"
      return FileManager.default.contents(atPath: path(file)).map { (file, String(decoding: $0, as: UTF8.self)) }
    }
  }

  /// What `git ls-files` lists.
  static func trackedFiles() throws -> [String] {
    let git = Process()
    git.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    // A checkout that belongs to somebody else is only read here.
    git.arguments = ["git", "-c", "safe.directory=*", "-C", directory.path, "ls-files", "-z"]
    let output = Pipe()
    git.standardOutput = output
    try git.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    git.waitUntilExit()
    return String(decoding: data, as: UTF8.self).split(separator: "\0").map(String.init)
  }
}
