/// An encoder of a plug-in: proposes a Gaussian over latents for each example.
public protocol PluginEncoder: AnyObject {
  /// Means, then log-variances, `[rows, 2 · latentSize]`, of images `[rows, height, width, channels]`;
  /// for codes their points, `[rows, gridHeight, gridWidth, vectorSize]`.
  func encode(_ x: Value) -> Value
}

/// A prior of a plug-in over one layer of latent units: p(z).
public protocol PluginPrior: AnyObject {
  /// The number of latent units, 1 to 65536.
  var units: Int { get }
  /// log p(z) in nats, `[rows]`, of z `[rows, units]`.
  func logDensity(_ z: Value) -> Value
  /// A draw for each row, `[rows, units]`; the temperature is a factor of its deviation.
  func sample(_ pass: Pass, temperature: Float) -> Value
}

/// A prior to which the divergence of a Gaussian has a closed form.
public protocol ClosedFormPluginPrior: PluginPrior {
  /// KL(N(mean, exp(logVariance)) ‖ p) in nats, `[rows]`.
  func divergence(mean: Value, logVariance: Value) -> Value
}

/// A decoder of a plug-in: latents to the likelihood's parameters.
public protocol PluginDecoder: AnyObject {
  /// `[rows, height, width, parametersPerPixel]`, or the same elements with fewer axes, of z
  /// `[rows, latentSize]`.
  func decode(_ z: Value) -> Value
}

/// A likelihood of a plug-in: p(x | parameters), normalised.
public protocol PluginLikelihood: AnyObject {
  /// Whether it is a probability of discrete values, so that bits per dimension follow.
  static var isDiscrete: Bool { get }
  /// Numbers that a decoder gives for a pixel with this many channels.
  func parametersPerPixel(channels: Int) -> Int
  /// log p(x | parameters) in nats, `[rows]`, of x `[rows, height, width, channels]`.
  func logDensity(_ x: Value, parameters: Value) -> Value
  /// The mean, `[rows, height, width, channels]`.
  func mean(_ parameters: Value) -> Value
  /// A draw, from uniform numbers in (0, 1), `[rows, height, width, channels]`.
  func sample(_ parameters: Value, noise: Value) -> Value
}

extension PluginLikelihood {
  /// A density.
  public static var isDiscrete: Bool { false }
}
