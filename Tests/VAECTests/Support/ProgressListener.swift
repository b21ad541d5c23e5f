// Fields are named in vae.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE

/// What the progress callback of a call was told, and when it stops the call.
final class ProgressListener {
  var fractions: [Double] = []
  /// The number of the call that stops, from 1.
  var stopsAfter = Int.max
  /// The fraction that stops.
  var stopsAt = 2.0
  /// Runs inside each call.
  var inside: () -> Void = {}

  /// Options whose callback is this, which lives until the test ends.
  var options: vae_call_options {
    var options = vae_call_options()
    options.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
    options.progress = { fraction, user in
      guard let user else { return 0 }
      let listener = Unmanaged<ProgressListener>.fromOpaque(user).takeUnretainedValue()
      listener.fractions.append(fraction)
      listener.inside()
      let stops = listener.fractions.count >= listener.stopsAfter || fraction >= listener.stopsAt
      return stops ? 1 : 0
    }
    Kept.keep(self)
    options.user_data = Unmanaged.passUnretained(self).toOpaque()
    return options
  }
}
