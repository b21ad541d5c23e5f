import Glibc
import Tensors

extension MixedLayout {
  /// Draws as a model sees them, `[N, 1, width, 1]`.
  ///
  /// - Parameter noise: a uniform and a standard normal number for each element, `[N, 1, width, 2]`.
  func sample(_ parameters: Tensor, spread: Tensor, noise: Tensor) -> Tensor {
    let rows = parameters.shape[0]
    return Tensor([rows, 1, width, 1]) { result in
      nonisolated(unsafe) let result = result
      withPointers(noise, parameters, spread, nil) { noise, given, spread, _ in
        nonisolated(unsafe) let (noise, given, spread) = (noise, given, spread)
        forEachRow(rows) { row in
          for (column, part) in parts.enumerated() {
            draw(
              part, given + row * width * numbers, spread + column * components,
              noise: noise + row * width * 2
            ) { result[row * width + $0] = $1 }
          }
        }
      }
    }
  }

  /// A draw of one column.
  ///
  /// - Parameter give: told an element and its value.
  @inline(__always)
  private func draw(
    _ part: Part, _ given: UnsafePointer<Float>, _ spread: UnsafePointer<Float>,
    noise: UnsafePointer<Float>, give: (Int, Float) -> Void
  ) {
    let first = part.start * numbers
    let (uniform, normal) = (Double(noise[part.start * 2]), Double(noise[part.start * 2 + 1]))
    func choose(_ start: Int, _ count: Int) -> Int {
      let number = Double(noise[start * 2])
      let chosen = Self.index(count, at: number) { Double(given[(start + $0) * numbers]) }
      for choice in 0..<count { give(start + choice, choice == chosen ? 1 : 0) }
      return chosen
    }
    switch part.kind {
    case .yesNo: give(part.start, Self.sigmoid(Double(given[first])) > uniform ? 1 : 0)
    case .category: _ = choose(part.start, part.elements)
    case .count:
      let power = Double(given[first]) * part.scale + part.centre
      let law = CountDistribution(
        logMean: min(power, Self.largestLogMean),
        dispersion: isPoisson ? nil : exp(Double(spread[0])))
      let found = law.draw(noise: (noise[part.start * 2], noise[part.start * 2 + 1]))
      give(part.start, Float((log1p(found) - part.centre) / part.scale))
    case .real, .positive:
      if part.choices > 0 {
        let chosen = choose(part.start + 1, part.choices)
        if !(part.isContinuous && chosen == 0) {
          give(part.start, part.points[chosen - (part.isContinuous ? 1 : 0)])
          return
        }
      }
      let chosen =
        components == 1
        ? 0
        : Self.index(components, at: uniform) { Double(given[first + components + $0]) }
      give(part.start, Float(Double(given[first + chosen]) + exp(Double(spread[chosen])) * normal))
    }
  }

  /// The choice at which the sum of softmax probabilities exceeds a number.
  private static func index(_ count: Int, at number: Double, _ logit: (Int) -> Double) -> Int {
    var largest = -Double.infinity
    for choice in 0..<count { largest = max(largest, logit(choice)) }
    var total = 0.0
    for choice in 0..<count { total += exp(logit(choice) - largest) }
    var sum = 0.0
    for choice in 0..<count {
      sum += exp(logit(choice) - largest)
      if sum > number * total { return choice }
    }
    return count - 1
  }
}
