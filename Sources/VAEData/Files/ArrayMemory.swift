import Glibc
import Tensors

/// Memory for the elements of one array; it does not change once it has been filled.
///
/// Taken by `malloc`, so that a size that the system refuses is an error and not the program's end.
final class ArrayMemory: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  /// - Parameters:
  ///   - byteCount: above zero.
  ///   - name: what messages call the array.
  init(byteCount: Int, name: String) throws(DataError) {
    // The system may promise more than there is, and end the program when it is used.
    let isGranted = byteCount < Memory.leastRequest || Memory.grants(byteCount)
    guard isGranted, let start = malloc(byteCount) else {
      throw DataError(
        .tooLarge,
        "\(name) needs \(byteCount) bytes of memory, more than there is; use a part of the data")
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  deinit { free(bytes.baseAddress) }

  /// The memory as elements of a type that any bits are a value of.
  func elements<Element: BitwiseCopyable>(as type: Element.Type) -> UnsafeBufferPointer<Element> {
    UnsafeBufferPointer(bytes.bindMemory(to: type))
  }
}
