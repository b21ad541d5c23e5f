import Messages
import Tensors
import VAEFiles

/// Convolutional classifiers whose weights are at hand in many places: the layers before the classifier,
/// by the names that torchvision gives their tensors.
///
/// A safetensors file with these names needs no description. Layers have torchvision's names,
/// `features.0`, `features.1`, …, and those of VGG that are ReLUs the papers' as well, `relu1_1`,
/// `relu1_2`, `relu2_1`, …. Tensors of the classifier may be there, and are not read. The package `lpips` has the
/// same tensors under `net.slice1.0`, `net.slice2.5`, …, beside the heads of its distance, `lin0.model.1.weight`, ….
///
/// Images are those of ImageNet: three channels of 0 to 1, less its mean, divided by its deviation. That is what
/// `lpips` does with images of −1 to 1, (x − shift) / scale, with half of its scale and half of its shift less −1.
struct NetworkArchitecture: Sendable {
  /// A step of `features` that has no weights, or what its weights must be.
  enum Step: Sendable {
    case convolution(outputs: Int, kernel: Int, stride: Int, padding: Int)
    case relu
    case maximumPool(kernel: Int, stride: Int, roundsUp: Bool)
    /// SqueezeNet's module: a 1×1 convolution to `squeeze` channels, then one of 1×1 and one of 3×3 to `expand`
    /// channels each, side by side, all with ReLU.
    case fire(squeeze: Int, expand: Int)
  }

  /// The name, as torchvision has it.
  let name: String
  /// `features`, in order.
  let steps: [Step]
  /// Whether ReLUs have the names of VGG's papers.
  let namesRectifiers: Bool
  /// The steps that LPIPS compares, with the channels of each: the rectified maps before each halving and, of
  /// SqueezeNet, behind each of the later modules (`lpips`, pretrained_networks.py). None where it has no heads.
  let heads: [(step: Int, channels: Int)]

  /// Those that are known.
  static let all = [
    vgg(
      "vgg16", [2, 2, 3, 3, 3],
      heads: [(3, 64), (8, 128), (15, 256), (22, 512), (29, 512)]),
    vgg("vgg19", [2, 2, 4, 4, 4], heads: []), alexnet, squeezenet,
  ]

  /// Simonyan & Zisserman 2015, configurations D and E.
  private static func vgg(
    _ name: String, _ blocks: [Int], heads: [(step: Int, channels: Int)]
  ) -> NetworkArchitecture {
    let channels = [64, 128, 256, 512, 512]
    return NetworkArchitecture(
      name: name,
      steps: zip(blocks, channels).flatMap { count, outputs in
        (0..<count).flatMap { _ in
          [.convolution(outputs: outputs, kernel: 3, stride: 1, padding: 1), .relu]
        } + [.maximumPool(kernel: 2, stride: 2, roundsUp: false)]
      }, namesRectifiers: true, heads: heads)
  }

  /// Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks".
  private static let alexnet = NetworkArchitecture(
    name: "alexnet",
    steps: [
      .convolution(outputs: 64, kernel: 11, stride: 4, padding: 2), .relu,
      .maximumPool(kernel: 3, stride: 2, roundsUp: false),
      .convolution(outputs: 192, kernel: 5, stride: 1, padding: 2), .relu,
      .maximumPool(kernel: 3, stride: 2, roundsUp: false),
      .convolution(outputs: 384, kernel: 3, stride: 1, padding: 1), .relu,
      .convolution(outputs: 256, kernel: 3, stride: 1, padding: 1), .relu,
      .convolution(outputs: 256, kernel: 3, stride: 1, padding: 1), .relu,
      .maximumPool(kernel: 3, stride: 2, roundsUp: false),
    ], namesRectifiers: false, heads: [(1, 64), (4, 192), (7, 384), (9, 256), (11, 256)])

  /// Iandola et al. 2016, version 1.1 of their code.
  private static let squeezenet = NetworkArchitecture(
    name: "squeezenet1_1",
    steps: [
      .convolution(outputs: 64, kernel: 3, stride: 2, padding: 0), .relu,
      .maximumPool(kernel: 3, stride: 2, roundsUp: true),
      .fire(squeeze: 16, expand: 64), .fire(squeeze: 16, expand: 64),
      .maximumPool(kernel: 3, stride: 2, roundsUp: true),
      .fire(squeeze: 32, expand: 128), .fire(squeeze: 32, expand: 128),
      .maximumPool(kernel: 3, stride: 2, roundsUp: true),
      .fire(squeeze: 48, expand: 192), .fire(squeeze: 48, expand: 192),
      .fire(squeeze: 64, expand: 256), .fire(squeeze: 64, expand: 256),
    ], namesRectifiers: false,
    heads: [(1, 64), (4, 128), (7, 256), (9, 384), (10, 384), (11, 512), (12, 512)])

  /// The tensors of `features` with their shapes.
  var tensors: [(name: String, shape: [Int])] {
    var (found, channels): ([(name: String, shape: [Int])], Int) = ([], 3)
    func add(_ name: String, _ outputs: Int, _ inputs: Int, _ kernel: Int) {
      found.append(("\(name).weight", [outputs, inputs, kernel, kernel]))
      found.append(("\(name).bias", [outputs]))
    }
    for (number, step) in steps.enumerated() {
      let name = "features.\(number)"
      switch step {
      case .convolution(let outputs, let kernel, _, _):
        add(name, outputs, channels, kernel)
        channels = outputs
      case .fire(let squeeze, let expand):
        add("\(name).squeeze", squeeze, channels, 1)
        add("\(name).expand1x1", expand, squeeze, 1)
        add("\(name).expand3x3", expand, squeeze, 3)
        channels = 2 * expand
      case .relu, .maximumPool: break
      }
    }
    return found
  }

  /// The names of those that are known, in a sentence.
  static var names: String { all.map(\.name).joined(separator: ", ") }

  /// The other name of a layer.
  func alias(of number: Int) -> String? {
    guard namesRectifiers, case .relu = steps[number] else { return nil }
    var (block, place) = (1, 0)
    for step in steps[...number] {
      switch step {
      case .maximumPool: (block, place) = (block + 1, 0)
      case .relu: place += 1
      default: break
      }
    }
    return "relu\(block)_\(place)"
  }
}

extension FrozenNetwork {
  /// A network of a known architecture with the weights of a file.
  ///
  /// - Throws: `NetworkProblem` where a tensor has another shape or values that are not finite, or heads
  ///   are there that are not the architecture's.
  convenience init(_ known: ArchitectureTensors) throws(NetworkProblem) {
    let architecture = known.architecture
    try known.checkShapes()
    func weights(_ name: String) throws(NetworkProblem) -> (weights: Tensor, bias: Tensor) {
      (try known.weights("\(name).weight", rank: 4), try known.weights("\(name).bias", rank: 1))
    }
    var layers: [Layer] = []
    for (number, step) in architecture.steps.enumerated() {
      let name = "features.\(number)"
      let operation: Operation
      switch step {
      case .convolution(_, _, let stride, let padding):
        let own = try weights(name)
        operation = .convolution(
          weights: own.weights, bias: own.bias, stride: stride, padding: padding)
      case .relu: operation = .relu
      case .maximumPool(let kernel, let stride, let roundsUp):
        operation = .maximumPool(kernel: kernel, stride: stride, roundsUp: roundsUp)
      case .fire:
        operation = .fire(
          squeeze: try weights("\(name).squeeze"), small: try weights("\(name).expand1x1"),
          large: try weights("\(name).expand3x3"))
      }
      layers.append(Layer(name: name, alias: architecture.alias(of: number), operation: operation))
    }
    try self.init(input: try known.input(), layers: layers, heads: try known.heads())
  }
}
