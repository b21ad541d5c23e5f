// The vector-quantised autoencoder on one page.
//
// A. van den Oord, O. Vinyals, K. Kavukcuoglu: Neural Discrete Representation Learning. NeurIPS 2017,
// arXiv:1711.00937.
//
//     vq-on-one-page                                            trains on pictures that it makes
//     vq-on-one-page --weights FILE.safetensors --data FILE.npy
//                                                               measures a vq-vae of the zoo
//     vq-on-one-page --check    holds the straight-through gradient to what it shall be
//
// The model. The latents are a grid of codes, numbers from 1 to K, each of which stands for a vector e
// of D numbers. The encoder gives a vector z_e(x) for each place of the grid, and
//
//     q(z = k | x) = 1 for k = argmin ‖z_e(x) − eₖ‖, else 0                             (equation 1)
//     z_q(x) = eₖ                                                                       (equation 2)
//
// The bound. q is certain, and p(z) is uniform while this is trained, so the rate, KL(q ‖ p), is a
// constant: log K nats for each place (section 3.1). −L = distortion + rate with
// distortion = −log p(x|z_q(x)).
//
// The loss. The choice of k has no gradient, so the one that arrives at z_q is handed to z_e as it
// is (straight-through), and two more terms bring codes and encoder together. sg lets no gradient pass:
//
//     −log p(x|z_q(x)) + ‖sg[z_e(x)] − e‖² + β ‖z_e(x) − sg[e]‖²                        (equation 3)
//
// The second is smallest where e is the mean of the z_e that chose it. Here, as in appendix A.1, moving
// averages lead e to that mean, and the second term is no part of the loss.
import Glibc
import NeuralNetworks
import PageSupport
import Tensors

/// The sizes: K codes of D numbers; an image of 12×12 pixels has 3×3 of them.
enum Sizes {
  static let codes = 16, codeSize = 8, channels = 16, topChannels = 32
  /// β, and γ of the moving averages.
  static let commitment: Float = 0.25, decay: Float = 0.99
}

final class VQVAE: Module {
  let encoder, decoder: Sequential
  let encoderHead, entry, decoderHead: Conv2D
  /// e `[K, D]`; N `[K]`, how often each code is chosen; m `[K, D]`, the sum of the z_e that chose it.
  let vectors, counts, sums: Buffer
  /// σ² of p(x|z) = N(x; decoder(z), σ² I): the variance of the data, so that distortion is half the
  /// squared error divided by it, as in the authors' code, and a constant.
  let variance = Buffer(.ones([1]))

  init(random: RandomSource) {
    func conv(
      _ name: String, _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1,
      _ activation: Activation = .relu
    ) -> Conv2D {
      Conv2D(
        inputs: inputs, outputs: outputs, kernel: kernel, stride: stride,
        padding: Padding(kernel / 2), activation: activation, random: random.child(name))
    }
    func up(_ name: String, _ inputs: Int, _ outputs: Int) -> TransposedConv2D {
      TransposedConv2D(
        inputs: inputs, outputs: outputs, kernel: 3, stride: 2, padding: Padding(1),
        outputPadding: (1, 1), activation: .relu, random: random.child(name))
    }
    let (low, top) = (Sizes.channels, Sizes.topChannels)
    // Two convolutions of stride 2 halve the image twice; a 1×1 convolution gives z_e.
    encoder = Sequential([conv("down 0", 1, low, stride: 2), conv("down 1", low, top, stride: 2)])
    encoderHead = conv("z", top, Sizes.codeSize, kernel: 1, .identity)
    entry = conv("entry", Sizes.codeSize, top)
    decoder = Sequential([up("up 0", top, low), up("up 1", low, low)])
    decoderHead = conv("pixels", low, 1, .identity)
    vectors = Buffer(random.stream("codes").normal([Sizes.codes, Sizes.codeSize]))
    counts = Buffer(.ones([Sizes.codes]))
    sums = Buffer(vectors.value)
  }

  var members: Members {
    let codebook = Part([
      "vectors": .buffer(vectors), "counts": .buffer(counts), "sums": .buffer(sums),
    ])
    return [
      "encoder": .module(Part(["layers": .module(encoder), "head": .module(encoderHead)])),
      "prior": .module(Part(["codebook": .module(codebook)])),
      "decoder": .module(
        Part(["entry": .module(entry), "layers": .module(decoder), "head": .module(decoderHead)])),
      "likelihood": .module(Part(["variance": .buffer(variance)])),
    ]
  }

  /// z_e(x), `[N, height, width, D]`.
  func encode(_ x: Tensor, _ context: Context) -> Tensor {
    encoderHead(encoder(x, context), context)
  }

  /// The number of the nearest code for each vector of z `[…, D]`: equation 1.
  func codes(_ z: Tensor) -> Tensor {
    let points = z.detached().reshaped(to: [z.count / Sizes.codeSize, 1, Sizes.codeSize])
    let codes = vectors.value.reshaped(to: [1, Sizes.codes, Sizes.codeSize])
    return (-(points - codes).squared().sum(axis: 2)).argmax(axis: 1)
  }

  /// e of the codes in the shape of z, with the gradient of z: its value is e + (z − z) = e.
  func straightThrough(_ z: Tensor, _ codes: Tensor) -> Tensor {
    let e = vectors.value.gathering(codes).reshaped(to: z.shape)
    return e + (z - z.detached())
  }

  /// −log N(x; m, σ²) in nats, `[N]`: ½ (D_x log 2πσ² + Σ (x − m)² / σ²).
  func distortion(_ x: Tensor, _ z: Tensor, _ context: Context) -> Tensor {
    let mean = decoderHead(decoder(entry(z, context), context), context)
    let (variance, pixels) = (variance.value.item, Float(x.count / x.shape[0]))
    let error = (x - mean).squared().flattened().sum(axis: 1)
    return (error / variance + pixels * log(2 * Float.pi * variance)) * 0.5
  }

  /// Everything about a batch: rate and distortion `[N]`, z_e, the codes that stand for it, and the third
  /// term of equation 3. The loss of the authors' code is mean (x − m)² / σ² + β mean (z_e − e)²;
  /// multiplied by D_x / 2, and with the constants of distortion and rate, it is this one in nats.
  func terms(_ x: Tensor, _ context: Context) -> (
    rate: Tensor, distortion: Tensor, commitment: Tensor, z: Tensor, codes: Tensor
  ) {
    let z = encode(x, context)
    let chosen = codes(z)
    let e = vectors.value.gathering(chosen).reshaped(to: z.shape)
    let (count, places) = (x.shape[0], z.shape[1] * z.shape[2])
    let pixels = Float(x.count / count)
    return (
      Tensor(repeating: Float(places) * log(Float(Sizes.codes)), shape: [count]),
      distortion(x, straightThrough(z, chosen), context),
      (z - e).squared().mean() * (Sizes.commitment * pixels / 2), z.detached(), chosen
    )
  }

  /// Appendix A.1 after each update: N ← γ N + (1 − γ) n, m ← γ m + (1 − γ) Σ z, e = m / N.
  func average(_ z: Tensor, _ codes: Tensor) {
    // n and Σ z as sums over all places: a column of ones and zeros for each code.
    let chose = Tensor.oneHot(codes, size: Sizes.codes)
    let points = z.reshaped(to: [codes.count, Sizes.codeSize])
    let (past, now) = (Sizes.decay, 1 - Sizes.decay)
    counts.value = counts.value * past + chose.sum(axis: 0) * now
    sums.value = sums.value * past + chose.matrixProduct(points, transposed: true) * now
    // A code that nobody chooses for long would be divided by zero.
    vectors.value = sums.value / (counts.value + 1e-5).reshaped(to: [Sizes.codes, 1])
  }
}

func train(_ pictures: Tensor) throws {
  let model = VQVAE(random: RandomSource(seed: 0))
  model.variance.value = Tensor([
    Float((pictures - Float(Page.mean(pictures))).doubleSumOfSquares / Double(pictures.count))
  ])
  // Codes begin at vectors of the encoder, not where none of them ever comes.
  let first = withoutTape { model.encode(pictures.rows(0..<32), Page.evaluation(of: 32)) }
  let points = first.reshaped(to: [first.count / Sizes.codeSize, Sizes.codeSize])
  let spread = (0..<Sizes.codes).map { Int32($0 * points.shape[0] / Sizes.codes) }
  model.vectors.value = points.gathering(Tensor(indices: spread))
  model.sums.value = model.vectors.value
  let optimizer = Optimizer(.adam(), parameters: model.parameters)
  for epoch in 1...10 {
    var terms = EpochTerms()
    for x in Page.batches(pictures, of: 32) {
      let context = Page.training(step: optimizer.updates, count: x.shape[0])
      let found = model.terms(x, context)
      let loss = (found.rate + found.distortion).mean() + found.commitment
      try optimizer.update(loss.backward(), rate: 2e-3)
      model.average(found.z, found.codes)
      terms.add(rate: found.rate, distortion: found.distortion)
    }
    terms.report("epoch \(epoch): ")
  }
}

Page.run(
  train: train,
  measure: { images, weights in
    guard images.shape[1].isMultiple(of: 4), images.shape[2].isMultiple(of: 4) else {
      throw PageError(
        "the sides of \(images.shape) are no multiples of 4, and are not halved twice")
    }
    let model = VQVAE(random: RandomSource(seed: 0))
    try model.load(weights)
    withoutTape {
      let terms = model.terms(images, Page.evaluation(of: images.shape[0]))
      Page.report("", rate: terms.rate, distortion: terms.distortion)
    }
  },
  check: {
    // What arrives at z_q arrives at z_e unchanged: with a parameter for z_e and the sum of c ⊙ z_q.
    let model = VQVAE(random: RandomSource(seed: 0))
    let z = Parameter(RandomSource(seed: 1).stream("z").normal([5, Sizes.codeSize]))
    let c = RandomSource(seed: 1).stream("c").normal([5, Sizes.codeSize])
    let quantised = model.straightThrough(z.tensor, model.codes(z.tensor))
    let gradient = (quantised * c).sum().backward()[z] ?? .zeros(c.shape)
    try Page.expect("‖gradient − c‖²", (gradient - c).doubleSumOfSquares, 0, within: 0)
    try Page.expect("z_q is e, not z_e", (quantised - z.value).doubleSumOfSquares > 0.1)
  })
