import CVAE
import Tensors

extension HostTable {
  /// Functions of one value.
  static func addFunctions(to host: inout vae_host) {
    host.negate = { pass, x in operate(pass, "negate", x) { -$0 } }
    host.exp = { pass, x in operate(pass, "exp", x) { $0.exp() } }
    host.log = { pass, x in operate(pass, "log", x) { $0.log() } }
    host.sqrt = { pass, x in operate(pass, "sqrt", x) { $0.squareRoot() } }
    host.square = { pass, x in operate(pass, "square", x) { $0.squared() } }
    host.reciprocal = { pass, x in operate(pass, "reciprocal", x) { $0.reciprocal() } }
    host.abs = { pass, x in operate(pass, "abs", x) { $0.magnitude() } }
    host.sigmoid = { pass, x in operate(pass, "sigmoid", x) { $0.sigmoid() } }
    host.tanh = { pass, x in operate(pass, "tanh", x) { $0.tanh() } }
    host.softplus = { pass, x in operate(pass, "softplus", x) { $0.softplus() } }
    host.sin = { pass, x in operate(pass, "sin", x) { $0.sine() } }
    host.cos = { pass, x in operate(pass, "cos", x) { $0.cosine() } }
    host.erf = { pass, x in operate(pass, "erf", x) { $0.errorFunction() } }
    host.lgamma = { pass, x in operate(pass, "lgamma", x) { $0.logGamma() } }
    host.activate = { pass, x, code, number in
      operate(pass, "activate", x) { $0.activated(try Checks.activation(code, number)) }
    }
    host.scale = { pass, x, factor, shift in
      operate(pass, "scale", x) { $0.scaled(by: factor, shift: shift) }
    }
    host.clamp = { pass, x, least, most in
      operate(pass, "clamp", x) {
        guard least <= most else { throw Misfit("the range \(least)…\(most) is empty") }
        return $0.clamped(to: least...most)
      }
    }
    host.above = { pass, x, threshold in operate(pass, "above", x) { $0.isAbove(threshold) } }
    host.stop_gradient = { pass, x in operate(pass, "stop_gradient", x) { $0.detached() } }
  }

  /// Functions of two values.
  static func addPairs(to host: inout vae_host) {
    host.add = { pass, a, b in
      operate(pass, "add", a, b) {
        try Checks.broadcast($0.shape, $1.shape)
        return $0 + $1
      }
    }
    host.subtract = { pass, a, b in
      operate(pass, "subtract", a, b) {
        try Checks.broadcast($0.shape, $1.shape)
        return $0 - $1
      }
    }
    host.multiply = { pass, a, b in
      operate(pass, "multiply", a, b) {
        try Checks.broadcast($0.shape, $1.shape)
        return $0 * $1
      }
    }
    host.divide = { pass, a, b in
      operate(pass, "divide", a, b) {
        try Checks.broadcast($0.shape, $1.shape)
        return $0 / $1
      }
    }
    host.maximum = { pass, a, b in
      operate(pass, "maximum", a, b) {
        try Checks.broadcast($0.shape, $1.shape)
        return .maximum($0, $1)
      }
    }
    host.minimum = { pass, a, b in
      operate(pass, "minimum", a, b) {
        try Checks.broadcast($0.shape, $1.shape)
        return .minimum($0, $1)
      }
    }
  }
}
