import CVAE
import Messages
import NeuralNetworks
import Tensors

extension HostTable {
  /// What methods ask and change.
  static func addPasses(to host: inout vae_host) {
    host.fail_pass = { pass, message in
      guard let pass = Scopes.find(pass, Pass.self, "fail_pass") else { return }
      pass.fail((try? pluginText(message, "the reason")) ?? "it gave no reason that can be read")
    }
    host.describe_pass = { pass, info in
      guard let pass = Scopes.find(pass, Pass.self, "describe_pass") else { return }
      _ = pass.attempt("describe_pass") { try pass.info.write(to: info, "info") }
    }
    host.shape = { pass, x, shape in
      guard let pass = Scopes.find(pass, Pass.self, "shape"), let x = pass.find(x) else {
        return -1
      }
      if let shape {
        for (axis, size) in x.shape.dimensions.enumerated() { shape[axis] = Int64(size) }
      }
      return Int64(x.rank)
    }
    host.data = { pass, x in
      guard let x = Scopes.find(pass, Pass.self, "data")?.find(x) else { return nil }
      return UnsafePointer(x.address.assumingMemoryBound(to: Float.self))
    }
    host.use = { pass, parameter in
      make(pass, "use") { pass in
        guard let stored = pass.instance.tensor(parameter) else {
          throw Misfit("there is no such parameter of this object")
        }
        return stored.tensor
      }
    }
    host.assign = { pass, parameter, numbers in
      guard let pass = Scopes.find(pass, Pass.self, "assign") else { return }
      _ = pass.attempt("assign") {
        guard pass.setting.mayAssign else {
          throw Misfit("parameters are assigned in begin, prepare and after_update only")
        }
        guard let place = pass.instance.tensor(parameter), let numbers = pass.find(numbers) else {
          throw Misfit("there is no such parameter of this object, or the numbers are NULL")
        }
        guard numbers.shape == place.value.shape, numbers.isFinite else {
          throw Misfit(
            "numbers of shape \(numbers.shape), finite or not, are for a parameter of shape "
              + "\(place.value.shape)")
        }
        place.value = numbers
      }
    }
    host.condition = { pass in
      make(pass, "condition") { pass in
        guard let context = pass.setting.context, let condition = context.condition,
          condition.shape[0] > 0, pass.setting.rows % condition.shape[0] == 0
        else { throw Misfit("this method is told no condition") }
        return context.condition(rows: pass.setting.rows)
      }
    }
    host.log_term = { pass, name, scalar in
      guard let pass = Scopes.find(pass, Pass.self, "log_term") else { return }
      _ = pass.attempt("log_term") {
        guard let scalar = pass.find(scalar) else { throw Misfit("the scalar is NULL") }
        try pass.log(try pluginText(name, "the name", limit: 64), scalar)
      }
    }
  }

  /// Values made of nothing.
  static func addConstants(to host: inout vae_host) {
    host.constant = { pass, numbers, shape, rank in
      make(pass, "constant") { _ in
        let shape = try Checks.shape(shape, rank)
        guard let numbers else { throw Misfit("the numbers are NULL") }
        return Tensor(Array(UnsafeBufferPointer(start: numbers, count: shape.count)), shape: shape)
      }
    }
    host.full = { pass, number, shape, rank in
      make(pass, "full") { _ in
        Tensor(repeating: number, shape: try Checks.shape(shape, rank))
      }
    }
    host.normal = { pass, stream, shape, rank in
      HostTable.noise(pass, "normal", stream, shape, rank, isNormal: true)
    }
    host.uniform = { pass, stream, shape, rank in
      HostTable.noise(pass, "uniform", stream, shape, rank, isNormal: false)
    }
  }

  private static func noise(
    _ pass: OpaquePointer?, _ operation: String, _ stream: UnsafePointer<CChar>?,
    _ shape: UnsafePointer<Int64>?, _ rank: Int64, isNormal: Bool
  ) -> OpaquePointer? {
    make(pass, operation) { pass in
      let shape = try Checks.shape(shape, rank)
      _ = try Checks.shape([pass.setting.rows] + shape.dimensions)
      return try pass.noise(
        try pluginText(stream, "the stream", limit: 256), shape, isNormal: isNormal)
    }
  }
}

extension Pass {
  /// What the pass is made for, in the words of C.
  var info: vae_pass_info {
    var info = vae_pass_info()
    info.mode =
      switch setting.context?.mode {
      case .training: VAE_MODE_TRAINING
      case .calibration: VAE_MODE_CALIBRATION
      case .evaluation, nil: VAE_MODE_EVALUATION
      }
    info.step = Int64(setting.context?.step ?? 0)
    info.epochs = setting.context?.epochs ?? 0
    info.rows = Int64(setting.rows)
    info.draws = Int64(setting.draws)
    return info
  }
}
