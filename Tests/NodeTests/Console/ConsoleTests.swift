// What people and scripts see: tables, numbers, JSON.

import Node
import Primitives
import Testing

@Suite struct ConsoleTests {
  @Test func decimalsAlignAtThePoint() {
    var table = TextTable([.init("NAME"), .init("PRICE", .decimal), .init("N", .right)])
    table.add(["a", "12.5", "7"])
    table.add(["longer", "1200", "123"])
    table.add(["c", "0.125"])
    #expect(
      table.render() == """
        NAME       PRICE    N
        a         12.5      7
        longer  1200      123
        c          0.125

        """)
  }

  @Test func colourDoesNotMoveColumns() {
    var table = TextTable([.init("A"), .init("B")])
    table.add([.init("x", .red), "y"])
    table.add(["xx", "z"])
    let plain = table.render()
    let coloured = table.render(style: Style(isOn: true))
    #expect(coloured.contains("\u{1b}[31mx\u{1b}[0m   y"))
    #expect(coloured != plain && !plain.contains("\u{1b}"))
  }

  /// A name from a node must not be able to drive the terminal.
  @Test func controlCharactersAreNotPrinted() {
    #expect(printable("a\u{1b}[2Jb\u{202e}c\n") == "a\u{fffd}[2Jb\u{fffd}c\u{fffd}")
    var facts = Facts()
    facts.add("name", "x\u{7}y")
    #expect(facts.render() == "name  x\u{fffd}y\n")
  }

  @Test(arguments: [
    (0, "0 ns"), (999, "999 ns"), (850_000, "850 us"), (12_340_000, "12.3 ms"), (4_200_000_000, "4.2 s"),
    (59_990_000_000, "59.9 s"), (200_000_000_000, "3 min 20 s"), (18_180_000_000_000, "5 h 3 min"),
    (86_400_000_000_000, "1 d"), (187_200_000_000_000, "2 d 4 h"), (3_000_000, "3 ms"), (-5, "0 ns"),
  ]) func durations(nanoseconds: Int, text: String) { #expect(HumanText.duration(Int64(nanoseconds)) == text) }

  @Test func countsAreGrouped() {
    #expect(HumanText.count(0) == "0")
    #expect(HumanText.count(999) == "999")
    #expect(HumanText.count(-1_234_567) == "-1,234,567")
    #expect(HumanText.count(.min) == "-9,223,372,036,854,775,808")
  }

  @Test(arguments: [("1.500000", "1.5"), ("2.000", "2"), ("-0.25", "-0.25"), ("100", "100"), ("", "")])
  func decimalsLoseEmptyZeros(text: String, short: String) { #expect(HumanText.decimal(text) == short) }

  @Test func failureIsOneLineWithWhatToDo() {
    #expect(CommandFailure(.unknown, "no answer", hint: "ask again").description == "no answer; ask again")
    #expect(CommandFailure.Code.unreachable.rawValue == 3 && CommandFailure.Code.unknown.rawValue == 4)
  }
}

@Suite struct JSONValueTests {
  @Test func keysAreSortedAndNumbersExact() {
    let value: JSONValue = ["b": 1, "a": [true, .null, "x/y"], "c": .unsigned(.max), "d": .integer(.min)]
    #expect(
      JSONText.render(value, pretty: false)
        == #"{"a":[true,null,"x/y"],"b":1,"c":18446744073709551615,"d":-9223372036854775808}"#)
  }

  @Test func documentsReadBack() {
    let text = #"{"a":[1,18446744073709551615,-2,0.5,"s",null,true,{}]}"#
    let value = JSONText.parse(JSONValue.self, Array(text.utf8))
    #expect(
      value?["a"]?.array == [1, .unsigned(.max), .integer(-2), .number(0.5), "s", .null, true, .object([:])])
  }

  @Test(arguments: ["", "{", "{\"a\":}", "[1 2]", "nul", "\u{0}"]) func malformedTextIsNoDocument(text: String) {
    #expect(JSONText.parse(JSONValue.self, Array(text.utf8)) == nil)
  }

  @Test func nestedBombEndsInNothing() {
    let bomb = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    #expect(JSONText.parse(JSONValue.self, bomb) == nil)
  }
}
