import CVAE
import NeuralNetworks
import Tensors
import VAECore

/// The functions that plug-ins compute with.
///
/// None of them stops the process whatever it is given: handles are looked up, shapes are checked
/// before the engine sees them, and what is refused becomes the fault of the pass.
enum HostTable {
  /// The one table, which is never changed and never freed.
  nonisolated(unsafe) static let table: UnsafePointer<vae_host> = {
    var host = vae_host()
    host.struct_size = UInt32(MemoryLayout<vae_host>.size)
    host.abi_version = UInt32(VAE_PLUGIN_ABI_MAJOR) << 16 | UInt32(VAE_PLUGIN_ABI_MINOR)
    addBuilding(to: &host)
    addPasses(to: &host)
    addConstants(to: &host)
    addFunctions(to: &host)
    addPairs(to: &host)
    addReductions(to: &host)
    addShapes(to: &host)
    addLinearMaps(to: &host)
    addDensities(to: &host)
    addCustom(to: &host)
    let table = UnsafeMutablePointer<vae_host>.allocate(capacity: 1)
    table.initialize(to: host)
    return UnsafePointer(table)
  }()
}

/// An operation on one value.
func operate(
  _ pass: OpaquePointer?, _ name: String, _ x: OpaquePointer?,
  _ body: (Tensor) throws -> Tensor
) -> OpaquePointer? {
  Scopes.find(pass, Pass.self, name)?.operate(name, [x]) { try body($0[0]) }
}

/// An operation on two values.
func operate(
  _ pass: OpaquePointer?, _ name: String, _ a: OpaquePointer?, _ b: OpaquePointer?,
  _ body: (Tensor, Tensor) throws -> Tensor
) -> OpaquePointer? {
  Scopes.find(pass, Pass.self, name)?.operate(name, [a, b]) { try body($0[0], $0[1]) }
}

/// An operation on several values.
func operate(
  _ pass: OpaquePointer?, _ name: String, all values: [OpaquePointer?],
  _ body: ([Tensor]) throws -> Tensor
) -> OpaquePointer? {
  Scopes.find(pass, Pass.self, name)?.operate(name, values, body)
}

/// A value made of nothing.
func make(
  _ pass: OpaquePointer?, _ name: String, _ body: (Pass) throws -> Tensor
) -> OpaquePointer? {
  guard let pass = Scopes.find(pass, Pass.self, name) else { return nil }
  return pass.operate(name, []) { _ in try body(pass) }
}
