import NeuralNetworks
import Tensors
import VAECore

/// The top-down path of a ladder, p(z) = p(z_L) Π p(zᵢ | zᵢ₊₁) with p(z_L) = N(0, I), which
/// inference walks too: at each level the encoder's message is merged with the prior's belief by
/// precision, the level is drawn, priced against the prior, and passed down (Sønderby et al. 2016).
///
/// The rate of every level counts, the top included, and is the divergence from the *top-down
/// prior* given the draws above.
public final class LadderPrior: ReparameterizedPrior {
  /// What leads from one level to the one below it.
  public struct Step {
    /// From the state above to the features of this level.
    public let transition: any Layer
    /// From the features to mean and log-variance of p(zᵢ | zᵢ₊₁), joined along the last axis.
    public let head: any Layer
    /// A second path whose result takes the prior's place in the merge, where inference does not
    /// share its parameters with the generative model (the authors' code calls this
    /// `ladder_share_params=False`).
    public let separate: Separate?

    /// A path of inference's own.
    public struct Separate {
      /// From the state above to features.
      public let transition: any Layer
      /// From the features to mean and log-variance.
      public let head: any Layer

      /// A path.
      public init(transition: any Layer, head: any Layer) {
        self.transition = transition
        self.head = head
      }
    }

    /// A step down.
    public init(transition: any Layer, head: any Layer, separate: Separate? = nil) {
      self.transition = transition
      self.head = head
      self.separate = separate
    }

    var members: Members {
      var members: Members = ["transition": .module(transition), "head": .module(head)]
      if let separate {
        members.entries += [
          (name: "inference_transition", member: .module(separate.transition)),
          (name: "inference_head", member: .module(separate.head)),
        ]
      }
      return members
    }
  }

  /// The shape of each level for one example, the one nearest to the data first.
  public let levels: [Shape]
  private let steps: [Step]
  private let injections: [any Layer]
  private let features: Shape?

  /// A prior over levels of the given shapes.
  ///
  /// - Parameters:
  ///   - levels: the one nearest to the data first; at least one, none of them empty.
  ///   - steps: `steps[i]` leads to level `i`; one fewer than levels.
  ///   - injections: where the top-down path keeps its features beside the draws, a layer for each
  ///     level that takes `[features, z]`, joined along the last axis, to the state handed down
  ///     (the top has no features above it). Empty where zᵢ is the whole state, as in the paper.
  ///   - features: the shape of the last injection's output for one example.
  public init(
    levels: [Shape], steps: [Step], injections: [any Layer] = [], features: Shape? = nil
  ) {
    ensure(
      steps.count == levels.count - 1, "\(levels.count) levels need \(levels.count - 1) steps down")
    ensure(
      injections.isEmpty || injections.count == levels.count,
      "\(levels.count) levels need as many injections, not \(injections.count)")
    self.levels = levels
    self.steps = steps
    self.injections = injections
    self.features = features
  }

  /// The steps by level, and the injections where there are any.
  public var members: Members {
    var members: Members = [:]
    for (level, step) in steps.enumerated() {
      members.entries.append((name: "\(level)", member: .module(ModuleGroup(step.members))))
    }
    if !injections.isEmpty {
      members.entries.append((name: "injections", member: .module(Sequential(injections))))
    }
    return members
  }

  /// What a decoder starts from.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var state: Shape?
    for level in levels.indices.reversed() {
      var features: Shape?
      if state != nil {
        let step = steps[level]
        features = try trace.pass(state, through: step.transition, "\(level).transition")
        _ = try trace.pass(features, through: step.head, "\(level).head")
        if let separate = step.separate {
          let inner = try trace.pass(
            state, through: separate.transition, "\(level).inference_transition")
          _ = try trace.pass(inner, through: separate.head, "\(level).inference_head")
        }
      }
      state = levels[level]
      guard !injections.isEmpty else { continue }
      let channels = levels[level][-1] + (features?[-1] ?? 0)
      state = try trace.pass(
        Shape(levels[level].dimensions.dropLast() + [channels]), through: injections[level],
        "injections.\(level)")
    }
    return state
  }

  /// The levels.
  public var latents: LatentSpace { .hierarchy(levels, features: features) }

  /// Every level drawn from the merged posterior, top first, and priced.
  public func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    guard let ladder = posterior as? LadderPosterior, ladder.messages.count == levels.count else {
      fatalError("a ladder prior takes the messages of a ladder encoder")
    }
    return walkDown(rows: request.samples * posterior.exampleCount, context) {
      level, prior, inner in
      let message = ladder.messages[level].tiled(prior == nil ? 1 : request.samples)
      let belief = inner ?? prior
      let merged = belief.map { message.merged(with: $0) } ?? message
      let drawn = merged.draw(request.samples, from: "posterior\(level + 1)", context)
      return LatentLayer(drawn, from: merged, under: prior ?? .standard(like: merged), request)
    }
  }

  /// Every level drawn from p, top first.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    let noise = levels.enumerated().map { level, shape in
      context.normalNoise("prior\(level + 1)", samples: 1, shape: shape) * temperature
    }
    return draw(noise: noise, context)
  }

  /// zᵢ = μᵢ + σᵢ εᵢ of p(zᵢ | zᵢ₊₁), from the top down.
  public func draw(noise: [Tensor], _ context: Context) -> LatentDraw {
    let count = noise.first?.shape[0] ?? context.examples.count
    return walkDown(rows: count, context) { level, prior, _ in
      LatentLayer(sample: prior?.value(at: noise[level]) ?? noise[level], rate: .zeros([count]))
    }
  }

  /// εᵢ = (zᵢ − μᵢ) / σᵢ of p(zᵢ | zᵢ₊₁).
  public func noise(of latents: [Tensor], _ context: Context) -> [Tensor] {
    let count = latents.first?.shape[0] ?? context.examples.count
    var noise = latents
    _ = walkDown(rows: count, context) { level, prior, _ in
      if let prior { noise[level] = prior.noise(of: latents[level]) }
      return LatentLayer(sample: latents[level], rate: .zeros([count]))
    }
    return noise
  }

  /// Given levels, with the top-down features that follow from them.
  public func draw(of latents: [Tensor], _ context: Context) -> LatentDraw {
    let count = latents.first?.shape[0] ?? context.examples.count
    return walkDown(rows: count, context) { level, _, _ in
      LatentLayer(sample: latents[level], rate: .zeros([count]))
    }
  }

  /// Visits the levels from the top down. `choose` gets the level, p(zᵢ | zᵢ₊₁) (nil at the top)
  /// and inference's own belief where it has one, and returns the level's draw.
  private func walkDown(
    rows: Int, _ context: Context,
    choose: (_ level: Int, _ prior: DiagonalGaussian?, _ inner: DiagonalGaussian?) -> LatentLayer
  ) -> LatentDraw {
    var layers: [LatentLayer] = []
    var state: Tensor?
    for level in levels.indices.reversed() {
      var features: Tensor?
      var (prior, inner): (DiagonalGaussian?, DiagonalGaussian?)
      if let state {
        let step = steps[level]
        let down = step.transition(state, context)
        prior = DiagonalGaussian(head: step.head(down, context))
        inner = step.separate.map {
          DiagonalGaussian(head: $0.head($0.transition(state, context), context))
        }
        features = down
      }
      let layer = choose(level, prior, inner)
      layers.append(layer)
      state = injected(layer.sample, features, level: level, context)
    }
    return LatentDraw(
      layers: layers.reversed(), rowCount: rows, features: injections.isEmpty ? nil : state)
  }

  private func injected(
    _ z: Tensor, _ features: Tensor?, level: Int, _ context: Context
  ) -> Tensor {
    guard !injections.isEmpty else { return z }
    let joined = features.map { Tensor.concatenated([$0, z], axis: -1) } ?? z
    return injections[level](joined, context)
  }
}
