// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CDLPack
import CVAE

/// DLPack's element types and ours.
private struct ElementCode {
  let dtype: Int32
  let code: Int
  let bits: UInt8

  static let all = [
    ElementCode(dtype: VAE_FLOAT32, code: Int(DLPACK_CODE_FLOAT), bits: 32),
    ElementCode(dtype: VAE_FLOAT64, code: Int(DLPACK_CODE_FLOAT), bits: 64),
    ElementCode(dtype: VAE_UINT8, code: Int(DLPACK_CODE_UINT), bits: 8),
    ElementCode(dtype: VAE_INT32, code: Int(DLPACK_CODE_INT), bits: 32),
  ]
}

/// A view of a DLPack tensor.
private func view(of tensor: dlpack_tensor) throws(CallError) -> vae_tensor {
  guard tensor.device.type == Int32(DLPACK_DEVICE_CPU) else {
    throw CallError(
      VAE_ERR_UNSUPPORTED,
      "tensor is on DLPack device \(tensor.device.type); copy it to the processor's memory first")
  }
  let type = tensor.type
  let found = ElementCode.all.first {
    $0.code == Int(type.code) && $0.bits == type.bits && type.lanes == 1
  }
  guard let found else {
    throw CallError(
      VAE_ERR_UNSUPPORTED,
      "tensor has DLPack type code \(type.code), bits \(type.bits), lanes \(type.lanes), where "
        + "float32, float64, int32 and uint8 can be read")
  }
  var view = vae_tensor()
  view.dtype = found.dtype
  view.device = VAE_DEVICE_CPU
  view.rank = tensor.rank
  view.shape = UnsafePointer(tensor.shape)
  view.strides = UnsafePointer(tensor.strides)
  view.data = tensor.data
  view.byte_offset = tensor.byte_offset
  return view
}

@c @implementation
public func vae_tensor_from_dlpack(
  _ tensor: OpaquePointer?, _ view: UnsafeMutablePointer<vae_tensor>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try StructResult(view, "view")
    let managed = UnsafePointer<dlpack_managed>(try required(tensor, "tensor"))
    result.give(try VAEC.view(of: managed.pointee.tensor))
  }
}

@c @implementation
public func vae_tensor_from_dlpack_versioned(
  _ tensor: OpaquePointer?, _ view: UnsafeMutablePointer<vae_tensor>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try StructResult(view, "view")
    let managed = UnsafePointer<dlpack_managed_versioned>(try required(tensor, "tensor"))
    guard managed.pointee.major == UInt32(DLPACK_MAJOR) else {
      throw CallError(
        VAE_ERR_UNSUPPORTED,
        "tensor is of DLPack version \(managed.pointee.major), but this library reads version 1")
    }
    result.give(try VAEC.view(of: managed.pointee.tensor))
  }
}

/// An array as DLPack describes it.
private func description(of array: ArrayObject) -> dlpack_tensor {
  var tensor = dlpack_tensor()
  tensor.data = array.start
  tensor.device.type = Int32(DLPACK_DEVICE_CPU)
  tensor.rank = Int32(array.rank)
  let found = ElementCode.all.first { $0.dtype == array.dtype }
  tensor.type = dlpack_type(
    code: UInt8(found?.code ?? Int(DLPACK_CODE_FLOAT)), bits: found?.bits ?? 32, lanes: 1)
  tensor.shape = array.axes
  tensor.strides = array.axes + array.rank
  return tensor
}

@c @implementation
public func vae_array_to_dlpack(
  _ array: OpaquePointer?, _ tensor: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(tensor, "tensor")
    let array = try Handles.object(array, ArrayObject.self, "array")
    let managed = UnsafeMutablePointer<dlpack_managed>.allocate(capacity: 1)
    managed.initialize(
      to: dlpack_managed(
        tensor: description(of: array), context: Unmanaged.passRetained(array).toOpaque(),
        deleter: { managed in
          guard let managed else { return }
          letGo(of: managed.pointee.context)
          managed.deallocate()
        }))
    result.pointee = OpaquePointer(managed)
  }
}

@c @implementation
public func vae_array_to_dlpack_versioned(
  _ array: OpaquePointer?, _ tensor: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try result(tensor, "tensor")
    let array = try Handles.object(array, ArrayObject.self, "array")
    let managed = UnsafeMutablePointer<dlpack_managed_versioned>.allocate(capacity: 1)
    managed.initialize(
      to: dlpack_managed_versioned(
        major: UInt32(DLPACK_MAJOR), minor: UInt32(DLPACK_MINOR),
        context: Unmanaged.passRetained(array).toOpaque(),
        deleter: { managed in
          guard let managed else { return }
          letGo(of: managed.pointee.context)
          managed.deallocate()
        }, flags: 0, tensor: description(of: array)))
    result.pointee = OpaquePointer(managed)
  }
}

/// Gives up the array that a DLPack tensor kept alive.
private func letGo(of context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  Unmanaged<ArrayObject>.fromOpaque(context).release()
}
