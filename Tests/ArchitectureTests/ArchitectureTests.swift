import Foundation
import Testing

/// Holds the sources against the module table and the rules of the cores.
@Suite struct ArchitectureTests {
  /// A new folder under Sources needs a row in the table, hence a place in the layering.
  @Test func everyModuleIsInTheTable() throws {
    let known = Set(Module.all.map(\.name))
    let folders = try FileManager.default.contentsOfDirectory(atPath: PackageRoot.path("Sources"))
    #expect(folders.contains("Primitives"))
    #expect(folders.filter { !$0.hasPrefix(".") && !known.contains($0) } == [])
  }

  @Test(arguments: Module.all.map(\.name)) func importsFollowTheTable(of name: String) throws {
    let module = try #require(Module.all.first { $0.name == name })
    #expect(violations(in: module, files: PackageRoot.swiftFiles(under: "Sources/\(name)")) == [])
  }

  /// The table itself: an import never points to a higher layer.
  @Test func theTablePointsDownward() {
    let layers = Dictionary(uniqueKeysWithValues: Module.all.map { ($0.name, $0.layer) })
    for module in Module.all {
      for target in module.imports {
        #expect(layers[target, default: 0] <= module.layer, "\(module.name) imports \(target)")
      }
      #expect(!module.isCore || !module.imports.contains("Foundation"))
    }
  }

  /// What the suite must object to, it objects to; what only looks like it, it lets pass.
  @Test func theCheckBites() throws {
    let consensus = try #require(Module.all.first { $0.name == "Consensus" })
    let forbidden = [
      "import Foundation", "public import Storage", "@preconcurrency internal import struct Clearing.Order",
      "let x = 1; import Node", "let a = try! f()", "let a = b as! C", "fatalError(\"no\")", "var rate: Double",
      "func f() async {}", "let now = Date()", "var g = SystemRandomNumberGenerator()", "let s = \"\\(try! f())\"",
      "let n = Int.random(in: 0..<9)", "/* a */ import Ledger", "let q = #\"\"\"\n\"\"#\n\"\"\"#; let d = Float(1)",
    ]
    for text in forbidden {
      #expect(violations(in: consensus, files: [("planted", text)]).count == 1, "\(text)")
    }
    let allowed = [
      "import Wire", "public import Primitives", "// import Foundation", "/* try! /* nested */ as! */ let x = 1",
      "let s = \"fatalError( and Double\"", "let DoubleVote = 1", "let m = \"\"\"\n  import Node\n  \"\"\"",
      "let r = #\"\\(try!)\"#", "let n = Int.random(in: 0..<9, using: &generator)", "let asynchronous = 1",
    ]
    for text in allowed {
      #expect(violations(in: consensus, files: [("planted", text)]) == [], "\(text)")
    }
  }

  /// "file:line: what is wrong", for each wrong import and, in a core, for each forbidden construct.
  private func violations(in module: Module, files: [(path: String, text: String)]) -> [String] {
    files.flatMap { path, text in
      let source = SwiftSource(text)
      let imports = source.imports.filter { !module.imports.contains($0.module) }
        .map { "\(path):\($0.line): \(module.name) imports \($0.module)" }
      guard module.isCore else { return imports }
      let constructs = source.lines.enumerated().flatMap { index, line in
        ForbiddenConstruct.all.filter { line.contains($0.pattern) }.map { "\(path):\(index + 1): \($0.name)" }
      }
      return imports + constructs
    }
  }
}
