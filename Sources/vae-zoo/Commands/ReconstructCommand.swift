import ArgumentParser
import Communication
import Messages
import VAECore
import VAEZoo

struct ReconstructCommand: DividedCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconstruct",
    abstract: "Show images of a split above what the model makes of them.",
    discussion: """
      The seed chooses the images and draws their latents. Of a table the means of its columns are written, as .csv or \
      .tsv: for all rows in their order, or for --count that the seed chooses.

      Models whose latents are a map take pictures of any size: --images in place of --data. Each comes back in its own \
      size, without noise, and its peak signal-to-noise ratio is said in decibels, 10 log10 of one over the mean squared \
      error of values between 0 and 1, with the index of structural similarity where both sides have 11 pixels or more.

        vae-zoo reconstruct taef2.safetensors --images photo.png --out back.png --json
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String?
  @OptionGroup var pictures: PictureOptions
  @Option(
    help: ArgumentHelp(
      "The file to write: .png; of a table .csv or .tsv; for several pictures a folder.",
      valueName: "file"))
  var out: String
  @Option(help: "The split: train, valid or test (default: test).") var split: String?
  @Option(
    parsing: .unconditional,
    help: "The number of images (default: 20), or of rows of a table (default: all).")
  var count: Int?
  @Option(parsing: .unconditional, help: "The seed of all draws (default: 0).") var seed: Int?
  @OptionGroup var output: OutputOptions
  @OptionGroup var images: ImageOptions
  @OptionGroup var computation: PictureComputationOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if let split { try SplitName.check(split) }
    try pictures.check(data: data)
    try pictures.check(images)
    if data != nil, !computation.isUsual {
      throw ValidationError("--tile and --precision belong to --images")
    }
    if data == nil, split != nil || count != nil || seed != nil {
      throw ValidationError("--split, --count and --seed belong to --data")
    }
    if data != nil, output.json { throw ValidationError("--json belongs to --images") }
    if let count, !(1...10_000).contains(count) {
      throw ValidationError("--count must be between 1 and 10000, not \(count)")
    }
  }

  var undivided: String? {
    data == nil || !(out.hasSuffix(".csv") || out.hasSuffix(".tsv"))
      ? "reconstructions of pictures are made by one; only rows of a table are divided: leave the launcher out"
      : nil
  }

  func run() throws {
    guard let data else {
      try threads.apply()
      return try reconstructPictures()
    }
    try Processes.run(threads) { try reconstruct(data, $0) }
  }

  private func reconstruct(_ data: String, _ communicator: any Communicator) throws {
    let (output, model, split) = try communicator.allSucceeding {
      let output = try ImageOutput(out, allowing: [.png, .csv, .tsv])
      if communicator.rank == 0 { try OutputPath.check(out, isNoneOf: [path, data]) }
      let model = try plugins.model(path, checkpoint)
      try output.check(model)
      return (
        output, model, try images.open(data, for: model).split(named: self.split ?? "test")
      )
    }
    guard model.columns == nil else {
      return try reconstructRows(of: split, model, to: output, communicator)
    }
    let (originals, reconstructions) = try model.reconstruct(
      split, count: count ?? 20, seed: seed ?? 0
    ) { _ in try Interrupt.proceedTogether() }
    try model.model.checkParts()
    try split.checkExamples()
    try output.write(
      originals: originals, reconstructions: reconstructions,
      range: model.recipe.data?.range ?? .unit)
    let count = Count.of(originals.shape[0], "image")
    Console.error("wrote \(count) and what the model makes of them to \(out)")
  }

  /// Writes what the model makes of rows of a table: of all, in their order, where no number is given.
  private func reconstructRows(
    of split: DataSplit, _ model: TrainedModel, to output: ImageOutput,
    _ communicator: any Communicator
  ) throws {
    let rows = try model.madeReconstructions(
      split, count: count, seed: seed ?? 0, among: communicator
    ) { _ in try Interrupt.proceedTogether() }
    // The first process writes for all.
    try communicator.allSucceeding {
      guard communicator.rank == 0 else { return }
      try output.write(rows, of: model)
      Console.error("wrote what the model makes of \(Count.of(rows.shape[0], "row")) to \(out)")
    }
  }

  private func reconstructPictures() throws {
    let coder = try PictureCoder(
      plugins.model(path, checkpoint), computation.computation)
    let files = try pictures.files()
    let target = try PictureOutput(out, names: files.names, sources: files.paths)
    let leftOut = try files.forEach(coder) { index, picture, progress in
      let (height, width) = (picture.shape[1], picture.shape[2])
      let name = files.paths[index]
      let latents = try coder.encode(picture, name: name) {
        try progress.proceed($0 / 2)
      }
      let back = try coder.decode(latents, size: (height, width), name: name) {
        try progress.proceed((1 + $0) / 2)
      }
      progress.clear()
      let ratio = PictureComparison.peakSignalToNoise(picture, back)
      let similarity = PictureComparison.structuralSimilarity(picture, back)
      try target.write(back, name: files.names[index])
      if output.json {
        Console.print(
          .object([
            "picture": .text(name), "height": .integer(height), "width": .integer(width),
            "psnr": .finite(ratio), "ssim": similarity.map(JSON.finite) ?? .null,
          ]))
      } else {
        Console.error(
          "\(name), \(height)x\(width) (height x width): PSNR \(Console.fixed(ratio)) dB"
            + (similarity.map { ", SSIM \(Console.fixed($0, 4))" } ?? ""))
      }
    }
    if leftOut.takenCount > 0 {
      Console.error("wrote \(Count.of(leftOut.takenCount, "picture")) to \(out)")
    }
    try leftOut.check()
  }
}
