import ArgumentParser
import Messages
import VAEData
import VAEFiles
import VAETraining
import VAEZoo

struct ClassifierCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classifier",
    abstract: "Train a small classifier of labelled images: a network that others are measured by.",
    discussion: """
      Trains convolutions with batch normalisation on the labels of the data and writes them as a frozen network, one \
      safetensors file. `vae-zoo evaluate --network FILE` measures samples and reconstructions by it, and perceptual-vae \
      is trained with it. Its layer features stands for an image, its last one, logits, gives the classes.

      The share of held-out images whose class it finds is printed after each epoch and kept in the file: of the valid \
      split, else of the test split; where the data have no labelled one, a tenth of the training images is kept for that.

        vae-zoo classifier --data mnist --out digits.safetensors --epochs 3
        vae-zoo classifier --data cifar10.npz --out cifar.safetensors --set mirror=true

      --set takes: \(ClassifierOptions.declarations.map(\.name).joined(separator: ", ")).
      """)

  @Option(
    help: ArgumentHelp(
      "Labelled data: a folder of IDX or CIFAR files, a folder for each class, or an .npz file with train_labels.",
      valueName: "source")) var data: String
  @Option(help: ArgumentHelp("The network to write: .safetensors.", valueName: "file"))
  var out: String
  @Option(
    parsing: .unconditional,
    help: "Passes over the training images (default: \(defaults.epochs)).")
  var epochs: String?
  @Option(
    parsing: .unconditional, help: "Images per update (default: \(defaults.batchSize)).")
  var batchSize: String?
  @Option(
    parsing: .unconditional,
    help: "The largest learning rate (default: \(defaults.learningRate)).")
  var learningRate: String?
  @Option(
    parsing: .unconditional,
    help: "The seed of weights, order and changes of images (default: \(defaults.seed)).")
  var seed: String?
  @Option(
    help: ArgumentHelp(
      "What products and convolutions multiply in updates: float32 or bfloat16 (default: \(defaults.precision.rawValue)).",
      valueName: "type"))
  var precision: String?
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("A setting; may be given more than once.", valueName: "key=value"))
  var settings: [String] = []
  @OptionGroup var images: ImageOptions
  @OptionGroup var limits: LimitOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard out.hasSuffix(".safetensors") else {
      throw ValidationError("--out \(out) must end in .safetensors")
    }
    try settings.checkSettings(beside: named)
  }

  /// The settings that have options of their own, as far as these were given.
  private var named: [(key: String, value: String)] {
    let options = [
      ("epochs", epochs), ("batch_size", batchSize), ("learning_rate", learningRate),
      ("seed", seed), ("precision", precision),
    ]
    return options.compactMap { name, value in value.map { (key: name, value: $0) } }
  }

  private var options: ClassifierOptions {
    get throws { try ClassifierOptions(settings.asSettings + named, of: "a classifier") }
  }

  func run() throws {
    try threads.apply()
    Interrupt.install()
    let options = try options
    let source = try images.withOptions {
      try DataSource.open(data, images: $0, isCancelled: Interrupt.isAskedFor)
    }
    for notice in source.notices { Console.error(notice) }
    // What cannot be written is refused before minutes of work.
    let file = try OutputFile(replacing: out)
    var bar = ProgressBar()
    defer { bar.clear() }
    let classifier = try Classifier.train(on: source, options, cancel: Interrupt.token) { event in
      switch event {
      case .step(let step, let total, let epoch, let loss):
        bar.show(
          Double(step) / Double(total), since: 0, work: step, unit: "step",
          text: "epoch \(epoch)/\(options.epochs)  loss \(Console.fixed(loss, 3))")
      case .epoch(let epoch):
        bar.clear()
        if output.json {
          Console.print(epoch.json)
        } else {
          Console.print(
            "epoch \(epoch.epoch)/\(options.epochs)  loss \(Console.fixed(epoch.loss, 4))  held-out accuracy "
              + "\(Console.fixed(epoch.accuracy, 4))  \(Console.fixed(epoch.seconds, 1)) s")
        }
      }
    }
    bar.clear()
    guard let classifier, let record = classifier.record else {
      Console.error("interrupted; nothing is written")
      throw ExitCode(ExitStatus.interrupted)
    }
    try file.write(classifier.encoded())
    try file.commit()
    if output.json {
      var object = record.json.object ?? [:]
      object["out"] = .text(out)
      Console.print(JSON.object(object))
    }
    Console.error(
      "wrote a classifier of \(Count.of(classifier.classes.width, "class", plural: "classes")) to \(out): it finds the "
        + "class of \(Console.fixed(record.accuracy * 100, 2)) % of \(Count.of(record.heldOutExamples, "example")) of "
        + "\(record.heldOut)")
  }
}

private let defaults = ClassifierOptions()
