import Messages
import VAECore
import VAERecipes

extension PictureLoss {
  /// The hyper-parameters of `picture-loss`.
  struct Options: HyperparameterSet {
    @Setting(
      0...1e6, help: "weight of the distances for each number of an image, beside a nat of rate")
    var strength = 10.0
    @Setting(0...1, help: "share of 1 − MS-SSIM; the rest is that of the mean absolute error")
    var share = 0.84
    @Setting(0...1e6, help: "weight of the rate in the loss") var rateWeight = 1.0
  }
}

extension Component where Part == any Objective {
  /// The recipe component `picture-loss`.
  static var pictureLoss: Component {
    Component(
      role: .objective, name: "picture-loss",
      summary: "1 − MS-SSIM and absolute errors + rate_weight · rate; no bound",
      options: PictureLoss.Options()
    ) { options, build in
      let data = build.data
      let scales = StructuralSimilarity.scales(height: data.height, width: data.width)
      guard scales > 0 || options.share == 0 else {
        throw RecipeError(
          .unsuitableData,
          "the picture-loss objective needs images of at least \(StructuralSimilarity.windowSize)×"
            + "\(StructuralSimilarity.windowSize) pixels, the window of its structural similarity, but these data are "
            + "\(data.height)×\(data.width); choose \(.setting("objective.share", "0")), which leaves absolute errors, or "
            + "\(.setting("objective.name", "elbo"))")
      }
      guard data.range != .real else {
        throw RecipeError(
          .invalid,
          "the picture-loss objective compares values between 0 and 1, but these data have \(data.range.phrase); choose "
            + "\(.setting("objective.name", "elbo"))")
      }
      return PictureLoss(
        strength: Float(options.strength), share: Float(options.share),
        beta: Float(options.rateWeight),
        scales: scales)
    }
  }
}
