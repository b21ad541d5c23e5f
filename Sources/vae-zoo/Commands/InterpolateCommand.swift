import ArgumentParser
import VAEData
import VAEZoo

struct InterpolateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interpolate",
    abstract: "Walk through latent space from one image to another.",
    discussion: """
      One row per pair of images of the split, chosen by the seed or by --from and --to. Units are interpolated spherically, \
      in coordinates in which the prior is standard normal; --linear interpolates along straight lines. Codes are replaced one by \
      one; --linear mixes their vectors.

      A conditional model is told what is known of both images, mixed as their latents are, or --condition in all images \
      of the way.

        vae-zoo interpolate run --data mnist --out ways.png
        vae-zoo interpolate run --data mnist --from 3 --to 17 --out way.gif
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String
  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .npy, .gif or .apng; .csv or .tsv for a table.", valueName: "file"))
  var out: String
  @Option(help: "The split: train, valid or test.") var split = "test"
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The image to begin with, counted from 0.", valueName: "index"))
  var from: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The image to end with, counted from 0.", valueName: "index"))
  var to: Int?
  @Option(
    parsing: .unconditional,
    help: "The number of pairs, where --from and --to do not name one (default: 6).")
  var count: Int?
  @Option(
    parsing: .unconditional,
    help: "Images on a way, both ends included (default: 11, in an animation 24).")
  var steps: Int?
  @Flag(help: "Go straight.") var linear = false
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var told: ConditionOptions
  @OptionGroup var images: ImageOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    try SplitName.check(split)
    if (from == nil) != (to == nil) { throw ValidationError("--from and --to go together") }
    if from != nil && count != nil {
      throw ValidationError("--from and --to name one pair; leave out --count")
    }
    if let count, !(1...1000).contains(count) {
      throw ValidationError("--count must be between 1 and 1000, not \(count)")
    }
    try WalkSteps.check(steps)
  }

  func run() throws {
    try threads.apply()
    let output = try ImageOutput(out, allowing: [.png, .npy, .gif, .apng, .csv, .tsv])
    try OutputPath.check(out, isNoneOf: [path, data])
    let model = try plugins.model(path, checkpoint)
    try output.check(model)
    let split = try images.open(data, for: model).split(named: split)
    var pairs = model.randomPairs(split, count: count ?? 6, seed: seed)
    if let from, let to {
      pairs = [(try split.index(from, option: "--from"), try split.index(to, option: "--to"))]
    }
    guard !pairs.isEmpty else {
      throw RecipeError(
        .unsuitableData,
        "\(data) has \(split.count) image in its \(split.name) split; a way needs 2")
    }
    let walks = try model.interpolate(
      split, pairs: pairs, path: linear ? .linear : .spherical,
      steps: steps ?? (output.isAnimation ? 24 : 11), seed: seed,
      condition: told.condition(for: model))
    try model.model.checkParts()
    try split.checkExamples()
    try output.write(walks, of: model)
    Console.error(
      walks.count == 1
        ? "wrote the way between 1 pair of images to \(out)"
        : "wrote the ways between \(walks.count) pairs of images to \(out)")
  }
}

/// `--split`.
enum SplitName {
  static func check(_ name: String) throws {
    if !["train", "valid", "test"].contains(name) {
      throw ValidationError("--split must be train, valid or test, not \(name)")
    }
  }
}

/// `--steps` of a walk.
enum WalkSteps {
  static func check(_ steps: Int?) throws {
    if let steps, !(2...1000).contains(steps) {
      throw ValidationError("--steps must be between 2 and 1000, not \(steps)")
    }
  }
}

extension DataSplit {
  /// The index that an option names.
  func index(_ number: Int, option: String) throws(RecipeError) -> Int {
    guard (0..<count).contains(number) else {
      throw RecipeError(
        .invalid,
        "\(option) \(number) is no image of the \(name) split, which has those of 0 to \(count - 1)"
      )
    }
    return number
  }
}
