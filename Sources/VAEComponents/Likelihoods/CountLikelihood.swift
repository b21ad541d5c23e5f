import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Counts of many things in each row, such as of the transcripts of genes in a cell, given their total, as scvi-tools has
/// them (Lopez et al. 2018, "Deep generative modeling for single-cell transcriptomics"):
///
/// - the mean of column j is a share of the row's *library size*, μ = L · softmax(t)ⱼ, with L = Σ x as it is observed and t
///   the decoder's output;
/// - log p(x) = log Γ(x+θ)/(Γ(θ) x!) + θ log θ/(θ+μ) + x log μ/(θ+μ), a negative binomial whose variance is μ + μ²/θ, with a
///   trained θ of each column;
/// - zero-inflated, a count is zero with probability σ(d) whatever its mean, d the decoder's second output of the column,
///   and else that.
///
/// So it is log p(x | L), in nats. Means are those of a row with the library size that is usual in training, e to the mean
/// of log L; draws draw log L from a Gaussian with the mean and the deviation that it had there.
public final class CountLikelihood: Likelihood {
  /// The columns, all of them counts.
  public let columns: TableColumns
  /// Whether there are more zeros than the negative binomial has.
  public let isZeroInflated: Bool
  private let rawDispersion: Parameter
  /// Mean and deviation of the logarithms of library sizes.
  private let librarySize: Buffer

  /// A likelihood of rows of counts.
  public init(_ columns: TableColumns, isZeroInflated: Bool = false) {
    ensure(columns.columns.allSatisfy { $0.kind == .count }, "all columns must be counts")
    self.columns = columns
    self.isZeroInflated = isZeroInflated
    rawDispersion = Parameter([columns.count], isDecayed: false) { .zeros([columns.count]) }
    librarySize = Buffer([2]) { .zeros([2]) }
  }

  /// log θ of each column, and what is known of library sizes.
  public var members: Members {
    ["log_dispersion": .parameter(rawDispersion), "log_library": .buffer(librarySize)]
  }

  /// What becomes a share, and the logit of a zero that is one whatever the mean.
  public func parametersPerPixel(channels: Int) -> Int { channels * numbers }
  /// Shares add up to one.
  public var couplesPixels: Bool { true }
  /// Counts.
  public var isDiscrete: Bool { true }
  /// It does not: the means of a row share its total.
  public var hasPointwiseMean: Bool { false }
  /// They are counts.
  public var pricesColumns: Bool { true }

  private var numbers: Int { isZeroInflated ? 2 : 1 }
  private var width: Int { columns.count }

  /// Σ log p over the columns, in nats.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let (examples, rows) = (x.shape[0], parameters.shape[0])
    let counts = self.counts(x)
    let (width, isInflated) = (width, isZeroInflated)
    return .custom("count log-density", of: [parameters, rawDispersion.tensor]) { inputs in
      Tensor([rows]) { result in
        nonisolated(unsafe) let result = result
        Self.withElements(inputs) { given, dispersion in
          nonisolated(unsafe) let (given, dispersion) = (given, dispersion)
          Engine.forEachRow(rows, of: width) { row in
            var law = CountRow(counts[row % examples], isInflated: isInflated)
            result[row] = Float(
              law.price(given + row * law.size, dispersion, slopes: false))
          }
        }
      }
    } gradient: { pass in
      let weights = pass.gradient.floats
      var spread = Tensor.zeros([rows, width])
      let own = Tensor(pass.inputs[0].shape) { own in
        nonisolated(unsafe) let own = own
        spread = Tensor([rows, width]) { spread in
          nonisolated(unsafe) let spread = spread
          Self.withElements(pass.inputs) { given, dispersion in
            nonisolated(unsafe) let (given, dispersion) = (given, dispersion)
            Engine.forEachRow(rows, of: width) { row in
              var law = CountRow(counts[row % examples], isInflated: isInflated)
              _ = law.price(given + row * law.size, dispersion, slopes: true)
              let weight = Double(weights[row])
              for place in 0..<law.size {
                own[row * law.size + place] = Float(weight * law.slopes[place])
              }
              for column in 0..<width {
                spread[row * width + column] = Float(weight * law.dispersionSlopes[column])
              }
            }
          }
        }
      }
      return [own, spread.sum(axis: 0)]
    }
  }

  /// The counts of each row that a model sees.
  private func counts(_ x: Tensor) -> [[Double]] {
    let (columns, width) = (columns.columns, width)
    let rows = x.count / width
    return x.withFloats { x in
      nonisolated(unsafe) let x = x
      return [[Double]](unsafeUninitializedCapacity: rows) { buffer, used in
        nonisolated(unsafe) let room = UnsafeMutableBufferPointer(rebasing: buffer[..<rows])
        room.initialize(repeating: [])
        Engine.forEachRow(rows, of: width) { row in
          room[row] = columns.indices.map {
            columns[$0].restored(x[row * width + $0]).rounded()
          }
        }
        used = rows
      }
    }
  }

  private static func withElements(
    _ inputs: [Tensor], _ body: (UnsafePointer<Float>, UnsafePointer<Float>) -> Void
  ) {
    inputs[0].withFloats { given in
      inputs[1].withFloats { dispersion in
        guard let given = given.baseAddress, let dispersion = dispersion.baseAddress else { return }
        body(given, dispersion)
      }
    }
  }

  // MARK: Means and draws

  /// The usual library size.
  public func prepare(firstBatches: [Tensor], context: Context) {
    let sizes = firstBatches.flatMap { counts($0).map { log(max(1, $0.reduce(0, +))) } }
    let count = Double(max(1, sizes.count))
    let mean = sizes.reduce(0, +) / count
    let variance = sizes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    librarySize.value = Tensor([Float(mean), Float(variance.squareRoot())])
  }

  /// Logarithms of shares, and few zeros that are none of the negative binomial.
  public func parameters(withMean mean: Tensor) -> Tensor? {
    let means = mean.floats
    return Tensor([1, width, numbers]) { result in
      for (number, column) in columns.columns.enumerated() {
        result[number * numbers] = Float(log(max(1e-4, column.restored(means[number]))))
        if isZeroInflated { result[number * numbers + 1] = -2 }
      }
    }
  }

  /// The mean at the usual library size as a model sees counts.
  public func mean(_ parameters: Tensor) -> Tensor {
    let pieces = parameters.split(sizes: Array(repeating: 1, count: numbers))
    var mean = pieces[0].flattened().softmax() * exp(librarySize.value.floats[0])
    if isZeroInflated { mean = mean * (-pieces[1].flattened()).sigmoid() }
    let centres = Tensor(columns.columns.map { Float($0.centre) }, shape: [1, width])
    let scales = Tensor(columns.columns.map { Float($0.scale) }, shape: [1, width])
    return (((mean + 1).log() - centres) / scales).reshaped(to: pieces[0].shape)
  }

  /// For each element a uniform and a normal number for its count, a uniform one for a zero, and a normal one, of which
  /// the first of a row is for the library size.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    let stream = context.stream("likelihood")
    let normal = context.normalNoise("likelihood numbers", samples: 1, shape: imageShape)
    let library = context.normalNoise("likelihood library", samples: 1, shape: imageShape)
    let zeros = context.stream("likelihood zeros").uniform(context.examples, shape: imageShape)
    return Tensor.concatenated(
      [stream.uniform(context.examples, shape: imageShape), normal, zeros, library], axis: -1)
  }

  /// A draw of each count, as a model sees it.
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    let dispersion = rawDispersion.value.floats
    let library = librarySize.value.floats.map(Double.init)
    let (columns, width, numbers) = (columns.columns, width, numbers)
    let isInflated = isZeroInflated
    let rows = parameters.shape[0]
    return Tensor([rows, 1, width, 1]) { result in
      nonisolated(unsafe) let result = result
      Self.withElements([parameters, noise]) { given, random in
        nonisolated(unsafe) let (given, random) = (given, random)
        Engine.forEachRow(rows, of: width) { row in
          let given = given + row * width * numbers
          let random = random + row * width * 4
          let logTotal = library[0] + library[1] * Double(random[3])
          let shares = CountRow.logShares(width, numbers) { Double(given[$0]) }
          for number in 0..<width {
            let isZero =
              isInflated
              && Double(random[number * 4 + 2])
                < MixedLayout.sigmoid(Double(given[number * 2 + 1]))
            let law = CountDistribution(
              logMean: logTotal + shares[number],
              dispersion: CountRow.dispersion(dispersion[number]))
            let count =
              isZero ? 0 : law.draw(noise: (random[number * 4], random[number * 4 + 1]))
            result[row * width + number] = columns[number].standardized(count)
          }
        }
      }
    }
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `negative-binomial`.
  public static var negativeBinomial: Component {
    counts("negative-binomial", "counts of a row as shares of their total", isZeroInflated: false)
  }

  /// The recipe component `zero-inflated-negative-binomial`.
  public static var zeroInflatedNegativeBinomial: Component {
    counts(
      "zero-inflated-negative-binomial", "the same with more zeros than these shares explain",
      isZeroInflated: true)
  }

  private static func counts(
    _ name: String, _ summary: String, isZeroInflated: Bool
  ) -> Component {
    Component(role: .likelihood, name: name, summary: summary, takesCounts: true) { build in
      let columns = build.data.columns
      guard let columns, columns.columns.allSatisfy({ $0.kind == .count }) else {
        var found: Message = "the data are none, or bytes or numbers between 0 and 1"
        if let other = columns?.columns.first(where: { $0.kind != .count }) {
          found =
            "the column \(PlainText.quoted(other.name)) is \(other.kind.rawValue); make it one of counts by "
            + "\(.columnType(other.name, "count")), leave it out by \(.columnType(other.name, "ignore"))"
        } else {
          let areVectors = build.data.height == 1 && build.data.channels == 1
          found =
            found
            + (areVectors
              ? "; say which columns are counts, such as \(.columnType("0", "count"))"
              : "; reshape them to that")
        }
        throw RecipeError(
          .unsuitableData,
          "likelihood \(name) is for rows of counts [N, columns], but " + found
            + ", or choose \(.setting("likelihood", "auto"))"
        )
      }
      return CountLikelihood(columns, isZeroInflated: isZeroInflated)
    }
  }
}
