import NeuralNetworks
import Tensors
import VAECore

/// Distances between pictures in place of a likelihood's distortion:
///
///     loss = strength · D · (share · (1 − MS-SSIM(x, x̂)) + (1 − share) · mean |x − x̂|) + β · rate
///
/// x̂ is the mean of p(x|z) at a draw from q(z|x), D the numbers of an example (Snell et al. 2017; the mixture with absolute
/// errors by Zhao et al. 2017, equation 8, without their Gaussian weights of the errors).
///
/// Neither distance is the logarithm of a density, so that the loss bounds no likelihood. What records and evaluations report
/// as `distortion` and `elbo` is of the model's likelihood around the same x̂, a bound like any other; what of the likelihood
/// is trained, such as a learnt deviation, is fitted to the errors meanwhile, by a gradient that reaches nothing else.
public final class PictureLoss: Objective {
  /// What one of a number counts in the loss, beside a nat of rate.
  public let strength: Float
  /// The share of structural similarity, from 0 to 1; the rest is that of absolute errors.
  public let share: Float
  /// The weight of the rate.
  public let beta: Float
  private let similarity: StructuralSimilarity?

  /// A loss on a number of scales, which may be zero where structural similarity has no share.
  public init(strength: Float, share: Float, beta: Float = 1, scales: Int) {
    ensure(scales > 0 || share == 0, "similarity on no scale cannot have a share of a loss")
    self.strength = strength
    self.share = share
    self.beta = beta
    similarity = share > 0 ? StructuralSimilarity(scales: scales) : nil
  }

  /// Nothing is trained.
  public var members: Members { [:] }

  /// One draw, whose mean is a picture.
  public var requirements: ObjectiveRequirements {
    var requirements = ObjectiveRequirements()
    requirements.needsDecodedMeans = true
    requirements.needsWholeImages = true
    return requirements
  }

  /// One phase over the model.
  public var phases: [Phase] {
    [
      Phase(name: "model") { [self] pass in
        let evaluation = pass.evaluation
        let (images, decoded) = (pass.batch, pass.decodedMean)
        let error = (images - decoded).magnitude().mean()
        let index = similarity.map { $0(images, decoded).mean() }
        var distance = error * (1 - share)
        if let index { distance = distance + (1 - index) * share }
        let elements = Float(images.shape.removingFirst.count)
        var loss = Loss.withAuxiliary(
          distance * (strength * elements) + evaluation.rate.mean() * beta, evaluation)
        if let fit = pass.distortionOfLikelihoodAlone { loss.value = loss.value + fit }
        if let index { loss.terms.append((name: "ms_ssim", value: index)) }
        loss.terms.append((name: "absolute_error", value: error))
        return loss
      }
    ]
  }
}
