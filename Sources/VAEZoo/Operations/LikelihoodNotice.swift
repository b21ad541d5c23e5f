import Messages
import VAEComponents
import VAECore
import VAERecipes

/// What the user should know before a training where nobody has chosen the likelihood and it is a density.
package struct LikelihoodNotice {
  /// A sentence.
  package let text: Message
  /// Whether it says that numbers cannot be compared with probabilities that others have for such data, or how they can:
  /// then every front end says it.
  package let isOfScales: Bool

  /// What there is to say of a new model; nil for nothing.
  ///
  /// - Parameters:
  ///   - model: as it was settled.
  ///   - recipe: as it was given.
  ///   - settings: as after `--set`.
  ///   - registry: the variants and components that the recipe may name.
  package init?(
    of model: TrainedModel, _ recipe: Recipe, settings: [(key: String, value: String)],
    registry: Registry
  ) {
    let part = model.recipe.part(.likelihood)
    guard recipe.data == nil, let data = model.recipe.data, !model.model.likelihood.isDiscrete,
      part.name != "mixed"
    else { return nil }
    let isAutomatic = registry.leavesLikelihoodToData(recipe, settings: settings)
    let usual = try? registry.recipe(for: recipe.variant).part(.likelihood).name
    let isDefault =
      usual == recipe.part(.likelihood).name && !registry.chooseLikelihood(settings)
    guard isAutomatic || isDefault else { return nil }
    let reason = isAutomatic ? "auto" : "the default of \(recipe.variant)"
    let notice: Message =
      "likelihood: \(part.name)\(Self.sigmaPhrase(of: part)) (\(reason)); its distortion is a density and can be negative"
    guard data.areWrittenDigits || data.range == .binary else {
      (text, isOfScales) = (notice, false)
      return
    }
    let ofBits: Message = "\(.setting("likelihood", "bernoulli"))"
    let takesBits = isAutomatic || Self.takesBits(model.recipe, registry)
    if data.range == .binary {
      let compared =
        notice
        + ", and its numbers cannot be compared with probabilities, as variants have whose likelihood is bernoulli"
      (text, isOfScales) = (takesBits ? compared + "; for these choose " + ofBits : compared, true)
      return
    }
    guard takesBits else {
      (text, isOfScales) = (notice, false)
      return
    }
    let compared =
      notice
      + "; for numbers like those of papers on binarized MNIST use \(.setting("training.binarize", "dynamic"))"
    (text, isOfScales) = (isAutomatic ? compared : compared + " and " + ofBits, true)
  }

  /// Which deviation a Gaussian has; nothing of another likelihood.
  private static func sigmaPhrase(of part: Recipe.Part) -> String {
    guard part.name == "gaussian" else { return "" }
    let sigma = GaussianLikelihood.Options(part.values).sigma.hyperparameterValue
    return switch sigma {
    case .text("data"): " with the deviation of the data as sigma"
    case .text(let kind): " with \(kind) sigma"
    default: " with sigma \(sigma)"
    }
  }

  /// Whether a model of a recipe can have probabilities of zeros and ones in place of its likelihood.
  private static func takesBits(_ recipe: Recipe, _ registry: Registry) -> Bool {
    var trial = recipe
    if let data = recipe.data {
      trial.data = DataDescription(
        height: data.height, width: data.width, channels: data.channels, range: .binary,
        rule: data.rule, condition: data.condition)
      trial.data?.missing = data.missing
    }
    return (try? registry.apply([(key: "likelihood", value: "bernoulli")], to: &trial)) != nil
      && (try? registry.plan(trial)) != nil
  }
}
