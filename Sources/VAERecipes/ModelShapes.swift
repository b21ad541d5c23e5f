import NeuralNetworks
import Tensors
import VAECore
import VAEFiles

/// The layers of a planned model: what each gives for one example, and how many numbers it trains.
public struct ModelShapes {
  /// A module with parameters of its own.
  public struct Layer: Sendable {
    /// Its path in the model, such as `encoder.layers.0`.
    public let path: String
    /// What it gives for one example; nil where the part does not say, as those of plug-ins.
    public let output: Shape?
    /// The shape of each of its parameters, by name.
    public let weights: [(name: String, shape: Shape)]

    /// The numbers that are trained.
    public var parameterCount: Int { weights.reduce(0) { $0 + $1.shape.count } }
  }

  /// The layers, part by part, in the order of their members.
  public let layers: [Layer]
  /// What each module gets and gives for one example, in the order of computation.
  package let modules: [(path: String, input: Shape, output: Shape)]
  /// One example.
  public let input: Shape
  /// What a decoder starts from.
  public let latents: Shape
  /// What a decoder gives for one example.
  public let output: Shape

  /// The numbers that are trained in all.
  public var parameterCount: Int { layers.reduce(0) { $0 + $1.parameterCount } }

  /// The shapes of a model for some data, by the rules of its parts.
  ///
  /// - Parameters:
  ///   - model: whose weights need no values.
  ///   - data: what it is for.
  ///   - outputShape: what the likelihood takes for an example.
  /// - Throws: `RecipeError` of kind `invalid` where a layer cannot take what it would get, or the decoder
  ///   does not give what the likelihood takes.
  init(_ model: Model, data: DataDescription, outputShape: Shape) throws {
    input = [data.height, data.width, data.channels]
    latents = model.prior.latents.decoderInputShape
    output = outputShape
    var trace = ShapeTrace()
    do {
      let numbers = try trace.pass(input, through: model.encoder, "encoder")
      _ = try trace.pass(numbers, through: model.prior, "prior")
      let given = try trace.pass(latents, through: model.decoder, "decoder")
      guard given == nil || given == outputShape else {
        throw ShapeMisfit(
          "gives \(given ?? []) for an example, but the likelihood takes \(outputShape)",
          path: "decoder")
      }
      _ = try trace.pass(input, through: model.objective, "objective")
    } catch let error as ShapeMisfit {
      throw RecipeError(.invalid, "\(error.description)")
    }
    let outputs = Dictionary(
      trace.modules.map { ($0.path, $0.output) }, uniquingKeysWith: { _, last in last })
    var layers: [Layer] = []
    for (path, parameter) in model.parameters {
      let pieces = path.split(separator: ".")
      let place = pieces.dropLast().joined(separator: ".")
      let weights = (name: String(pieces.last ?? ""), shape: parameter.shape)
      if layers.last?.path == place, let last = layers.popLast() {
        layers.append(Layer(path: place, output: last.output, weights: last.weights + [weights]))
      } else {
        layers.append(Layer(path: place, output: outputs[place], weights: [weights]))
      }
    }
    self.layers = layers
    modules = trace.modules
  }
}

extension ModelShapes {
  /// As JSON: `input`, `latents`, `output`, `parameters` in all, and `layers`, each with its `path`,
  /// `output` (null where that is not known), `weights` by name and `parameters`.
  public var json: JSON {
    func json(_ shape: Shape) -> JSON { .array(shape.dimensions.map(JSON.integer)) }
    return .object([
      "input": json(input), "latents": json(latents), "output": json(output),
      "parameters": .integer(parameterCount),
      "layers": .array(
        layers.map { layer in
          var weights: JSON.Object = [:]
          for (name, shape) in layer.weights { weights[name] = json(shape) }
          return .object([
            "path": .text(layer.path), "output": layer.output.map(json) ?? .null,
            "weights": .object(weights), "parameters": .integer(layer.parameterCount),
          ])
        }),
    ])
  }
}

extension Registry {
  /// The layers of the model that a recipe describes, without making its weights.
  ///
  /// - Parameter recipe: with a data part.
  /// - Throws: what `plan` throws.
  public func shapes(of recipe: Recipe) throws -> ModelShapes {
    let model = try plan(recipe)
    guard let data = recipe.data else {
      throw RecipeError(.malformed, "the recipe has no data part, so its model has no size")
    }
    return try ModelShapes(
      model, data: data,
      outputShape: [
        data.height, data.width, model.likelihood.parametersPerPixel(channels: data.channels),
      ])
  }
}
