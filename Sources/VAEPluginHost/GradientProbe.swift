import Tensors

/// Compares the gradients of custom operations with finite differences, at the inputs that they
/// meet while a model runs: what `plugin check` turns on.
public final class GradientProbe: @unchecked Sendable {
  private static let active = Lock<GradientProbe?>(nil)

  /// The probe in force, nil for none.
  static var current: GradientProbe? { active.withLock { $0 } }

  private struct Found {
    var compared: [String: Int] = [:]
    var faults: [String] = []
  }

  private let found = Lock(Found())
  /// Calls of an operation that are looked at.
  private static let callLimit = 8
  /// Elements of an input that are looked at, spread over it.
  private static let elementLimit = 12

  /// Runs a body while every custom operation is probed.
  public static func run<Result>(_ body: () throws -> Result) rethrows -> (Result, GradientProbe) {
    let probe = GradientProbe()
    active.withLock { $0 = probe }
    defer { active.withLock { $0 = nil } }
    return (try body(), probe)
  }

  /// The operations that were looked at.
  public var operations: [String] { found.withLock { $0.compared.keys.sorted() } }

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
    let cotangent = RandomSource(seed: UInt64(calls)).stream(operation.name).normal(shape)
    let gradients = try operation.backward(
      inputs, output, cotangent, wants: inputs.map { _ in true })
    func total(_ changed: [Tensor]) throws -> Double {
      (try operation.forward(changed, shape) * cotangent).doubleSum
    }
    for (number, input) in inputs.enumerated() where input.count > 0 {
      guard let gradient = gradients[number] else { continue }
      let values = input.floats
      let written = gradient.floats
      let scale = max(1e-3, written.reduce(0) { max($0, abs($1)) })
      for element in stride(
        from: 0, to: values.count, by: max(1, values.count / Self.elementLimit))
      {
        let step = max(1e-2, abs(values[element]) * 1e-2)
        func moved(_ by: Float) throws -> Double {
          var copy = values
          copy[element] += by
          var changed = inputs
          changed[number] = Tensor(copy, shape: input.shape)
          return try total(changed)
        }
        let (low, middle, high) = (try moved(-step), try total(inputs), try moved(step))
        // At a kink the slopes on both sides differ, and a gradient between them is right.
        let sides = [(middle - low) / Double(step), (high - middle) / Double(step)]
        let tolerance = Double(scale) * 0.05 + abs(sides[1] - sides[0]) * 0.05
        let given = Double(written[element])
        guard
          given < min(sides[0], sides[1]) - tolerance
            || given > max(sides[0], sides[1]) + tolerance || !given.isFinite
        else { continue }
        found.withLock {
          $0.faults.append(
            "custom operation \(operation.name): the gradient of input \(number) at element \(element) "
              + "is \(given), but finite differences give \((sides[0] + sides[1]) / 2)")
        }
        return
      }
    }
  }
}
