import Messages
import VAECore
import VAEFiles

extension StoredCheckpoint {
  /// What `state.json` says.
  struct State {
    /// Whether the file has a checksum.
    let isSealed: Bool
    let step: Int
    let updatesPerEpoch: Int
    let threads: Int
    let updates: [String: Int]
    let progress: EpochProgress
    /// What the first update found, nil in the files of older versions.
    let beginning: BoundTerms?
    /// The best epoch until then, nil where nothing was held out.
    let best: BestEpoch?
    /// Whether the training had come to its end.
    let isFinished: Bool

    /// Reads `state.json`. Every number has bounds, so that nothing that is computed with them
    /// later can overflow.
    ///
    /// - Parameters:
    ///   - step: that of the checkpoint's folder.
    ///   - path: of the file, for errors.
    /// - Throws: `TrainingError` of kind `unsuitable` that names the member and its value.
    init(parsing bytes: [UInt8], step: Int, path: String) throws {
      let file: SealedObject
      do throws(JSONError) {
        file = try SealedObject(parsing: bytes, source: path)
      } catch {
        throw TrainingError(.unsuitable, "\(path) is damaged: it \(error.reason)")
      }
      isSealed = file.isSealed
      let members = Members(of: file.object, path: path)
      let format = try members.count("format", in: 1...Self.largestCount)
      guard format <= Self.format else {
        throw TrainingError(
          .unsuitable,
          "\(path) is of format \(format), but this version reads formats up to \(Self.format); use a newer version"
        )
      }
      guard isSealed == (format >= 2) else {
        throw TrainingError(
          .unsuitable,
          "\(path) is damaged: it is of format \(format), but \(isSealed ? "has a" : "has lost its") checksum"
        )
      }
      self.step = try members.count("step", in: 0...Self.largestCount)
      guard self.step == step else {
        throw TrainingError(
          .unsuitable,
          "\(path) is damaged: \"step\" is \(self.step), but the checkpoint is stored as that of step \(step)"
        )
      }
      updatesPerEpoch = try members.count("updates_per_epoch", in: 1...Self.largestCount)
      // States of before there were checksums may lack what follows from the rest.
      if format >= 2 || members.has("epoch") {
        let epoch = try members.count("epoch", in: 0...Self.largestCount)
        guard epoch == step / updatesPerEpoch else {
          throw TrainingError(
            .unsuitable,
            "\(path) is damaged: \"epoch\" is \(epoch), but \(Count.of(step, "update")) of "
              + "\(updatesPerEpoch) an epoch make \(step / updatesPerEpoch)")
        }
      }
      if format >= 2 || members.has("generator") {
        try Self.checkGenerator(members.object("generator"), step: step, path: path)
      }
      threads = try members.count("threads", in: 1...Self.largestCount)
      let updates = try members.object("updates")
      self.updates = Dictionary(
        try updates.all { try updates.count($0, in: 0...Self.largestCount) },
        uniquingKeysWith: { first, _ in first })

      let sums = try members.object("epoch_so_far")
      var progress = EpochProgress()
      // Where memory ran short at the end of an epoch, all of its updates are there and it is still open.
      let isAtEnd = step > 0 && step.isMultiple(of: updatesPerEpoch)
      progress.updates = try sums.count(
        "updates", in: 0...(isAtEnd ? updatesPerEpoch : updatesPerEpoch - 1))
      // Files of older versions lack it, and have the bounds of all updates in their sums.
      progress.leftOut =
        try sums.has("updates_left_out")
        ? sums.count("updates_left_out", in: 0...progress.updates) : 0
      let range = -Self.largestSum...Self.largestSum
      progress.distortion = try sums.number("distortion", in: range)
      progress.rate = try sums.number("rate", in: range)
      progress.seconds = try sums.number("seconds", in: 0...Double(Self.largestCount))
      let terms = try sums.object("terms")
      // Only those that not every update logged are counted.
      let counts = try sums.has("term_updates") ? sums.object("term_updates") : nil
      for (name, value) in try terms.all({ try terms.number($0, in: range) }) {
        let counted = try counts.flatMap {
          try $0.has(name) ? $0.count(name, in: 0...progress.updates) : nil
        }
        progress.restoreTerm(name, sum: value, updates: counted ?? progress.updates)
      }
      self.progress = progress
      beginning = try members.has("beginning") ? Self.bound(try members.object("beginning")) : nil
      best = try members.has("best") ? Self.best(members.object("best"), until: step) : nil
      isFinished = try members.has("finished") ? members.flag("finished") : false
    }

    private static func best(_ members: Members, until step: Int) throws -> BestEpoch {
      BestEpoch(
        step: try members.count("step", in: 1...max(1, step)),
        cost: -(try members.number("elbo", in: -largestSum...largestSum)))
    }

    /// The numbers of a step follow from seed and step, so that a generator has no state but these.
    private static func checkGenerator(_ members: Members, step: Int, path: String) throws {
      let kind = try members.text("kind")
      guard kind == generator else {
        throw TrainingError(
          .unsuitable,
          "\(path): \"generator.kind\" is \(PlainText.quoted(kind)), but this version draws with \(generator)"
        )
      }
      let found = try members.count("step", in: 0...largestCount)
      guard found == step else {
        throw TrainingError(
          .unsuitable, "\(path) is damaged: \"generator.step\" is \(found), but \"step\" is \(step)"
        )
      }
    }

    private static func bound(_ members: Members) throws -> BoundTerms {
      let range = -largestSum...largestSum
      return BoundTerms(
        distortion: try members.number("distortion", in: range),
        rate: try members.number("rate", in: range))
    }

    /// The number that changes when older versions can no longer read a state: that of the files of a
    /// checkpoint that have checksums is 2, that of those without was 1.
    static let format = 2

    /// The generator of random numbers.
    static let generator = "philox4x32-10"

    /// Whole numbers beyond this differ between readers of JSON, and no training comes to them.
    private static let largestCount = 1 << 53
    /// A sum over updates of numbers that were finite with 32 bits.
    private static let largestSum = Double(Float.greatestFiniteMagnitude) * Double(largestCount)
  }
}

/// The members of an object in a JSON file, each checked when it is read.
private struct Members {
  private let object: JSON.Object
  private let path: String
  /// The names that lead to the object, each with a dot behind it.
  private let prefix: String

  init(of object: JSON.Object, path: String, prefix: String = "") {
    (self.object, self.path, self.prefix) = (object, path, prefix)
  }

  func has(_ name: String) -> Bool { object[name] != nil }

  func count(_ name: String, in range: ClosedRange<Int>) throws -> Int {
    try value(
      name, "a whole number from \(range.lowerBound) to \(range.upperBound)",
      object[name]?.integer.flatMap { range.contains($0) ? $0 : nil })
  }

  func number(_ name: String, in range: ClosedRange<Double>) throws -> Double {
    try value(
      name, "a number from \(range.lowerBound) to \(range.upperBound)",
      object[name]?.double.flatMap { range.contains($0) ? $0 : nil })
  }

  func flag(_ name: String) throws -> Bool {
    try value(name, "true or false", object[name]?.bool)
  }

  func text(_ name: String) throws -> String {
    try value(name, "a text", object[name]?.text)
  }

  func object(_ name: String) throws -> Members {
    let object = try value(name, "an object", object[name]?.object)
    return Members(of: object, path: path, prefix: "\(prefix)\(name).")
  }

  /// All members by name, in the order of the names.
  func all<Value>(_ value: (String) throws -> Value) rethrows -> [(String, Value)] {
    try object.members.map { ($0.name, try value($0.name)) }
  }

  private func value<Value>(_ name: String, _ wanted: String, _ found: Value?) throws -> Value {
    if let found { return found }
    let member = "\(path) is damaged: \(JSON.text(prefix + name).line)"
    guard let value = object[name] else {
      throw TrainingError(.unsuitable, "\(member) is missing")
    }
    throw TrainingError(.unsuitable, "\(member) is \(value.line.prefix(80)), not \(wanted)")
  }
}
