import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData

/// Labelled examples of a split.
struct ClassifierExamples {
  /// Where they come from.
  let split: DataSplit
  /// What messages call them.
  let name: String
  private let classes: KnownConditions

  /// The number of them.
  var count: Int { split.count }

  /// The examples to train on and those to be tried on.
  ///
  /// - Throws: `DataError` where labels are missing, are of other classes, or are too few.
  static func parts(
    of data: DataSource, _ classes: ConditionSpace
  ) throws -> (training: ClassifierExamples, heldOut: ClassifierExamples) {
    func known(of split: DataSplit) throws(DataError) -> KnownConditions {
      do {
        return try KnownConditions(of: split, classes)
      } catch {
        throw DataError(error.kind, "\(data.name): \(error.message)")
      }
    }
    if let split = [data.validation, data.test].compactMap({ $0 }).first(where: { $0.labels != nil }
    ) {
      return (
        ClassifierExamples(
          split: data.train, name: data.train.name, classes: try known(of: data.train)),
        ClassifierExamples(split: split, name: split.name, classes: try known(of: split))
      )
    }
    // Labels that are missing are said of the examples as they were given.
    _ = try known(of: data.train)
    let count = data.train.count
    guard count >= fewest else {
      throw DataError(
        .unusable,
        "\(data.name) has \(Count.of(count, "example")) and no labelled split to try a classifier on; give at least "
          + "\(fewest), or data with labels of a valid or test split")
    }
    let whole = DataSource(
      name: data.name, valueRange: data.valueRange, rule: data.rule, isDiscrete: data.isDiscrete,
      train: data.train)
    let apart = try whole.settingApart(0.1)
    guard let kept = apart.validation else { fatalError("nothing was set apart") }
    return (
      ClassifierExamples(
        split: apart.train, name: apart.train.name, classes: try known(of: apart.train)),
      ClassifierExamples(
        split: kept, name: "a tenth of \(data.train.name)", classes: try known(of: kept))
    )
  }

  /// Examples of which a tenth can be kept.
  private static let fewest = 10

  /// The images as the split has them, `[N, height, width, channels]`.
  func images(_ places: [Int]) -> Tensor { split.batch(places) }

  /// The classes as one-hot rows, `[N, classes]`.
  func rows(_ places: [Int]) -> Tensor { classes.rows(places) }

  /// The context of a batch.
  func context(
    _ mode: Context.Mode, _ places: [Int], step: Int, random: RandomSource
  ) -> Context {
    Context(
      mode: mode, step: step, random: random, examples: places.map(UInt64.init))
  }

  /// Examples whose values give mean and deviation, at most.
  private static let measured = 5000

  /// What a network takes whose first layer gets values of mean 0 and deviation 1, channel by channel.
  func input(range: ValueRange) -> FrozenNetwork.Input {
    let (channels, step) = (split.shape.channels, max(1, count / Self.measured))
    var (number, sums) = (0.0, [Double](repeating: 0, count: channels))
    var squares = sums
    let places = Array(stride(from: 0, to: count, by: step))
    for start in stride(from: 0, to: places.count, by: 500) {
      let batch = images(Array(places[start..<min(start + 500, places.count)]))
      number += Double(batch.count / channels)
      batch.withFloats { floats in
        for (index, value) in floats.enumerated() {
          sums[index % channels] += Double(value)
          squares[index % channels] += Double(value) * Double(value)
        }
      }
    }
    let means = sums.map { $0 / max(1, number) }
    let deviations = zip(squares, means).map { square, mean in
      let variance = square / max(1, number) - mean * mean
      // A channel that is the same everywhere stays as it is.
      return variance > 1e-12 ? Float(variance.squareRoot()) : 1
    }
    var input = FrozenNetwork.Input(
      channels: channels, mean: means.map { Float($0) }, deviation: deviations)
    input.range = range == .real ? .real : .unit
    input.leastSize = ClassifierNetwork.leastSize
    return input
  }
}

// MARK: - Changes of training images

extension ClassifierExamples {
  /// The images, each shifted and mirrored as the options say; what a shift uncovers has the colours of the
  /// nearest border.
  func shifted(_ places: [Int], _ options: ClassifierOptions, _ context: Context) -> Tensor {
    let images = images(places)
    let shape = split.shape
    let reach = (
      y: Int(Double(shape.height) * options.shift), x: Int(Double(shape.width) * options.shift)
    )
    guard reach.y > 0 || reach.x > 0 || options.mirror else { return images }
    let draws = context.stream("changes").uniform(context.examples, shape: [3]).floats
    func shift(_ draw: Float, _ reach: Int) -> Int {
      min(2 * reach, Int(draw * Float(2 * reach + 1))) - reach
    }
    return images.withFloats { source in
      Tensor(images.shape) { result in
        for row in places.indices {
          let (dy, dx) = (shift(draws[row * 3], reach.y), shift(draws[row * 3 + 1], reach.x))
          let isMirrored = options.mirror && draws[row * 3 + 2] < 0.5
          for y in 0..<shape.height {
            let fromY = min(max(y + dy, 0), shape.height - 1)
            for x in 0..<shape.width {
              let shifted = min(max(x + dx, 0), shape.width - 1)
              let fromX = isMirrored ? shape.width - 1 - shifted : shifted
              let from = ((row * shape.height + fromY) * shape.width + fromX) * shape.channels
              let to = ((row * shape.height + y) * shape.width + x) * shape.channels
              for channel in 0..<shape.channels { result[to + channel] = source[from + channel] }
            }
          }
        }
      }
    }
  }
}
