import NeuralNetworks
import Tensors

/// How a model is trained: the `training` part of a recipe.
public struct TrainingOptions: HyperparameterSet, Equatable {
  /// How values become binary.
  public enum Binarization: String, SettingChoice {
    /// They stay as they are.
    case none
    /// One above a half.
    case threshold
    /// One with the value's probability, drawn again at every use.
    case dynamic
  }

  /// How bytes become real numbers, for likelihoods that are densities.
  public enum Dequantization: String, SettingChoice {
    /// They stay as they are.
    case none
    /// (b + u) / 256 of a byte b, with u uniform in 0…1, drawn again at every use (Theis et al.
    /// 2016, section 3.1).
    case uniform
  }

  /// The change of the learning rate over a run.
  public enum ScheduleKind: String, SettingChoice {
    /// None.
    case constant
    /// By a factor every so many epochs.
    case step
    /// Half a cosine down to a factor.
    case cosine
  }

  /// The update rule.
  public enum OptimizerKind: String, SettingChoice {
    /// Kingma & Ba (2015).
    case adam
    /// With weight decay beside the gradients (Loshchilov & Hutter 2019).
    case adamw
    /// Gradient descent, with momentum where that is not zero.
    case sgd
  }

  /// Passes over the training data.
  @Setting(
    0...1_000_000,
    help: "passes over the training data; of a table by its rows, unless somebody says")
  public var epochs = 10
  /// Examples an update.
  @Setting(
    1...65536, help: "examples an update; of a table by its rows, unless somebody says")
  public var batchSize = 128
  /// The base learning rate.
  @Setting(1e-9...1e3, help: "base learning rate") public var learningRate = 1e-3
  /// The seed of everything random.
  @Setting(0...Int.max, help: "seed of weights, order, draws") public var seed = 0
  /// How values become binary.
  @Setting(
    help: "threshold: one above a half; dynamic: drawn with the value's probability at every use")
  public var binarize = Binarization.none
  /// How bytes become real numbers.
  @Setting(
    help:
      "uniform: (b + u) / 256 of a byte b, u drawn at every use, so that a density has bits per dimension"
  )
  public var dequantize = Dequantization.none
  /// The update rule.
  @Setting(help: "update rule") public var optimizer = OptimizerKind.adam
  /// Adam's decay of the first moment.
  @Setting(0...0.999999, help: "Adam's decay of the first moment") public var beta1 = 0.9
  /// Adam's decay of the second moment.
  @Setting(0...0.9999999, help: "Adam's decay of the second moment") public var beta2 = 0.999
  /// Adam's term in the divisor.
  @Setting(1e-16...1, help: "Adam's term in the divisor") public var epsilon = 1e-8
  /// The momentum of gradient descent.
  @Setting(0...0.9999, help: "momentum of sgd") public var momentum = 0.0
  /// The pull of weights to zero.
  @Setting(0...1e3, help: "pull of weights to zero: L2 for adam and sgd, decoupled for adamw")
  public var weightDecay = 0.0
  /// The change of the learning rate, given the number of updates in all.
  @Setting(help: "change of the learning rate") public var schedule = ScheduleKind.constant
  /// Epochs between steps.
  @Setting(1e-3...1e6, help: "epochs between the steps of schedule step")
  public var scheduleEpochs = 10.0
  /// The factor of a step, or where a cosine ends.
  @Setting(0...1, help: "factor of each step, or where the cosine ends")
  public var scheduleFactor = 0.1
  /// Updates of linear warm-up.
  @Setting(0...100_000_000, help: "updates over which the learning rate rises linearly")
  public var warmupUpdates = 0
  /// The largest global norm of the gradients, zero for none.
  @Setting(0...1e9, help: "largest global norm of the gradients, 0 for none")
  public var clipNorm = 0.0
  /// The global norm of the gradients beyond which an update is left out, zero for none.
  @Setting(
    0...1e9,
    help: "global norm of the gradients beyond which an update is left out, 0 for none")
  public var skipNorm = 0.0
  /// The decay of a moving average of the weights that evaluation and the saved model use, zero for
  /// none.
  @Setting(
    0...0.9999999,
    help: "decay of a moving average of the weights used for evaluation, 0 for none")
  public var averageDecay = 0.0
  /// Whether a last batch that is not full is left out.
  @Setting(help: "leave out a last batch that is not full") public var dropLast = true
  /// What matrix products and convolutions multiply in updates; evaluation takes 32-bit floats.
  @Setting(
    help: "what products and convolutions multiply in updates; weights and sums stay float32")
  public var precision = Precision.float32
  /// The share of the training examples that is set apart as the split `valid`, of data without one.
  @Setting(
    0...0.9,
    help: "share of the training examples that is set apart as the split valid, 0 for none")
  public var holdout = 0.0
  /// Whether the run keeps the checkpoint with the best held-out bound beside the newest ones.
  @Setting(help: "keep the checkpoint of the epoch with the best held-out bound") public
    var keepBest =
    true
  /// Epochs without a better held-out bound after which training stops, zero for never.
  @Setting(
    0...1_000_000,
    help: "epochs without a better held-out bound after which training stops, 0 for never")
  public var patience = 0
  /// The parts that a batch is divided into, zero for one of each process.
  @Setting(
    0...4096,
    help:
      "parts that a batch is divided into; the same for every number of processes that divides it, 0 for one of each process"
  )
  public var shards = 0

  /// The defaults.
  public init() {}
}

extension TrainingOptions {
  /// The names of the values that the data may choose where nobody has; see `Recipe.chooseTraining`.
  package static let openNames = OpenSettings.names

  /// The declarations of a recipe's `training` part.
  public static let hyperparameters = declarations

  /// The update rule with its numbers.
  public var rule: UpdateRule {
    let (decay, epsilon) = (Float(weightDecay), Float(epsilon))
    let (beta1, beta2) = (Float(beta1), Float(beta2))
    return switch optimizer {
    case .adam: .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay)
    case .adamw: .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay)
    case .sgd: .sgd(momentum: Float(momentum), weightDecay: decay)
    }
  }

  /// The schedule of the learning rate for a run of a number of updates.
  public func learningRateSchedule(updatesPerEpoch: Int, updates: Int) -> Schedule {
    let body: Schedule =
      switch schedule {
      case .cosine: .cosine(total: max(1, updates - warmupUpdates), floor: Float(scheduleFactor))
      case .step:
        .step(
          interval: max(1, Int((scheduleEpochs * Double(updatesPerEpoch)).rounded())),
          factor: Float(scheduleFactor))
      case .constant: .constant
      }
    return warmupUpdates > 0 ? .warmUp(updates: warmupUpdates, then: body) : body
  }
}
