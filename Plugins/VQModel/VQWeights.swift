import AutoencoderKL
import Messages
import VAEFiles
import VAERecipes
import VQVAE

/// The autoencoder with codes as diffusers stores it (`VQModel`), or under the names of taming and latent
/// diffusion, alone or in a checkpoint.
struct VQWeights: WeightFormat {
  var summary: String {
    "VQModel (VQGAN, latent diffusion's vq-f4, …): diffusers' folder, or taming's names, alone or in a checkpoint"
  }

  func plan(for weights: ForeignWeights) throws(RecipeError) -> ImportPlan? {
    let own = weights.config?["_class_name"]?.text
    guard own == nil || own == "VQModel" else { return nil }
    guard let (number, names) = KLNames.found(in: weights) else { return nil }
    let network = try KLNetwork(weights.files[number], names)
    guard let codes = network.codes else { return nil }
    var config = ForeignConfig(weights)
    try check(network, codes: codes, &config)
    let groups = try config.count("norm_num_groups", in: 1...4096) ?? 32
    var plan = ImportPlan(
      title: network.title, settings: network.settings(groups: groups),
      channels: network.imageChannels,
      sampleSize: try config.count("sample_size", in: 1...32768),
      tensors: network.tensors(file: number), freshPaths: Self.freshPaths)
    // The vectors are trained by gradient in the authors' programs, which keep no averages.
    plan.settings.append((key: "prior.update", value: "gradient"))
    plan.isForeign = { names.isForeign($0) }
    let factor = try config.number("scaling_factor", else: 1, null: 1)
    plan.notices += [config.unread].compactMap(\.self)
    if factor != 1 {
      plan.notices.append(
        "\(weights.source): config.json has a scaling_factor, \(factor), that a model with codes does not keep; where a model of its latents wants it, multiply them by it"
      )
    }
    return plan
  }

  /// What no such file has: how often codes are used, and the likelihood's variance.
  private static let freshPaths = ["likelihood.", "prior.codebook.counts"]

  private func check(
    _ network: KLNetwork, codes: Int, _ config: inout ForeignConfig
  ) throws(RecipeError) {
    try network.check(&config)
    try config.check("num_vq_embeddings", .integer(codes), else: .integer(256))
    if try config.count("vq_embed_dim", in: 1...65536) != nil {
      try config.check("vq_embed_dim", .integer(network.latentChannels), else: .null)
    }
    try config.check("norm_type", .text("group"), else: .text("group"))
    try config.check("lookup_from_codebook", .bool(false), else: .bool(false))
  }

  // MARK: Export

  var exports: [String] { ["diffusers", "ldm"] }

  func exportPlan(for recipe: Recipe, as name: String) throws(RecipeError) -> ExportPlan {
    try recipe.checkParts([.prior: "uniform-codes"])
    let codebook = VectorQuantizer.Options(recipe.part(.prior).values)
    let isDiffusers = name == "diffusers"
    let network = try KLNetwork(
      recipe, names: KLNames(isDiffusers ? .diffusers : .latentDiffusion),
      latentChannels: codebook.codeSize, codes: codebook.codes)
    guard network.hasLatentConvolutions else {
      throw RecipeError(
        .invalid, "other programs have no VQModel without latent_convolution in both halves")
    }
    var plan = ExportPlan(
      title: network.title, fileNames: isDiffusers ? [ForeignWeights.diffusersFile] : nil,
      tensors: network.tensors(file: 0), leftPaths: [])
    if isDiffusers {
      var config = network.config(of: recipe, className: "VQModel")
      config["num_vq_embeddings"] = .integer(codebook.codes)
      config["vq_embed_dim"] = .null
      config["norm_type"] = .text("group")
      config["lookup_from_codebook"] = .bool(false)
      config["scaling_factor"] = .integer(1)
      plan.config = config
    } else {
      plan.notices = [KLNetwork.groupsNotice(recipe)].compactMap(\.self)
    }
    return plan
  }
}
