// Sums of many products, by Straus' method: the doublings are shared, each scalar costs its additions.

import Primitives
public import Sodium

extension EdwardsPoint {
  /// The sum of scalar * point over all terms, plus `base` times the base point. Some 40 microseconds and, for each
  /// term, 10 more. Public data only.
  public static func sum(_ terms: [(Scalar25519, EdwardsPoint)], base: Scalar25519 = .zero) -> EdwardsPoint {
    var tables: [Cached] = []
    tables.reserveCapacity(terms.count * oddMultiples)
    var digits: [Int8] = []
    digits.reserveCapacity(terms.count * digitCount)
    for (scalar, point) in terms where scalar != .zero {
      appendOddMultiples(of: point, count: oddMultiples, to: &tables)
      appendDigits(of: scalar, width: width, to: &digits)
    }
    let count = digits.count / digitCount
    var baseDigits: [Int8] = []
    if base != .zero { appendDigits(of: base, width: baseWidth, to: &baseDigits) }
    return sum(digits, tables, count: count, baseDigits: baseDigits)
  }

  /// Digits of five bits with their sign, so the multiples 1, 3 ... 15 of each point.
  private static let width = 5
  private static let oddMultiples = 8
  private static let baseWidth = 8
  private static let digitCount = 256
  private static let baseTable: [Cached] = {
    var table: [Cached] = []
    appendOddMultiples(of: base, count: 64, to: &table)
    return table
  }()

  private static func sum(_ digits: [Int8], _ tables: [Cached], count: Int, baseDigits: [Int8]) -> EdwardsPoint {
    var result = neutral
    var isStarted = false
    let baseTable = baseTable
    for place in stride(from: digitCount - 1, through: 0, by: -1) {
      if isStarted { result = result.doubled() }
      for term in 0..<count {
        let digit = Int(digits[term * digitCount + place])
        guard digit != 0 else { continue }
        isStarted = true
        let entry = term * oddMultiples + abs(digit) / 2
        result = digit > 0 ? result + tables[entry] : result - tables[entry]
      }
      guard !baseDigits.isEmpty else { continue }
      let digit = Int(baseDigits[place])
      guard digit != 0 else { continue }
      isStarted = true
      result = digit > 0 ? result + baseTable[digit / 2] : result - baseTable[-digit / 2]
    }
    return result
  }

  private static func appendOddMultiples(of point: EdwardsPoint, count: Int, to table: inout [Cached]) {
    let twice = Cached(point.doubled())
    var multiple = point
    for index in 0..<count {
      table.append(Cached(multiple))
      if index + 1 < count { multiple = multiple + twice }
    }
  }

  /// The non-adjacent form: digits that are zero or odd and below 2^(width-1) in absolute value, no two of them within
  /// `width` places. Scalars are below 2^253, so the last digits have room for the carry.
  private static func appendDigits(of scalar: Scalar25519, width: Int, to digits: inout [Int8]) {
    let w = scalar.bytes.words
    let words = [w.0.byteSwapped, w.1.byteSwapped, w.2.byteSwapped, w.3.byteSwapped, 0]
    let start = digits.count
    digits.append(contentsOf: repeatElement(0, count: digitCount))
    let window: UInt64 = 1 << UInt64(width)
    var carry: UInt64 = 0
    var place = 0
    while place < digitCount {
      let (word, bit) = (place >> 6, UInt64(place & 63))
      // A window reaches at most into the next word; the fifth word is zero.
      let bits = bit == 0 ? words[word] : words[word] >> bit | words[word + 1] << (64 - bit)
      let value = carry &+ (bits & (window - 1))
      if value & 1 == 0 {
        place += 1
        continue
      }
      if value < window / 2 {
        carry = 0
        digits[start + place] = Int8(truncatingIfNeeded: value)
      } else {
        carry = 1
        digits[start + place] = Int8(truncatingIfNeeded: Int64(value) - Int64(window))
      }
      place += width
    }
  }
}
