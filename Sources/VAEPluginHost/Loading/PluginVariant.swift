import CVAE
import Messages
import VAERecipes

/// A whole variant of a plug-in.
struct PluginVariant: Variant {
  let name: String
  let summary: String
  let reference: String
  let composition: Composition
  let shorthands: [String: [String]]

  /// The words of the name in CamelCase, those that the field writes otherwise as it writes them.
  var className: String {
    let words = ["vae": "VAE", "iwae": "IWAE", "vq": "VQ", "pixelcnn": "PixelCNN"]
    return name.split(separator: "-").map {
      words[String($0)] ?? $0.prefix(1).uppercased() + $0.dropFirst()
    }.joined()
  }

  /// - Parameter registry: with the components of the plug-in.
  /// - Throws: `Misfit` where a component or hyper-parameter does not exist, or a value is out of
  ///   range.
  init(_ source: PluginVariantSource, in registry: Registry) throws(Misfit) {
    name = source.name
    summary = source.summary
    reference = source.reference
    var training: [String: HyperparameterValue] = [:]
    var choices: [Role: [String: HyperparameterValue]] = [:]
    for (path, text) in source.defaults {
      let place = "the default of \(path) in variant \(source.name)"
      let (part, declaration) = try Self.declaration(path, source, registry)
      do {
        let value = try declaration.value(parsing: text, path: place)
        if let role = part {
          choices[role, default: [:]][declaration.name] = value
        } else {
          training[declaration.name] = value
        }
      } catch {
        throw Misfit(error.message)
      }
    }
    for (role, component) in source.components {
      do {
        _ = try registry.component(role, component)
      } catch {
        throw Misfit("variant \(source.name): \(error.message)")
      }
    }
    func choice(_ role: Role) -> Composition.Choice {
      Composition.Choice(source.components[role] ?? "", choices[role] ?? [:])
    }
    composition = Composition(
      encoder: choice(.encoder), prior: choice(.prior), decoder: choice(.decoder),
      likelihood: choice(.likelihood), objective: choice(.objective), training: training)
    var shorthands: [String: [String]] = [:]
    for (shorthand, path) in source.shorthands {
      _ = try Self.declaration(path, source, registry)
      shorthands[shorthand, default: []].append(path)
    }
    self.shorthands = shorthands
  }

  /// The hyper-parameter of a path; its role is nil for those of training.
  private static func declaration(
    _ path: String, _ source: PluginVariantSource, _ registry: Registry
  ) throws(Misfit) -> (role: Role?, declaration: Hyperparameter) {
    let pieces = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    var declarations: [Hyperparameter] = []
    let role = pieces.first.flatMap(Role.init(rawValue:))
    if let role, let component = source.components[role] {
      declarations = (try? registry.component(role, component))?.hyperparameters ?? []
    } else if pieces.first == "training" {
      declarations = TrainingOptions.hyperparameters
    }
    guard pieces.count == 2, let found = declarations.first(where: { $0.name == pieces[1] }) else {
      throw Misfit("variant \(source.name) names \(path), which is no hyper-parameter of its parts")
    }
    return (role, found)
  }
}

/// A variant as a plug-in writes it down, before its components are looked up.
struct PluginVariantSource: Sendable {
  let name: String
  let summary: String
  let reference: String
  let components: [Role: String]
  let defaults: [(path: String, text: String)]
  let shorthands: [(name: String, path: String)]

  /// - Throws: `Misfit` for what breaks the rules of vae_plugin.h.
  init(_ source: vae_variant) throws(Misfit) {
    let name = try pluginName(source.name, "a variant's name", separator: "-")
    self.name = name
    summary = try pluginText(source.summary, "the summary of variant \(name)")
    reference = try pluginText(
      source.reference, "the reference of variant \(name)", mayBeEmpty: true)
    func component(
      _ role: Role, _ pointer: UnsafePointer<CChar>?, else standard: String?
    ) throws(Misfit) -> String {
      if pointer == nil, let standard { return standard }
      return try pluginText(pointer, "the \(role) of variant \(name)", limit: 64)
    }
    components = [
      .encoder: try component(.encoder, source.encoder, else: nil),
      .prior: try component(.prior, source.prior, else: nil),
      .decoder: try component(.decoder, source.decoder, else: nil),
      .likelihood: try component(.likelihood, source.likelihood, else: "auto"),
      .objective: try component(.objective, source.objective, else: "elbo"),
    ]
    let limit: UInt64 = 1000
    guard source.default_count <= limit, source.shorthand_count <= limit,
      source.default_count == 0 || source.defaults != nil,
      source.shorthand_count == 0 || source.shorthands != nil
    else {
      throw Misfit(
        "variant \(name) has \(source.default_count) defaults and \(source.shorthand_count) shorthands, which "
          + "are more than \(limit) or stand at NULL")
    }
    var defaults: [(path: String, text: String)] = []
    for index in 0..<Int(source.default_count) {
      let place = "default \(index) of variant \(name)"
      defaults.append(
        (
          path: try pluginText(source.defaults?[index].path, "the path of \(place)"),
          text: try pluginText(
            source.defaults?[index].value, "the value of \(place)", mayBeEmpty: true)
        ))
    }
    self.defaults = defaults
    var shorthands: [(name: String, path: String)] = []
    for index in 0..<Int(source.shorthand_count) {
      let place = "shorthand \(index) of variant \(name)"
      shorthands.append(
        (
          name: try pluginName(
            source.shorthands?[index].name, "the name of \(place)", separator: "_"),
          path: try pluginText(source.shorthands?[index].path, "the path of \(place)")
        ))
    }
    self.shorthands = shorthands
  }
}
