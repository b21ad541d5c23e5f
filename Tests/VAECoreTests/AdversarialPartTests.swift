import Foundation
import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Discriminators and the losses of games, held to their formulas.
final class AdversarialPartTests: XCTestCase {
  private let random = RandomSource(seed: 3)

  private func context(step: Int = 0) -> Context {
    Context(mode: .training, step: step, random: random, examples: [0, 1])
  }

  private func discriminator(
    _ image: Shape, _ channels: [Int], _ normalization: PatchDiscriminator.Normalization = .none,
    isCentred: Bool = true
  ) -> PatchDiscriminator {
    PatchDiscriminator(
      image: image, channels: channels, normalization: normalization, isCentred: isCentred,
      random: random)
  }

  private func assertEqual(_ found: Tensor, _ wanted: Tensor, line: UInt = #line) {
    XCTAssertEqual(found.shape, wanted.shape, line: line)
    for (a, b) in zip(found.floats, wanted.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5 * max(1, abs(b)), line: line)
    }
  }

  // MARK: Discriminators

  func testADiscriminatorHalvesTheImageAsOftenAsItsShorterSideAllowsAndNormalisesFromTheSecondOn() {
    // 9×12 is halved to 4×6 and then no more, whatever channels follow.
    let batch = discriminator([9, 12, 3], [4, 6, 8], .batch)
    XCTAssertEqual(
      batch.parameters.map(\.parameter.shape),
      [[4, 3, 4, 4], [4], [8, 4, 4, 4], [8], [8], [1, 8, 4, 4], [1]])
    let plain = discriminator([12, 24, 1], [4, 6, 8])
    XCTAssertEqual(
      plain.parameters.map(\.parameter.shape),
      [
        [4, 1, 4, 4], [4], [6, 4, 4, 4], [6], [12, 6, 4, 4], [12], [1, 12, 4, 4], [1],
      ])
    // Too small to be halved: twice the first number of channels.
    XCTAssertEqual(
      discriminator([5, 4, 1], [6, 7]).parameters.map(\.parameter.shape),
      [[12, 1, 4, 4], [12], [1, 12, 4, 4], [1]])
  }

  func testADiscriminatorIsConvolutionsWithLeakyRectifiersOfTheCentredImage() {
    for isCentred in [true, false] {
      let network = discriminator([6, 7, 1], [2], isCentred: isCentred)
      let parts = network.parameters.map(\.parameter)
      // The law of the first weights makes them too small to show anything.
      for parameter in parts {
        parameter.value = random.stream("\(parameter.shape)").normal(parameter.shape)
      }
      let images = random.stream("images").uniform([2, 6, 7, 1])
      let seen = isCentred ? images * 2 - 1 : images
      let rectifier = Activation.leakyReLU(slope: 0.2)
      let first = seen.convolution(
        weights: parts[0].value, bias: parts[1].value, stride: (2, 2), padding: Padding(1)
      ).activated(rectifier)
      let second = first.convolution(
        weights: parts[2].value, bias: parts[3].value, stride: (1, 1), padding: Padding(1)
      ).activated(rectifier)
      let logits = second.convolution(
        weights: parts[4].value, bias: parts[5].value, stride: (1, 1), padding: Padding(1))
      let judged = network.judge(images, context())
      XCTAssertEqual(judged.features.count, 2)
      assertEqual(judged.features[0], first)
      assertEqual(judged.features[1], second)
      assertEqual(judged.logits, logits)
      assertEqual(network(images, context()), logits)
      assertEqual(network.features(of: images, at: 1, context()), second)
      assertEqual(network.features(of: images, at: 0, context()), first)
    }
  }

  func testTheFirstWeightsOfADiscriminatorHaveTheDeviationOfDCGAN() {
    let weights = discriminator([6, 7, 3], [64]).parameters[0].parameter.value
    XCTAssertEqual(
      (weights.doubleSumOfSquares / Double(weights.count)).squareRoot(), 0.02, accuracy: 0.001)
  }

  func testADiscriminatorOfVectorsIsAPerceptronWithLeakyRectifiers() {
    let network = Sequential.discriminator([3, 4, 5, 1], random: random)
    let parts = network.parameters.map(\.parameter)
    XCTAssertEqual(parts.map(\.shape), [[3, 4], [4], [4, 5], [5], [5, 1], [1]])
    for parameter in parts {
      parameter.value = random.stream("\(parameter.shape)").normal(parameter.shape)
    }
    let x = random.stream("x").normal([2, 3])
    var value = x
    for layer in 0..<3 {
      value = value.dense(
        weights: parts[2 * layer].value, bias: parts[2 * layer + 1].value,
        activation: layer == 2 ? .identity : .leakyReLU(slope: 0.2))
    }
    assertEqual(network(x, context()), value)
  }

  // MARK: Losses

  private func model(_ objective: any Objective) -> Model {
    Model(
      encoder: MLPEncoder(inputs: 20, hidden: [4], latent: 2, random: random.child("encoder")),
      prior: StandardNormalPrior(units: 2),
      decoder: MLPDecoder(
        latent: 2, hidden: [], outputShape: [4, 5, 1], random: random.child("decoder")),
      likelihood: GaussianLikelihood(.fixed(0.5), link: .sigmoid), objective: objective)
  }

  private func pass(_ model: Model, step: Int) -> ForwardPass {
    ForwardPass(
      model, random.stream("data").uniform([2, 4, 5, 1]), DrawRequest(), context(step: step))
  }

  func testTheLossOfReconstructionAgainstADiscriminatorIsThatOfItsFormula() throws {
    var weights = AdversarialReconstruction.Weights()
    (weights.adversarial, weights.isAdaptive, weights.rate) = (0.7, false, 1.5)
    for reconstruction in [AdversarialReconstruction.Reconstruction.l1, .distortion] {
      for game in AdversarialLoss.allCases {
        let network = discriminator([4, 5, 1], [3])
        for (_, parameter) in network.parameters { parameter.value = parameter.value * 20 + 0.1 }
        let objective = AdversarialReconstruction(
          discriminator: network, reconstruction: reconstruction, loss: game, weights: weights,
          start: 4, rateFactor: 0.25)
        let phases = objective.phases
        XCTAssertEqual(phases.map(\.name), ["model", "discriminator"])
        XCTAssertEqual(phases.map(\.group), [.model, .objective])
        XCTAssertEqual(phases.map(\.startStep), [0, 4])
        XCTAssertEqual(phases.map(\.rateFactor), [1, 0.25])
        XCTAssertEqual(phases.map(\.rule), [nil, .adam(beta1: 0.5, beta2: 0.9)])
        for step in [3, 4] {
          let pass = pass(model(objective), step: step)
          let error =
            reconstruction == .l1
            ? (pass.batch - pass.decodedMean).magnitude().doubleSum / 2
            : pass.evaluation.distortion.doubleSum / 2
          let judged = game.ofGenerator(network(pass.decodedMean, pass.context)).item
          let rate = pass.evaluation.rate.doubleSum / 2
          let wanted = error + 1.5 * rate + (step < 4 ? 0 : 0.7 * Double(judged))
          XCTAssertGreaterThan(abs(judged), 0.01)
          let loss = phases[0].loss(pass)
          XCTAssertEqual(Double(loss.value.item), wanted, accuracy: 1e-4 * abs(wanted))
          XCTAssertEqual(
            loss.terms.map(\.name),
            step < 4 ? ["reconstruction"] : ["reconstruction", "generator_loss"])
          let real = game.ofData(network(pass.batch, pass.context)).item
          let made = game.ofGenerated(network(pass.decodedMean, pass.context)).item
          let own = phases[1].loss(pass)
          XCTAssertEqual(own.value.item, (real + made) / 2, accuracy: 1e-5)
          XCTAssertEqual(own.terms.map(\.name), ["discriminator_loss"])
        }
      }
    }
    let objective = AdversarialReconstruction(discriminator: discriminator([4, 5, 1], [3]))
    XCTAssertEqual(objective.weights.adversarial, 0.8)
    XCTAssertEqual(objective.weights.rate, 1)
    XCTAssertEqual(objective.weights.gradientPenalty, 0)
    XCTAssertTrue(objective.weights.isAdaptive)
    XCTAssertTrue(objective.requirements.needsDecodedMeans)
    XCTAssertTrue(objective.requirements.needsWholeImages)
  }

  func testAGameOfLatentsIsThatOfItsFormulaInOnePhaseOrTwo() {
    for alternates in [false, true] {
      for game in AdversarialLoss.allCases {
        let network = Sequential.discriminator([2, 5, 1], random: random.child("discriminator"))
        let objective = AggregatePosteriorGame(
          discriminator: network, weight: 3, loss: game, alternates: alternates, rateFactor: 0.5)
        let phases = objective.phases
        XCTAssertEqual(
          phases.map(\.name),
          alternates ? ["model", "discriminator", "encoder"] : ["model", "discriminator"])
        XCTAssertEqual(phases[1].rule, .adam(beta1: 0.5))
        XCTAssertEqual(phases[1].rateFactor, 0.5)
        let pass = pass(model(objective), step: 0)
        let z = pass.draw.layers[0].sample
        let pull = 3 * game.ofGenerator(network(z, pass.context)).item
        let distortion = pass.evaluation.distortion.mean().item
        XCTAssertEqual(
          phases[0].loss(pass).value.item, alternates ? distortion : distortion + pull,
          accuracy: 1e-4 * abs(distortion))
        if alternates {
          XCTAssertEqual(phases[2].group, .paths(["encoder."]))
          XCTAssertEqual(phases[2].loss(pass).value.item, pull, accuracy: 1e-5)
        }
        var own = pass.context
        own.random = own.random.child("prior draws")
        let drawn = own.normalNoise("prior", samples: 1, shape: [2])
        let wanted =
          (game.ofData(network(drawn, own)).item + game.ofGenerated(network(z, own)).item) / 2
        XCTAssertEqual(phases[1].loss(pass).value.item, wanted, accuracy: 1e-5)
      }
    }
  }

  func testADiscriminatorHasWonBelowTwoHundredthsOfWhatOneThatKnowsNothingPays() {
    func concern(
      _ discriminator: Double, _ loss: AdversarialLoss, _ changes: [Message] = ["a", "b", "c"]
    ) -> String? {
      AdversarialBalance.concern(
        about: [
          (name: "reconstruction", value: 8), (name: "generator_loss", value: 4.123456),
          (name: "discriminator_loss", value: discriminator),
        ], loss: loss, changes: changes
      ).map(\.description)
    }
    // Two hundredths of 1, and of log 2.
    XCTAssertNil(concern(0.0201, .hinge))
    XCTAssertNil(concern(0.0139, .nonSaturating))
    XCTAssertNotNil(concern(0.0138, .nonSaturating))
    XCTAssertNotNil(concern(0.0138, .minimax))
    XCTAssertEqual(
      concern(0.01987654, .hinge),
      "the discriminator has won: over the last epoch its loss is 0.0199, where one that knows nothing pays 1.0, and "
        + "the generator's is 4.1235, so that neither learns from the other; try a, b or c")
    XCTAssertEqual(concern(0.001, .hinge, ["a"])?.hasSuffix("try a"), true)
    XCTAssertEqual(concern(0.001, .hinge, ["a", "b"])?.hasSuffix("try a or b"), true)
    XCTAssertEqual(
      concern(0.001, .hinge, ["a", "b", "c", "d"])?.hasSuffix("try a, b, c or d"), true)
  }
}
