import Messages
import NeuralNetworks
import Tensors

/// What an objective needs of every evaluation: how latents are drawn, a second batch, frozen networks.
public struct ObjectiveRequirements {
  /// How latents are drawn.
  public var draw = DrawRequest()
  /// Whether a second, independent batch is drawn beside the first: `ForwardPass.second`.
  public var needsSecondBatch = false
  /// The examples that a batch must have at least: two where they are compared with each other.
  public var fewestExamples = 1
  /// Whether the phases look at decoded means, `ForwardPass.decodedMean`. A model whose decoder is autoregressive has
  /// none: it predicts every pixel from the true ones before it.
  public var needsDecodedMeans = false
  /// Whether the phases compare whole images, so that none of their values may be missing.
  public var needsWholeImages = false
  /// Frozen networks whose features the phases ask for; opened before the first update.
  public var networks: [FrozenNetworkFile] = []

  /// One draw with a closed-form rate.
  public init() {}
}

/// The parameters that one phase of an objective trains.
public enum ParameterGroup: Hashable, Sendable {
  /// Those of encoder, prior, decoder and likelihood.
  case model
  /// Those of the objective itself, such as a discriminator's.
  case objective
  /// Those whose paths begin with one of the given prefixes.
  case paths([String])

  /// Whether a parameter of the whole model belongs to the group.
  public func contains(_ path: String) -> Bool {
    switch self {
    case .model: !path.hasPrefix("objective.")
    case .objective: path.hasPrefix("objective.")
    case .paths(let prefixes): prefixes.contains { path.hasPrefix($0) }
    }
  }
}

/// A loss with the terms of it that records keep.
public struct Loss {
  /// The scalar to minimise.
  public var value: Tensor
  /// Scalars to log, by name.
  public var terms: [(name: String, value: Tensor)]

  /// A loss with terms to log.
  public init(_ value: Tensor, terms: [(name: String, value: Tensor)] = []) {
    self.value = value
    self.terms = terms
  }
}

/// One optimisation problem of an objective. An update runs all phases in order, each with a fresh
/// forward pass, gradients for its own parameters only, and an optimizer of its own.
///
/// ```swift
/// let phase = Phase(
///   name: "discriminator", group: .objective, rule: .adam(beta1: 0.5, beta2: 0.9), startStep: 1000,
///   interval: 2
/// ) { pass in
///   Loss(discriminator(pass.draw.layers[0].sample.detached(), pass.context).softplus().mean())
/// }
/// ```
public struct Phase {
  /// The key of the optimizer's state in checkpoints.
  public let name: String
  /// What is trained.
  public let group: ParameterGroup
  /// The update rule, nil for that of the recipe.
  public let rule: UpdateRule?
  /// The learning rate as a multiple of the recipe's.
  public let rateFactor: Float
  /// The number of updates that the model makes before the phase joins in.
  public let startStep: Int
  /// The phase takes part in one update of so many.
  public let interval: Int
  /// Whether the phase leaves this update out, as an adversary does that is too far ahead; nil for
  /// never. It is asked only where start and interval let the phase run.
  public let skips: ((ForwardPass) -> Bool)?
  /// The loss of a batch.
  public let loss: (ForwardPass) -> Loss

  /// A phase; one that runs in every update unless it is told otherwise.
  public init(
    name: String, group: ParameterGroup = .model, rule: UpdateRule? = nil,
    rateFactor: Float = 1, startStep: Int = 0, interval: Int = 1,
    skips: ((ForwardPass) -> Bool)? = nil, loss: @escaping (ForwardPass) -> Loss
  ) {
    ensure(
      startStep >= 0 && interval > 0,
      "a phase starts at a step from 0 and runs every 1 or more, not at \(startStep), \(interval)")
    self.name = name
    self.group = group
    self.rule = rule
    self.rateFactor = rateFactor
    self.startStep = startStep
    self.interval = interval
    self.skips = skips
    self.loss = loss
  }

  /// Whether start and interval let the phase run after the given number of updates.
  public func isDue(step: Int) -> Bool {
    step >= startStep && (step - startStep).isMultiple(of: interval)
  }
}

/// Weighs rate against distortion: from a forward pass to what is minimised. It may own networks, such as
/// a discriminator, as members; the paths of their parameters begin with `objective.`.
///
/// ```swift
/// /// Distortion + γ |rate − target|: the rate is held at a target (Burgess et al. 2018, equation 8).
/// final class TargetRate: Objective {
///   let target: Float
///   init(target: Float) { self.target = target }
///
///   var members: Members { [:] }
///   var requirements: ObjectiveRequirements { ObjectiveRequirements() }
///   var phases: [Phase] {
///     let target = target
///     return [
///       Phase(name: "model") { pass in
///         let evaluation = pass.evaluation
///         let distance = (evaluation.rate.mean() - target).magnitude()
///         return .withAuxiliary(evaluation.distortion.mean() + distance * 30, evaluation)
///       }
///     ]
///   }
/// }
/// ```
public protocol Objective: Module {
  /// What it needs of an evaluation.
  var requirements: ObjectiveRequirements { get }
  /// The optimisation problems of one update, in order.
  var phases: [Phase] { get }
  /// What to say where latents carry nothing after some training.
  ///
  /// - Parameters:
  ///   - step: updates made.
  ///   - epochs: the same in epochs.
  func latentAdvice(step: Int, epochs: Double) -> LatentAdvice
  /// What calls for attention in the terms that its losses have logged, in one sentence with a remedy; nil
  /// where nothing does. It is asked after every epoch until it says something.
  ///
  /// - Parameter terms: the means over an epoch.
  func concern(about terms: [(name: String, value: Double)]) -> Message?
}

extension Objective {
  /// Nothing of the objective's own can be changed.
  public func latentAdvice(step: Int, epochs: Double) -> LatentAdvice { .change([]) }

  /// Nothing.
  public func concern(about terms: [(name: String, value: Double)]) -> Message? { nil }
}
