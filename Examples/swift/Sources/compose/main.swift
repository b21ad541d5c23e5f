// A Gaussian VAE composed from its parts and trained on built-in images, without recipe, registry
// or files.
import VAEZoo

let data = try DataSource.open("shapes:32")
let random = RandomSource(seed: 1)
let model = Model(
  encoder: MLPEncoder(
    inputs: data.shape.count, hidden: [256], latent: 10, random: random.child("encoder")),
  prior: StandardNormalPrior(units: 10),
  decoder: MLPDecoder(
    latent: 10, hidden: [256],
    outputShape: [data.shape.height, data.shape.width, data.shape.channels],
    random: random.child("decoder")),
  likelihood: BernoulliLikelihood(),
  objective: EvidenceLowerBound(beta: 1))

var options = TrainingOptions()
options.epochs = 1
let trainer = try Trainer(model: model, data: data, options: options)
let outcome = try trainer.train { event in
  if case .epoch(let record) = event, let held = record.valid {
    print("held-out −ELBO \(-held.elbo) nats: distortion \(held.distortion), rate \(held.rate)")
  }
}

let context = Context(mode: .evaluation, random: random, examples: Array(0..<4))
let images = model.sample(context)
print("\(outcome) after \(trainer.step) updates; four samples have shape \(images.shape)")
