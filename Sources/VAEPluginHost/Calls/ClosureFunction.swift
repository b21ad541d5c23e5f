import CLibFFI
import CVAE

/// A plain C function made of a Swift closure, for callbacks of C that have no `user_data`.
///
/// The function is valid as long as this object. It is called by `function`, which may be another
/// address than the memory that was written: where memory may not be both, libffi maps it twice.
final class ClosureFunction {
  /// Reads arguments, each behind a pointer, and writes the result, where there is one.
  typealias Body = (
    _ result: UnsafeMutableRawPointer?, _ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
  ) -> Void

  /// What the function finds behind libffi's pointer.
  private final class Target {
    let result: CType
    let body: Body

    init(result: CType, body: @escaping Body) {
      self.result = result
      self.body = body
    }

    /// A result narrower than a register is to be written as wide as one.
    func run(
      _ place: UnsafeMutableRawPointer?,
      _ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) {
      guard result == .int32 else { return body(result == .void ? nil : place, arguments) }
      var narrow: Int32 = 0
      body(&narrow, arguments)
      place?.storeBytes(of: Int64(narrow), as: Int64.self)
    }
  }

  /// The function.
  let function: vae_function

  private let interface: CallInterface
  private let closure: UnsafeMutablePointer<ffi_closure>
  private let target: Unmanaged<Target>

  /// - Throws: `Misfit` where libffi knows no such function, or has no memory for it.
  init(_ arguments: [CType], result: CType, body: @escaping Body) throws(Misfit) {
    interface = try CallInterface(arguments, result: result)
    var code: UnsafeMutableRawPointer?
    guard let closure = cffi_closure_allocate(&code), let code else {
      throw Misfit("there is no memory for a closure")
    }
    let target = Unmanaged.passRetained(Target(result: result, body: body))
    let isPrepared = cffi_closure_prepare(
      closure, interface.prepared,
      { _, result, arguments, target in
        guard let target else { return }
        Unmanaged<Target>.fromOpaque(target).takeUnretainedValue().run(result, arguments)
      }, target.toOpaque(), code)
    guard isPrepared != 0 else {
      target.release()
      ffi_closure_free(closure)
      throw Misfit("libffi cannot make a function with these arguments")
    }
    self.closure = closure
    self.target = target
    function = unsafeBitCast(code, to: vae_function.self)
  }

  deinit {
    ffi_closure_free(closure)
    target.release()
  }
}
