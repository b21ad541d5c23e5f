import CLibFFI
import CVAE
import Tensors
import VAEInterface

/// The C types that cross the border to a plug-in by libffi.
enum CType: Sendable {
  case void, int32, int64, uint64, float, double, pointer

  var description: UnsafeMutablePointer<ffi_type>? {
    switch self {
    case .void: cffi_void()
    case .int32: cffi_int32()
    case .int64: cffi_int64()
    case .uint64: cffi_uint64()
    case .float: cffi_float()
    case .double: cffi_double()
    case .pointer: cffi_pointer()
    }
  }

  /// The type of a number of vae_plugin.h; nil for another one.
  init?(code: Int32) {
    switch code {
    case VAE_TYPE_VOID: self = .void
    case VAE_TYPE_I32: self = .int32
    case VAE_TYPE_I64: self = .int64
    case VAE_TYPE_U64: self = .uint64
    case VAE_TYPE_F32: self = .float
    case VAE_TYPE_F64: self = .double
    case VAE_TYPE_POINTER: self = .pointer
    default: return nil
    }
  }
}

/// An argument of a call.
enum CValue {
  case int32(Int32)
  case int64(Int64)
  case uint64(UInt64)
  case float(Float)
  case double(Double)
  case pointer(UnsafeRawPointer?)

  /// Writes the value into a slot of eight bytes.
  fileprivate func store(in slot: UnsafeMutableRawPointer) {
    switch self {
    case .int32(let value): slot.storeBytes(of: value, as: Int32.self)
    case .int64(let value): slot.storeBytes(of: value, as: Int64.self)
    case .uint64(let value): slot.storeBytes(of: value, as: UInt64.self)
    case .float(let value): slot.storeBytes(of: value, as: Float.self)
    case .double(let value): slot.storeBytes(of: value, as: Double.self)
    case .pointer(let value): slot.storeBytes(of: value, as: UnsafeRawPointer?.self)
    }
  }

  fileprivate var type: CType {
    switch self {
    case .int32: .int32
    case .int64: .int64
    case .uint64: .uint64
    case .float: .float
    case .double: .double
    case .pointer: .pointer
    }
  }
}

/// A prepared signature: libffi's description with the types that it points at, at addresses that
/// stay.
final class CallInterface: @unchecked Sendable {
  /// libffi may write into the descriptions of types while it prepares a signature.
  private static let preparing = Lock(())

  /// Arguments that a signature may have.
  static let argumentLimit = 16

  let prepared = UnsafeMutablePointer<ffi_cif>.allocate(capacity: 1)
  private let types: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>
  private let arguments: [CType]

  /// - Throws: `Misfit` where libffi knows no such calls.
  init(_ arguments: [CType], result: CType) throws(Misfit) {
    self.arguments = arguments
    types = .allocate(capacity: max(1, arguments.count))
    for (index, type) in arguments.enumerated() {
      (types + index).initialize(to: type.description)
    }
    prepared.initialize(to: ffi_cif())
    let isPrepared = Self.preparing.withLock { _ in
      cffi_prepare(prepared, UInt32(arguments.count), result.description, types) != 0
    }
    guard isPrepared else { throw Misfit("libffi cannot make calls with these arguments") }
  }

  deinit {
    prepared.deallocate()
    types.deallocate()
  }

  /// A call as it is handed through C.
  private struct PreparedCall {
    let interface: UnsafeMutablePointer<ffi_cif>
    let function: vae_function
    let arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    // At least as wide as a register, as libffi asks for.
    var result: UInt64 = 0
  }

  /// Calls a function of this signature whose result is a pointer.
  ///
  /// - Parameters:
  ///   - title: what is called, for the error.
  ///   - function: the function.
  ///   - values: the arguments.
  /// - Throws: `Misfit` where it throws a C++ exception.
  func call(
    _ title: @autoclosure () -> String, _ function: @escaping vae_function, _ values: [CValue]
  ) throws(Misfit) -> UnsafeMutableRawPointer? {
    ensure(
      values.count == arguments.count && zip(values, arguments).allSatisfy { $0.type == $1 },
      "the arguments do not have the prepared signature")
    let slots = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, values.count))
    let places = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(
      capacity: max(1, values.count))
    defer {
      slots.deallocate()
      places.deallocate()
    }
    for (index, value) in values.enumerated() {
      (slots + index).initialize(to: 0)
      value.store(in: UnsafeMutableRawPointer(slots + index))
      (places + index).initialize(to: UnsafeMutableRawPointer(slots + index))
    }
    var call = PreparedCall(interface: prepared, function: function, arguments: places)
    try GuardedCall.run(title(), plugin: &call) { context in
      guard let call = context?.assumingMemoryBound(to: PreparedCall.self) else { return }
      ffi_call(
        call.pointee.interface, call.pointee.function, &call.pointee.result,
        call.pointee.arguments)
    }
    return UnsafeMutableRawPointer(bitPattern: UInt(call.result))
  }
}
