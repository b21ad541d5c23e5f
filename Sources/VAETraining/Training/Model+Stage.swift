import NeuralNetworks
import VAECore
import VAERecipes

extension Stage {
  /// Whether encoder and prior are trained already, and only what makes images of latents is trained.
  var leavesLatents: Bool {
    data == .images && !isWhole
      && !["encoder.", "prior."].contains { role in
        trains.contains { $0.hasPrefix(role) || role.hasPrefix($0) }
      }
  }
}

extension Model {
  /// The parts that a stage trains as a whole, so that their averages and statistics follow their weights.
  func parts(of stage: Stage) -> [any Module] { namedParts(of: stage).map(\.part) }

  /// The same with the names that their paths begin with.
  func namedParts(of stage: Stage) -> [(name: String, part: any Module)] {
    members.entries.compactMap { name, member in
      guard case .module(let module) = member, stage.includes("\(name).") else { return nil }
      return (name, module)
    }
  }
}
