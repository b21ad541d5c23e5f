// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import Glibc
import Tensors
import VAEZoo

/// Numbers that the library made, as C holds them: dense and row-major.
final class ArrayObject: HandleObject {
  static let kind = HandleKind.array

  let dtype: Int32
  let rank: Int
  /// The first element.
  let start: UnsafeMutableRawPointer
  /// `rank` sizes, then `rank` strides, where C can look at them.
  let axes: UnsafeMutablePointer<Int64>
  /// What keeps the elements alive; nil where this object does.
  private let owner: AnyObject?

  private init(
    _ start: UnsafeMutableRawPointer, _ dtype: Int32, _ shape: Shape, owner: AnyObject?
  ) {
    self.start = start
    self.dtype = dtype
    self.owner = owner
    rank = shape.rank
    axes = UnsafeMutablePointer.allocate(capacity: max(1, 2 * shape.rank))
    for (axis, (size, stride)) in zip(shape.dimensions, shape.strides).enumerated() {
      axes[axis] = Int64(size)
      axes[shape.rank + axis] = Int64(stride)
    }
  }

  /// An array that shares a tensor's memory, unless that is somebody else's.
  convenience init(_ tensor: Tensor) {
    let own = tensor.isBorrowed ? tensor.copied() : tensor
    self.init(
      UnsafeMutableRawPointer(mutating: own.address),
      own.elementType == .int32 ? VAE_INT32 : VAE_FLOAT32, own.shape,
      owner: own.memoryOwner)
  }

  /// An array of a copy of some elements.
  private convenience init<Element: BitwiseCopyable>(
    copying elements: [Element], _ dtype: Int32, shape: Shape? = nil
  ) {
    let size = elements.count * MemoryLayout<Element>.size
    // Where there is no memory for them, nobody gets to see this object: no handle is made of it.
    let elements = Memory.mayTake(size) ? elements : []
    let start = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, elements.count * MemoryLayout<Element>.size), alignment: 64)
    elements.withUnsafeBytes { bytes in
      if let source = bytes.baseAddress { start.copyMemory(from: source, byteCount: bytes.count) }
    }
    self.init(start, dtype, shape ?? [elements.count], owner: nil)
  }

  /// 64-bit floats, a vector unless a shape is given.
  convenience init(_ values: [Double], shape: Shape? = nil) {
    self.init(copying: values, VAE_FLOAT64, shape: shape)
  }

  /// What a model makes: images of 32-bit floats, and rows of a table with names of 64-bit ones, which have all
  /// their digits.
  convenience init(_ made: MadeExamples) {
    if let rows = made.namedRows {
      self.init(rows, shape: made.shape)
    } else {
      self.init(made.tensor)
    }
  }

  /// Examples whose missing values are filled in, of the same types.
  convenience init(_ filled: Imputation) {
    if let rows = filled.namedRows {
      self.init(rows, shape: filled.values.shape)
    } else {
      self.init(filled.values)
    }
  }

  /// Bytes, a vector unless a shape is given.
  convenience init(_ bytes: [UInt8], shape: Shape? = nil) {
    self.init(copying: bytes, VAE_UINT8, shape: shape)
  }

  deinit {
    axes.deallocate()
    if owner == nil { start.deallocate() }
  }
}

@c @implementation
public func vae_array_view(
  _ array: OpaquePointer?, _ view: UnsafeMutablePointer<vae_tensor>?,
  _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try StructResult(view, "view")
    let array = try Handles.object(array, ArrayObject.self, "array")
    var tensor = vae_tensor()
    tensor.dtype = array.dtype
    tensor.device = VAE_DEVICE_CPU
    tensor.rank = Int32(array.rank)
    tensor.shape = UnsafePointer(array.axes)
    tensor.strides = UnsafePointer(array.axes + array.rank)
    tensor.data = array.start
    result.give(tensor)
  }
}

@c @implementation
public func vae_array_free(_ array: OpaquePointer?) {
  Handles.release(array, ArrayObject.self)
}
