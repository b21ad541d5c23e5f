// VAE-GAN on one page: a variational autoencoder that is told what is alike by a discriminator.
//
// A. B. L. Larsen, S. K. Sønderby, H. Larochelle, O. Winther: Autoencoding beyond pixels using a learned
// similarity metric. ICML 2016, arXiv:1512.09300.
//
//     gan-on-one-page            trains on pictures that it makes
//     gan-on-one-page --check    holds the gradients of algorithm 1 to those computed by hand
//
// Squared errors of pixels punish a picture that is moved by one pixel as much as a wrong one, so that a
// decoder blurs. Here a third network, Dis, learns to tell images from what the decoder makes, and its
// features Dis_l are what images are compared by:
//
//     L_prior = KL(q(z|x) ‖ p(z))                          p(z) = N(0, I)
//     L_llike = −log N(Dis_l(x); Dis_l(x̃), I)              x̃ = Dec(z), z ~ q(z|x)
//     L_GAN = log D(x) + log(1 − D(x̃)) + log(1 − D(x_p))   x_p = Dec(z_p), z_p ~ p(z)
//
// Each network has a loss of its own (algorithm 1):
//
//     Enc minimises L_prior + L_llike
//     Dec minimises γ L_llike + L_GAN     it wants to be taken for an image: D(x̃) and D(x_p) near one
//     Dis maximises L_GAN
//
// No gradient of L_GAN reaches Enc, or z would carry what fools Dis; none of L_llike reaches Dis, which
// would make all images alike. (The paper's algorithm writes γ L_llike − L_GAN for Dec, where L_GAN is
// the loss of Dis; as defined above, it is its negative.)
//
// L_prior + L_llike is no bound on log p(x): the features change with Dis. The bound of the same networks is
// that of a Gaussian around Dec(z) with the variance of its errors, and is printed beside.
import Glibc
import NeuralNetworks
import PageSupport
import Tensors

/// Enc gives means and log-variances of units, Dec a picture of them, Dis features and a logit of them.
struct VAEGAN {
  let encoder, decoder, features, verdict: any Layer
  let units: Int
  /// γ, the weight of the similarity for Dec.
  let weight: Float

  /// Three perceptrons with one hidden layer each; that of Dis gives the features.
  init(pixels: Int, units: Int, hidden: Int, weight: Float, random: RandomSource) {
    func dense(_ name: String, _ inputs: Int, _ outputs: Int, _ activation: Activation) -> Dense {
      Dense(inputs: inputs, outputs: outputs, activation: activation, random: random.child(name))
    }
    encoder = Sequential([
      dense("e0", pixels, hidden, .relu), dense("e1", hidden, 2 * units, .identity),
    ])
    decoder = Sequential([
      dense("d0", units, hidden, .relu), dense("d1", hidden, pixels, .sigmoid),
    ])
    features = dense("features", pixels, hidden, .leakyReLU(slope: 0.2))
    verdict = dense("verdict", hidden, 1, .identity)
    (self.units, self.weight) = (units, weight)
  }

  /// Given networks: Enc, Dec, and the two parts of Dis.
  init(_ layers: [Dense], units: Int, weight: Float) {
    (encoder, decoder, features, verdict) = (layers[0], layers[1], layers[2], layers[3])
    (self.units, self.weight) = (units, weight)
  }

  /// The parameters of Enc, Dec and Dis.
  var parts: [[(path: String, parameter: Parameter)]] {
    [encoder.parameters, decoder.parameters, features.parameters + verdict.parameters]
  }

  /// For a batch `[N, pixels]` the losses of Enc, Dec and Dis, scalars, whose gradients reach just the
  /// network that they train; and L_prior and Σ (x − x̃)² of each image, `[N]`.
  func losses(_ x: Tensor, _ call: Context) -> (parts: [Tensor], rate: Tensor, error: Tensor) {
    let halves = encoder(x, call).split(sizes: [units, units])
    let (mean, logVariance) = (halves[0], halves[1].clamped(to: -20...20))
    let noise = call.normalNoise("posterior", samples: 1, shape: [units])
    let z = mean + (logVariance * 0.5).exp() * noise
    let rate = (mean.squared() + logVariance.exp() - 1 - logVariance).sum(axis: 1) * 0.5

    /// L_llike, `[N]`, with Dis as it is.
    func similarity(_ made: Tensor) -> Tensor {
      let difference = frozen(features, x, call) - frozen(features, made, call)
      return (difference.squared() + log(2 * Float.pi)).sum(axis: 1) * 0.5
    }
    /// L_GAN of logits l of D: log D = −log(1 + e⁻ˡ), log(1 − D) = −log(1 + eˡ).
    func adversarial(_ real: Tensor, _ made: Tensor, _ drawn: Tensor) -> Tensor {
      -((-real).softplus() + made.softplus() + drawn.softplus()).mean()
    }

    // Enc: through Dec and Dis with their weights as constants.
    let forEncoder = (rate + similarity(frozen(decoder, z, call))).mean()

    // Dec: from z as a constant, so that nothing reaches Enc, and judged by Dis as it is.
    let made = decoder(z.detached(), call)
    let drawn = decoder(call.normalNoise("prior", samples: 1, shape: [units]), call)
    func asItIs(_ image: Tensor) -> Tensor { frozen(verdict, frozen(features, image, call), call) }
    let forDecoder =
      similarity(made).mean() * weight + adversarial(asItIs(x), asItIs(made), asItIs(drawn))

    // Dis: of pictures as constants, so that nothing reaches Dec.
    func judged(_ image: Tensor) -> Tensor { verdict(features(image.detached(), call), call) }
    let forDiscriminator = -adversarial(judged(x), judged(made), judged(drawn))
    return (
      [forEncoder, forDecoder, forDiscriminator], rate.detached(),
      (x - made.detached()).squared().sum(axis: 1)
    )
  }
}

/// What a network makes of an input with its weights as constants: a gradient passes through it to the
/// input, and none stays.
func frozen(_ layer: any Layer, _ input: Tensor, _ context: Context) -> Tensor {
  for (_, parameter) in layer.parameters { parameter.isTrainable = false }
  defer { for (_, parameter) in layer.parameters { parameter.isTrainable = true } }
  return layer(input, context)
}

func train(_ pictures: Tensor) throws {
  let (images, pixels) = (pictures.flattened(), pictures.count / pictures.shape[0])
  let model = VAEGAN(
    pixels: pixels, units: 4, hidden: 64, weight: 1, random: RandomSource(seed: 0))
  let optimizers = model.parts.map { Optimizer(.adam(beta1: 0.5), parameters: $0) }
  for epoch in 1...20 {
    var (rates, errors, sums): ([Tensor], [Tensor], [Double]) = ([], [], [0, 0, 0])
    for x in Page.batches(images, of: 64) {
      let context = Page.training(step: optimizers[0].updates, count: x.shape[0])
      let (losses, rate, error) = model.losses(x, context)
      // All gradients first, then all updates: each is of the networks as they were.
      let gradients = losses.map { $0.backward() }
      for (optimizer, gradient) in zip(optimizers, gradients) {
        try optimizer.update(gradient, rate: 1e-3)
      }
      rates.append(rate)
      errors.append(error)
      sums = zip(sums, losses).map { $0 + Double($1.item) * Double(x.shape[0]) }
    }
    let (rate, error) = (Tensor.concatenated(rates, axis: 0), Tensor.concatenated(errors, axis: 0))
    // −log N(x; x̃, σ² I) with σ² fitted: ½ (D log 2πσ² + Σ (x − x̃)² / σ²).
    let variance = Float(Page.mean(error)) / Float(pixels)
    let distortion = (error / variance + Float(pixels) * log(2 * Float.pi * variance)) * 0.5
    Page.report("epoch \(epoch): ", rate: rate, distortion: distortion)
    let means = sums.map { Page.text($0 / Double(pictures.shape[0])) }
    print("  losses: Enc \(means[0]), Dec \(means[1]), Dis \(means[2])")
  }
}

func check() throws {
  // No loss has a gradient for a parameter of another network, and each has one for all of its own.
  let random = RandomSource(seed: 3)
  let whole = VAEGAN(pixels: 144, units: 4, hidden: 8, weight: 1, random: random)
  for (part, (name, own)) in zip(["Enc", "Dec", "Dis"], whole.parts).enumerated() {
    // Computed anew for each: a backward pass uses up the tape, which would hide what losses share.
    let batch = Page.pictures(16).flattened()
    let gradients = whole.losses(batch, Page.evaluation(of: 16)).parts[part].backward()
    let norm = gradients.globalNorm(own)
    let reached = own.filter { gradients[$0.parameter] != nil }.count
    try Page.expect(
      "the loss of \(name) has gradients for \(name) alone, of norm \(Page.text(norm))",
      norm > 0 && reached == own.count && gradients.count == own.count)
  }
  // Numbers in place of networks: Enc x ↦ (m, s), Dec z ↦ a z, Dis_l y ↦ w y, logit u w y.
  let layers = (0..<4).map {
    Dense(inputs: 1, outputs: $0 == 0 ? 2 : 1, random: random.child("\($0)"))
  }
  layers[2].bias.value = Tensor([0])
  let (a, b) = (layers[1].weights.value.item, layers[1].bias.value.item)
  let (w, u, v) = (
    layers[2].weights.value.item, layers[3].weights.value.item, layers[3].bias.value.item
  )
  let (x, weight, context) = (Float(0.7), Float(0.5), Page.evaluation(of: 1))
  let head = layers[0](Tensor([x], shape: [1, 1]), context).floats
  let noise = context.normalNoise("posterior", samples: 1, shape: [1]).item
  let drawn = context.normalNoise("prior", samples: 1, shape: [1]).item
  let z = head[0] + exp(head[1] / 2) * noise
  let (made, other) = (a * z + b, a * drawn + b)
  /// D(y), and the gradient of L_llike by x̃.
  func d(_ y: Float) -> Float { 1 / (1 + exp(-(u * w * y + v))) }
  let pull = w * w * (made - x)
  let gradients = VAEGAN(layers, units: 1, weight: weight)
    .losses(Tensor([x], shape: [1, 1]), context).parts.map { $0.backward() }
  func expect(_ what: String, _ part: Int, _ parameter: Parameter, _ wanted: Float) throws {
    let found = gradients[part][parameter]?.floats.first ?? .nan
    try Page.expect(what, Double(found), Double(wanted), within: 1e-5)
  }
  try expect("∂ Enc / ∂ m", 0, layers[0].bias, head[0] + pull * a)
  try expect(
    "∂ Dec / ∂ a", 1, layers[1].weights,
    weight * pull * z - d(made) * u * w * z - d(other) * u * w * drawn)
  try expect(
    "∂ Dis / ∂ u", 2, layers[3].weights,
    w * (d(made) * made + d(other) * other - (1 - d(x)) * x))
}

Page.run(train: train, check: check)
