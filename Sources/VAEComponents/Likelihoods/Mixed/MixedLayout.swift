import Glibc
import Tensors
import VAECore

/// Where the columns of a table stand in a row that a model sees and among a decoder's numbers, and the
/// arithmetic of `MixedLikelihood` on them, row by row.
struct MixedLayout: Sendable {
  /// A column, without its names.
  struct Part: Sendable {
    let kind: TableColumn.Kind
    /// Its first element.
    let start: Int
    /// Its elements.
    let elements: Int
    /// The choices before a number is drawn, one for each point after one for other numbers, where there
    /// can be such.
    let choices: Int
    let isContinuous: Bool
    let centre: Double
    let scale: Double
    /// The points as a model sees them.
    let points: [Float]
  }

  let parts: [Part]
  /// Elements of a row.
  let width: Int
  /// Gaussians of a number.
  let components: Int
  /// A decoder's numbers for an element.
  let numbers: Int
  let isPoisson: Bool
  /// What log σ and log r are kept above, for each component of each column.
  let bounds: [Float]

  /// −½ log 2π
  static let gaussianConstant = -0.5 * log(2 * Double.pi)
  /// The largest logarithm of a count's mean.
  static let largestLogMean = 20.0

  init(_ columns: TableColumns, components: Int, counts: MixedLikelihood.CountLaw) {
    parts = columns.columns.enumerated().map { number, column in
      Part(
        kind: column.kind, start: columns.starts[number], elements: column.elements,
        choices: column.choices, isContinuous: column.isContinuous, centre: column.centre,
        scale: column.scale, points: column.points.map(column.standardized))
    }
    width = columns.elementCount
    self.components = components
    numbers = components == 1 ? 1 : 2 * components
    isPoisson = counts == .poisson
    // The deviation of rounding is that of a uniform number as wide as the last digit.
    let least = columns.columns.map { column -> Float in
      guard column.kind == .real, let decimals = column.decimals else { return -6 }
      return max(-6, Float(log(0.2887 * pow(10, -Double(decimals)) / column.scale)))
    }
    bounds = least.flatMap { [Float](repeating: $0, count: components) }
  }

  /// Calls a body with the parts of each row, on several threads; rows beyond those of `x` are of other
  /// draws of the same examples.
  func forEachRow(_ rows: Int, _ body: @Sendable (Int) -> Void) {
    Engine.forEachRow(rows, of: width, body)
  }
}

/// The arithmetic of one column. Numbers of a decoder lie element by element, `numbers` each.
extension MixedLayout {
  /// log p of a column of a row.
  ///
  /// - Parameters:
  ///   - seen: the elements of the row.
  ///   - given: a decoder's numbers for the row.
  ///   - spread: log σ or log r of the column's components.
  ///   - add: told an index among the decoder's numbers and ∂ log p there; nil where nobody asks.
  ///   - addSpread: told a component and ∂ log p / ∂ its spread.
  @inline(__always)
  func term(
    _ part: Part, _ seen: UnsafePointer<Float>, _ given: UnsafePointer<Float>,
    _ spread: UnsafePointer<Float>, add: (Int, Double) -> Void, addSpread: (Int, Double) -> Void
  ) -> Double {
    let first = part.start * numbers
    let x = Double(seen[part.start])
    switch part.kind {
    case .yesNo:
      let logit = Double(given[first])
      add(first, x - Self.sigmoid(logit))
      return x * logit - Self.softplus(logit)
    case .category:
      return choice(part.start, part.elements, seen, given, add)
    case .count:
      return count(part, x, Double(given[first]), Double(spread[0]), first, add, addSpread)
    case .real, .positive:
      var value = 0.0
      if part.choices > 0 {
        value = choice(part.start + 1, part.choices, seen, given, add)
        guard part.isContinuous, seen[part.start + 1] == 1 else { return value }
      }
      value += density(x, given + first, spread, { add(first + $0, $1) }, addSpread)
      value -= log(part.scale)
      return part.kind == .positive ? value - (x * part.scale + part.centre) : value
    }
  }

  /// log softmax of the choice that is one.
  @inline(__always)
  private func choice(
    _ start: Int, _ count: Int, _ seen: UnsafePointer<Float>, _ given: UnsafePointer<Float>,
    _ add: (Int, Double) -> Void
  ) -> Double {
    var largest = -Double.infinity
    for place in start..<start + count { largest = max(largest, Double(given[place * numbers])) }
    var sum = 0.0
    for place in start..<start + count { sum += exp(Double(given[place * numbers]) - largest) }
    var value = 0.0
    for place in start..<start + count {
      let logit = Double(given[place * numbers]) - largest
      let isChosen = seen[place] == 1
      if isChosen { value = logit - log(sum) }
      add(place * numbers, (isChosen ? 1 : 0) - exp(logit) / sum)
    }
    return value
  }

  /// log Σ π N(x; m, σ²)
  @inline(__always)
  private func density(
    _ x: Double, _ given: UnsafePointer<Float>, _ spread: UnsafePointer<Float>,
    _ add: (Int, Double) -> Void, _ addSpread: (Int, Double) -> Void
  ) -> Double {
    guard components > 1 else {
      let logDeviation = Double(spread[0])
      let scaled = (x - Double(given[0])) * exp(-logDeviation)
      add(0, scaled * exp(-logDeviation))
      addSpread(0, scaled * scaled - 1)
      return Self.gaussianConstant - logDeviation - 0.5 * scaled * scaled
    }
    let total = logSum { Double(given[components + $0]) }
    func log(of component: Int) -> (weight: Double, density: Double, scaled: Double) {
      let logDeviation = Double(spread[component])
      let scaled = (x - Double(given[component])) * exp(-logDeviation)
      let weight = Double(given[components + component]) - total
      return (
        weight, Self.gaussianConstant - logDeviation - 0.5 * scaled * scaled, scaled
      )
    }
    let value = logSum {
      let terms = log(of: $0)
      return terms.weight + terms.density
    }
    for component in 0..<components {
      let terms = log(of: component)
      let share = exp(terms.weight + terms.density - value)
      add(component, share * terms.scaled * exp(-Double(spread[component])))
      add(components + component, share - exp(terms.weight))
      addSpread(component, share * (terms.scaled * terms.scaled - 1))
    }
    return value
  }

  /// log Σ exp over the components.
  @inline(__always)
  func logSum(_ term: (Int) -> Double) -> Double {
    var largest = -Double.infinity
    for component in 0..<components { largest = max(largest, term(component)) }
    var sum = 0.0
    for component in 0..<components { sum += exp(term(component) - largest) }
    return largest + log(sum)
  }

  /// The law of a count, of mean exp(c + s t).
  @inline(__always)
  private func count(
    _ part: Part, _ x: Double, _ number: Double, _ logDispersion: Double, _ first: Int,
    _ add: (Int, Double) -> Void, _ addSpread: (Int, Double) -> Void
  ) -> Double {
    let found = max(0, (exp(x * part.scale + part.centre) - 1).rounded())
    let power = number * part.scale + part.centre
    let law = CountDistribution(
      logMean: min(power, Self.largestLogMean), dispersion: isPoisson ? nil : exp(logDispersion))
    let price = law.price(of: found)
    add(first, power <= Self.largestLogMean ? part.scale * price.byLogMean : 0)
    addSpread(0, price.byLogDispersion)
    return price.value
  }

  static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
