import Primitives
import Testing
import Wire

@Suite struct WireTests {
  @Test func roundTripsEveryKind() throws {
    var writer = WireWriter()
    writer.write(UInt16(7))
    writer.write(Int64(-3))
    writer.write(true)
    writer.write(bytes: [1, 2, 3])
    writer.write("čaj")
    writer.write([Digest.zero])
    writer.write(Digest?.none)
    var reader = WireReader(writer.bytes)
    #expect(try reader.read(UInt16.self) == 7)
    #expect(try reader.read(Int64.self) == -3)
    #expect(try reader.readBool())
    #expect(try reader.readBytes(limit: 3) == [1, 2, 3])
    #expect(try reader.readString(limit: 8) == "čaj")
    #expect(try reader.readArray(of: Digest.self, limit: 1) == [.zero])
    #expect(try reader.readOptional(of: Digest.self) == nil)
    try reader.finish()
  }

  @Test func refusesWhatIsNotCanonical() {
    #expect(throws: WireError(.invalid("boolean"), at: 1)) {
      var reader = WireReader([2])
      _ = try reader.readBool()
    }
    #expect(throws: WireError.self) {
      var reader = WireReader([0xff, 0xff, 0xff, 0xff])
      _ = try reader.readArray(of: Digest.self, limit: 10)
    }
    #expect(throws: WireError(.trailing(1), at: 32)) {
      _ = try WireReader.decode(Digest.self, from: [UInt8](repeating: 0, count: 33))
    }
    #expect(throws: WireError.self) {
      var reader = WireReader([UInt8](repeating: 0xff, count: 8))
      _ = try reader.readOrdinal()
    }
    #expect(throws: WireError.self) {
      var reader = WireReader([1, 0, 0, 0, 0xff])
      _ = try reader.readString(limit: 4)
    }
  }
}
