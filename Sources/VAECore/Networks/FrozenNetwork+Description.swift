import Messages
import Tensors
import VAEFiles

/// Networks as files describe them; the form is that of docs/weights.md.
extension FrozenNetwork {
  /// Where the metadata of a safetensors file hold the description.
  public static let metadataName = "vae_zoo_network"

  /// A network from the description and the weights of a file.
  ///
  /// - Throws: `NetworkProblem` that names the layer or member and what is wrong with it.
  convenience init(_ file: Safetensors) throws(NetworkProblem) {
    guard let text = file.metadata[Self.metadataName] else {
      throw NetworkProblem(
        "its metadata have no \(Self.metadataName), which describes the layers, and its tensors are those of none of "
          + "\(NetworkArchitecture.names) (docs/weights.md)")
    }
    let json: JSON
    do throws(JSONError) {
      json = try JSON(parsing: Array(text.utf8), source: Self.metadataName)
    } catch {
      throw NetworkProblem("\(Self.metadataName) \(error.reason)")
    }
    let top = try DescribedObject(json, title: Self.metadataName)
    let input = try Self.input(DescribedObject(top.object["input"], title: "input"))
    guard let list = top.object["layers"]?.array, (1...Self.layerLimit).contains(list.count) else {
      throw NetworkProblem("layers is not a list of 1 to \(Self.layerLimit) layers")
    }
    try top.checkMembers(["input", "layers", "features", "classes", "heads"])
    var layers: [Layer] = []
    for (number, json) in list.enumerated() {
      layers.append(try Self.layer(DescribedObject(json, title: "layer \(number)"), file))
    }
    let names = layers.compactMap(\.name)
    if let twice = names.first(where: { name in names.filter { $0 == name }.count > 1 }) {
      throw NetworkProblem("two layers have the name \(PlainText.quoted(twice))")
    }
    try self.init(
      input: input, layers: layers, featureLayer: try top.text("features"),
      classes: try top.names("classes"), heads: try Self.heads(top.names("heads") ?? [], file))
  }

  /// The heads of some layers.
  private static func heads(
    _ layers: [String], _ file: Safetensors
  ) throws(NetworkProblem) -> [Head] {
    let weights = try file.headWeights()
    guard weights.count == layers.count else {
      throw NetworkProblem(
        "heads of \(metadataName) names \(Count.of(layers.count, "layer")), but the file has "
          + "\(Count.of(weights.count, "tensor")) lin0.model.1.weight, …")
    }
    return zip(layers, weights).map { Head(layer: $0, weights: $1) }
  }

  private static let layerLimit = 1000
  private static let sizeLimit = 4096

  private static func input(_ described: DescribedObject) throws(NetworkProblem) -> Input {
    try described.checkMembers(["range", "channels", "least_size", "mean", "deviation"])
    let channels = try described.integer("channels", in: 1...sizeLimit)
    var input = Input(
      channels: channels, mean: try described.numbers("mean", count: channels, default: 0),
      deviation: try described.numbers("deviation", count: channels, default: 1))
    guard let range = Input.Range(rawValue: try described.text("range") ?? "unit") else {
      throw NetworkProblem(
        "range of input is none of \(Input.Range.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
    input.range = range
    input.leastSize = try described.integer("least_size", in: 1...sizeLimit, default: 1)
    guard input.deviation.allSatisfy({ $0 > 0 }) else {
      throw NetworkProblem("deviation of input holds a number that is not above 0")
    }
    return input
  }

  private static func layer(
    _ described: DescribedObject, _ file: Safetensors
  ) throws(NetworkProblem) -> Layer {
    let name = try described.text("name")
    func window() throws(NetworkProblem) -> (kernel: Int, stride: Int) {
      try described.checkMembers(["type", "name", "kernel", "stride"])
      let kernel = try described.integer("kernel", in: 1...sizeLimit)
      return (kernel, try described.integer("stride", in: 1...sizeLimit, default: kernel))
    }
    func weights(rank: Int) throws(NetworkProblem) -> (weights: Tensor, bias: Tensor?) {
      guard let name else { throw NetworkProblem("\(described.title) has no name for its weights") }
      let values = try file.weights("\(name).weight", rank: rank)
      let bias = file.entry("\(name).bias") == nil ? nil : try file.weights("\(name).bias", rank: 1)
      guard values.count > 0, bias.map({ $0.count == values.shape[0] }) ?? true else {
        throw NetworkProblem(
          "\(described.title): \(PlainText.quoted(name + ".bias")) is not one number for each output"
        )
      }
      return (values, bias)
    }
    let operation: Operation
    switch try described.text("type") {
    case "conv":
      try described.checkMembers(["type", "name", "stride", "padding"])
      let (values, bias) = try weights(rank: 4)
      operation = .convolution(
        weights: values, bias: bias,
        stride: try described.integer("stride", in: 1...sizeLimit, default: 1),
        padding: try described.integer("padding", in: 0...sizeLimit, default: 0))
    case "dense":
      try described.checkMembers(["type", "name"])
      let (values, bias) = try weights(rank: 2)
      operation = .dense(weights: values.transposed(), bias: bias)
    case "max_pool":
      let (kernel, stride) = try window()
      operation = .maximumPool(kernel: kernel, stride: stride)
    case "average_pool":
      let (kernel, stride) = try window()
      operation = .averagePool(kernel: kernel, stride: stride)
    case "relu":
      try described.checkMembers(["type", "name"])
      operation = .relu
    case "flatten":
      try described.checkMembers(["type", "name"])
      operation = .flatten
    default:
      throw NetworkProblem(
        "type of \(described.title) is none of conv, relu, max_pool, average_pool, flatten, dense")
    }
    return Layer(name: name, operation: operation)
  }
}

/// What is wrong with a network, in words that follow the file's name.
package struct NetworkProblem: Error {
  package let reason: Message

  package init(_ reason: Message) {
    self.reason = reason
  }
}

/// An object of a description, each of whose members is checked when it is read.
private struct DescribedObject {
  let object: JSON.Object
  let title: String

  init(_ json: JSON?, title: String) throws(NetworkProblem) {
    guard let object = json?.object else { throw NetworkProblem("\(title) is not a JSON object") }
    self.object = object
    self.title = title
  }

  func checkMembers(_ known: [String]) throws(NetworkProblem) {
    guard let other = object.members.first(where: { !known.contains($0.name) }) else { return }
    throw NetworkProblem(
      "\(title) has the member \(PlainText.quoted(other.name)), but takes only "
        + "\(known.joined(separator: ", "))")
  }

  func text(_ name: String) throws(NetworkProblem) -> String? {
    guard let json = object[name] else { return nil }
    guard let text = json.text else { throw NetworkProblem("\(name) of \(title) is not a string") }
    return text
  }

  /// Names that are all different.
  func names(_ name: String) throws(NetworkProblem) -> [String]? {
    guard let json = object[name] else { return nil }
    let names = json.array?.compactMap(\.text) ?? []
    guard !names.isEmpty, names.count == json.array?.count,
      ConditionSpace.misfit(names: names) == nil
    else {
      throw NetworkProblem("\(name) of \(title) is not a list of different names")
    }
    guard names.count <= ConditionSpace.widthLimit else {
      throw NetworkProblem(
        "\(name) of \(title) has \(names.count) names, more than \(ConditionSpace.widthLimit)")
    }
    return names
  }

  func integer(
    _ name: String, in range: ClosedRange<Int>, default standard: Int? = nil
  ) throws(NetworkProblem) -> Int {
    if object[name] == nil, let standard { return standard }
    guard let value = object[name]?.integer, range.contains(value) else {
      throw NetworkProblem(
        "\(name) of \(title) is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func numbers(_ name: String, count: Int, default standard: Float) throws(NetworkProblem)
    -> [Float]
  {
    guard let json = object[name] else { return Array(repeating: standard, count: count) }
    let values = json.array?.compactMap(\.double).map { Float($0) } ?? []
    guard values.count == count, json.array?.count == count, values.allSatisfy(\.isFinite) else {
      throw NetworkProblem("\(name) of \(title) is not one number for each of \(count) channels")
    }
    return values
  }
}

extension Safetensors {
  /// Finite weights with the given number of axes.
  func weights(_ name: String, rank: Int) throws(NetworkProblem) -> Tensor {
    let quoted = PlainText.quoted(name)
    guard let entry = entry(name) else { throw NetworkProblem("there is no tensor \(quoted)") }
    guard entry.shape.count == rank else {
      throw NetworkProblem(
        "tensor \(quoted) has \(entry.shape.count) axes where \(rank) are needed")
    }
    let values: [Float]
    do throws(SafetensorsError) {
      values = try floats(name, shape: entry.shape)
    } catch {
      throw NetworkProblem(Message(error.message))
    }
    let tensor = Tensor(values, shape: Shape(entry.shape))
    guard tensor.isFinite else {
      throw NetworkProblem("tensor \(quoted) holds values that are not finite")
    }
    return tensor
  }
}
