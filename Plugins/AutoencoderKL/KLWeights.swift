import Messages
import VAEComponents
import VAEFiles
import VAERecipes

/// The autoencoder of latent diffusion as diffusers stores it, or under the names of latent diffusion's own
/// files, alone or in a checkpoint of a whole pipeline.
struct KLWeights: WeightFormat {
  var summary: String {
    "AutoencoderKL (Stable Diffusion, FLUX.1): diffusers' folder, or latent diffusion's names, alone or in a checkpoint"
  }

  func plan(for weights: ForeignWeights) throws(RecipeError) -> ImportPlan? {
    let own = weights.config?["_class_name"]?.text
    guard own == nil || own == "AutoencoderKL" else { return nil }
    guard let (number, names) = KLNames.found(in: weights) else { return nil }
    let network = try KLNetwork(weights.files[number], names)
    guard network.codes == nil else { return nil }
    var config = ForeignConfig(weights)
    try network.check(&config)
    let groups = try config.count("norm_num_groups", in: 1...4096) ?? 32
    var plan = ImportPlan(
      title: network.title, settings: network.settings(groups: groups),
      channels: network.imageChannels,
      // What diffusers uses for tiles alone.
      sampleSize: try config.count("sample_size", in: 1...32768),
      tensors: network.tensors(file: number), freshPaths: Self.freshPaths)
    plan.isForeign = { names.isForeign($0) }
    plan.notices += [names.notice].compactMap(\.self)
    if config.isPresent {
      plan.settings += try KLNetwork.scaling(&config)
      plan.notices += [config.unread].compactMap(\.self)
    } else {
      plan.questions = [
        (
          key: "prior.scaling_factor",
          question:
            "the files do not say by which factor a model of the latents takes them: 0.18215 for Stable Diffusion 1 "
            + "and 2, 0.13025 for XL, 1.5305 with prior.shift_factor 0.0609 for 3, 0.3611 with 0.1159 for FLUX.1"
        )
      ]
    }
    return plan
  }

  /// What no such file has: the likelihood's variance.
  private static let freshPaths = ["likelihood."]

  // MARK: Export

  var exports: [String] { ["diffusers", "ldm"] }

  func exportPlan(for recipe: Recipe, as name: String) throws(RecipeError) -> ExportPlan {
    try recipe.checkParts([.prior: "standard-normal-map"])
    let isDiffusers = name == "diffusers"
    let network = try KLNetwork(
      recipe, names: KLNames(isDiffusers ? .diffusers : .latentDiffusion),
      latentChannels: LatentMapOptions(recipe.part(.prior).values).latentChannels)
    var plan = ExportPlan(
      title: network.title, fileNames: isDiffusers ? [ForeignWeights.diffusersFile] : nil,
      tensors: network.tensors(file: 0), leftPaths: [],
      config: isDiffusers ? network.config(of: recipe) : nil)
    if !isDiffusers { plan.notices = [KLNetwork.groupsNotice(recipe)].compactMap(\.self) }
    return plan
  }
}
