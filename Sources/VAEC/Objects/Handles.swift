import CVAE
import Tensors

/// What kind of object a handle stands for: a number at its first eight bytes that memory of another
/// kind is unlikely to hold.
enum HandleKind: UInt64 {
  case error = 0x5641_455f_8e21_0a01
  case cancelToken = 0x5641_455f_8e21_0a02
  case array = 0x5641_455f_8e21_0a03
  case data = 0x5641_455f_8e21_0a04
  case model = 0x5641_455f_8e21_0a05
  case trainer = 0x5641_455f_8e21_0a06
  case metrics = 0x5641_455f_8e21_0a07
  case encoding = 0x5641_455f_8e21_0a08
  case classifier = 0x5641_455f_8e21_0a09
  case released = 0x5641_455f_8e21_0aff
}

/// An object that C holds by a handle.
protocol HandleObject: AnyObject {
  static var kind: HandleKind { get }
}

/// The handles that C holds.
///
/// A handle is the address of a cell, which names the kind of its object and keeps it alive. Cells
/// are never given back to the system, and one that was released is used again only after many
/// others: so that a handle of the wrong kind, or used after its release, is found out without
/// reading memory of others.
enum Handles {
  private struct Cell {
    var kind: UInt64
    var object: Unmanaged<AnyObject>?
  }

  /// Cells without an object, the longest released first.
  private struct Released {
    var addresses: [UInt] = []
    var first = 0

    mutating func add(_ address: UInt) { addresses.append(address) }

    /// A cell to use again, where enough were released after it.
    mutating func take() -> UInt? {
      guard addresses.count - first > Handles.quarantine else { return nil }
      let address = addresses[first]
      first += 1
      if first > Handles.quarantine {
        addresses.removeFirst(first)
        first = 0
      }
      return address
    }
  }

  /// Cells that stay unused after their release.
  private static let quarantine = 4096
  private static let released = Lock(Released())

  /// A new handle, which keeps the object alive until it is released.
  ///
  /// - Throws: `MemoryError` where memory ran short while the object was made, so that it need not hold
  ///   what it should.
  static func make(_ object: some HandleObject) throws(MemoryError) -> OpaquePointer {
    try Memory.check()
    return handle(of: object)
  }

  /// The same for an error, which is given whatever there is of memory.
  static func make(error: ErrorObject) -> OpaquePointer { handle(of: error) }

  private static func handle(of object: some HandleObject) -> OpaquePointer {
    let retained = Unmanaged<AnyObject>.passRetained(object)
    let kind = type(of: object).kind.rawValue
    let free = released.withLock { $0.take() }
    let cell =
      free.flatMap { UnsafeMutablePointer<Cell>(bitPattern: $0) }
      ?? UnsafeMutablePointer<Cell>.allocate(capacity: 1)
    cell.initialize(to: Cell(kind: kind, object: retained))
    return OpaquePointer(cell)
  }

  /// The object of a handle.
  ///
  /// - Throws: `CallError` where the handle is NULL, of another kind, or released.
  @inline(__always)
  static func object<Object: HandleObject>(
    _ handle: OpaquePointer?, _ type: Object.Type, _ name: StaticString
  ) throws(CallError) -> Object {
    guard let object = find(handle, type)?.takeUnretainedValue() else {
      throw misuse(handle, name)
    }
    return unsafeDowncast(object, to: type)
  }

  /// The object of a handle, nil where the handle is none of this kind.
  @inline(__always)
  static func object<Object: HandleObject>(
    ifValid handle: OpaquePointer?, _ type: Object.Type
  ) -> Object? {
    find(handle, type).map { unsafeDowncast($0.takeUnretainedValue(), to: type) }
  }

  /// Lets go of the object of a handle. NULL, and what is no handle of this kind, are left alone.
  static func release<Object: HandleObject>(_ handle: OpaquePointer?, _ type: Object.Type) {
    guard let object = find(handle, type), let handle else { return }
    let cell = UnsafeMutablePointer<Cell>(handle)
    cell.pointee = Cell(kind: HandleKind.released.rawValue, object: nil)
    released.withLock { $0.add(UInt(bitPattern: cell)) }
    object.release()
  }

  @inline(__always)
  private static func find<Object: HandleObject>(
    _ handle: OpaquePointer?, _ type: Object.Type
  ) -> Unmanaged<AnyObject>? {
    guard let handle, UInt(bitPattern: handle) % UInt(MemoryLayout<Cell>.alignment) == 0 else {
      return nil
    }
    let cell = UnsafePointer<Cell>(handle)
    return cell.pointee.kind == type.kind.rawValue ? cell.pointee.object : nil
  }

  @inline(never)
  private static func misuse(_ handle: OpaquePointer?, _ name: StaticString) -> CallError {
    guard let handle else { return CallError(VAE_ERR_INVALID_ARGUMENT, "\(name) is NULL") }
    let isAligned = UInt(bitPattern: handle) % UInt(MemoryLayout<Cell>.alignment) == 0
    let kind = isAligned ? HandleKind(rawValue: UnsafePointer<UInt64>(handle).pointee) : nil
    let found =
      switch kind {
      case .released: "was freed before"
      case let kind?: "is a handle of another kind: \(kind)"
      case nil: "is no handle of this library"
      }
    return CallError(VAE_ERR_INVALID_ARGUMENT, "\(name) \(found)")
  }
}
