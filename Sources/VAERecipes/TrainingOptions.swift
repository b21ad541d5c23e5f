import NeuralNetworks
import Tensors

/// How a model is trained: the `training` part of a recipe.
public struct TrainingOptions: Equatable, Sendable {
  /// How values become binary.
  public enum Binarization: String, Sendable, CaseIterable {
    /// They stay as they are.
    case none
    /// One above a half.
    case threshold
    /// One with the value's probability, drawn again at every use.
    case dynamic
  }

  /// How bytes become real numbers, for likelihoods that are densities.
  public enum Dequantization: String, Sendable, CaseIterable {
    /// They stay as they are.
    case none
    /// (b + u) / 256 of a byte b, with u uniform in 0…1, drawn again at every use (Theis et al.
    /// 2016, section 3.1).
    case uniform
  }

  /// The change of the learning rate over a run.
  public enum ScheduleKind: String, Sendable, CaseIterable {
    /// None.
    case constant
    /// By a factor every so many epochs.
    case step
    /// Half a cosine down to a factor.
    case cosine
  }

  /// Passes over the training data.
  public var epochs = 10
  /// Examples an update.
  public var batchSize = 128
  /// The base learning rate.
  public var learningRate = 1e-3
  /// The seed of everything random.
  public var seed = 0
  /// How values become binary.
  public var binarization = Binarization.none
  /// How bytes become real numbers.
  public var dequantization = Dequantization.none
  /// The update rule.
  public var rule = UpdateRule.adam()
  /// The change of the learning rate, given the number of updates in all.
  public var schedule = ScheduleChoice()
  /// The largest global norm of the gradients, zero for none.
  public var clipNorm = 0.0
  /// The decay of a moving average of the weights that evaluation and the saved model use, zero for
  /// none.
  public var averageDecay = 0.0
  /// Whether a last batch that is not full is left out.
  public var dropsLastBatch = true
  /// What matrix products and convolutions multiply in updates; evaluation takes 32-bit floats.
  public var precision = Precision.float32

  /// The schedule by its kind with what it needs, since its length follows from the data.
  public struct ScheduleChoice: Equatable, Sendable {
    /// How the learning rate changes.
    public var kind = ScheduleKind.constant
    /// Updates of linear warm-up.
    public var warmUpUpdates = 0
    /// Epochs between steps.
    public var stepEpochs = 10.0
    /// The factor of a step, or where a cosine ends.
    public var factor = 0.1

    /// The schedule for a run of a number of updates.
    public func schedule(updatesPerEpoch: Int, updates: Int) -> Schedule {
      let body: Schedule =
        switch kind {
        case .cosine: .cosine(total: max(1, updates - warmUpUpdates), floor: Float(factor))
        case .step:
          .step(
            interval: max(1, Int((stepEpochs * Double(updatesPerEpoch)).rounded())),
            factor: Float(factor))
        case .constant: .constant
        }
      return warmUpUpdates > 0 ? .warmUp(updates: warmUpUpdates, then: body) : body
    }
  }

  /// The defaults.
  public init() {}
}

extension TrainingOptions {
  /// The declarations of a recipe's `training` part.
  public static let hyperparameters: [Hyperparameter] = [
    Hyperparameter(
      "epochs", .integer(0...1_000_000), default: .integer(10),
      help: "passes over the training data"),
    Hyperparameter(
      "batch_size", .integer(1...65536), default: .integer(128), help: "examples an update"),
    Hyperparameter(
      "learning_rate", .number(1e-9...1e3), default: .number(1e-3), help: "base learning rate"),
    Hyperparameter(
      "seed", .integer(0...Int.max), default: .integer(0), help: "seed of weights, order, draws"),
    Hyperparameter(
      "binarize", .choice(Binarization.allCases.map(\.rawValue)), default: .text("none"),
      help: "threshold: one above a half; dynamic: drawn with the value's probability at every use"),
    Hyperparameter(
      "dequantize", .choice(Dequantization.allCases.map(\.rawValue)), default: .text("none"),
      help:
        "uniform: (b + u) / 256 of a byte b, u drawn at every use, so that a density has bits per dimension"
    ),
    Hyperparameter(
      "optimizer", .choice(["adam", "adamw", "sgd"]), default: .text("adam"), help: "update rule"),
    Hyperparameter(
      "beta1", .number(0...0.999999), default: .number(0.9),
      help: "Adam's decay of the first moment"),
    Hyperparameter(
      "beta2", .number(0...0.9999999), default: .number(0.999),
      help: "Adam's decay of the second moment"),
    Hyperparameter(
      "epsilon", .number(1e-16...1), default: .number(1e-8), help: "Adam's term in the divisor"),
    Hyperparameter(
      "momentum", .number(0...0.9999), default: .number(0), help: "momentum of sgd"),
    Hyperparameter(
      "weight_decay", .number(0...1e3), default: .number(0),
      help: "pull of weights to zero: L2 for adam and sgd, decoupled for adamw"),
    Hyperparameter(
      "schedule", .choice(ScheduleKind.allCases.map(\.rawValue)), default: .text("constant"),
      help: "change of the learning rate"),
    Hyperparameter(
      "schedule_epochs", .number(1e-3...1e6), default: .number(10),
      help: "epochs between the steps of schedule step"),
    Hyperparameter(
      "schedule_factor", .number(0...1), default: .number(0.1),
      help: "factor of each step, or where the cosine ends"),
    Hyperparameter(
      "warmup_updates", .integer(0...100_000_000), default: .integer(0),
      help: "updates over which the learning rate rises linearly"),
    Hyperparameter(
      "clip_norm", .number(0...1e9), default: .number(0),
      help: "largest global norm of the gradients, 0 for none"),
    Hyperparameter(
      "average_decay", .number(0...0.9999999), default: .number(0),
      help: "decay of a moving average of the weights used for evaluation, 0 for none"),
    Hyperparameter(
      "drop_last", .flag, default: .flag(true), help: "leave out a last batch that is not full"),
    Hyperparameter(
      "precision", .choice(Precision.allCases.map(\.rawValue)), default: .text("float32"),
      help: "what products and convolutions multiply in updates; weights and sums stay float32"),
  ]

  /// Options from the checked values of a recipe.
  public init(_ values: Hyperparameters) {
    epochs = values.integer("epochs")
    batchSize = values.integer("batch_size")
    learningRate = values.number("learning_rate")
    seed = values.integer("seed")
    binarization = Binarization(rawValue: values.text("binarize")) ?? .none
    dequantization = Dequantization(rawValue: values.text("dequantize")) ?? .none
    let decay = Float(values.number("weight_decay"))
    let (beta1, beta2) = (Float(values.number("beta1")), Float(values.number("beta2")))
    let epsilon = Float(values.number("epsilon"))
    rule =
      switch values.text("optimizer") {
      case "adamw": .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay)
      case "sgd": .sgd(momentum: Float(values.number("momentum")), weightDecay: decay)
      default: .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay)
      }
    schedule = ScheduleChoice(
      kind: ScheduleKind(rawValue: values.text("schedule")) ?? .constant,
      warmUpUpdates: values.integer("warmup_updates"),
      stepEpochs: values.number("schedule_epochs"), factor: values.number("schedule_factor"))
    clipNorm = values.number("clip_norm")
    averageDecay = values.number("average_decay")
    dropsLastBatch = values.flag("drop_last")
    precision = Precision(rawValue: values.text("precision")) ?? .float32
  }
}
