import ArgumentParser
import Communication
import Messages
import VAECore
import VAEFiles
import VAEZoo

struct EncodeCommand: DividedCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Write what the encoder says about each example, as an array.",
    discussion: """
      One row per example, in order: means [N, units]; whole numbers [N, height, width] for codes; draws [N, units] where a \
      posterior has no mean, as behind a flow; for a hierarchy a draw of every layer, side by side in a row, the one nearest to the data first. \
      `vae-zoo decode` reads these.

        vae-zoo encode run --data mnist --out means.npy
        vae-zoo encode run --data mnist --what variances --out variances.npy

      Models whose latents are a map take pictures of any size: --images in place of --data. A picture whose sides are no \
      multiples of the pixels of a place goes on below and to the right as it ends, and `vae-zoo decode` cuts that off \
      again. The latents are [1, height, width, channels], the means of the posterior: of pictures of one size in an .npy \
      file, else in a .safetensors file, a tensor for each picture.

        vae-zoo encode taef2.safetensors --images photo.png --out latents.npy
        vae-zoo encode taef2.safetensors --images photos/ --bytes --out latents.safetensors
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String?
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var storage: LatentStorageOptions
  @Flag(
    help:
      "Latents of pictures as bytes, from minus to plus the decoder's latent_magnitude, in a quarter of the space."
  )
  var bytes = false
  @Option(
    help: ArgumentHelp(
      "The file to write: .npy, or of pictures also .safetensors.", valueName: "file"))
  var out: String
  @Option(help: "The split: train, valid or test (default: test).") var split: String?
  @Option(
    help: ArgumentHelp(
      "means, variances, codes or draws (default: codes, means or draws, the first there are).",
      valueName: "what"))
  var what: String?
  @Option(parsing: .unconditional, help: "The seed of all draws (default: 0).") var seed: Int?
  @OptionGroup var images: ImageOptions
  @OptionGroup var computation: PictureComputationOptions
  @OptionGroup var checkpoint: CheckpointOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if let split { try SplitName.check(split) }
    try pictures.check(data: data)
    if data != nil, !computation.isUsual {
      throw ValidationError("--tile and --precision belong to --images")
    }
    if data != nil, bytes || storage.storage != MapLatents.Storage() {
      throw ValidationError("--scaled, --channels-first and --bytes belong to --images")
    }
    try pictures.check(images)
    if bytes, storage.scaled {
      throw ValidationError(
        "--bytes stand for latents as the autoencoder has them; leave out --scaled, or --bytes")
    }
    if data == nil, what != nil || split != nil || seed != nil {
      throw ValidationError("--what, --split and --seed belong to --data")
    }
    if let what, LatentContent(rawValue: what) == nil {
      let known = LatentContent.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--what must be one of \(known), not \(what)")
    }
  }

  var undivided: String? {
    data == nil
      ? "the pictures of --images are encoded by one; only those of --data are divided: leave the launcher out"
      : nil
  }

  func run() throws {
    guard let data else {
      try threads.apply()
      return try encodePictures()
    }
    try Processes.run(threads) { try encode(data, $0) }
  }

  private func encode(_ data: String, _ communicator: any Communicator) throws {
    let isFirst = communicator.rank == 0
    let (output, model, split) = try communicator.allSucceeding {
      let output = try ImageOutput(out, allowing: [.npy])
      if isFirst { try OutputPath.check(out, isNoneOf: [path, data]) }
      let model = try plugins.model(path, checkpoint)
      return (
        output, model, try images.open(data, for: model).split(named: self.split ?? "test")
      )
    }
    let content = what.flatMap(LatentContent.init(rawValue:)) ?? model.latentContent
    let table = try model.latentTable(
      of: split, content, seed: seed ?? 0, among: communicator
    ) { _ in try Interrupt.proceedTogether() }
    try model.model.checkParts()
    try split.checkExamples()
    // The first process writes for all.
    try communicator.allSucceeding {
      guard isFirst else { return }
      try output.write(array: table)
      Console.error(
        "wrote the \(content.rawValue) of \(Count.of(split.count, "example")) to \(out)")
    }
  }

  private func encodePictures() throws {
    guard out.hasSuffix(".npy") || out.hasSuffix(".safetensors") else {
      throw RecipeError(.invalid, "--out \(out) must end in .npy or .safetensors")
    }
    let coder = try PictureCoder(
      plugins.model(path, checkpoint), computation.computation)
    let files = try pictures.files()
    try OutputPath.check(out, isNoneOf: [path] + files.paths)
    var latents = MapLatents([])
    let leftOut = try files.forEach(coder) { index, picture, progress in
      let found = try coder.encode(picture, name: files.paths[index], progress: progress.proceed)
      latents.entries.append(
        MapLatents.Entry(
          name: files.names[index], latents: found, size: (picture.shape[1], picture.shape[2])))
    }
    if leftOut.takenCount > 0 {
      var storage = storage.storage
      storage.isOfBytes = bytes
      try DurableFiles.replace(
        out,
        with: out.hasSuffix(".npy")
          ? latents.npy(storage, coder) : latents.safetensors(storage, coder))
      Console.error("wrote the latents of \(Count.of(leftOut.takenCount, "picture")) to \(out)")
    }
    try leftOut.check()
  }
}
