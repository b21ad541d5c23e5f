import Tensors
import VAECore

/// The rows of a table as models see them, out of rows in the table's own units.
public struct TableStore: ExampleStore {
  /// The rows in the table's own units, `1×columns×1` each.
  public let rows: any ExampleStore
  /// The columns.
  public let columns: TableColumns
  /// Whether somebody has named the columns, so that a model finds its own by their names; those of vectors
  /// are found by their places.
  public let isNamed: Bool

  /// Rows of a table.
  ///
  /// - Parameters:
  ///   - rows: as many numbers each as there are columns.
  ///   - columns: what the numbers are.
  ///   - isNamed: whether somebody has named the columns.
  public init(_ rows: any ExampleStore, columns: TableColumns, isNamed: Bool = true) {
    ensure(
      rows.shape.count == columns.count,
      "rows of \(rows.shape) are none of \(columns.count) columns")
    self.rows = rows
    self.columns = columns
    self.isNamed = isNamed
  }

  /// The number of rows.
  public var count: Int { rows.count }
  /// The size of what a model sees of a row.
  public var shape: ImageShape { ImageShape(height: 1, width: columns.elementCount, channels: 1) }

  /// Reads rows and standardizes them.
  public func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let own = [Double](unsafeUninitializedCapacity: indices.count * columns.count) { buffer, used in
      let room = UnsafeMutableBufferPointer(rebasing: buffer[..<(indices.count * columns.count)])
      room.initialize(repeating: 0)
      rows.writeDoubles(indices, into: room)
      used = indices.count * columns.count
    }
    own.withUnsafeBufferPointer { own in
      let (width, seen) = (columns.count, columns.elementCount)
      for position in indices.indices {
        columns.write(
          UnsafeBufferPointer(rebasing: own[position * width..<(position + 1) * width]),
          into: UnsafeMutableBufferPointer(
            rebasing: destination[position * seen..<(position + 1) * seen]))
      }
    }
  }

  /// The first failure to read rows since this was asked last.
  public func takeFault() -> DataError? { rows.takeFault() }

  /// Some of the rows, as a table.
  public func selecting(_ rows: [Int]) -> any ExampleStore {
    TableStore(self.rows.selecting(rows), columns: columns, isNamed: isNamed)
  }
}

extension ExampleStore {
  /// Reads all rows once in double precision, some after the other.
  ///
  /// - Parameter body: told the number of the first row of a part, and the values of its rows.
  /// - Throws: `DataError` where they cannot be read, and what the closure throws.
  func forEachPart(
    _ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws(DataError) -> Void
  ) throws(DataError) {
    let width = shape.count
    let part = max(1, min(count, (1 << 20) / width))
    let room = UnsafeMutableBufferPointer<Double>.allocate(capacity: part * width)
    room.initialize(repeating: 0)
    defer { room.deallocate() }
    for start in stride(from: 0, to: count, by: part) {
      let indices = Array(start..<min(start + part, count))
      let values = UnsafeMutableBufferPointer(rebasing: room[..<(indices.count * width)])
      writeDoubles(indices, into: values)
      if let fault = takeFault() { throw fault }
      try body(start, UnsafeBufferPointer(values))
    }
  }
}

extension DataSplit {
  /// Examples in the data's own units: rows of a table as it has them, `[N, 1, columns, 1]`, and
  /// everything else as models see it.
  public func ownBatch(_ indices: [Int]) -> Tensor {
    guard let table = store as? TableStore else { return batch(indices) }
    return Tensor([indices.count, 1, table.columns.count, 1]) { buffer in
      table.rows.write(indices, into: buffer)
    }
  }

  /// What a model sees of rows of a table whose numbers have the digits of 32-bit floats, so that it is the same for
  /// those of 64 bits, `[N, 1, elements, 1]`; images as they are.
  public func contents(_ indices: [Int]) -> Tensor {
    guard let table = store as? TableStore else { return batch(indices) }
    let (columns, width) = (table.columns, table.columns.count)
    let own = Tensor([indices.count, width]) { table.rows.write(indices, into: $0) }.floats
      .map(Double.init)
    return Tensor([indices.count, 1, columns.elementCount, 1]) { seen in
      own.withUnsafeBufferPointer { own in
        for row in indices.indices {
          columns.write(
            UnsafeBufferPointer(rebasing: own[row * width..<(row + 1) * width]),
            into: UnsafeMutableBufferPointer(
              rebasing: seen[row * columns.elementCount..<(row + 1) * columns.elementCount]))
        }
      }
    }
  }

  /// Rows of a table in its own units with all their digits, one after the other; nil of images.
  public func ownRows(_ indices: [Int]) -> [Double]? {
    store is TableStore ? ownDoubles(indices) : nil
  }

  /// Examples in the data's own units with all the digits that the source has, one after the other.
  public func ownDoubles(_ indices: [Int]) -> [Double] {
    let own = (store as? TableStore)?.rows ?? store
    let count = indices.count * own.shape.count
    return [Double](unsafeUninitializedCapacity: count) { buffer, used in
      let room = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      room.initialize(repeating: 0)
      own.writeDoubles(indices, into: room)
      used = count
    }
  }

  /// The size of an example in the data's own units.
  public var ownShape: ImageShape { (store as? TableStore)?.rows.shape ?? shape }

  /// The columns, where the examples are rows of a table.
  public var columns: TableColumns? { (store as? TableStore)?.columns }
}

/// Which cells of a table are hidden from models, as these see the cells.
struct HiddenCells: ExampleStore {
  /// One for each column, ones for what is hidden.
  let cells: any ExampleStore
  let columns: TableColumns

  init(_ cells: any ExampleStore, columns: TableColumns) {
    self.cells = cells
    self.columns = columns
  }

  var count: Int { cells.count }
  var shape: ImageShape { ImageShape(height: 1, width: columns.elementCount, channels: 1) }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let own = [Float](unsafeUninitializedCapacity: indices.count * columns.count) { buffer, used in
      buffer.initialize(repeating: 0)
      cells.write(indices, into: buffer)
      used = indices.count * columns.count
    }
    for position in indices.indices {
      for (number, column) in columns.columns.enumerated() {
        let start = position * columns.elementCount + columns.starts[number]
        for place in start..<start + column.elements {
          destination[place] = own[position * columns.count + number]
        }
      }
    }
  }

  func takeFault() -> DataError? { cells.takeFault() }

  func selecting(_ rows: [Int]) -> any ExampleStore {
    HiddenCells(cells.selecting(rows), columns: columns)
  }
}
