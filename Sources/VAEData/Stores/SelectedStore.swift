/// Some examples of another store, in an order of their own.
struct SelectedStore: ExampleStore {
  let base: any ExampleStore
  /// The number in `base` of each example.
  let rows: [Int]

  var count: Int { rows.count }
  var shape: ImageShape { base.shape }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    base.write(indices.map { rows[$0] }, into: destination)
  }

  func writeDoubles(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Double>) {
    base.writeDoubles(indices.map { rows[$0] }, into: destination)
  }

  func keepingBytes() throws(DataError) -> any ExampleStore {
    SelectedStore(base: try base.keepingBytes(), rows: rows)
  }

  func takeFault() -> DataError? { base.takeFault() }
}
