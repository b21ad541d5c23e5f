import Tensors
import VAECore
import VAEData

/// What tells the data that a run was begun with from others of the same size and number.
struct DataChecksum {
  /// The member of a line of `sessions.jsonl`.
  let name: String
  /// Sixteen hexadecimal digits.
  let text: String
  /// What it is of, in the plural.
  let phrase: String
}

extension DataSource {
  /// The checksums of the training examples.
  ///
  /// - Throws: as for a split.
  func checksums(
    condition: ConditionSpace?, takesMasks: Bool
  ) throws(DataError) -> [DataChecksum] {
    try train.checksums(condition: condition, takesMasks: takesMasks)
  }
}

extension DataSource {
  /// What ranks compare of the examples: those of training, and those that are held out.
  ///
  /// - Throws: as for a split.
  func comparedChecksum(condition: ConditionSpace?, takesMasks: Bool) throws -> String {
    let own = try train.comparedChecksum(condition: condition, takesMasks: takesMasks)
    guard let heldOut else { return own }
    // Held-out examples need not have what a model is told.
    return try own + " " + heldOut.comparedChecksum(condition: nil, takesMasks: takesMasks)
  }
}

extension DataSplit {
  /// The checksums of all that a model sees of the examples: of about a hundred images, spread
  /// evenly; of everything that it is told of them; and of which values are hidden in those images.
  ///
  /// - Parameters:
  ///   - condition: what the model is told.
  ///   - takesMasks: whether values may be missing.
  /// - Throws: `DataError` where what the model is told is not known of all examples.
  func checksums(
    condition: ConditionSpace?, takesMasks: Bool
  ) throws(DataError) -> [DataChecksum] {
    let chosen = chosenRows
    var images = ChecksumOfNumbers()
    for size in [count, shape.height, shape.width, shape.channels] {
      images.add(UInt32(truncatingIfNeeded: size))
    }
    // Of a table the rows as they are: how they are standardized the recipe says. An older version, whose checksum
    // has the other name, took what a model sees.
    let isTable = columns != nil
    for row in chosen {
      if let values = ownRows([row]) {
        images.add(values)
      } else {
        images.add(withoutTape { batch([row]) })
      }
    }
    var all = [
      DataChecksum(
        name: isTable ? "table_checksum" : "data_checksum", text: images.text,
        phrase: isTable ? "rows" : "images")
    ]
    if let condition {
      let known = try KnownConditions(of: self, condition)
      var conditions = ChecksumOfNumbers()
      for first in stride(from: 0, to: count, by: 1024) {
        let rows = Array(first..<min(first + 1024, count))
        conditions.add(withoutTape { known.rows(rows) })
      }
      all.append(
        DataChecksum(
          name: "condition_checksum", text: conditions.text, phrase: "labels or conditions"))
    }
    if takesMasks {
      var hidden = ChecksumOfNumbers()
      for row in chosen { if let values = self.hidden([row]) { hidden.add(values) } }
      all.append(
        DataChecksum(name: "hidden_checksum", text: hidden.text, phrase: "hidden values"))
    }
    return all
  }

  /// What ranks compare of a split: what is recorded of it, all of its numbers, which of them are hidden, and everything that
  /// is known of the examples beside, as measurements may look at that.
  ///
  /// Of more than `comparedNumbers` as many whole examples as these are, spread evenly: every rank reads them once.
  ///
  /// - Throws: as for `checksums`; `DataError` where an example cannot be read; `MemoryError`.
  func comparedChecksum(condition: ConditionSpace?, takesMasks: Bool) throws -> String {
    let recorded = try checksums(condition: condition, takesMasks: takesMasks)
    var numbers = ChecksumOfNumbers()
    let size = max(1, shape.count)
    let chosen = min(count, max(1, Self.comparedNumbers / size))
    let part = max(1, Self.numbersAtOnce / size)
    for first in stride(from: 0, to: chosen, by: part) {
      let rows = (first..<min(first + part, chosen)).map { $0 * count / chosen }
      let hashes = try withMemoryErrors {
        withoutTape { batch(rows).rowHashes + (hidden(rows)?.rowHashes ?? []) }
      }
      for hash in hashes { numbers.add(hash) }
      try checkExamples()
    }
    for label in labels ?? [] { numbers.add(UInt32(bitPattern: label)) }
    for byte in classes.joined(separator: "\n").utf8 { numbers.add(UInt32(byte)) }
    for value in conditions?.values ?? [] { numbers.add(value.bitPattern) }
    for value in factors?.combinations ?? [] { numbers.add(UInt32(bitPattern: value)) }
    return (recorded.map(\.text) + [numbers.text]).joined(separator: " ")
  }

  /// Of a part of the examples: 4 MB.
  private static let numbersAtOnce = 1 << 20
  /// A second or so of one processor, or a gigabyte of memory that is read.
  private static let comparedNumbers = 1 << 28

  private var chosenRows: [Int] {
    let wanted = max(4, min(100, (1 << 22) / max(1, shape.count)))
    let chosen = min(wanted, count)
    return (0..<chosen).map { $0 * count / chosen }
  }
}

/// FNV-1a with 64 bits (G. Fowler, L. C. Noll, K.-P. Vo, 1991).
private struct ChecksumOfNumbers {
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ value: UInt32) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      hash = (hash ^ UInt64(value >> shift & 0xff)) &* 0x100_0000_01b3
    }
  }

  mutating func add(_ value: UInt64) {
    add(UInt32(truncatingIfNeeded: value))
    add(UInt32(truncatingIfNeeded: value >> 32))
  }

  mutating func add(_ values: [Double]) {
    for value in values {
      let bits = value.isNaN ? Double.nan.bitPattern : value.bitPattern
      add(bits)
    }
  }

  mutating func add(_ tensor: Tensor) {
    for value in tensor.floats { add(value.bitPattern) }
  }

  var text: String {
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
