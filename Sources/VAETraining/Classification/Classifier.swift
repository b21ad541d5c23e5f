import Messages
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles

/// A small convolutional classifier of images, as a frozen network: what looks at images for perceptual
/// losses, for Fréchet distances and for the share of samples that look like something.
///
/// ```swift
/// let data = try DataSource.open("mnist")
/// if let classifier = try Classifier.train(on: data) {
///   print(classifier.accuracy)  // of held-out images
///   try classifier.save(to: "digits.safetensors")
/// }
/// let opened = try Classifier.open("digits.safetensors")
/// ```
public struct Classifier {
  /// What the file of a classifier says of its training, beside the network.
  public struct Record: Equatable, Sendable {
    /// The data that it was trained on, as they were named.
    public var data: String
    /// How stored values became those that it sees, as `DataSource.rule` has it.
    public var rule: String
    /// How many examples it was trained on.
    public var trainingExamples: Int
    /// How many others it was tried on.
    public var heldOutExamples: Int
    /// What these were: a split of the data, or "a tenth of train".
    public var heldOut: String
    /// The share of them whose class it finds.
    public var accuracy: Double
    /// The settings that made it, as JSON.
    public var options: JSON
  }

  /// The network, whose last layer gives the classes' logits.
  public let network: FrozenNetwork
  /// The classes, by number.
  public let classes: ConditionSpace
  /// How it was trained; nil for a network of another program.
  public let record: Record?

  /// Where the metadata of a file hold the record.
  static let metadataName = "vae_zoo_classifier"

  init(network: FrozenNetwork, classes: ConditionSpace, record: Record?) {
    (self.network, self.classes, self.record) = (network, classes, record)
  }

  /// The share of held-out examples whose class it finds; NaN for a network of another program.
  public var accuracy: Double { record?.accuracy ?? .nan }
}

// MARK: - Files

extension Classifier {
  /// Reads a file that `save` wrote, or another frozen network whose description has classes.
  ///
  /// - Throws: `FileError` where the file is missing, damaged or holds something else.
  public static func open(_ path: String) throws -> Classifier {
    let bytes = try DurableFiles.read(path)
    func refusal(_ reason: Message) -> FileError {
      FileError(.malformed, "use the classifier", path, reason)
    }
    let file: Safetensors
    do throws(SafetensorsError) {
      file = try Safetensors(parsing: bytes, path: "the file")
    } catch {
      throw refusal("it is damaged: \(error.message)")
    }
    do throws(NetworkProblem) {
      let network = try FrozenNetwork.read(file)
      guard let names = network.classes else {
        throw NetworkProblem(
          "it is no classifier: its \(FrozenNetwork.metadataName) has no classes (docs/weights.md)")
      }
      return Classifier(
        network: network, classes: ConditionSpace(classes: names.count, names: names),
        record: file.metadata[metadataName].flatMap(Record.init))
    } catch {
      throw refusal(error.reason)
    }
  }

  /// Writes network and record into one safetensors file with checksums: whole, or not at all.
  ///
  /// - Throws: `FileError` where it cannot be written.
  public func save(to path: String) throws { try DurableFiles.replace(path, with: encoded()) }

  /// The bytes of that file.
  public func encoded() -> [UInt8] {
    var file = network.file
    if let record { file.metadata[Self.metadataName] = record.json.line }
    return file.sealed()
  }
}

extension Classifier.Record {
  /// The record as JSON, as `classifier --json` prints it in the end.
  public var json: JSON {
    .object([
      "data": .text(data), "rule": .text(rule), "training_examples": .integer(trainingExamples),
      "held_out": .text(heldOut), "held_out_examples": .integer(heldOutExamples),
      "accuracy": .finite(accuracy), "options": options,
    ])
  }

  /// The record that a file has; nil where it is none.
  fileprivate init?(_ text: String) {
    guard let object = (try? JSON(parsing: Array(text.utf8), source: "record"))?.object,
      let data = object["data"]?.text, let rule = object["rule"]?.text,
      let heldOut = object["held_out"]?.text,
      let training = object["training_examples"]?.integer,
      let others = object["held_out_examples"]?.integer,
      let accuracy = object["accuracy"]?.double, let options = object["options"]
    else { return nil }
    self.init(
      data: data, rule: rule, trainingExamples: training, heldOutExamples: others, heldOut: heldOut,
      accuracy: accuracy, options: options)
  }
}

// MARK: - What can be done with it

extension Classifier {
  /// Refuses images that the network does not take.
  ///
  /// - Parameters:
  ///   - shape: of an image.
  ///   - range: of the values.
  /// - Throws: `DataError` of kind `unusable`.
  public func check(_ shape: ImageShape, _ range: ValueRange, of name: String) throws(DataError) {
    do {
      try network.check([shape.height, shape.width, shape.channels], range, upTo: [])
    } catch {
      throw DataError(.unusable, "\(name) does not suit the classifier: \(error.reason)")
    }
  }

  /// The probability of each class for the examples of a split, `[N, classes]`.
  ///
  /// - Parameters:
  ///   - split: whose images `check` has accepted.
  ///   - proceed: told the fraction done before each part of them; what it throws ends the work.
  /// - Throws: `DataError` where examples cannot be read; what `proceed` throws.
  public func probabilities(
    of split: DataSplit, proceed: (Double) throws -> Void = { _ in }
  ) throws -> Tensor {
    guard split.count > 0 else { return .zeros([0, classes.width]) }
    return try withoutTape {
      var parts: [Tensor] = []
      try forEachPart(of: split, proceed) { indices in
        parts.append(logits(of: split.batch(indices)).softmax())
      }
      return .concatenated(parts, axis: 0)
    }
  }

  /// The probability of each class for images `[N, height, width, channels]`, `[N, classes]`, all at once.
  public func probabilities(of images: Tensor) -> Tensor {
    withoutTape { logits(of: images).softmax() }
  }

  private func forEachPart(
    of split: DataSplit, _ proceed: (Double) throws -> Void, _ body: ([Int]) -> Void
  ) throws {
    let size = Evaluator.rowLimit(for: split.shape)
    for start in stride(from: 0, to: split.count, by: size) {
      try proceed(Double(start) / Double(split.count))
      body(Array(start..<min(start + size, split.count)))
      try split.checkExamples()
      try Memory.check()
    }
  }

  /// The share of a split's examples whose class it finds.
  ///
  /// - Parameter proceed: told the fraction done before each part of them; what it throws ends the work.
  /// - Throws: `DataError` where the split has no labels, other classes, or images that the network does not
  ///   take; what `proceed` throws.
  public func accuracy(
    on split: DataSplit, range: ValueRange, proceed: (Double) throws -> Void = { _ in }
  ) throws -> Double {
    try check(split.shape, range, of: split.name)
    let known = try KnownConditions(of: split, classes)
    return try withoutTape {
      var right = 0.0
      try forEachPart(of: split, proceed) { indices in
        right += Self.hits(
          logits(of: split.batch(indices)), of: known.rows(indices))
      }
      return right / Double(max(1, split.count))
    }
  }

  private func logits(of images: Tensor) -> Tensor {
    guard let layer = network.logitLayer else {
      fatalError("the network of a classifier has a layer of logits")
    }
    return network.features(of: images, at: [layer])[0]
  }

  /// How many rows have their largest logit where the row of the class is largest.
  static func hits(_ logits: Tensor, of rows: Tensor) -> Double {
    let (found, wanted) = (logits.argmax(axis: 1).indices, rows.argmax(axis: 1).indices)
    return Double(zip(found, wanted).count { $0 == $1 })
  }
}
