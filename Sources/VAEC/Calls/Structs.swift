import CVAE
import Glibc
import VAEInterface

/// What a caller's struct holds. Fields that it is too short for are zero.
///
/// - Throws: `CallError` where it is NULL, has no size, ends inside a field, or sets fields that this
///   version does not know.
func value<Value: GrowingStruct>(
  of pointer: UnsafePointer<Value>?, _ name: String
) throws(CallError) -> Value {
  let source = UnsafeRawPointer(try required(pointer, name))
  return try checked(name) { () throws(StructFault) in try Value(reading: source) }
}

/// Runs a look at a caller's struct.
///
/// - Throws: `CallError` with what is wrong with it.
private func checked<Result>(
  _ name: String, _ body: () throws(StructFault) -> Result
) throws(CallError) -> Result {
  do {
    return try body()
  } catch {
    switch error {
    case .size(let size):
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT, "\(name)->struct_size is \(size); set it to sizeof the struct")
    case .cut(let size):
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name)->struct_size is \(size), which ends inside a field; set it to sizeof the struct")
    case .unknownField(let offset):
      throw CallError(
        VAE_ERR_UNSUPPORTED,
        "\(name) sets a field at byte \(offset), which this version of the library does not know")
    }
  }
}

/// A struct that the library fills in: zeroed at once, as far as the caller's goes.
struct StructResult<Value: GrowingStruct> {
  private let target: UnsafeMutableRawPointer
  private let size: Int

  /// - Throws: `CallError` where it is NULL, has no size, or ends inside a field.
  init(_ pointer: UnsafeMutablePointer<Value>?, _ name: String) throws(CallError) {
    let target = UnsafeMutableRawPointer(try required(pointer, name))
    self.target = target
    size = try checked(name) { () throws(StructFault) in try Value.size(at: target) }
    memset(target + 4, 0, size - 4)
  }

  func give(_ value: Value) { value.write(to: target, size: size) }
}
