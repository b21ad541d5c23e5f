// Functions are named and documented in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

import CVAE
import VAEZoo

@c @implementation
public func vae_check_json(
  _ path: UnsafePointer<CChar>?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<OpaquePointer?>?
) -> vae_status {
  call(error) {
    let result = try TextResult(buffer, capacity, needed)
    result.give(try StoredFiles.check(VAEC.path(path, "path"), registry: Known.registry).json)
  }
}
