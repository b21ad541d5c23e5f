import Glibc
import Tensors

/// What the posteriors of all examples make of one latent unit together, and what draws from it tell
/// of factors.
///
/// Chen et al. (2018), equations 5 and 6 and appendix C: over N examples, of which those with value
/// v of a factor are N_v,
///
///     q(z) = 1/N Σ_n q(z|x_n),   q(z|v) = 1/N_v Σ_{n: v_n = v} q(z|x_n),   q(z|x_n) = N(μ_n, σ_n²)
///     I(z; v) = H(z) − H(z|v) = Σ_v N_v/N E_{q(z|v)} [log q(z|v) − log q(z)]
///
/// in nats. Both sums over examples are complete; the expectation is the mean over draws, the same
/// for both densities, so that much of their noise cancels. The difference of no draw exceeds
/// log N/N_v, and so no estimate exceeds H(v).
struct AggregatePosterior {
  /// The mean of each example.
  let means: [Float]
  /// The standard deviation of each example, above zero.
  let deviations: [Float]

  /// Densities that are held at once, about: what stays in a cache.
  private static let tileSize = 1 << 18

  /// I(z; v) in nats for each factor, none below zero.
  ///
  /// - Parameters:
  ///   - draws: of which examples draws are.
  ///   - noise: standard normal numbers make them.
  func information(_ draws: PosteriorDraws, noise: RandomStream) -> [Double] {
    let ratios = withoutTape { logRatios(draws, noise: noise) }
    return draws.factors.indices.map { factor in
      let members = draws.members[factor]
      var sums = Array(repeating: 0.0, count: members.count)
      var counts = Array(repeating: 0, count: members.count)
      for (draw, example) in draws.examples.enumerated() {
        let value = Int(draws.factors[factor][example])
        sums[value] += ratios[draw * draws.factors.count + factor]
        counts[value] += 1
      }
      // Values by their frequencies among all examples. A rare one may have no draw.
      var (information, share) = (0.0, 0.0)
      for value in members.indices where counts[value] > 0 {
        information += Double(members[value].count) * sums[value] / Double(counts[value])
        share += Double(members[value].count)
      }
      return max(0, information / share)
    }
  }

  /// log q(z|v) − log q(z) in nats for each draw, and for each factor the example's value of it.
  private func logRatios(_ draws: PosteriorDraws, noise: RandomStream) -> [Double] {
    let (count, factorCount) = (means.count, draws.factors.count)
    let all = Tensor(means, shape: [count])
    let precision = Tensor(deviations.map { Float(0.5).squareRoot() / $0 }, shape: [count])
    let scale = Tensor(deviations.map { -log($0) }, shape: [count])
    let noise = noise.normal([draws.examples.count]).floats
    var ratios = Array(repeating: 0.0, count: draws.examples.count * factorCount)
    let size = max(1, min(256, Self.tileSize / count))
    for start in stride(from: 0, to: draws.examples.count, by: size) {
      let examples = Array(draws.examples[start..<min(start + size, draws.examples.count)])
      let drawn = examples.enumerated().map { row, example in
        means[example] + deviations[example] * noise[start + row]
      }
      let z = Tensor(drawn, shape: [examples.count, 1])
      // log q(z|x_n) + ½ log 2π for each draw and example
      let logDensities = scale - ((z - all) * precision).squared()
      // Over that of the example which the draw is of, so that no sum is zero.
      let own = logDensities.withFloats { values in
        examples.enumerated().map { row, example in values[row * count + example] }
      }
      let densities = (logDensities - Tensor(own, shape: [examples.count, 1])).exp()
      densities.withFloats { values in
        ratios.withUnsafeMutableBufferPointer { ratios in
          Self.logRatios(
            of: values, examples, draws,
            into: UnsafeMutableBufferPointer(
              rebasing: ratios[start * factorCount..<(start + examples.count) * factorCount]))
        }
      }
    }
    return ratios
  }

  /// The same for some draws, whose densities under the posterior of each example are
  /// `[draws, examples]`.
  private static func logRatios(
    of densities: UnsafeBufferPointer<Float>, _ examples: [Int], _ draws: PosteriorDraws,
    into ratios: UnsafeMutableBufferPointer<Double>
  ) {
    let count = densities.count / examples.count
    let factorCount = draws.factors.count
    // Every thread reads, and writes to draws of its own.
    nonisolated(unsafe) let (densities, ratios) = (densities, ratios)
    Engine.divide(examples.count, block: 1) { rows in
      for row in rows {
        let row = (start: row * count, example: examples[row], place: row * factorCount)
        let densities = UnsafeBufferPointer(rebasing: densities[row.start..<row.start + count])
        let logMean = log(sum(densities) / Double(count))
        for factor in 0..<factorCount {
          let members = draws.members[factor][Int(draws.factors[factor][row.example])]
          let sum = sum(densities, members)
          ratios[row.place + factor] = log(sum / Double(members.count)) - logMean
        }
      }
    }
  }

  /// The sum of all numbers, in lanes.
  private static func sum(_ values: UnsafeBufferPointer<Float>) -> Double {
    let whole = values.count / 8 * 8
    var lanes = SIMD8<Double>(repeating: 0)
    let bytes = UnsafeRawBufferPointer(values)
    for place in stride(from: 0, to: whole, by: 8) {
      lanes += SIMD8<Double>(
        bytes.loadUnaligned(
          fromByteOffset: place * MemoryLayout<Float>.size, as: SIMD8<Float>.self))
    }
    return values[whole...].reduce(lanes.sum()) { $0 + Double($1) }
  }

  /// The sum of the numbers at some places, in lanes.
  private static func sum(_ values: UnsafeBufferPointer<Float>, _ places: [Int32]) -> Double {
    places.withUnsafeBufferPointer { places in
      var lanes = SIMD4<Double>(repeating: 0)
      let whole = places.count / 4 * 4
      for start in stride(from: 0, to: whole, by: 4) {
        lanes += SIMD4<Double>(
          Double(values[Int(places[start])]), Double(values[Int(places[start + 1])]),
          Double(values[Int(places[start + 2])]), Double(values[Int(places[start + 3])]))
      }
      return places[whole...].reduce(lanes.sum()) { $0 + Double(values[Int($1)]) }
    }
  }
}
