import CVAE

/// What a plug-in brings: a component by name, with its hyper-parameters and how to make it.
public struct PluginComponent {
  let name: String
  let summary: String
  let hyperparameters: [Hyperparameter]
  let methods: Methods
  let make: (Build, Arguments) throws -> Instance
  private(set) var usesCondition = false

  /// The same component, of which methods ask for the `condition` of a pass: a model with it is one of
  /// p(x|y).
  public func usingCondition() -> PluginComponent {
    var component = self
    component.usesCondition = true
    return component
  }

  /// The methods of a role.
  enum Methods {
    case encoder(vae_encoder)
    case prior(vae_prior)
    case decoder(vae_decoder)
    case likelihood(vae_likelihood)
  }

  /// An encoder.
  ///
  /// - Parameters:
  ///   - name: in recipes, kebab-case.
  ///   - summary: what it is, in one line.
  ///   - hyperparameters: what recipes may set, and `make` receives.
  ///   - make: makes one from its hyper-parameters; what it throws is the reason that users see.
  public static func encoder(
    _ name: String, summary: String, hyperparameters: [Hyperparameter] = [],
    make: @escaping (Build, Arguments) throws -> any PluginEncoder
  ) -> PluginComponent {
    var methods = vae_encoder()
    methods.struct_size = UInt32(MemoryLayout<vae_encoder>.size)
    methods.encode = { object, pass, x in
      guard let self = Instance.of(object, EncoderInstance.self) else { return nil }
      return self.encoder.encode(self.value(x, pass)).pointer
    }
    return PluginComponent(
      name: name, summary: summary, hyperparameters: hyperparameters, methods: .encoder(methods),
      make: { try EncoderInstance($0.host, make($0, $1)) })
  }

  /// A prior.
  public static func prior(
    _ name: String, summary: String, hyperparameters: [Hyperparameter] = [],
    make: @escaping (Build, Arguments) throws -> any PluginPrior
  ) -> PluginComponent {
    PluginComponent(
      name: name, summary: summary, hyperparameters: hyperparameters,
      methods: .prior(priorMethods()),
      make: { try PriorInstance($0.host, make($0, $1)) })
  }

  /// A prior to which the divergence of a Gaussian has a closed form.
  public static func prior(
    _ name: String, summary: String, hyperparameters: [Hyperparameter] = [],
    make: @escaping (Build, Arguments) throws -> any ClosedFormPluginPrior
  ) -> PluginComponent {
    var methods = priorMethods()
    methods.divergence = { object, pass, mean, logVariance in
      guard let self = Instance.of(object, PriorInstance.self),
        let prior = self.prior as? any ClosedFormPluginPrior
      else { return nil }
      return prior.divergence(
        mean: self.value(mean, pass), logVariance: self.value(logVariance, pass)
      ).pointer
    }
    return PluginComponent(
      name: name, summary: summary, hyperparameters: hyperparameters, methods: .prior(methods),
      make: { try PriorInstance($0.host, make($0, $1)) })
  }

  private static func priorMethods() -> vae_prior {
    var methods = vae_prior()
    methods.struct_size = UInt32(MemoryLayout<vae_prior>.size)
    methods.units = { object in
      Int64(Instance.of(object, PriorInstance.self)?.prior.units ?? 0)
    }
    methods.log_density = { object, pass, z in
      guard let self = Instance.of(object, PriorInstance.self) else { return nil }
      return self.prior.logDensity(self.value(z, pass)).pointer
    }
    methods.sample = { object, pass, temperature in
      guard let self = Instance.of(object, PriorInstance.self) else { return nil }
      return self.prior.sample(self.pass(pass), temperature: temperature).pointer
    }
    return methods
  }

  /// A decoder.
  public static func decoder(
    _ name: String, summary: String, hyperparameters: [Hyperparameter] = [],
    make: @escaping (Build, Arguments) throws -> any PluginDecoder
  ) -> PluginComponent {
    var methods = vae_decoder()
    methods.struct_size = UInt32(MemoryLayout<vae_decoder>.size)
    methods.decode = { object, pass, z in
      guard let self = Instance.of(object, DecoderInstance.self) else { return nil }
      return self.decoder.decode(self.value(z, pass)).pointer
    }
    return PluginComponent(
      name: name, summary: summary, hyperparameters: hyperparameters, methods: .decoder(methods),
      make: { try DecoderInstance($0.host, make($0, $1)) })
  }

  /// A likelihood.
  public static func likelihood<Likelihood: PluginLikelihood>(
    _ name: String, summary: String, hyperparameters: [Hyperparameter] = [],
    make: @escaping (Build, Arguments) throws -> Likelihood
  ) -> PluginComponent {
    var methods = vae_likelihood()
    methods.struct_size = UInt32(MemoryLayout<vae_likelihood>.size)
    methods.is_discrete = Likelihood.isDiscrete ? 1 : 0
    methods.noise = VAE_NOISE_UNIFORM
    methods.parameters_per_pixel = { object, channels in
      guard let self = Instance.of(object, LikelihoodInstance.self) else { return 0 }
      return Int64(self.likelihood.parametersPerPixel(channels: Int(channels)))
    }
    methods.log_density = { object, pass, x, parameters in
      guard let self = Instance.of(object, LikelihoodInstance.self) else { return nil }
      return self.likelihood.logDensity(
        self.value(x, pass), parameters: self.value(parameters, pass)
      ).pointer
    }
    methods.mean = { object, pass, parameters in
      guard let self = Instance.of(object, LikelihoodInstance.self) else { return nil }
      return self.likelihood.mean(self.value(parameters, pass)).pointer
    }
    methods.sample = { object, pass, parameters, noise in
      guard let self = Instance.of(object, LikelihoodInstance.self) else { return nil }
      return self.likelihood.sample(
        self.value(parameters, pass), noise: self.value(noise, pass)
      ).pointer
    }
    return PluginComponent(
      name: name, summary: summary, hyperparameters: hyperparameters,
      methods: .likelihood(methods),
      make: { try LikelihoodInstance($0.host, make($0, $1)) })
  }
}

// MARK: - Objects as the host holds them

/// An object that the host refers to by its address.
class Instance {
  let host: UnsafePointer<vae_host>

  init(_ host: UnsafePointer<vae_host>) { self.host = host }

  static func of<Kind: Instance>(_ object: UnsafeMutableRawPointer?, _: Kind.Type) -> Kind? {
    object.flatMap { Unmanaged<Instance>.fromOpaque($0).takeUnretainedValue() as? Kind }
  }

  func pass(_ pointer: OpaquePointer?) -> Pass { Pass(host: host, pointer: pointer) }

  func value(_ pointer: OpaquePointer?, _ pass: OpaquePointer?) -> Value {
    self.pass(pass).value(pointer)
  }
}

private final class EncoderInstance: Instance {
  let encoder: any PluginEncoder
  init(_ host: UnsafePointer<vae_host>, _ encoder: any PluginEncoder) {
    self.encoder = encoder
    super.init(host)
  }
}

private final class PriorInstance: Instance {
  let prior: any PluginPrior
  init(_ host: UnsafePointer<vae_host>, _ prior: any PluginPrior) {
    self.prior = prior
    super.init(host)
  }
}

private final class DecoderInstance: Instance {
  let decoder: any PluginDecoder
  init(_ host: UnsafePointer<vae_host>, _ decoder: any PluginDecoder) {
    self.decoder = decoder
    super.init(host)
  }
}

private final class LikelihoodInstance: Instance {
  let likelihood: any PluginLikelihood
  init(_ host: UnsafePointer<vae_host>, _ likelihood: any PluginLikelihood) {
    self.likelihood = likelihood
    super.init(host)
  }
}
