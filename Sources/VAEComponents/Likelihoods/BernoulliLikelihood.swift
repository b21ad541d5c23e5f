import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Independent binary elements with logits from the decoder: log p = Σ x · logit − softplus(logit).
///
/// On values between zero and one the sum is a cross-entropy and no likelihood, so such data is
/// refused.
public final class BernoulliLikelihood: Likelihood {
  /// A likelihood without hyper-parameters.
  public init() {}

  /// Nothing is trained.
  public var members: Members { [:] }
  /// A logit for each channel.
  public func parametersPerPixel(channels: Int) -> Int { channels }
  /// It is.
  public var factorizes: Bool { true }
  /// Zero and one.
  public var isDiscrete: Bool { true }

  /// Σ x · logit − softplus(logit) in nats.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    .bernoulliLogDensity(x, logits: parameters)
  }

  /// The logit of each probability (Burda et al. 2016 begin so).
  public func parameters(withMean mean: Tensor) -> Tensor? { mean.logit() }

  /// sigmoid(logit)
  public func mean(_ parameters: Tensor) -> Tensor { parameters.sigmoid() }

  /// One with probability sigmoid(logit), else zero.
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    (mean(parameters) - noise).isAbove(0)
  }

  /// A uniform number for each element.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.stream("likelihood").uniform(context.examples, shape: imageShape)
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `bernoulli`.
  public static var bernoulli: Component {
    Component(
      role: .likelihood, name: "bernoulli", summary: "binary elements, logits from the decoder"
    ) { build in
      try build.data.checkIsNoTable(for: "bernoulli")
      guard build.data.range == .binary else {
        throw RecipeError(
          .unsuitableData,
          "the bernoulli likelihood needs data of zeros and ones, but these are "
            + "\(build.data.range.phrase); add \(.setting("training.binarize", "threshold")) (or dynamic), or "
            + "\(.setting("likelihood", "gaussian"))")
      }
      return BernoulliLikelihood()
    }
  }
}
