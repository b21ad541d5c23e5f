import Tensors

/// Compares the gradients of custom operations with finite differences, at the inputs that they
/// meet while a model runs: what `plugin check` turns on.
public final class GradientProbe: @unchecked Sendable {
  private static let active = Lock<GradientProbe?>(nil)

  /// The probe in force, nil for none.
  static var current: GradientProbe? { active.withLock { $0 } }

  private struct Found {
    var compared: [String: Int] = [:]
    /// Operations of which some gradient could be compared.
    var conclusive: Set<String> = []
    var faults: [String] = []
  }

  private let found = Lock(Found())
  /// Calls of an operation that are looked at.
  private static let callLimit = 8

  /// Runs a body while every custom operation is probed.
  public static func run<Result>(_ body: () throws -> Result) rethrows -> (Result, GradientProbe) {
    let probe = GradientProbe()
    active.withLock { $0 = probe }
    defer { active.withLock { $0 = nil } }
    return (try body(), probe)
  }

  /// The operations that were looked at.
  public var operations: [String] { found.withLock { $0.compared.keys.sorted() } }

  /// Those of them whose values are too rough, or too often not finite, for a comparison.
  public var inconclusive: [String] {
    found.withLock { found in found.compared.keys.filter { !found.conclusive.contains($0) } }
      .sorted()
  }

  /// What did not agree, a line for each.
  public var faults: [String] { found.withLock { $0.faults } }

  /// Looks at an operation with given inputs.
  func probe(_ operation: CustomOperation, _ inputs: [Tensor], _ shape: Shape) throws {
    let calls = found.withLock { found in
      found.compared[operation.name, default: 0] += 1
      return found.compared[operation.name] ?? 0
    }
    guard calls <= Self.callLimit, shape.count > 0 else { return }
    let output = try operation.forward(inputs, shape)
    guard output.isFinite else { return }
    let random = RandomSource(seed: UInt64(calls)).child(operation.name)
    let point = ProbedPoint(
      operation: operation, inputs: inputs, output: output,
      cotangent: random.stream("cotangent").normal(shape))
    let gradients = try operation.backward(
      inputs, output, point.cotangent, wants: inputs.map { _ in true })
    for (number, input) in inputs.enumerated() where input.count > 0 {
      guard let gradient = gradients[number] else { continue }
      guard gradient.isFinite else {
        found.withLock {
          $0.faults.append(
            "custom operation \(operation.name): the gradient of input \(number) is not finite, where "
              + "the value is")
        }
        return
      }
      // Directions of all elements come first, and tell how rough the values are; where none does, one
      // element alone would tell less.
      var roughness: Double?
      for direction in Direction.all(at: input.floats, random.child("input \(number)")) {
        if direction.isSingle && roughness == nil { break }
        guard
          let comparison = try point.compare(
            gradient.floats, ofInput: number, along: direction, roughness ?? 1)
        else { continue }
        if !direction.isSingle { roughness = max(roughness ?? 1, comparison.roughness) }
        found.withLock { found in
          if comparison.isConclusive { found.conclusive.insert(operation.name) }
          if let fault = comparison.fault {
            found.faults.append(
              "custom operation \(operation.name): the gradient of input \(number) \(fault)")
          }
        }
        if comparison.fault != nil { return }
      }
    }
  }
}

/// A line through an input's values.
private struct Direction {
  /// What is said of the gradient along it.
  let name: String
  /// How far each element moves at the distance of one.
  let moves: [Float]
  /// Whether one element moves alone.
  var isSingle = false

  /// Elements that are looked at alone, beside the first and the last.
  private static let singleCount = 4
  /// Directions of each of the two kinds in which all elements move.
  private static let jointCount = 3

  /// Directions at some values: of all elements at once, by their common size and by their own; and
  /// of single ones, in which no other hides a wrong one.
  static func all(at values: [Float], _ random: RandomSource) -> [Direction] {
    let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
    let size = square > 0 && square.isFinite ? Float(square.squareRoot()) : 1
    var directions: [Direction] = []
    for number in 0..<jointCount {
      let draws = random.stream("direction \(number)").normal([2, values.count]).floats
      directions.append(
        Direction(
          name: "along a random direction", moves: draws.prefix(values.count).map { $0 * size }))
      directions.append(
        Direction(
          name: "along a random direction",
          moves: zip(draws.suffix(values.count), values).map { $0 * max(abs($1), size * 1e-3) }))
    }
    let drawn = random.stream("elements").uniform([singleCount]).floats.map {
      min(values.count - 1, Int($0 * Float(values.count)))
    }
    for element in Set([0, values.count - 1] + drawn).sorted() {
      var moves = [Float](repeating: 0, count: values.count)
      moves[element] = max(abs(values[element]), size)
      directions.append(Direction(name: "at element \(element)", moves: moves, isSingle: true))
    }
    return directions
  }
}

/// An operation at some inputs, with the weights of its outputs' sum.
private struct ProbedPoint {
  let operation: CustomOperation
  let inputs: [Tensor]
  let output: Tensor
  let cotangent: Tensor

  struct Comparison {
    /// Whether the finite differences are exact enough to tell a gradient that is wrong.
    let isConclusive: Bool
    /// How rough the values are; see `DirectionalDerivative`.
    let roughness: Double
    /// What does not agree, nil where it does.
    let fault: String?
  }

  /// Rounding errors of an operation that a float32 output is expected to gather, in units of the
  /// last place; those of rougher ones are measured.
  private static let roundings = 4.0
  /// What a gradient of float32 may be wrong by as a part of its length: sums of many terms.
  private static let gradientError = 1e-3
  /// The part of the gradient's length along the direction from which on an error counts as one that
  /// would be seen.
  private static let conclusiveError = 0.05

  /// Compares a gradient with finite differences along a direction; nil where there are none.
  ///
  /// - Parameter roughness: what is known of the values from other directions, 1 where that is nothing.
  func compare(
    _ gradient: [Float], ofInput number: Int, along direction: Direction, _ roughness: Double
  ) throws -> Comparison? {
    let values = inputs[number].floats
    let outputs = output.floats
    let weights = cotangent.floats
    // Only outputs that move have errors that move.
    var hasMoved = [Bool](repeating: false, count: outputs.count)
    func change(_ distance: Double) -> DirectionalDerivative.Change? {
      var moved = values
      for index in moved.indices { moved[index] += Float(distance) * direction.moves[index] }
      var changed = inputs
      changed[number] = Tensor(moved, shape: inputs[number].shape)
      // A point that it refuses is one where it has no value.
      guard let found = try? operation.forward(changed, output.shape).floats else { return nil }
      var change = DirectionalDerivative.Change(value: 0, terms: [])
      change.terms = zip(zip(found, outputs), weights).map { values, weight in
        Double(weight) * (Double(values.0) - Double(values.1))
      }
      for (index, term) in change.terms.enumerated() where term != 0 { hasMoved[index] = true }
      change.value = change.terms.reduce(0, +)
      let isMoving = change.terms.contains { $0 != 0 }
      // What the rounding of the inputs made of the step is told to first order; where nothing moves,
      // it made nothing.
      for (index, value) in moved.enumerated() where isMoving && direction.moves[index] != 0 {
        let step = Double(value) - Double(values[index])
        change.value += Double(gradient[index]) * (distance * Double(direction.moves[index]) - step)
      }
      return change
    }
    // Which outputs move is known from the largest step.
    let ends = [-1.0, 1].map { change($0 * DirectionalDerivative.largestStep)?.moved ?? 0 }
    // Whether others move less than their grid, or not at all, one output alone does not tell.
    let isOnGrid = roughness > DirectionalDerivative.roughnessOfGrids
    if isOnGrid && ends == [0, 0] { return nil }
    let ulp = Double(Float.ulpOfOne) / 2
    let scale = isOnGrid ? roughness * DirectionalDerivative.gridFactor : 1
    let size = (outputs.reduce(0) { $0 + Double($1) * Double($1) } / Double(outputs.count))
      .squareRoot()
    var square = 0.0
    for (index, value) in outputs.enumerated() where hasMoved[index] {
      let largest = isOnGrid ? max(abs(Double(value)), size) : abs(Double(value))
      let error = Double(weights[index]) * largest * ulp * Self.roundings * scale
      square += error * error
    }
    guard
      let slope = DirectionalDerivative(roundingError: square.squareRoot(), of: change)
    else { return nil }
    var (given, length) = (0.0, 0.0)
    for (index, move) in direction.moves.enumerated() where move != 0 {
      let part = Double(gradient[index]) * Double(move)
      given += part
      length += part * part
    }
    length = length.squareRoot()
    let tolerance = slope.error + Self.gradientError * max(length, abs(slope.value))
    let isConclusive = slope.error <= Self.conclusiveError * max(length, abs(slope.value))
    guard
      !given.isFinite || given < slope.sides.lowerBound - tolerance
        || given > slope.sides.upperBound + tolerance
    else { return Comparison(isConclusive: isConclusive, roughness: slope.roughness, fault: nil) }
    return Comparison(
      isConclusive: true, roughness: slope.roughness,
      fault:
        "\(direction.name) is \(given), but finite differences give \(slope.value), give or take "
        + "\(tolerance)")
  }
}
