// Fields are named in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import Glibc

/// A struct of the interface that begins with its size, so that it can grow.
protocol GrowingStruct {
  init()
  var struct_size: UInt32 { get set }
}

extension vae_tensor: GrowingStruct {}
extension vae_data_info: GrowingStruct {}
extension vae_model_options: GrowingStruct {}
extension vae_model_info: GrowingStruct {}
extension vae_trainer_options: GrowingStruct {}
extension vae_bound: GrowingStruct {}
extension vae_progress: GrowingStruct {}
extension vae_evaluation_options: GrowingStruct {}

/// The least size that any version of a struct has: its size and its first field.
private let leastSize = 8
/// The most that a struct of a later version may have; more is not a size.
private let largestSize = 4096

/// The size that a caller gave its struct.
private func size(
  of pointer: UnsafeRawPointer, _ name: String
) throws(CallError) -> Int {
  let size = Int(pointer.loadUnaligned(as: UInt32.self))
  guard size >= leastSize && size <= largestSize else {
    throw CallError(
      VAE_ERR_INVALID_ARGUMENT, "\(name)->struct_size is \(size); set it to sizeof the struct")
  }
  return size
}

/// What a caller's struct holds. Fields that it is too short for are zero.
///
/// - Throws: `CallError` where it is NULL, has no size, or sets fields that this version does not
///   know.
func value<Value: GrowingStruct>(
  of pointer: UnsafePointer<Value>?, _ name: String
) throws(CallError) -> Value {
  let source = UnsafeRawPointer(try required(pointer, name))
  let size = try size(of: source, name)
  let known = MemoryLayout<Value>.size
  var value = Value()
  withUnsafeMutableBytes(of: &value) { bytes in
    bytes.copyMemory(from: UnsafeRawBufferPointer(start: source, count: min(size, known)))
  }
  for offset in min(size, known)..<size
  where source.load(fromByteOffset: offset, as: UInt8.self) != 0 {
    throw CallError(
      VAE_ERR_UNSUPPORTED,
      "\(name) sets a field at byte \(offset), which this version of the library does not know")
  }
  value.struct_size = UInt32(known)
  return value
}

/// A struct that the library fills in: zeroed at once, as far as the caller's goes.
struct StructResult<Value: GrowingStruct> {
  private let target: UnsafeMutableRawPointer
  private let size: Int

  /// - Throws: `CallError` where it is NULL or has no size.
  init(_ pointer: UnsafeMutablePointer<Value>?, _ name: String) throws(CallError) {
    target = UnsafeMutableRawPointer(try required(pointer, name))
    size = try VAEC.size(of: target, name)
    memset(target + 4, 0, size - 4)
  }

  func give(_ value: Value) {
    withUnsafeBytes(of: value) { bytes in
      guard let source = bytes.baseAddress else { return }
      memcpy(target + 4, source + 4, min(size, bytes.count) - 4)
    }
  }
}
