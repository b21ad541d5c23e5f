import Glibc
import NeuralNetworks
import Tensors

extension Tensor {
  /// The number of a component for each of `samples` draws for each of the context's examples, sample by
  /// sample, by the inverse of the cumulative weights, of which this has the logarithms, `[C]`.
  func weightedChoices(_ samples: Int, from stream: String, _ context: Context) -> [Int32] {
    var sum = 0.0
    let cumulative = floats.map { weight in
      sum += Glibc.exp(Double(weight))
      return sum
    }
    let uniform = context.stream("\(stream) component")
    return (0..<samples).flatMap { sample in
      uniform.uniform(context.examples, shape: [1], draw: context.firstDraw + sample).floats.map {
        number in
        // Weights that are no numbers choose the last component, whose draw tells of them.
        let place = Double(number) * sum
        return Int32(cumulative.firstIndex { place < $0 } ?? cumulative.count - 1)
      }
    }
  }
}
