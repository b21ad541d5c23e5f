// A variant defined outside the package: registered, listed, trained by name, saved, and read back.
import VAEZoo

var registry = Registry.builtIn
registry.register(CosineVAE(), origin: "own-variant")
for entry in registry.entries {
  print("\(entry.variant.name) (\(entry.origin)): \(entry.variant.summary)")
}

let run = CommandLine.arguments.dropFirst().first ?? "cosine-run"
let request = TrainingRequest(
  .variant("cosine-vae"),
  settings: [("encoder.width", "64"), ("latent", "6"), ("training.epochs", "1")],
  data: "shapes:32", run: run, existing: .replace)
let session = try TrainingSession(request, registry: registry)
let outcome = try session.train { event in
  if case .epoch(let record) = event { print(record.json.line) }
}

let stored = try TrainedModel.open("\(run)/model.safetensors", registry: registry)
let same = zip(stored.model.weights, session.trainer.model.weights)
  .allSatisfy { $0.values.floats == $1.values.floats }
guard same else { fatalError("the weights in \(run)/model.safetensors are not those in memory") }
print("\(outcome); \(stored.model.parameterCount) weights read back, identical to those in memory")
