import VAECore
import VAEEvaluation
import VAEFiles

extension Evaluator.Result {
  /// The result by the names that commands, C and Python use.
  ///
  /// - Parameters:
  ///   - variant: of the model.
  ///   - split: what was measured.
  ///   - isConditional: whether the model is told a condition, so that all bounds are on log p(x|y).
  public func json(variant: String, split: String, isConditional: Bool = false) -> JSON {
    var object: JSON.Object = [
      "variant": .text(variant), "split": .text(split), "examples": .integer(examples),
    ]
    if isConditional { object["bound_on"] = .text("log p(x|y)") }
    func add(_ name: String, _ estimate: Estimate) {
      object[name] = .finite(estimate.mean)
      object["\(name)_stderr"] = estimate.standardError.map(JSON.finite) ?? .null
    }
    add("elbo", elbo)
    add("rate", rate)
    add("distortion", distortion)
    if let nll {
      add("nll", nll.estimate)
      object["nll_samples"] = .integer(nll.samples)
    }
    if let bitsPerDimension {
      add("bits_per_dim", bitsPerDimension)
      object["bits_per_dim_bound"] = .text(nll == nil ? "elbo" : "nll")
    }
    if let activeUnits {
      object["active_units"] = .integer(Int(activeUnits.mean))
      object["active_units_stderr"] =
        activeUnits.standardError.map(JSON.finite) ?? .null
    }
    if let unitRates { object["rate_per_unit"] = .array(unitRates.map(JSON.finite)) }
    if layerRates.count > 1 { object["rate_per_layer"] = .array(layerRates.map(JSON.finite)) }
    if let classes {
      object["elbo_per_class"] = .array(
        classes.map {
          .object([
            "class": .text($0.name), "examples": .integer($0.examples),
            "elbo": .finite($0.elbo.mean),
            "elbo_stderr": $0.elbo.standardError.map(JSON.finite) ?? .null,
          ])
        })
    }
    if let aggregatePosterior { object["aggregate_posterior"] = aggregatePosterior.json }
    if let codeUsage {
      object["codebook_perplexity"] = .finite(codeUsage.perplexity)
      object["codebook_usage"] = .finite(codeUsage.share)
    }
    if let disentanglement {
      if let gap = disentanglement.mutualInformationGap { object["mig"] = .finite(gap.score) }
      object["factor_vae_score"] = .finite(disentanglement.factorVAEScore.score)
      object["dci_disentanglement"] = .finite(disentanglement.dci.disentanglement)
      object["dci_completeness"] = .finite(disentanglement.dci.completeness)
      object["dci_informativeness"] = .finite(disentanglement.dci.informativeness)
    }
    return .object(object)
  }
}

extension AggregateMoments.Distance {
  /// The distance by the names that commands, C and Python use.
  var json: JSON {
    var object: JSON.Object = ["mean_norm": .finite(meanNorm), "kl": .finite(divergence)]
    if layers.count > 1 {
      object["mean_norm_per_layer"] = .array(layers.map { .finite($0.meanNorm) })
      object["kl_per_layer"] = .array(layers.map { .finite($0.divergence) })
    }
    return .object(object)
  }
}
