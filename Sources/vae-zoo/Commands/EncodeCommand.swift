import ArgumentParser
import Messages
import VAECore
import VAEZoo

struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Write what the encoder says about each example, as an array.",
    discussion: """
      One row per example, in order: means [N, units]; whole numbers [N, height, width] for codes; draws [N, units] where a \
      posterior has no mean, as behind a flow; for a hierarchy a draw of every layer, side by side in a row, the one nearest to the data first. \
      `vae-zoo decode` reads these.

        vae-zoo encode run --data mnist --out means.npy
        vae-zoo encode run --data mnist --what variances --out variances.npy
      """)

  @Argument(help: ArgumentHelp("A run folder, or an exported .safetensors file.", valueName: "run"))
  var path: String
  @Option(help: ArgumentHelp("The data.", valueName: "source")) var data: String
  @Option(help: ArgumentHelp("The file to write: .npy.", valueName: "file")) var out: String
  @Option(help: "The split: train, valid or test.") var split = "test"
  @Option(
    help: ArgumentHelp(
      "means, variances, codes or draws (default: codes, means or draws, the first there are).",
      valueName: "what"))
  var what: String?
  @Option(parsing: .unconditional, help: "The seed of all draws.") var seed = 0
  @OptionGroup var images: ImageOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    try SplitName.check(split)
    if let what, LatentContent(rawValue: what) == nil {
      let known = LatentContent.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--what must be one of \(known), not \(what)")
    }
  }

  func run() throws {
    try threads.apply()
    let output = try ImageOutput(out, allowing: [.npy])
    let model = try plugins.model(path)
    let split = try images.open(data, for: model).split(named: split)
    let content = what.flatMap(LatentContent.init(rawValue:)) ?? model.latentContent
    let table = try model.latentTable(of: split, content, seed: seed)
    try model.model.checkParts()
    try split.checkExamples()
    try output.write(array: table)
    Console.error("wrote the \(content.rawValue) of \(Count.of(split.count, "example")) to \(out)")
  }
}
