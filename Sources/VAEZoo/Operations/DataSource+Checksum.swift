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
  /// The checksums of all that a model sees of the training examples: of about a hundred images, spread
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
    for size in [train.count, shape.height, shape.width, shape.channels] {
      images.add(UInt32(truncatingIfNeeded: size))
    }
    // Of a table the rows as they are: how they are standardized the recipe says. An older version, whose checksum
    // has the other name, took what a model sees.
    let isTable = columns != nil
    for row in chosen {
      if let values = train.ownRows([row]) {
        images.add(values)
      } else {
        images.add(withoutTape { train.batch([row]) })
      }
    }
    var all = [
      DataChecksum(
        name: isTable ? "table_checksum" : "data_checksum", text: images.text,
        phrase: isTable ? "rows" : "images")
    ]
    if let condition {
      let known = try KnownConditions(of: train, condition)
      var conditions = ChecksumOfNumbers()
      for first in stride(from: 0, to: train.count, by: 1024) {
        let rows = Array(first..<min(first + 1024, train.count))
        conditions.add(withoutTape { known.rows(rows) })
      }
      all.append(
        DataChecksum(
          name: "condition_checksum", text: conditions.text, phrase: "labels or conditions"))
    }
    if takesMasks {
      var hidden = ChecksumOfNumbers()
      for row in chosen { if let values = train.hidden([row]) { hidden.add(values) } }
      all.append(
        DataChecksum(name: "hidden_checksum", text: hidden.text, phrase: "hidden values"))
    }
    return all
  }

  private var chosenRows: [Int] {
    let wanted = max(4, min(100, (1 << 22) / max(1, shape.count)))
    let count = min(wanted, train.count)
    return (0..<count).map { $0 * train.count / count }
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

  mutating func add(_ values: [Double]) {
    for value in values {
      let bits = value.isNaN ? Double.nan.bitPattern : value.bitPattern
      add(UInt32(truncatingIfNeeded: bits))
      add(UInt32(truncatingIfNeeded: bits >> 32))
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
