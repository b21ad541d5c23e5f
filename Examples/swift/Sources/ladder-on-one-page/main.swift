// The ladder variational autoencoder on one page.
//
// C. K. Sønderby, T. Raiko, L. Maaløe, S. K. Sønderby, O. Winther: Ladder Variational Autoencoders.
// NeurIPS 2016, arXiv:1602.02282.
//
//     ladder-on-one-page                                            trains on pictures that it makes
//     ladder-on-one-page --weights FILE.safetensors --data FILE.npy
//                                   measures a ladder-vae of the zoo, with the same draws as its evaluate
//     ladder-on-one-page --check    holds merge and rate to the densities that they stand for
//
// The model. Latents form a chain, and the network says the gist before the detail:
//
//     p(z) = p(z_L) Π p(zᵢ | zᵢ₊₁),   p(z_L) = N(0, I),   p(zᵢ | zᵢ₊₁) = N(μₚᵢ(zᵢ₊₁), σₚᵢ²(zᵢ₊₁))
//
// Inference. A deterministic path up gives for each level a Gaussian guess from the image,
//
//     dᵢ = MLP(dᵢ₋₁), d₀ = x;   μ̂ᵢ = Linear(dᵢ),   σ̂ᵢ² = e^Linear(dᵢ)   (the paper has softplus for e)
//
// and then a path down, shared with the model, merges guess and prior by their precisions:
//
//     q(zᵢ | x, zᵢ₊₁) = N(μᵢ, σᵢ²),   σᵢ² = 1 / (σ̂ᵢ⁻² + σₚᵢ⁻²),   μᵢ = σᵢ² (μ̂ᵢ σ̂ᵢ⁻² + μₚᵢ σₚᵢ⁻²)
//
// The bound. −L = distortion + Σ rateᵢ, distortion = −log p(x|z₁), and the rate of each level is the
// divergence of q(zᵢ | x, zᵢ₊₁) from p(zᵢ | zᵢ₊₁): from the prior *given the draws above*, the top
// level among them. While training begins, the rates weigh less (warm-up), or upper levels are given up
// before they have learnt to say anything.
import NeuralNetworks
import PageSupport
import Tensors

/// Units and widths of each level, the one nearest to the data first.
enum Sizes {
  static let latent = [8, 4, 2]
  static let hidden = [64, 32, 16]
  static let decoder = 64
}

/// N(mean, e^logVariance) with independent units.
struct Gaussian {
  let mean, logVariance: Tensor

  /// Means, then log-variances along the last axis, as a linear layer gives them.
  static func from(head: Tensor) -> Gaussian {
    let halves = head.split(sizes: [head.shape[-1] / 2, head.shape[-1] / 2])
    return Gaussian(mean: halves[0], logVariance: halves[1].clamped(to: -20...20))
  }

  /// The normalised product of two Gaussians: precisions add, and each mean counts by its precision.
  func merged(with prior: Gaussian) -> Gaussian {
    let (guess, belief) = ((-logVariance).exp(), (-prior.logVariance).exp())
    let variance = (guess + belief).reciprocal()
    return Gaussian(
      mean: variance * (mean * guess + prior.mean * belief), logVariance: variance.log())
  }

  /// KL(self ‖ prior) in nats, `[N]`: Σ ½ (log σₚ² − log σ² + (σ² + (μ − μₚ)²) / σₚ² − 1).
  func divergence(from prior: Gaussian) -> Tensor {
    let spread = logVariance.exp() + (mean - prior.mean).squared()
    let terms = prior.logVariance - logVariance + spread / prior.logVariance.exp() - 1
    return terms.sum(axis: 1) * 0.5
  }
}

/// MLP: two dense layers, each with batch normalisation, which the paper found to be essential for
/// more than two levels, and leaky rectifiers.
func perceptron(_ inputs: Int, _ width: Int, _ random: RandomSource) -> Sequential {
  let activation = Activation.leakyReLU(slope: 0.1)
  return Sequential([
    Dense(inputs: inputs, outputs: width, random: random.child("0")),
    BatchNorm(channels: width, activation: activation),
    Dense(inputs: width, outputs: width, random: random.child("1")),
    BatchNorm(channels: width, activation: activation),
  ])
}

final class Ladder: Module {
  /// The way up, and from level i + 1 to p(zᵢ | zᵢ₊₁).
  let blocks, transitions: [Sequential]
  let heads, priors: [Dense]
  let trunk: Sequential
  let head: Dense

  init(pixels: Int, random: RandomSource) {
    let (latent, hidden) = (Sizes.latent, Sizes.hidden)
    func linear(_ name: String, _ inputs: Int, _ outputs: Int) -> Dense {
      Dense(inputs: inputs, outputs: outputs, random: random.child(name))
    }
    blocks = latent.indices.map {
      perceptron($0 == 0 ? pixels : hidden[$0 - 1], hidden[$0], random.child("up \($0)"))
    }
    heads = latent.indices.map { linear("guess \($0)", hidden[$0], 2 * latent[$0]) }
    transitions = latent.indices.dropLast().map {
      perceptron(latent[$0 + 1], hidden[$0], random.child("down \($0)"))
    }
    priors = latent.indices.dropLast().map { linear("prior \($0)", hidden[$0], 2 * latent[$0]) }
    trunk = perceptron(latent[0], Sizes.decoder, random.child("decoder"))
    head = linear("pixels", Sizes.decoder, pixels)
  }

  var members: Members {
    let steps = zip(transitions, priors).map {
      Part(["transition": .module($0), "head": .module($1)])
    }
    return [
      "encoder": .module(
        Part(["blocks": .module(Sequential(blocks)), "heads": .module(Sequential(heads))])),
      "prior": .module(Part(Members(numbered: steps))),
      "decoder": .module(Part(["trunk": .module(trunk), "head": .module(head)])),
    ]
  }

  /// One draw per image: the rate of each level, the one nearest to the data first, and −log p(x|z₁).
  func terms(_ x: Tensor, _ context: Context) -> (rates: [Tensor], distortion: Tensor) {
    // Up: what each level guesses from the image alone. Nothing is drawn on the way, so that upper
    // levels see no noise of lower ones.
    var features = x.flattened()
    let guesses = blocks.indices.map { level in
      features = blocks[level](features, context)
      return Gaussian.from(head: heads[level](features, context))
    }
    // Down: draw, price, and tell the level below.
    var rates: [Tensor] = []
    var above: Tensor?
    for level in blocks.indices.reversed() {
      let zeros = Tensor.zeros(guesses[level].mean.shape)
      var (prior, posterior) = (Gaussian(mean: zeros, logVariance: zeros), guesses[level])
      if let above {
        let path = transitions[level](above, context)
        prior = Gaussian.from(head: priors[level](path, context))
        posterior = posterior.merged(with: prior)
      }
      rates.insert(posterior.divergence(from: prior), at: 0)
      let noise = context.normalNoise(
        "posterior\(level + 1)", samples: 1, shape: [Sizes.latent[level]])
      above = posterior.mean + (posterior.logVariance * 0.5).exp() * noise
    }
    // Now `above` is z₁, from which alone the image is decoded: −Σ (x l − log(1 + eˡ)) for logits l.
    let logits = head(trunk(above ?? features, context), context)
    return (rates, (logits.softplus() - x.flattened() * logits).sum(axis: 1))
  }
}

func train(_ pictures: Tensor) throws {
  let count = pictures.shape[0]
  let model = Ladder(pixels: pictures.count / count, random: RandomSource(seed: 0))
  let optimizer = Optimizer(.adam(), parameters: model.parameters)
  for epoch in 1...20 {
    for x in Page.batches(pictures, of: 64) {
      let context = Page.training(step: optimizer.updates, count: x.shape[0])
      let (rates, distortion) = model.terms(x, context)
      // One weight for all levels, which rises with every update.
      let weight = min(1, Float(optimizer.updates) / 300)
      let loss = distortion + rates.reduce(Tensor(0)) { $0 + $1 } * weight
      try optimizer.update(loss.mean().backward(), rate: 3e-3)
    }
    // The bound has weight one, whatever the warm-up's. For it, batch normalisation takes the mean and
    // variance of all pictures with the weights of now, not a running average of older ones.
    withoutTape {
      let calibration = Calibration()
      var context = Page.training(step: optimizer.updates, count: count)
      (context.mode, context.calibration) = (.calibration, calibration)
      _ = model.terms(pictures, context)
      model.recalibrate(calibration)
      context.mode = .evaluation
      let (rates, distortion) = model.terms(pictures, context)
      Page.report("epoch \(epoch): ", rates: rates, distortion: distortion)
    }
  }
}

Page.run(
  train: train,
  measure: { images, weights in
    let count = images.shape[0]
    let model = Ladder(pixels: images.count / count, random: RandomSource(seed: 0))
    try model.load(weights)
    withoutTape {
      let (rates, distortion) = model.terms(images, Page.evaluation(of: count))
      Page.report("", rates: rates, distortion: distortion)
    }
  },
  check: {
    let z = Tensor((0..<1800).map { Float($0) * 0.01 - 8 }, shape: [1800, 1])
    func gaussian(_ mean: Float, _ logVariance: Float) -> Gaussian {
      Gaussian(mean: z * 0 + mean, logVariance: z * 0 + logVariance)
    }
    let parts = (guess: gaussian(1.5, -1), prior: gaussian(-0.5, 0.4))
    let merged = parts.guess.merged(with: parts.prior)
    let logs = [parts.guess, parts.prior, merged].map {
      Tensor.gaussianLogDensity(z, mean: $0.mean, logVariance: $0.logVariance)
    }
    // A product of two densities is the merged density up to a constant, the same at any two places.
    let ratio = (logs[0] + logs[1] - logs[2]).floats.map(Double.init)
    try Page.expect("log N · N / N", ratio[600], ratio[999], within: 1e-5)
    // The divergence is the integral of q log (q / p), here by the rule of rectangles.
    let integral = (logs[2].exp() * (logs[2] - logs[1])).doubleSum * 0.01
    let exact = Page.mean(merged.divergence(from: parts.prior))
    try Page.expect("∫ q log (q / p)", integral, exact, within: 1e-4)
  })
