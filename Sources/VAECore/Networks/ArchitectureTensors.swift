import Messages
import Tensors
import VAEFiles

/// A file that holds the tensors of a known architecture, with the names that they have there: torchvision's, or
/// those of the package `lpips`.
struct ArchitectureTensors {
  /// What they are of.
  let architecture: NetworkArchitecture
  private let file: Safetensors
  /// The names in the file by torchvision's.
  private let names: [String: String]

  /// The tensors of a file; nil where it has none with such names.
  ///
  /// - Throws: `NetworkProblem` where they have such names, but are those of another network: it names the nearest
  ///   of those that are known and what differs.
  init?(in file: Safetensors) throws(NetworkProblem) {
    var names: [String: String] = [:]
    for entry in file.entries {
      guard let name = Self.name(of: entry.name) else { continue }
      if let other = names.updateValue(entry.name, forKey: name) {
        throw NetworkProblem("\(other) and \(entry.name) are the same tensor, \(name)")
      }
    }
    guard !names.isEmpty else { return nil }
    let found = Set(names.keys)
    guard
      let architecture = NetworkArchitecture.all.first(where: {
        Set($0.tensors.map(\.name)) == found
      })
    else { throw Self.refusal(found, names) }
    (self.architecture, self.file, self.names) = (architecture, file, names)
  }

  /// torchvision's name of a tensor; nil for one that is no part of an architecture.
  private static func name(of tensor: String) -> String? {
    if tensor.hasPrefix("features.") { return tensor }
    // The number of a slice says which head looks at its end.
    let parts = tensor.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "net", parts[1].hasPrefix("slice") else { return nil }
    return "features." + parts[2]
  }

  private static func refusal(_ found: Set<String>, _ names: [String: String]) -> NetworkProblem {
    func distance(_ architecture: NetworkArchitecture) -> Int {
      found.symmetricDifference(architecture.tensors.map(\.name)).count
    }
    let nearest = NetworkArchitecture.all.min { distance($0) < distance($1) }
    let own = nearest?.tensors.map(\.name) ?? []
    let difference: String? =
      if let other = found.subtracting(own).min() {
        "\(PlainText.quoted(names[other] ?? other)) is no tensor of it"
      } else {
        own.first { !found.contains($0) }.map { "\(PlainText.quoted($0)) is not there" }
      }
    let detail = nearest.flatMap { nearest in
      difference.map { ": the nearest is \(nearest.name), but \($0)" }
    }
    return NetworkProblem(
      "its tensors features.… are those of none of \(NetworkArchitecture.names)\(detail ?? ""); another network needs "
        + "a description as \(FrozenNetwork.metadataName) in the metadata (docs/weights.md)")
  }

  /// Refuses tensors of other shapes.
  func checkShapes() throws(NetworkProblem) {
    for (name, shape) in architecture.tensors {
      let found = file.entry(names[name] ?? name)?.shape ?? []
      guard found == shape else {
        throw NetworkProblem(
          "tensor \(names[name] ?? name) of \(architecture.name) has the shape \(found), not \(shape)"
        )
      }
    }
  }

  /// Finite weights by torchvision's name.
  func weights(_ name: String, rank: Int) throws(NetworkProblem) -> Tensor {
    try file.weights(names[name] ?? name, rank: rank)
  }

  /// What the network takes: images of 0 to 1 by ImageNet's statistics, or by the scaling layer of `lpips` where the file
  /// has one, which is for images of −1 to 1.
  func input() throws(NetworkProblem) -> FrozenNetwork.Input {
    var input = FrozenNetwork.Input(
      channels: 3, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
    func numbers(_ name: String) throws(NetworkProblem) -> [Float]? {
      guard file.entry(name) != nil else { return nil }
      let values = try file.weights(name, rank: 4)
      guard values.shape == [1, 3, 1, 1] else {
        throw NetworkProblem(
          "tensor \(name) has the shape \(values.shape), not a number for each of 3 channels")
      }
      return values.floats
    }
    if let shift = try numbers("scaling_layer.shift") { input.mean = shift.map { ($0 + 1) / 2 } }
    if let scale = try numbers("scaling_layer.scale") { input.deviation = scale.map { $0 / 2 } }
    guard input.deviation.allSatisfy({ $0 > 0 }) else {
      throw NetworkProblem("tensor scaling_layer.scale holds a number that is not above 0")
    }
    return input
  }

  /// The heads of LPIPS; none where the file has none.
  ///
  /// - Throws: `NetworkProblem` where they are those of another architecture, which it names.
  func heads() throws(NetworkProblem) -> [FrozenNetwork.Head] {
    let found = try file.headWeights()
    guard !found.isEmpty else { return [] }
    let sizes = found.map(\.count)
    guard sizes == architecture.heads.map(\.channels) else {
      func text(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: ", ") }
      let owner = NetworkArchitecture.all.first { $0.heads.map(\.channels) == sizes }?.name
      let own =
        architecture.heads.isEmpty
        ? "has none" : "has heads of \(text(architecture.heads.map(\.channels)))"
      throw NetworkProblem(
        "its heads lin0 to lin\(found.count - 1) have \(text(sizes)) weights\(owner.map { ", those of \($0)" } ?? ""), but "
          + "its other tensors are those of \(architecture.name), which \(own)")
    }
    return zip(architecture.heads, found).map { head, weights in
      FrozenNetwork.Head(layer: "features.\(head.step)", weights: weights)
    }
  }
}

extension Safetensors {
  /// The weights of LPIPS' heads, `[channels]` each, in order: `lin0.model.1.weight`, `lin1.model.1.weight`, … as the package
  /// `lpips` names them, or `lins.0.model.1.weight`, …, under which it has the same numbers again.
  ///
  /// - Throws: `NetworkProblem` where one has another shape, or a weight below zero, with which images could be nearer than
  ///   equal.
  func headWeights() throws(NetworkProblem) -> [Tensor] {
    var found: [Tensor] = []
    while true {
      let names = ["lin\(found.count)", "lins.\(found.count)"].map { "\($0).model.1.weight" }
      guard let name = names.first(where: { entry($0) != nil }) else { return found }
      let values = try weights(name, rank: 4)
      let channels = values.shape[1]
      guard values.shape == [1, channels, 1, 1], channels > 0 else {
        throw NetworkProblem(
          "tensor \(name) has the shape \(values.shape), not [1, channels, 1, 1] as a head of LPIPS"
        )
      }
      guard values.floats.allSatisfy({ $0 >= 0 }) else {
        throw NetworkProblem(
          "tensor \(name) has weights below zero, as heads of LPIPS have that were never trained; take trained ones"
        )
      }
      found.append(values.reshaped(to: [channels]))
    }
  }
}
