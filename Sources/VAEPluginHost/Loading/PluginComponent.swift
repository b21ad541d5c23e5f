import CVAE
import Messages
import VAEInterface
import VAERecipes

/// A component as a plug-in describes it, checked and copied.
final class PluginComponent: @unchecked Sendable {
  /// What it does, by role.
  enum Methods {
    case encoder(vae_encoder)
    case prior(vae_prior)
    case decoder(vae_decoder)
    case likelihood(vae_likelihood)
    case objective(vae_objective)

    var role: Role {
      switch self {
      case .encoder: .encoder
      case .prior: .prior
      case .decoder: .decoder
      case .likelihood: .likelihood
      case .objective: .objective
      }
    }
  }

  let name: String
  let summary: String
  /// The plug-in's file.
  let origin: String
  let methods: Methods
  let hyperparameters: [PluginHyperparameter]
  /// The functions, and `user_data`; its pointers to descriptions are not used any more.
  let source: vae_component

  private let interface: CallInterface

  /// Its role and name, such as "prior mixture".
  var title: String { "\(methods.role) \(name)" }

  /// - Throws: `Misfit` for what breaks the rules of vae_plugin.h.
  init(_ source: vae_component, origin: String) throws(Misfit) {
    name = try pluginName(source.name, "a component's name", separator: "-")
    summary = try pluginText(source.summary, "the summary of component \(name)")
    self.origin = origin
    self.source = source
    methods = try Self.methods(source, name)
    let title = "\(methods.role) \(name)"
    guard (source.make == nil) != (source.create == nil) else {
      throw Misfit(
        source.make == nil
          ? "\(title) has no factory: set make or create"
          : "\(title) sets both make and create; set one of them")
    }
    var hyperparameters: [PluginHyperparameter] = []
    for declaration in try vae_hyperparameter.array(
      source.hyperparameters, source.hyperparameter_count, "hyper-parameter", limit: 64)
    {
      let next = try PluginHyperparameter(declaration, of: title)
      guard
        !hyperparameters.contains(where: { $0.declaration.name == next.declaration.name })
      else { throw Misfit("\(title) has two hyper-parameters \(next.declaration.name)") }
      hyperparameters.append(next)
    }
    let arguments = [.pointer] + hyperparameters.flatMap(\.kind.arguments)
    guard arguments.count <= CallInterface.argumentLimit || source.make == nil else {
      throw Misfit(
        "the factory of \(title) has \(arguments.count) arguments; the limit is "
          + "\(CallInterface.argumentLimit)")
    }
    self.hyperparameters = hyperparameters
    interface = try CallInterface(source.make == nil ? [] : arguments, result: .pointer)
  }

  private static func methods(_ source: vae_component, _ name: String) throws(Misfit) -> Methods {
    var found: [Methods] = []
    if let table = source.encoder {
      let methods = try vae_encoder(reading: table, "the encoder \(name)")
      let isOwn = methods.sample != nil || methods.log_density != nil
      guard methods.encode != nil, !isOwn || (methods.sample != nil && methods.log_density != nil),
        isOwn || (methods.mean == nil && methods.variance == nil)
      else {
        throw Misfit(
          "encoder \(name) needs encode, and for a posterior of its own both sample and log_density"
        )
      }
      found.append(.encoder(methods))
    }
    if let table = source.prior {
      let methods = try vae_prior(reading: table, "the prior \(name)")
      guard methods.units != nil, methods.log_density != nil, methods.sample != nil else {
        throw Misfit("prior \(name) needs units, log_density and sample")
      }
      found.append(.prior(methods))
    }
    if let table = source.decoder {
      let methods = try vae_decoder(reading: table, "the decoder \(name)")
      guard methods.decode != nil else { throw Misfit("decoder \(name) needs decode") }
      found.append(.decoder(methods))
    }
    if let table = source.likelihood {
      let methods = try vae_likelihood(reading: table, "the likelihood \(name)")
      guard methods.parameters_per_pixel != nil, methods.log_density != nil, methods.mean != nil,
        methods.sample != nil
      else {
        throw Misfit(
          "likelihood \(name) needs parameters_per_pixel, log_density, mean and sample")
      }
      guard methods.noise == VAE_NOISE_UNIFORM || methods.noise == VAE_NOISE_NORMAL else {
        throw Misfit("the noise of likelihood \(name) is \(methods.noise), none of VAE_NOISE_…")
      }
      found.append(.likelihood(methods))
    }
    if let table = source.objective {
      let methods = try vae_objective(reading: table, "the objective \(name)")
      guard methods.loss != nil else { throw Misfit("objective \(name) needs loss") }
      found.append(.objective(methods))
    }
    guard found.count == 1 else {
      throw Misfit(
        "component \(name) fills \(found.count) roles; set exactly one of encoder, prior, decoder, "
          + "likelihood and objective")
    }
    return found[0]
  }

  // MARK: Making objects

  /// An object of the component.
  ///
  /// - Throws: `RecipeError` with the reason that the factory gives, `PluginError` where it breaks
  ///   the rules.
  func make(_ values: HyperparameterValues, _ build: BuildContext) throws -> PluginInstance {
    let scope = BuildScope(component: self, build: build)
    let arguments = CArguments(values, of: hyperparameters)
    let made: UnsafeMutableRawPointer?
    switch Scopes.run(scope, { call($0, arguments) }) {
    case .success(let object): made = object
    case .failure(let error): throw PluginError(.failed, "\(origin): \(error.message)")
    }
    withExtendedLifetime(arguments) {}
    guard let fault = scope.fault else {
      guard let made else {
        throw PluginError(
          .failed, "\(origin): the factory of \(title) gave NULL and no reason by fail")
      }
      return PluginInstance(component: self, object: made, scope: scope)
    }
    if let made { source.destroy?(made) }
    throw fault
  }

  /// A call of the factory with packed arguments, as it is handed through C.
  private struct PackedCall {
    let source: vae_component
    let build: OpaquePointer?
    let arguments: UnsafePointer<vae_argument>?
    let count: UInt64
    var result: UnsafeMutableRawPointer?
  }

  /// Calls the factory, of whichever of the two kinds it is.
  private func call(
    _ build: OpaquePointer?, _ arguments: CArguments
  ) -> Result<UnsafeMutableRawPointer?, Misfit> {
    let title = "the factory of \(title)"
    return Result { () throws(Misfit) in
      if let make = source.make {
        return try interface.call(
          title, make, [.pointer(UnsafeRawPointer(build))] + arguments.natural)
      }
      return try arguments.packed.withUnsafeBufferPointer { packed throws(Misfit) in
        var call = PackedCall(
          source: source, build: build, arguments: packed.baseAddress,
          count: UInt64(packed.count))
        try GuardedCall.run(title, plugin: &call) { context in
          guard let call = context?.assumingMemoryBound(to: PackedCall.self) else { return }
          call.pointee.result = call.pointee.source.create?(
            call.pointee.build, call.pointee.arguments, call.pointee.count,
            call.pointee.source.user_data)
        }
        return call.result
      }
    }
  }
}
