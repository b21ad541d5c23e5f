import Glibc
import Tensors
import VAECore
import VAERecipes

/// How a decoder's output becomes the mean of a likelihood.
public enum MeanLink: String, Sendable, CaseIterable {
  /// As it is.
  case identity
  /// sigmoid, for data in 0…1.
  case sigmoid
  /// tanh, for data in −1…1.
  case tanh

  /// The decoder's output through the link.
  func mean(_ parameters: Tensor) -> Tensor {
    switch self {
    case .identity: parameters
    case .sigmoid: parameters.sigmoid()
    case .tanh: parameters.tanh()
    }
  }

  /// The mean of a single number, and its derivative.
  func mean(_ parameter: Double) -> (value: Double, slope: Double) {
    switch self {
    case .identity: return (parameter, 1)
    case .sigmoid:
      let value = 1 / (1 + exp(-parameter))
      return (value, value * (1 - value))
    case .tanh:
      let value = Glibc.tanh(parameter)
      return (value, 1 - value * value)
    }
  }

  /// The mean through the inverse of the link.
  func parameters(withMean mean: Tensor) -> Tensor {
    switch self {
    case .identity: mean
    case .sigmoid: mean.logit()
    case .tanh: (mean * 0.5 + 0.5).logit() * 0.5
    }
  }
}

extension MeanLink {
  /// What a recipe may say of it.
  package enum Choice: String, SettingChoice {
    case auto, identity, sigmoid, tanh
  }

  /// The link of a recipe, for data of a range.
  init(_ choice: Choice, range: ValueRange) {
    self =
      switch choice {
      case .auto: range == .real ? .identity : .sigmoid
      case .identity: .identity
      case .sigmoid: .sigmoid
      case .tanh: .tanh
      }
  }
}
