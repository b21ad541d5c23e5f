import Messages
import Tensors
import VAECore
import VAEData
import VAERecipes

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
  /// The values of images; none of a table.
  private var values: [Float] = []
  /// The rows of a table with all their digits; nil of images.
  private var rows: [Double]?
  private let split: DataSplit
  private let count: Int
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
    self.split = split
    count = split.count
    rows = columns == nil ? nil : []
    haveNames = columns?.haveNames == true
    rows?.reserveCapacity(count * size)
    if columns == nil { values.reserveCapacity(count * size) }
    missing = Array(repeating: 0, count: split.count * size)
    for range in parts {
      let indices = Array(range)
      let found = columns == nil ? nil : split.ownRows(indices)
      let images = found == nil ? split.ownBatch(indices).floats : []
      // Of a table what the model sees of each column, of which all or nothing is hidden.
      let hidden = split.hidden(indices)?.floats
      let seen = split.shape.count
      for (row, index) in range.enumerated() {
        var count = 0
        for place in 0..<size {
          let element = columns?.starts[place] ?? place
          // Of a constant, which a model sees nothing of, there is nothing to hide.
          let isSeen = columns?.columns[place].isConstant != true
          let isHidden = hidden.map { isSeen && $0[row * seen + element] != 0 } ?? false
          let isMissing = found?[row * size + place].isNaN ?? images[row * size + place].isNaN
          guard isHidden || isMissing else { continue }
          missing[index * size + place] = 1
          count += 1
        }
        guard count > 0 else { continue }
        torn.append(index)
        missingCount += count
        if count == size { empty = (first: empty?.first ?? index, count: (empty?.count ?? 0) + 1) }
      }
      if columns == nil { values += images }
      rows? += found ?? images.map(Double.init)
    }
  }

  /// Refuses a truth that differs from what is known: it is one of other examples, and tells nothing about these.
  ///
  /// - Throws: `RecipeError` of kind `unsuitableData`, which names the first such value; `DataError` where the truth
  ///   cannot be read.
  func check(truth: DataSplit, parts: [Range<Int>], _ columns: TableColumns?) throws {
    let size = shape.count
    for range in parts {
      let indices = Array(range)
      let found = truth.ownDoubles(indices)
      // What cannot be read is zeros.
      try truth.checkExamples()
      for (offset, other) in found.enumerated() {
        let target = range.lowerBound * size + offset
        guard missing[target] == 0, !other.isNaN else { continue }
        let own = rows?[target] ?? Double(values[target])
        let (index, place) = (target / size, target % size)
        let column = columns?.columns[place]
        guard !(column?.areSame(own, other) ?? Self.areAlike(own, other)) else { continue }
        let title: Message =
          column.map {
            "\(split.origins.title(of: index, as: "row")), column \(PlainText.quoted($0.name))"
          } ?? "\(split.origins.title(of: index, as: "example")), value \(place)"
        throw RecipeError(
          .unsuitableData,
          "the truth is of other examples: \(title) is \(Self.shown(own, column)), but \(Self.shown(other, column)) in "
            + "the truth; give the same examples in the same order")
      }
    }
  }

  /// Whether two values of images are the same: a quotient of bytes may have been rounded otherwise.
  private static func areAlike(_ one: Double, _ other: Double) -> Bool {
    let (short, otherShort) = (Float(one), Float(other))
    return abs(short - otherShort) <= 2 * max(short.magnitude.ulp, otherShort.magnitude.ulp)
  }

  private static func shown(_ value: Double, _ column: TableColumn?) -> String {
    guard let column, !column.isNumeric, let place = Int(exactly: value),
      column.names.indices.contains(place)
    else { return TableColumn.text(value) }
    return PlainText.quoted(column.names[place])
  }

  /// Fills in what is missing of some examples.
  ///
  /// - Parameters:
  ///   - made: all values of these.
  ///   - truth: the split that has the true ones; nil where nobody knows them.
  ///   - error: takes in how far the two are apart, with what is hidden where nobody knows more.
  mutating func take(
    _ made: MadeExamples, of indices: [Int], truth: DataSplit?, error: inout ImputationErrorSum
  ) {
    if let found = made.rows {
      let known = truth?.ownDoubles(indices)
      Self.forEachMissing(missing, of: indices, size: shape.count) { place, source, target in
        error.add(found[source], truth: known?[source] ?? rows?[target] ?? .nan, place: place)
        rows?[target] = found[source]
      }
      return
    }
    let known = (truth ?? split).ownDoubles(indices)
    made.tensor.withFloats { found in
      Self.forEachMissing(missing, of: indices, size: shape.count) { place, source, target in
        error.add(Double(found[source]), truth: known[source], place: place)
        values[target] = found[source]
      }
    }
  }

  /// Tells a closure of each missing value of some examples its place in its example, among the values of these
  /// examples, and among those of all.
  private static func forEachMissing(
    _ missing: [Float], of indices: [Int], size: Int,
    _ body: (_ place: Int, _ source: Int, _ target: Int) -> Void
  ) {
    for (row, index) in indices.enumerated() {
      for place in 0..<size where missing[index * size + place] != 0 {
        body(place, row * size + place, index * size + place)
      }
    }
  }

  /// What there is by now.
  var imputation: Imputation {
    let whole = Shape([count] + shape.dimensions)
    return Imputation(
      values: Tensor(rows?.map { Float($0) } ?? values, shape: whole), rows: rows,
      haveNames: haveNames,
      missing: Tensor(missing, shape: whole),
      missingCount: missingCount, tornCount: torn.count)
  }
}
