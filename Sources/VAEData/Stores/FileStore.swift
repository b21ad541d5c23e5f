import Tensors

/// Images that stay in their file, because memory has no room for all of them; a batch is read when
/// it is drawn.
///
/// They are read and not mapped: where a mapped file becomes shorter, or its disk fails, the system
/// ends the process by SIGBUS, while a read says so. The system keeps what is read often in memory
/// either way. A batch cannot be refused, so one that cannot be read is zeros, and the reason is kept
/// until `takeFault` asks for it.
final class FileStore: ExampleStore {
  let count: Int
  let shape: ImageShape
  private let file: InputFile
  /// Of the first element in the file.
  private let offset: Int
  private let type: ElementType
  private let divisor: Float
  private let fault = Lock<DataError?>(nil)

  /// - Parameters:
  ///   - count: of images.
  ///   - shape: of each.
  ///   - place: of the first element.
  ///   - type: of the elements.
  ///   - divisor: of bytes.
  init(
    count: Int, shape: ImageShape, place: FilePlace, type: ElementType, divisor: Float
  ) throws(DataError) {
    self.count = count
    self.shape = shape
    self.type = type
    self.divisor = divisor
    offset = place.offset
    // A stop that was asked for while the file was opened is none of later reading.
    file = try InputFile(again: place.file)
  }

  func keepingBytes() throws(DataError) -> any ExampleStore {
    try FileStore(
      count: count, shape: shape, place: FilePlace(file: file, offset: offset), type: type,
      divisor: 1)
  }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    gather(indices, into: destination, zero: 0) { bytes, image in
      _ = type.convert(bytes, into: image, dividingBytesBy: divisor)
    }
  }

  func writeDoubles(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Double>) {
    gather(indices, into: destination, zero: 0) { bytes, image in
      _ = type.convert(bytes, into: image, dividingBytesBy: divisor)
    }
  }

  /// Reads images, each by a conversion of its bytes.
  private func gather<Number>(
    _ indices: [Int], into destination: UnsafeMutableBufferPointer<Number>, zero: Number,
    _ convert: @Sendable (UnsafeRawBufferPointer, UnsafeMutableBufferPointer<Number>) -> Void
  ) where Number: Sendable {
    do throws(DataError) {
      // What was scanned once holds no longer for another content.
      try file.checkUnchanged()
    } catch {
      keep(error)
      return destination.update(repeating: zero)
    }
    forEachExample(indices, in: destination) { index, image in
      do throws(DataError) {
        try read(index) { convert($0, image) }
      } catch {
        keep(error)
        image.update(repeating: zero)
      }
    }
  }

  private func read(
    _ index: Int, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(DataError) {
    let size = shape.count * type.size
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    defer { bytes.deallocate() }
    guard try file.read(at: offset + index * size, into: bytes) == size else {
      throw DataError(.unusable, "\(file.path) became shorter while it was in use")
    }
    body(UnsafeRawBufferPointer(bytes))
  }

  private func keep(_ error: DataError) { fault.withLock { $0 = $0 ?? error } }

  func takeFault() -> DataError? {
    fault.withLock { fault in
      defer { fault = nil }
      return fault
    }
  }
}
