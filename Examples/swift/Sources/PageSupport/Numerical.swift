import Glibc
import NeuralNetworks
import Tensors

/// What can be computed without derivatives, to compare with.
public enum Numerical {
  /// log |det ∂f / ∂z| by central differences, in double precision but for f itself.
  ///
  /// - Parameters:
  ///   - place: z.
  ///   - f: as many numbers of as many.
  public static func logDeterminant(at place: [Float], of f: ([Float]) -> [Float]) -> Double {
    let step: Float = 0x1p-7
    var rows = place.indices.map { index in
      var (low, high) = (place, place)
      low[index] -= step
      high[index] += step
      return zip(f(high), f(low)).map { (Double($0) - Double($1)) / Double(2 * step) }
    }
    // Gaussian elimination with the largest pivot: the product of the pivots is ± the determinant.
    var sum = 0.0
    while let pivot = rows.max(by: { abs($0[0]) < abs($1[0]) }),
      let index = rows.firstIndex(of: pivot)
    {
      sum += log(abs(pivot[0]))
      rows.remove(at: index)
      rows = rows.map { row in
        zip(row, pivot).dropFirst().map { $0 - $1 * row[0] / pivot[0] }
      }
    }
    return sum
  }

  /// Draws of Gaussians with independent units that have the means of other draws and 1.5 times their
  /// variances, with their log-density: proposals for importance weights that cover what the others do.
  ///
  /// - Parameters:
  ///   - draws: `[K · N, units]`, K draws for each of the examples of `context`.
  ///   - context: where the noise comes from.
  /// - Returns: as many draws again, and `[K · N]`.
  public static func gaussian(
    like draws: Tensor, _ context: Context
  ) -> (z: Tensor, logDensity: Tensor) {
    let (count, units) = (context.examples.count, draws.shape[1])
    let samples = draws.shape[0] / count
    let each = draws.reshaped(to: [samples, count, units])
    let mean = each.mean(axis: 0)
    let logVariance = (each - mean).squared().mean(axis: 0).log() + log(Float(1.5))
    let noise = context.normalNoise("gaussian", samples: samples, shape: [units])
    let z = Tensor.reparameterized(mean: mean, logVariance: logVariance, noise: noise)
    return (z, .gaussianLogDensity(z, mean: mean, logVariance: logVariance))
  }
}
