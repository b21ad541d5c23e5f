import ArgumentParser
import Messages
import VAECore
import VAEData
import VAEZoo

struct TraverseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "traverse",
    abstract: "Show what each latent unit does.",
    discussion: """
      One row per unit, ordered by rate, largest first, and labelled with it and the unit's number, counted from 0: the \
      unit runs over quantiles of its prior, \
      evenly spaced from 1 % to 99 %, while all others stay. The start is the middle of the prior, or an image of \
      --data given by --from. In a hierarchy each level has its rows, the top first; the levels below are drawn again \
      with the same random numbers in every image. In a grid of codes a row is a place, where other codes are put; \
      places are in order of how much that changes the image.

      The rates are those on record in the run folder, or of the test split of --data. Where a model has no rate of each \
      unit, as behind a flow or a mixture, units come by the variance of where the images of --data lie, and without \
      --data by their numbers. A prior without quantiles, such as a mixture, is swept over those of draws from it.

      A conditional model is told --condition in every image, or without it what is known of the image of --from.

        vae-zoo traverse run --out units.png
        vae-zoo traverse run --data mnist --from 3 --out units.gif
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(
    help: ArgumentHelp(
      "The file to write: .png, .npy, .gif or .apng; .csv or .tsv for a table.", valueName: "file"))
  var out: String
  @Option(help: ArgumentHelp("Data to measure the rates on, and to start in.", valueName: "source"))
  var data: String?
  @Option(help: "The split of the data: train, valid or test (default: test).")
  var split: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The image of the data to start at, counted from 0.", valueName: "index"))
  var from: Int?
  @Option(parsing: .unconditional, help: "Rows at most, in each level.") var units = 10
  @Option(parsing: .unconditional, help: "Images in a row (default: 11, in an animation 24).")
  var steps: Int?
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var told: ConditionOptions
  @OptionGroup var images: ImageOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if let split { try SplitName.check(split) }
    try WalkSteps.check(steps)
    if from != nil && data == nil { throw ValidationError("--from needs --data") }
    if split != nil && data == nil { throw ValidationError("--split needs --data") }
    if !images.isEmpty && data == nil {
      throw ValidationError("--size, --crop, --grey, --cache and --column need --data")
    }
    if !(1...10_000).contains(units) {
      throw ValidationError("--units must be between 1 and 10000, not \(units)")
    }
  }

  func run() throws {
    try threads.apply()
    let output = try ImageOutput(out, allowing: [.png, .npy, .gif, .apng, .csv, .tsv])
    try OutputPath.check(out, isNoneOf: [path] + (data.map { [$0] } ?? []))
    let model = try plugins.model(path, checkpoint)
    try output.check(model)
    let split = try data.map { try images.open($0, for: model).split(named: self.split ?? "test") }
    var start = TrainedModel.TraversalStart.prior
    if let from, let split {
      start = .example(try split.index(from, option: "--from"), of: split)
    }
    let isOfUnits = model.model.prior.latents.isContinuous
    let order = isOfUnits ? try model.unitOrder(measuredOn: split, seed: seed) : .numbers
    if isOfUnits, let notice = order.notice { Console.error(notice) }
    let walks = try model.traverse(
      from: start, units: units, steps: steps ?? (output.isAnimation ? 24 : 11), order: order,
      seed: seed, condition: told.condition(for: model))
    try model.model.checkParts()
    try split?.checkExamples()
    try output.write(walks, of: model)
    Console.error(
      "wrote \(Count.of(walks.count, "traversal")) of \(isOfUnits ? "latent units" : "codes") to \(out)"
    )
  }
}

extension UnitOrder {
  /// What to say where units are not ordered by their rates.
  fileprivate var notice: Message? {
    switch self {
    case .rates: nil
    case .variances:
      "the posterior gives no rate of each unit, so units come by the variance of where examples lie"
    case .numbers:
      "the posterior gives no rate of each unit, so units come by their numbers; give --data to order them by the "
        + "variance of where its examples lie"
    }
  }
}
