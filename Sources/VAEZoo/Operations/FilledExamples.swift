import Tensors
import VAECore
import VAEData

/// The examples of a split in its own units, whose missing and hidden values are filled in by and by.
struct FilledExamples {
  /// The size of an example.
  let shape: Shape
  /// The examples with something to fill in.
  private(set) var torn: [Int] = []
  /// The first of those of which nothing is known, and how many there are.
  private(set) var empty: (first: Int, count: Int)?
  /// How many values there are to fill in.
  private(set) var missingCount = 0
  private var values: [Float]
  /// The rows of a table with all their digits.
  private var rows: [Double]?
  private let haveNames: Bool
  private var missing: [Float]

  /// The examples of a split.
  ///
  /// - Parameters:
  ///   - parts: ranges of examples that are read at once.
  ///   - columns: of a table.
  init(_ split: DataSplit, parts: [Range<Int>], columns: TableColumns?) {
    let own = split.ownShape
    shape = [own.height, own.width, own.channels]
    let size = own.count
    values = []
    rows = columns == nil ? nil : []
    haveNames = columns?.haveNames == true
    values.reserveCapacity(split.count * size)
    missing = Array(repeating: 0, count: split.count * size)
    for range in parts {
      let found = split.ownBatch(Array(range)).floats
      // Of a table what the model sees of each column, of which all or nothing is hidden.
      let hidden = split.hidden(Array(range))?.floats
      let seen = split.shape.count
      for (row, index) in range.enumerated() {
        var count = 0
        for place in 0..<size {
          let element = columns?.starts[place] ?? place
          let isHidden = hidden.map { $0[row * seen + element] != 0 } ?? false
          guard isHidden || found[row * size + place].isNaN else { continue }
          missing[index * size + place] = 1
          count += 1
        }
        guard count > 0 else { continue }
        torn.append(index)
        missingCount += count
        if count == size { empty = (first: empty?.first ?? index, count: (empty?.count ?? 0) + 1) }
      }
      values += found
      rows? += split.ownRows(Array(range)) ?? found.map(Double.init)
    }
  }

  /// Fills in what is missing of some examples.
  ///
  /// - Parameters:
  ///   - made: all values of these.
  ///   - truth: the true ones; nil where nobody knows them.
  ///   - error: takes in how far the two are apart, with what is hidden where nobody knows more.
  mutating func take(
    _ made: MadeExamples, of indices: [Int], truth: Tensor?, error: inout ImputationErrorSum
  ) {
    let size = shape.count
    let truth = truth?.floats
    let madeRows = made.rows
    made.tensor.withFloats { found in
      for (row, index) in indices.enumerated() {
        for place in 0..<size where missing[index * size + place] != 0 {
          let (target, value) = (index * size + place, found[row * size + place])
          error.add(value, truth: truth?[row * size + place] ?? values[target], place: place)
          values[target] = value
          if let madeRows { rows?[target] = madeRows[row * size + place] }
        }
      }
    }
  }

  /// What there is by now.
  var imputation: Imputation {
    let whole = Shape([values.count / max(1, shape.count)] + shape.dimensions)
    return Imputation(
      values: Tensor(values, shape: whole), rows: rows, haveNames: haveNames,
      missing: Tensor(missing, shape: whole),
      missingCount: missingCount, tornCount: torn.count)
  }
}
