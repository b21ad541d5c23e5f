import Glibc
import Tensors
import VAECore

extension MixedLayout {
  /// The means of the columns of each row as a model sees them, `[K · N, 1, width, 1]`.
  func mean(_ parameters: Tensor, spread: Tensor) -> Tensor {
    let rows = parameters.shape[0]
    return Tensor([rows, 1, width, 1]) { result in
      nonisolated(unsafe) let result = result
      withPointers(parameters, parameters, spread, nil) { _, given, spread, _ in
        nonisolated(unsafe) let (given, spread) = (given, spread)
        forEachRow(rows) { row in
          for (column, part) in parts.enumerated() {
            mean(
              part, given + row * width * numbers, spread + column * components,
              give: { result[row * width + $0] = Float($1) }, add: { _, _, _ in },
              addSpread: { _, _, _ in })
          }
        }
      }
    }
  }

  /// The gradients of Σ arrived · mean.
  func meanGradient(
    _ parameters: Tensor, spread: Tensor, arrived: Tensor
  ) -> (parameters: Tensor, spread: Tensor) {
    let rows = parameters.shape[0]
    let weights = arrived.floats
    return gradients(parameters, spread, rows) { own, ownSpread in
      nonisolated(unsafe) let (own, ownSpread) = (own, ownSpread)
      withPointers(parameters, parameters, spread, nil) { _, given, spread, _ in
        nonisolated(unsafe) let (given, spread) = (given, spread)
        forEachRow(rows) { row in
          let target = own + row * width * numbers
          for (column, part) in parts.enumerated() {
            let spreads = ownSpread + (row * parts.count + column) * components
            mean(
              part, given + row * width * numbers, spread + column * components,
              give: { _, _ in },
              add: { target[$1] += Float(Double(weights[row * width + $0]) * $2) },
              addSpread: { spreads[$1] += Float(Double(weights[row * width + $0]) * $2) })
          }
        }
      }
    }
  }

  /// The means of a column's elements.
  ///
  /// - Parameters:
  ///   - give: told an element and its mean.
  ///   - add: told an element, an index among the decoder's numbers, and the derivative.
  ///   - addSpread: told an element, a component, and the derivative.
  @inline(__always)
  private func mean(
    _ part: Part, _ given: UnsafePointer<Float>, _ spread: UnsafePointer<Float>,
    give: (Int, Double) -> Void, add: (Int, Int, Double) -> Void,
    addSpread: (Int, Int, Double) -> Void
  ) {
    let (element, first) = (part.start, part.start * numbers)
    switch part.kind {
    case .yesNo:
      let share = Self.sigmoid(Double(given[first]))
      give(element, share)
      add(element, first, share * (1 - share))
    case .category:
      _ = shares(element, part.elements, given, give, add)
    case .count:
      let power = Double(given[first]) * part.scale + part.centre
      let value = exp(min(power, Self.largestLogMean))
      give(element, (log1p(value) - part.centre) / part.scale)
      if power <= Self.largestLogMean { add(element, first, value / (1 + value)) }
    case .real, .positive:
      number(part, given, spread, give, add, addSpread)
    }
  }

  /// The mean of a number: in its own units where it is positive, else as a model sees it, of all choices
  /// and components.
  @inline(__always)
  private func number(
    _ part: Part, _ given: UnsafePointer<Float>, _ spread: UnsafePointer<Float>,
    _ give: (Int, Double) -> Void, _ add: (Int, Int, Double) -> Void,
    _ addSpread: (Int, Int, Double) -> Void
  ) {
    let (element, first) = (part.start, part.start * numbers)
    let isPositive = part.kind == .positive
    // e^80 is beyond any value that is restored.
    func own(_ number: Double, _ variance: Double) -> Double {
      guard isPositive else { return number }
      let power = number * part.scale + part.centre + 0.5 * part.scale * part.scale * variance
      return exp(max(-80, min(80, power)))
    }
    func component(_ number: Int) -> (value: Double, variance: Double) {
      let variance = exp(2 * Double(spread[number]))
      return (own(Double(given[first + number]), variance), variance)
    }
    let total = components == 1 ? 0 : logSum { Double(given[first + components + $0]) }
    func weight(_ number: Int) -> Double {
      components == 1 ? 1 : exp(Double(given[first + components + number]) - total)
    }
    var inner = 0.0
    for number in 0..<components { inner += weight(number) * component(number).value }
    // The mean over the choices, and how often there is a number that is no point.
    var (whole, share) = (inner, 1.0)
    func value(_ choice: Int) -> Double {
      if part.isContinuous && choice == 0 { return inner }
      return own(Double(part.points[choice - (part.isContinuous ? 1 : 0)]), 0)
    }
    if part.choices > 0 {
      let shares = shares(element + 1, part.choices, given, give, add)
      whole = 0
      for choice in 0..<part.choices { whole += shares(choice) * value(choice) }
      share = part.isContinuous ? shares(0) : 0
      let slope = isPositive ? 1 / (whole * part.scale) : 1
      for choice in 0..<part.choices {
        add(
          element, (element + 1 + choice) * numbers,
          slope * shares(choice) * (value(choice) - whole))
      }
    }
    give(element, isPositive ? (log(whole) - part.centre) / part.scale : whole)
    let slope = share * (isPositive ? 1 / (whole * part.scale) : 1)
    for number in 0..<components {
      let (value, variance) = component(number)
      let own = weight(number)
      add(element, first + number, slope * own * (isPositive ? value * part.scale : 1))
      if components > 1 {
        add(element, first + components + number, slope * own * (value - inner))
      }
      if isPositive {
        addSpread(element, number, slope * own * value * part.scale * part.scale * variance)
      }
    }
  }

  /// The probabilities of choices, which are the means of their elements.
  @inline(__always)
  private func shares(
    _ start: Int, _ count: Int, _ given: UnsafePointer<Float>, _ give: (Int, Double) -> Void,
    _ add: (Int, Int, Double) -> Void
  ) -> (Int) -> Double {
    var largest = -Double.infinity
    for place in start..<start + count { largest = max(largest, Double(given[place * numbers])) }
    var sum = 0.0
    for place in start..<start + count { sum += exp(Double(given[place * numbers]) - largest) }
    let (top, all, width) = (largest, sum, numbers)
    let share = { (choice: Int) in exp(Double(given[(start + choice) * width]) - top) / all }
    for choice in 0..<count {
      let own = share(choice)
      give(start + choice, own)
      for other in 0..<count {
        add(
          start + choice, (start + other) * numbers,
          own * ((other == choice ? 1 : 0) - share(other)))
      }
    }
    return share
  }

  /// A decoder's numbers to begin with, `[1, width, numbers]`.
  ///
  /// - Parameter mean: of the rows that a model sees, `[1, width, 1]`.
  func start(at mean: Tensor) -> Tensor {
    let means = mean.floats
    return Tensor([1, width, numbers]) { result in
      result.initialize(repeating: 0)
      for part in parts {
        let shares: Range<Int>
        switch part.kind {
        case .yesNo:
          let share = max(1e-4, min(1 - 1e-4, Double(means[part.start])))
          result[part.start * numbers] = Float(log(share / (1 - share)))
          continue
        case .category: shares = part.start..<part.start + part.elements
        case .count, .real, .positive:
          // Components begin side by side.
          for component in 0..<components {
            let shift = (Double(component) + 0.5) / Double(components) - 0.5
            result[part.start * numbers + component] = means[part.start] + Float(3 * shift)
          }
          shares = part.start + 1..<part.start + 1 + part.choices
        }
        for place in shares {
          result[place * numbers] = Float(log(max(1e-4, Double(means[place]))))
        }
      }
    }
  }
}
