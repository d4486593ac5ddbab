// Mathematics for the model by the shortest way: fixed-point numbers with 112 bits after the point, each function by its
// power series. Errors stay below 2^-95, far under everything that is rounded afterwards.

/// Real numbers as `Int128` scaled by 2^112 (range +-32,768).
enum Exact {
  static let one: Int128 = 1 << 112

  static func multiply(_ a: Int128, _ b: Int128) -> Int128 {
    let product = a.multipliedFullWidth(by: b)
    return (product.high << 16) | Int128(truncatingIfNeeded: product.low >> 112)
  }

  /// Of positive numbers.
  static func divide(_ a: Int128, _ b: Int128) -> Int128 {
    let (high, low) = (UInt128(a) >> 16, UInt128(a) << 112)
    return Int128(UInt128(b).dividingFullWidth((high, low)).quotient)
  }

  static let ln2 = lnOfMantissa(2 * one)

  /// ln(1 + x) of 1 + x between 1 and 2, by 2 artanh(x / (2 + x)).
  private static func lnOfMantissa(_ mantissa: Int128) -> Int128 {
    guard mantissa > one else { return 0 }
    let z = divide(mantissa - one, mantissa + one)
    let square = multiply(z, z)
    var (power, sum, divisor) = (z, z, Int128(1))
    while power > 0 {
      power = multiply(power, square)
      divisor += 2
      sum += power / divisor
    }
    return 2 * sum
  }

  /// Natural logarithm of a positive integer.
  static func ln(_ value: Int64) -> Int128 {
    let exponent = 63 - value.leadingZeroBitCount
    return Int128(exponent) * ln2 + lnOfMantissa(Int128(value) << Int128(112 - exponent))
  }

  /// e^x of x between -20 and 10.
  static func exp(_ x: Int128) -> Int128 {
    // e^x = (e^(x/32))^32.
    var (term, sum, n) = (one, one, Int128(0))
    while term != 0, n < 64 {
      n += 1
      term = multiply(term, x >> 5) / n
      sum += term
    }
    for _ in 0..<5 { sum = multiply(sum, sum) }
    return sum
  }

  /// Square root of a number between 0 and 32,767, by Newton's method from above.
  static func squareRoot(_ x: Int128) -> Int128 {
    guard x > 0 else { return 0 }
    var root = max(x, one)
    while true {
      let next = (root + divide(x, root)) / 2
      if next >= root { return root }
      root = next
    }
  }

  /// Integer part of the square root, bit by bit.
  static func integerRoot(_ x: Int128) -> Int64 {
    var root: Int128 = 0
    for bit in (0..<63).reversed() {
      let next = root + (Int128(1) << Int128(bit))
      if next * next <= x { root = next }
    }
    return Int64(root)
  }

  // MARK: The normal distribution

  /// Distribution and density at 0, 1/32, 2/32, ... 10, each by a Taylor series from the one before.
  private static let nodes: [(distribution: Int128, density: Int128)] = {
    // 1 / sqrt(2 pi) in units of 2^-112.
    var nodes: [(distribution: Int128, density: Int128)] = [(one / 2, Int128(0x6621_14cf_50d9_4234_3f2c_f140_2eae))]
    for place in 0..<320 {
      nodes.append(taylor(nodes[place], Int128(place) << 107, step: one >> 5))
    }
    return nodes
  }()

  /// The series at `center` + `step`, from phi'(x) = -x phi(x).
  private static func taylor(
    _ node: (distribution: Int128, density: Int128), _ center: Int128, step: Int128
  ) -> (distribution: Int128, density: Int128) {
    let (first, second) = (multiply(center, step), multiply(step, step))
    var (before, term) = (Int128(0), node.density)
    var (density, integral, n) = (term, term, Int128(0))
    repeat {
      n += 1
      (before, term) = (term, -(multiply(first, term) + multiply(second, before)) / n)
      density += term
      integral += term / (n + 1)
    } while (term.magnitude > 1 << 8 || before.magnitude > 1 << 8) && n < 60
    return (node.distribution + multiply(integral, step), density)
  }

  /// The standard normal distribution function.
  static func normal(_ x: Int128) -> Int128 {
    if x < 0 { return one - normal(-x) }
    let place = Int((x + (one >> 6)) >> 107)
    guard place < nodes.count else { return one }
    let center = Int128(place) << 107
    return taylor(nodes[place], center, step: x - center).distribution
  }
}
