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

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    do throws(DataError) {
      // What was scanned once holds no longer for another content.
      try file.checkUnchanged()
    } catch {
      keep(error)
      return destination.update(repeating: 0)
    }
    forEachExample(indices, in: destination) { index, image in
      do throws(DataError) {
        try read(index, into: image)
      } catch {
        keep(error)
        image.update(repeating: 0)
      }
    }
  }

  private func read(
    _ index: Int, into image: UnsafeMutableBufferPointer<Float>
  ) throws(DataError) {
    let size = shape.count * type.size
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    defer { bytes.deallocate() }
    guard try file.read(at: offset + index * size, into: bytes) == size else {
      throw DataError(.unusable, "\(file.path) became shorter while it was in use")
    }
    _ = type.convert(UnsafeRawBufferPointer(bytes), into: image, dividingBytesBy: divisor)
  }

  private func keep(_ error: DataError) { fault.withLock { $0 = $0 ?? error } }

  func takeFault() -> DataError? {
    fault.withLock { fault in
      defer { fault = nil }
      return fault
    }
  }
}
