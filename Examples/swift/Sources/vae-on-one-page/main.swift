// The variational autoencoder on one page.
//
// D. P. Kingma, M. Welling: Auto-Encoding Variational Bayes. ICLR 2014, arXiv:1312.6114.
//
//     vae-on-one-page                                            trains on pictures that it makes
//     vae-on-one-page --weights FILE.safetensors --data FILE.npy
//                              measures a gaussian-vae of the zoo, with the same draws as its evaluate
//     vae-on-one-page --check  holds the closed-form rate to draws
//
// The model. A latent vector z is drawn from p(z) = N(0, I), and an image x from p(x|z), whose
// parameters a network computes. log p(x) = log ∫ p(x|z) p(z) dz cannot be computed, but for any q,
//
//     log p(x) = KL(q(z|x) ‖ p(z|x)) + L(x)                                            (equation 1)
//     L(x) = E_q[log p(x|z)] − KL(q(z|x) ‖ p(z))                                       (equation 3)
//
// so that L(x), the evidence lower bound, can be raised in place of log p(x). Here −L is written
// distortion + rate, both in nats per image and with all constants:
//
//     distortion = −log p(x|z), z ~ q(z|x)      the price of the image for who knows z
//     rate = KL(q(z|x) ‖ p(z))                  the price of z for who expected a draw from p(z)
//
// Everything below is written out of elementary operations, so that each line can be held against the
// paper, and so that it is a second opinion on the zoo's own, fused ones.
import Glibc
import NeuralNetworks
import PageSupport
import Tensors

/// The sizes: small enough to train in a second.
enum Sizes {
  static let hidden = 64
  static let latent = 4
}

/// The two networks of appendix C, each with one hidden layer of tanh.
final class VAE: Module {
  let input: InputScale
  let encoderHidden, encoderHead, decoderHidden, decoderHead: Dense

  init(pixels: Int, random: RandomSource) {
    func dense(_ name: String, _ inputs: Int, _ outputs: Int, _ activation: Activation) -> Dense {
      Dense(inputs: inputs, outputs: outputs, activation: activation, random: random.child(name))
    }
    input = InputScale(inputs: pixels)
    encoderHidden = dense("encoder", pixels, Sizes.hidden, .tanh)
    // A mean and a log-variance for each latent unit: the logarithm may be any real number.
    encoderHead = dense("encoder head", Sizes.hidden, 2 * Sizes.latent, .identity)
    decoderHidden = dense("decoder", Sizes.latent, Sizes.hidden, .tanh)
    decoderHead = dense("decoder head", Sizes.hidden, pixels, .identity)
  }

  /// The names of the tensors are those of docs/weights.md.
  var members: Members {
    [
      "encoder": .module(
        Part([
          "input": .module(input), "layers": .module(Sequential([encoderHidden])),
          "head": .module(encoderHead),
        ])),
      "decoder": .module(
        Part([
          "layers": .module(Sequential([decoderHidden])), "head": .module(decoderHead),
        ])),
    ]
  }

  /// q(z|x) = N(μ, σ² I) (equation 9): the means μ and the logarithms of σ², `[N, latent]` each.
  func encode(_ x: Tensor, _ context: Context) -> (mean: Tensor, logVariance: Tensor) {
    let hidden = encoderHidden(input(x.flattened(), context), context)
    let halves = encoderHead(hidden, context).split(sizes: [Sizes.latent, Sizes.latent])
    // e⁻²⁰ is below what single precision resolves beside a mean of one.
    return (halves[0], halves[1].clamped(to: -20...20))
  }

  /// The logits of p(x|z): log-odds that a pixel is one, `[K · N, pixels]`.
  func decode(_ z: Tensor, _ context: Context) -> Tensor {
    decoderHead(decoderHidden(z, context), context)
  }

  /// −log p(x|z) of K draws per image, `[K · N]`. For a pixel with the logit l (appendix C.1)
  ///
  ///     log p = x log y + (1 − x) log(1 − y) = x l − log(1 + eˡ),   y = 1 / (1 + e⁻ˡ)
  ///
  /// where the form with l neither overflows nor takes the logarithm of zero.
  func distortion(_ x: Tensor, _ z: Tensor, _ context: Context) -> Tensor {
    let logits = decode(z, context)
    let images = x.flattened().tiled(z.shape[0] / x.shape[0])
    return (logits.softplus() - images * logits).sum(axis: 1)
  }

  /// One draw per image, with its price.
  func terms(_ x: Tensor, _ context: Context) -> (rate: Tensor, distortion: Tensor) {
    let (mean, logVariance) = encode(x, context)
    let noise = context.normalNoise("posterior", samples: 1, shape: [Sizes.latent])
    // z = μ + σ ⊙ ε with ε ~ N(0, I) (section 2.4): the randomness does not depend on the parameters,
    // so that a gradient passes through the draw to μ and σ.
    let z = mean + (logVariance * 0.5).exp() * noise
    return (rate(mean, logVariance), distortion(x, z, context))
  }

  /// An estimate of log p(x) that is tighter than the bound (Burda et al. 2016, equation 8; appendix D of
  /// Kingma & Welling has another one): log (1/K) Σ w with w = p(x|z) p(z) / q(z|x), z ~ q(z|x).
  func logLikelihood(_ x: Tensor, samples: Int, _ context: Context) -> Tensor {
    let (mean, logVariance) = encode(x, context)
    let (m, s) = (mean.tiled(samples), logVariance.tiled(samples))
    let noise = context.normalNoise("posterior", samples: samples, shape: [Sizes.latent])
    let z = m + (s * 0.5).exp() * noise
    // log p(z) − log q(z|x): the constants −½ log 2π are in both and cancel, and (z − μ) / σ is ε.
    let logRatio = (noise.squared() + s - z.squared()).sum(axis: 1) * 0.5
    let logWeights = (logRatio - distortion(x, z, context)).reshaped(to: [samples, x.shape[0]])
    return logWeights.transposed().logSumExp() - log(Float(samples))
  }
}

/// KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ (μ² + σ² − 1 − log σ²) (appendix B), `[N]`.
func rate(_ mean: Tensor, _ logVariance: Tensor) -> Tensor {
  (mean.squared() + logVariance.exp() - 1 - logVariance).sum(axis: 1) * 0.5
}

// Algorithm 1, with minibatches of 64 and Adam.
func train(_ pictures: Tensor) throws {
  let model = VAE(
    pixels: pictures.count / pictures.shape[0], random: RandomSource(seed: 0))
  let optimizer = Optimizer(.adam(), parameters: model.parameters)
  for epoch in 1...20 {
    var terms = EpochTerms()
    for x in Page.batches(pictures, of: 64) {
      let context = Page.training(step: optimizer.updates, count: x.shape[0])
      let (rate, distortion) = model.terms(x, context)
      // The mean over the batch: the gradient of the bound of one image, on average (equation 8).
      try optimizer.update((distortion + rate).mean().backward(), rate: 3e-3)
      terms.add(rate: rate, distortion: distortion)
    }
    terms.report("epoch \(epoch): ")
  }
}

Page.run(
  train: train,
  measure: { images, weights in
    let count = images.shape[0]
    let model = VAE(pixels: images.count / count, random: RandomSource(seed: 0))
    try model.load(weights)
    withoutTape {
      let (rate, distortion) = model.terms(images, Page.evaluation(of: count))
      Page.report("", rate: rate, distortion: distortion)
      // Draw 0 gave the bound; the weights have draws 1 to 20.
      let found = model.logLikelihood(images, samples: 20, Page.evaluation(of: count, draw: 1))
      print("NLL \(Page.text(-Page.mean(found))) by 20 draws per image")
    }
  },
  check: {
    // The closed form against the mean of log q(z|x) − log p(z) over many draws of z.
    let (mean, logVariance) = (Tensor([1, -0.5, 0]), Tensor([-1, 0.5, -3]))
    let noise = Page.evaluation(of: 100_000).normalNoise("check", samples: 1, shape: [3])
    let z = mean + (logVariance * 0.5).exp() * noise
    let estimates = (z.squared() - noise.squared() - logVariance).sum(axis: 1) * 0.5
    let exact = rate(mean.reshaped(to: [1, 3]), logVariance.reshaped(to: [1, 3]))
    let spread = (estimates - Float(Page.mean(estimates))).doubleSumOfSquares.squareRoot() / 1e5
    try Page.expect(
      "mean of log q − log p", Page.mean(estimates), Page.mean(exact), within: 5 * spread)
  })
