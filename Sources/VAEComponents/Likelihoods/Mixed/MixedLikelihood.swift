import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The columns of a table, independent given the latents, each by the law of its kind, in nats in the
/// table's own units:
///
/// - a real number v: log N((v − c)/s; m, σ²) − log s, with c and s the centre and the scale of the column;
/// - a positive one, log-normal: log N((log v − c)/s; m, σ²) − log s − log v;
/// - either where mass gathers at points: log softmax of the point, or of none of them, and then that
///   density;
/// - a count n: a negative binomial of mean μ = exp(c + s t) and dispersion r, log Γ(n+r)/(Γ(r) n!) +
///   r log r/(r+μ) + n log μ/(r+μ), or a Poisson distribution, n log μ − μ − log n!;
/// - yes or no: x · logit − softplus(logit); a category: log softmax.
///
/// σ and r are one trained number a column. With several components a number's density is a mixture of as
/// many Gaussians, Σ π N(·; m, σ²), whose weights and means are given by the decoder and whose deviations
/// are trained numbers.
public final class MixedLikelihood: Likelihood {
  /// The law of counts.
  public enum CountLaw: String, Sendable, CaseIterable {
    /// The variance is μ + μ²/r.
    case negativeBinomial = "negative-binomial"
    /// The variance is μ.
    case poisson
  }

  /// The columns.
  public let columns: TableColumns
  /// The Gaussians of a number's density.
  public let components: Int
  /// The law of counts.
  public let counts: CountLaw
  private let layout: MixedLayout
  private let rawSpread: Parameter

  /// A likelihood of rows of some columns.
  public init(_ columns: TableColumns, components: Int = 1, counts: CountLaw = .negativeBinomial) {
    ensure(components >= 1, "a density has at least one component, not \(components)")
    self.columns = columns
    self.components = components
    self.counts = counts
    layout = MixedLayout(columns, components: components, counts: counts)
    let start = components == 1 ? 0 : Float(-0.7)
    rawSpread = Parameter([columns.count, components], isDecayed: false) {
      Tensor(repeating: start, shape: [columns.count, components])
    }
  }

  /// log σ of numbers and log r of counts, before they are kept above their bounds.
  public var members: Members { ["log_spread": .parameter(rawSpread)] }
  /// A mean or a logit; with several components as many means and logits.
  public func parametersPerPixel(channels: Int) -> Int { channels * layout.numbers }
  /// Columns are independent.
  public var factorizes: Bool { true }
  /// Some are densities.
  public var isDiscrete: Bool { false }
  /// They are.
  public var pricesColumns: Bool { true }

  /// log σ and log r, `[columns, components]`: softly above −6, and σ above what is left of rounding.
  private var spread: Tensor {
    let bounds = Tensor(layout.bounds, shape: [columns.count, components])
    return (rawSpread.tensor - bounds).softplus() + bounds
  }

  /// Σ log p over the columns, in nats in the table's own units.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    priced(x, parameters: parameters, chosen: nil)
  }

  /// The same over some of the columns.
  public func logDensity(
    _ x: Tensor, parameters: Tensor, ofElements chosen: Tensor, _ context: Context
  ) -> Tensor {
    priced(x, parameters: parameters, chosen: chosen)
  }

  private func priced(_ x: Tensor, parameters: Tensor, chosen: Tensor?) -> Tensor {
    let layout = layout
    let x = x.detached()
    return .custom("mixed log-density", of: [parameters, spread]) { inputs in
      layout.logDensity(x, parameters: inputs[0], spread: inputs[1], chosen: chosen)
    } gradient: { pass in
      let (parameters, spread) = layout.logDensityGradient(
        x, parameters: pass.inputs[0], spread: pass.inputs[1], chosen: chosen,
        arrived: pass.gradient)
      return [parameters, spread]
    }
  }

  /// Logits of the shares, and numbers in the middle.
  public func parameters(withMean mean: Tensor) -> Tensor? { layout.start(at: mean) }

  /// The mean of a number as a model sees it, and probabilities.
  public func mean(_ parameters: Tensor) -> Tensor {
    let layout = layout
    return .custom("mixed mean", of: [parameters, spread]) { inputs in
      layout.mean(inputs[0], spread: inputs[1])
    } gradient: { pass in
      let (parameters, spread) = layout.meanGradient(
        pass.inputs[0], spread: pass.inputs[1], arrived: pass.gradient)
      return [parameters, spread]
    }
  }

  /// A uniform and a standard normal number for each element.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    let uniform = context.stream("likelihood").uniform(context.examples, shape: imageShape)
    let normal = context.normalNoise("likelihood numbers", samples: 1, shape: imageShape)
    return Tensor.concatenated([uniform, normal], axis: -1)
  }

  /// A draw of each column, as a model sees it.
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    withoutTape { layout.sample(parameters, spread: spread, noise: noise) }
  }
}

extension MixedLikelihood {
  /// The hyper-parameters of `mixed`.
  package struct Options: HyperparameterSet {
    package enum Counts: String, SettingChoice {
      case negativeBinomial = "negative-binomial"
      case poisson
    }

    @Setting(1...32, help: "Gaussians in the density of a number given the latents")
    package var components = 1
    @Setting(help: "law of counts: variance μ + μ²/r with a trained r, or μ")
    package var counts = Counts.negativeBinomial

    package init() {}
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `mixed`.
  public static var mixed: Component {
    Component(
      role: .likelihood, name: "mixed",
      summary: "columns of a table, each by its kind: numbers, counts, yes or no, categories",
      options: MixedLikelihood.Options()
    ) { options, build in
      guard let columns = build.data.columns else {
        throw RecipeError(
          .unsuitableData,
          "the mixed likelihood is for tables, whose columns have kinds, but the data are none; choose "
            + "\(.setting("likelihood", "gaussian"))")
      }
      return MixedLikelihood(
        columns.seen, components: options.components,
        counts: options.counts == .poisson ? .poisson : .negativeBinomial)
    }
  }
}
