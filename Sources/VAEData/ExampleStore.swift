import Tensors

/// Examples that can be drawn by index: held in memory, or generated on demand.
public protocol ExampleStore: Sendable {
  /// The number of examples.
  var count: Int { get }
  /// The size of each.
  var shape: ImageShape { get }

  /// Writes examples one after the other, each `[height, width, channels]`, in the range that
  /// models see.
  ///
  /// - Parameters:
  ///   - indices: each in `0..<count`, in any order, repeated or not.
  ///   - destination: `indices.count * shape.count` numbers, all of which are overwritten.
  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>)

  /// Writes the same numbers in double precision: where a store has more digits than 32-bit floats, all of
  /// them.
  ///
  /// - Parameters:
  ///   - indices: as of `write(_:into:)`.
  ///   - destination: as many numbers.
  func writeDoubles(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Double>)

  /// A range of examples in place, `[range.count, height, width, channels]`, where they lie in
  /// memory as models see them; nil elsewhere.
  func view(_ range: Range<Int>) -> Tensor?

  /// The first failure to read examples since this was asked last, nil where there was none. What
  /// could not be read was written as zeros.
  func takeFault() -> DataError?

  /// Some of the examples, in an order of their own, as a store of the same kind where it is one of more than
  /// images, such as rows with their columns.
  ///
  /// - Parameter rows: their numbers, each in `0..<count`.
  func selecting(_ rows: [Int]) -> any ExampleStore

  /// The same examples with bytes as the numbers that they are, as rows of a table have them.
  ///
  /// - Throws: `DataError` where a file cannot be opened again.
  func keepingBytes() throws(DataError) -> any ExampleStore
}

extension ExampleStore {
  /// The numbers of `write(_:into:)`.
  public func writeDoubles(
    _ indices: [Int], into destination: UnsafeMutableBufferPointer<Double>
  ) {
    let count = indices.count * shape.count
    let floats = [Float](unsafeUninitializedCapacity: count) { buffer, used in
      let room = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      room.initialize(repeating: 0)
      write(indices, into: room)
      used = count
    }
    for (place, value) in floats.enumerated() { destination[place] = Double(value) }
  }

  /// None: memory does not fail.
  public func takeFault() -> DataError? { nil }

  /// Some of the examples, which are read where they are.
  public func selecting(_ rows: [Int]) -> any ExampleStore {
    SelectedStore(base: self, rows: rows)
  }

  /// They are no bytes.
  public func keepingBytes() throws(DataError) -> any ExampleStore { self }

  /// Nowhere.
  public func view(_ range: Range<Int>) -> Tensor? { nil }

  /// Calls `body` with each index and the part of the destination that belongs to it, on several
  /// threads at once where there is enough to do.
  ///
  /// An index or a size that does not fit is a programming error and stops the program.
  func forEachExample<Number>(
    _ indices: [Int], in destination: UnsafeMutableBufferPointer<Number>,
    _ body: @Sendable (Int, UnsafeMutableBufferPointer<Number>) -> Void
  ) {
    let size = shape.count
    ensure(
      destination.count == indices.count * size,
      "\(indices.count) examples of \(shape) do not fill \(destination.count) numbers")
    // Every thread writes to examples of its own.
    nonisolated(unsafe) let destination = destination
    Engine.divide(indices.count, block: Self.numbersWorthAThread / max(1, size)) { positions in
      for position in positions {
        let index = indices[position]
        ensure(index >= 0 && index < count, "example \(index) of \(count)")
        let part = position * size..<(position + 1) * size
        body(index, UnsafeMutableBufferPointer(rebasing: destination[part]))
      }
    }
  }

  /// Copying this many takes about as long as handing a part to another thread.
  private static var numbersWorthAThread: Int { 8192 }
}
