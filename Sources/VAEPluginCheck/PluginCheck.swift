import Messages
import VAEZoo

/// The rules that a plug-in must keep, tried on it one after another.
///
/// A plug-in that crashes or hangs takes the process with it: run this in a process of its own.
public struct PluginCheck {
  /// What happens while it runs.
  public enum Event {
    /// A step begins.
    case began(String)
    /// It found nothing wrong.
    case passed
    /// It found nothing wrong, but something worth knowing.
    case noted(Message)
    /// It found this.
    case failed(Message)
  }

  /// The plug-in's file.
  public let path: String
  private let observe: (Event) -> Void

  /// A check of a file.
  ///
  /// - Parameters:
  ///   - path: of the shared object.
  ///   - observe: told of each step and what it found.
  public init(_ path: String, observe: @escaping (Event) -> Void) {
    self.path = path
    self.observe = observe
  }

  /// Why a step failed.
  struct Fault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// Runs all steps.
  ///
  /// - Returns: whether every one passed.
  public func run() -> Bool {
    var registry = Registry.builtIn
    var plugin: Plugin?
    let isDescribed = step("the entry and its descriptions") {
      let found = try Plugin.load(path)
      try registry.register(found)
      plugin = found
      return "\(found.name) \(found.version): \(found.componentTitles.joined(separator: ", "))"
    }
    guard isDescribed, let plugin else { return false }
    var isFine = true
    for part in parts(of: plugin.origin, in: registry) {
      isFine = check(part, registry) && isFine
    }
    for entry in registry.entries where entry.origin == plugin.origin {
      let name = entry.variant.name
      isFine =
        step("variant \(name): trains") {
          try checkTraining("variant \(name)", registry: registry) { data in
            var recipe = try registry.recipe(for: name)
            recipe.data = data
            try registry.apply(Self.shortTraining, to: &recipe)
            Self.tellCondition(&recipe, registry)
            return recipe
          }
        } && isFine
    }
    return isFine
  }

  /// Runs a step.
  ///
  /// - Parameter body: gives something worth knowing, or nil.
  func step(_ name: String, _ body: () throws -> Message?) -> Bool {
    observe(.began(name))
    do {
      if let note = try body() { observe(.noted(note)) } else { observe(.passed) }
      return true
    } catch {
      observe(.failed("\(error)"))
      return false
    }
  }

  // MARK: What a component is tried in

  struct Part {
    let role: Role
    let name: String
    let hyperparameters: [Hyperparameter]
    var title: String { "\(role) \(name)" }
  }

  private func parts(of origin: String, in registry: Registry) -> [Part] {
    Role.allCases.flatMap { role in
      registry.components(role).filter { $0.origin == origin }.map {
        Part(role: role, name: $0.name, hyperparameters: $0.hyperparameters)
      }
    }
  }
}
