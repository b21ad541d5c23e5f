// A variational autoencoder whose posterior is an inverse autoregressive flow, on one page.
//
// D. P. Kingma, T. Salimans, R. Jozefowicz, X. Chen, I. Sutskever, M. Welling: Improving Variational
// Inference with Inverse Autoregressive Flow. NeurIPS 2016, arXiv:1606.04934.
//
//     flow-on-one-page            trains on pictures that it makes
//     flow-on-one-page --check    holds the density of the flow to what can be computed in another way
//
// A Gaussian with independent units is a poor guess of p(z|x), whose units depend on each other. A flow
// bends its draws: z₀ ~ N(μ, σ² I), zₜ = fₜ(zₜ₋₁), and the density of what comes out is known by the
// change of variables,
//
//     log q(z_T|x) = log q(z₀|x) − Σₜ log |det ∂zₜ / ∂zₜ₋₁|
//
// In an autoregressive step unit i is scaled and moved by numbers that depend on the units before it
// alone. Its Jacobian is a triangle, with the scales on the diagonal (algorithm 1):
//
//     [m, s] = AutoregressiveNN(zₜ₋₁, h)        h: what the encoder says about x beside μ and σ
//     zₜ = sigmoid(s) ⊙ zₜ₋₁ + (1 − sigmoid(s)) ⊙ m        log |det| = Σ log sigmoid(s)
//
// Between steps the order of the units is reversed, which moves no volume: the first may use the last.
//
// The bound. −L = distortion + rate, distortion = −log p(x|z_T), rate = log q(z_T|x) − log p(z_T): the
// rate has no closed form any more, and is that of the draw. The prior prices z_T, never z₀.
import Glibc
import NeuralNetworks
import PageSupport
import Tensors

enum Sizes { static let hidden = 64, latent = 4, context = 16, steps = 2 }

/// The autoregressive network of one step (MADE, Germain et al. 2015), one hidden layer of tanh.
///
/// A hidden unit has a degree d, and sees the first d units of z; the outputs for unit i see the hidden
/// units of degrees below i. The masks multiply the weights, so that gradients are masked too. h is seen
/// by all, also by degree 0, from which the outputs for the first unit come.
final class Autoregressive: Module {
  let first, second, bias: Parameter
  let context: Dense
  let firstMask, secondMask: Tensor

  init(random: RandomSource) {
    let (units, hidden) = (Sizes.latent, Sizes.hidden)
    let degrees = (0..<hidden).map { $0 % units }
    firstMask = Tensor(
      (0..<units).flatMap { i in degrees.map { i < $0 ? 1 : 0 } }, shape: [units, hidden])
    let seen: [Float] = degrees.flatMap { d in (0..<2 * units).map { d <= $0 % units ? 1 : 0 } }
    secondMask = Tensor(seen, shape: [hidden, 2 * units])
    first = Parameter(
      Initializer.glorotUniform.values(
        [units, hidden], fanIn: units, fanOut: hidden, random: random.stream("first")))
    context = Dense(
      inputs: Sizes.context, outputs: hidden, initializer: .glorotUniform,
      random: random.child("context"))
    // At first m = 0 and s = 2 (the paper: 1 to 2), so that a step keeps nearly all of z.
    second = Parameter(.zeros([hidden, 2 * units]))
    bias = Parameter(
      .concatenated([.zeros([units]), Tensor(repeating: 2, shape: [units])], axis: 0))
  }

  var members: Members {
    [
      "first": .parameter(first), "second": .parameter(second), "bias": .parameter(bias),
      "context": .module(context),
    ]
  }

  /// zₜ of zₜ₋₁ with log |det ∂zₜ / ∂zₜ₋₁|, `[K · N, latent]` and `[K · N]`.
  func step(_ z: Tensor, _ h: Tensor, _ call: Context) -> (z: Tensor, logDeterminant: Tensor) {
    let hidden = (z.matrixProduct(first.tensor * firstMask) + context(h, call)).tanh()
    let outputs = hidden.matrixProduct(second.tensor * secondMask) + bias.tensor
    let halves = outputs.split(sizes: [Sizes.latent, Sizes.latent])
    let scale = halves[1].sigmoid()
    // log sigmoid(s) = −softplus(−s), without the logarithm of what was rounded to zero.
    return (scale * z + (1 - scale) * halves[0], -(-halves[1]).softplus().sum(axis: 1))
  }
}

final class FlowVAE: Module {
  let encoder, encoderHead, decoder, decoderHead: Dense
  let flow: [Autoregressive]

  init(pixels: Int, random: RandomSource) {
    func dense(_ name: String, _ inputs: Int, _ outputs: Int, _ activation: Activation) -> Dense {
      Dense(inputs: inputs, outputs: outputs, activation: activation, random: random.child(name))
    }
    encoder = dense("encoder", pixels, Sizes.hidden, .tanh)
    encoderHead = dense("head", Sizes.hidden, 2 * Sizes.latent + Sizes.context, .identity)
    decoder = dense("decoder", Sizes.latent, Sizes.hidden, .tanh)
    decoderHead = dense("pixels", Sizes.hidden, pixels, .identity)
    flow = (0..<Sizes.steps).map { Autoregressive(random: random.child("step \($0)")) }
  }

  var members: Members {
    Members(numbered: [encoder, encoderHead, decoder, decoderHead] + flow)
  }

  /// μ and log σ² of z₀, and h.
  func encode(_ x: Tensor, _ context: Context) -> [Tensor] {
    encoderHead(encoder(x.flattened(), context), context).split(
      sizes: [Sizes.latent, Sizes.latent, Sizes.context])
  }

  /// z_T of z₀, with the sum of log |det|.
  func bend(_ z0: Tensor, _ h: Tensor, _ context: Context) -> (z: Tensor, logDeterminant: Tensor) {
    var (z, sum) = (z0, Tensor.zeros([z0.shape[0]]))
    for (number, layer) in flow.enumerated() {
      if number > 0 { z = reversed(z) }
      let (next, logDeterminant) = layer.step(z, h, context)
      (z, sum) = (next, sum + logDeterminant)
    }
    return (z, sum)
  }

  /// K draws per image, `[K · N, …]`: z_T with log q(z_T|x).
  func draw(_ x: Tensor, samples: Int, _ context: Context) -> (z: Tensor, logDensity: Tensor) {
    let parts = encode(x, context).map { $0.tiled(samples) }
    let noise = context.normalNoise("posterior", samples: samples, shape: [Sizes.latent])
    let z0 = parts[0] + (parts[1] * 0.5).exp() * noise
    let (z, logDeterminant) = bend(z0, parts[2], context)
    // log N(z₀; μ, σ²), in which (z₀ − μ) / σ is the noise.
    return (z, standardNormal(noise) - parts[1].sum(axis: 1) * 0.5 - logDeterminant)
  }

  /// −log p(x|z) in nats: Σ log(1 + eˡ) − x l for logits l, `[K · N]`.
  func distortion(_ x: Tensor, _ z: Tensor, _ context: Context) -> Tensor {
    let logits = decoderHead(decoder(z, context), context)
    let images = x.flattened().tiled(z.shape[0] / x.shape[0])
    return (logits.softplus() - images * logits).sum(axis: 1)
  }

  /// log (1/K) Σ p(x|z) p(z) / q(z), for K draws per image from any q (Burda et al. 2016), `[N]`.
  func logLikelihood(_ x: Tensor, _ z: Tensor, logDensity: Tensor, _ context: Context) -> Tensor {
    let logWeights = standardNormal(z) - distortion(x, z, context) - logDensity
    let samples = z.shape[0] / x.shape[0]
    return logWeights.reshaped(to: [samples, x.shape[0]]).transposed().logSumExp()
      - log(Float(samples))
  }
}

/// The units in the other order.
func reversed(_ z: Tensor) -> Tensor {
  .concatenated(z.split(sizes: Array(repeating: 1, count: Sizes.latent)).reversed(), axis: 1)
}

/// log N(z; 0, I) in nats, `[N]`.
func standardNormal(_ z: Tensor) -> Tensor {
  (z.squared() + log(2 * Float.pi)).sum(axis: 1) * -0.5
}

func trained(_ pictures: Tensor, epochs: Int) throws -> FlowVAE {
  let model = FlowVAE(pixels: pictures.count / pictures.shape[0], random: RandomSource(seed: 0))
  let optimizer = Optimizer(.adam(), parameters: model.parameters)
  for epoch in 1...epochs {
    var terms = EpochTerms()
    for x in Page.batches(pictures, of: 64) {
      let context = Page.training(step: optimizer.updates, count: x.shape[0])
      let (z, logDensity) = model.draw(x, samples: 1, context)
      let rate = logDensity - standardNormal(z)
      let distortion = model.distortion(x, z, context)
      try optimizer.update((rate + distortion).mean().backward(), rate: 3e-3)
      terms.add(rate: rate, distortion: distortion)
    }
    terms.report("epoch \(epoch): ")
  }
  return model
}

func check() throws {
  let (x, context) = (Page.pictures(8, seed: 2), Page.evaluation(of: 8))
  // As it begins the flow is z₀ ↦ c z₀ with c = sigmoid(2)², reversed: a Gaussian with known moments,
  // so that with the same draws the bound is that of a Gaussian posterior.
  let fresh = FlowVAE(pixels: 144, random: RandomSource(seed: 0))
  let (parts, drawn) = (fresh.encode(x, context), fresh.draw(x, samples: 1, context))
  let logC: Float = 2 * log(1 / (1 + exp(-2)))
  let gaussian = Tensor.gaussianLogDensity(
    reversed(drawn.z), mean: parts[0] * exp(logC), logVariance: parts[1] + 2 * logC)
  let difference = (drawn.logDensity - gaussian).doubleSumOfSquares
  try Page.expect("‖log q − log N‖² of a fresh flow", difference, 0, within: 1e-8)
  let model = try trained(Page.pictures(2048), epochs: 5)
  try withoutTape {
    // log |det| of all steps and reversals against differences of z_T.
    let (h, place) = (model.encode(x, context)[2].rows(0..<1), [0.3, -1.2, 0.8, 0.1] as [Float])
    func bent(_ z: [Float]) -> (z: Tensor, logDeterminant: Tensor) {
      model.bend(Tensor(z, shape: [1, Sizes.latent]), h, context)
    }
    let numerical = Numerical.logDeterminant(at: place) { bent($0).z.floats }
    let ours = Page.mean(bent(place).logDeterminant)
    try Page.expect("log |det ∂z_T / ∂z₀|", ours, numerical, within: 1e-3)
    // p(x) is the decoder's alone: importance weights find the same with draws of the flow and with
    // those of a Gaussian that has their means and 1.5 times their variances.
    let draws = model.draw(x, samples: 4000, context)
    let others = Numerical.gaussian(like: draws.z, context)
    let byFlow = Page.mean(model.logLikelihood(x, draws.z, logDensity: draws.logDensity, context))
    let found = model.logLikelihood(x, others.z, logDensity: others.logDensity, context)
    try Page.expect("log p(x)", byFlow, Page.mean(found), within: 0.02)
  }
}

Page.run(train: { _ = try trained($0, epochs: 20) }, check: check)
