// The gated PixelCNN on one page.
//
// A. van den Oord, N. Kalchbrenner, O. Vinyals, L. Espeholt, A. Graves, K. Kavukcuoglu: Conditional Image
// Generation with PixelCNN Decoders. NeurIPS 2016, arXiv:1606.05328.
//
//     pixelcnn-on-one-page                                   trains on pictures that it makes, draws one
//     pixelcnn-on-one-page --weights FILE.safetensors --data FILE.npy
//                                                            measures a pixelcnn of the zoo
//     pixelcnn-on-one-page --check    adds up the probabilities of all images of 2×3 pixels, which is one
//
// The model has no latents. Any distribution of images is a product of conditionals, with the pixels
// taken row by row, and one network computes them all:
//
//     p(x) = Π p(xᵢ | x₁ … xᵢ₋₁)                                                        (equation 1)
//
// There is nothing to bound: distortion = −log p(x) is exact, and the rate is zero. The network must
// be blind to a pixel and all that follow it. So it has two stacks of convolutions (figure 2):
//
//     vertical      a = Wᵥ ∗ v + bᵥ          v′ = gate(a)                  sees the rows above
//     horizontal    c = Wₕ ∗ h + bₕ + a L    h′ = gate(c) R + r (+ h)      sees its row to the left, and a
//
//     gate(y) = tanh(y₁) ⊙ sigmoid(y₂), y₁ and y₂ being the halves of y                 (equation 2)
//
// One stack with masked kernels would have a blind spot, a wedge above and to the right that no path
// reaches. Nothing flows from the horizontal stack to the vertical one, which would bring the pixel to
// the left of one place to the row below of another.
import NeuralNetworks
import PageSupport
import Tensors

/// The sizes: features after each gate, gated layers after the first, the fields of the first layer and of
/// the others, and features of the head.
enum Sizes {
  static let channels = 16, layers = 3, firstKernel = 7, kernel = 3, head = 32
}

final class GatedLayer: Module {
  let isFirst: Bool
  /// Rows above and columns to the left that are seen: half of the field.
  let reach: Int
  /// Wᵥ `[2F, inputs, rows, field]`, bᵥ, Wₕ `[2F, inputs, 1, columns]`, bₕ, L `[2F, 2F]`
  let vertical, verticalBias, horizontal, horizontalBias, link: Parameter
  /// R and r, a 1×1 convolution.
  let output: Dense

  /// The first layer sees the image itself: of it strictly the rows above and the columns to the left
  /// (mask A). The others see features, whose own place is free to be seen (mask B).
  init(inputs: Int, isFirst: Bool, random: RandomSource) {
    self.isFirst = isFirst
    let field = isFirst ? Sizes.firstKernel : Sizes.kernel
    reach = field / 2
    let (gates, seen) = (2 * Sizes.channels, isFirst ? reach : reach + 1)
    func weights(_ name: String, _ shape: Shape) -> Parameter {
      Parameter(
        Initializer.heUniform.values(
          shape, fanIn: shape.count / gates, fanOut: gates, random: random.stream(name)))
    }
    vertical = weights("vertical", [gates, inputs, seen, field])
    horizontal = weights("horizontal", [gates, inputs, 1, seen])
    link = weights("link", [gates, gates])
    verticalBias = Parameter(.zeros([gates]))
    horizontalBias = Parameter(.zeros([gates]))
    output = Dense(
      inputs: Sizes.channels, outputs: Sizes.channels, random: random.child("output"))
  }

  var members: Members {
    [
      "vertical": .parameter(vertical), "vertical_bias": .parameter(verticalBias),
      "horizontal": .parameter(horizontal), "horizontal_bias": .parameter(horizontalBias),
      "link": .parameter(link), "output": .module(output),
    ]
  }

  /// v′ and h′ of v and h, `[N, height, width, features]`.
  ///
  /// A kernel needs no mask where the image is padded on one side only. With `reach` rows of zeros above, a
  /// kernel of `reach` rows that begins at row r of the padded image covers the rows r − reach … r − 1,
  /// and one of `reach` + 1 rows the row r as well; what begins below the last row is cut off.
  func callAsFunction(v: Tensor, h: Tensor, _ context: Context) -> (v: Tensor, h: Tensor) {
    let a = v.convolution(
      weights: vertical.tensor, bias: verticalBias.tensor,
      padding: Padding(top: reach, left: reach, bottom: 0, right: reach)
    ).slice(axis: 1, 0..<v.shape[1])
    let along = h.convolution(
      weights: horizontal.tensor, bias: horizontalBias.tensor,
      padding: Padding(top: 0, left: reach, bottom: 0, right: 0)
    ).slice(axis: 2, 0..<h.shape[2])
    // a of a place knows rows above it alone, in later layers by what its own row of v knows.
    let c = along + a.matrixProduct(link.tensor)
    let result = output(gate(c), context)
    return (gate(a), isFirst ? result : result + h)
  }

  private func gate(_ y: Tensor) -> Tensor {
    let halves = y.split(sizes: [Sizes.channels, Sizes.channels])
    return halves[0].tanh() * halves[1].sigmoid()
  }
}

final class PixelCNN: Module {
  let layers: [GatedLayer]
  let head, last: Dense

  init(random: RandomSource) {
    layers = (0...Sizes.layers).map {
      GatedLayer(
        inputs: $0 == 0 ? 2 : Sizes.channels, isFirst: $0 == 0, random: random.child("\($0)"))
    }
    head = Dense(
      inputs: Sizes.channels, outputs: Sizes.head, activation: .relu, random: random.child("head"))
    last = Dense(inputs: Sizes.head, outputs: 1, random: random.child("last"))
  }

  var members: Members {
    var network = Members(numbered: layers)
    network.entries += [
      (name: "head", member: .module(head)), (name: "last", member: .module(last)),
    ]
    return ["decoder": .module(Part(["network": .module(Part(network))]))]
  }

  /// The logits of p(xᵢ = 1 | x₁ … xᵢ₋₁) of all pixels at once, `[N, height, width, 1]`.
  func logits(_ x: Tensor, _ context: Context) -> Tensor {
    // Beside the image stands a feature of ones: the border, where it is zero, differs from black.
    let seen = Tensor.concatenated([x, .ones(x.shape)], axis: -1)
    var (v, h) = (seen, seen)
    for layer in layers { (v, h) = layer(v: v, h: h, context) }
    return last(head(h.relu(), context), context)
  }

  /// −log p(x) in nats, `[N]`: Σ log(1 + eˡ) − x l for logits l.
  func distortion(_ x: Tensor, _ context: Context) -> Tensor {
    let l = logits(x, context)
    return (l.softplus() - x * l).flattened().sum(axis: 1)
  }

  /// Images from p(x), one pixel after the other: each is drawn given those before it, which takes a pass
  /// for each pixel. (The zoo keeps what a pass has computed, and needs about one pass in all.)
  func draw(_ count: Int, _ context: Context) -> Tensor {
    let (side, uniform) = (
      Page.side, context.stream("pixels").uniform([count, Page.side, Page.side])
    )
    var (pixels, chances) = ([Float](repeating: 0, count: uniform.count), uniform.floats)
    for place in 0..<side * side {
      let x = Tensor(pixels, shape: [count, side, side, 1])
      let probabilities = logits(x, context).sigmoid().floats
      for index in stride(from: place, to: pixels.count, by: side * side) {
        pixels[index] = chances[index] < probabilities[index] ? 1 : 0
      }
    }
    return Tensor(pixels, shape: [count, side, side, 1])
  }
}

func train(_ pictures: Tensor) throws {
  let model = PixelCNN(random: RandomSource(seed: 0))
  let optimizer = Optimizer(.adam(), parameters: model.parameters)
  for epoch in 1...4 {
    var terms = EpochTerms()
    for x in Page.batches(pictures, of: 64) {
      let context = Page.training(step: optimizer.updates, count: x.shape[0])
      let distortion = model.distortion(x, context)
      try optimizer.update(distortion.mean().backward(), rate: 3e-3)
      terms.add(rate: .zeros(distortion.shape), distortion: distortion)
    }
    terms.report("epoch \(epoch): ")
  }
  let image = withoutTape { model.draw(1, Page.evaluation(of: 1)).floats }
  for row in 0..<Page.side {
    print(image[row * Page.side..<(row + 1) * Page.side].map { $0 > 0 ? "█" : "·" }.joined())
  }
}

Page.run(
  train: train,
  measure: { images, weights in
    let model = PixelCNN(random: RandomSource(seed: 0))
    try model.load(weights)
    let count = images.shape[0]
    withoutTape {
      let distortion = model.distortion(images, Page.evaluation(of: count))
      Page.report("", rate: .zeros([count]), distortion: distortion)
    }
  },
  check: {
    // Only where no pixel sees itself or a later one is the product of the conditionals a distribution.
    let pixels = (0..<64).flatMap { number in (0..<6).map { Float(number >> $0 & 1) } }
    let images = Tensor(pixels, shape: [64, 2, 3, 1])
    let model = PixelCNN(random: RandomSource(seed: 0))
    let total = withoutTape { (-model.distortion(images, Page.evaluation(of: 64))).exp().doubleSum }
    try Page.expect("Σ p(x) over all images", total, 1, within: 1e-5)
  })
