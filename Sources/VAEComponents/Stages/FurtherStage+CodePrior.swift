import VAERecipes

extension FurtherStage {
  /// The stage `prior` of variants with a grid of codes: a network that learns which codes follow which, from
  /// which new images are drawn. It lowers the rate and leaves the distortion as it is.
  public static var codePrior: FurtherStage {
    FurtherStage(
      name: "prior", summary: "a PixelCNN over the codes in place of the uniform prior",
      parts: [.prior: "pixelcnn-codes"], trains: ["prior.network."], data: .latents)
  }
}
