import CVAE
import NeuralNetworks
import Tensors
import VAECore

extension HostTable {
  /// What factories call.
  static func addBuilding(to host: inout vae_host) {
    host.fail = { build, message in
      Scopes.find(build, BuildScope.self, "fail")?.refuse(.invalid, message)
    }
    host.fail_data = { build, message in
      Scopes.find(build, BuildScope.self, "fail_data")?.refuse(.unsuitableData, message)
    }
    host.describe_build = { build, info in
      guard let scope = Scopes.find(build, BuildScope.self, "describe_build") else { return }
      _ = scope.attempt("describe_build") { try scope.info.write(to: info, "info") }
    }
    host.user_data = { build in
      Scopes.find(build, BuildScope.self, "user_data")?.component.source.user_data
    }
    host.parameter = { build, name, shape, rank, initializer, value, flags in
      guard let scope = Scopes.find(build, BuildScope.self, "parameter") else { return nil }
      return scope.attempt("parameter") {
        let shape = try Checks.shape(shape, rank)
        let law = try HostTable.initialLaw(initializer, value)
        let stream = scope.build.random.stream((try? pluginText(name, "name")) ?? "")
        return try scope.add(name, shape, flags: flags) {
          switch law {
          case .law(let law):
            let fans = HostTable.fans(of: shape)
            return law.values(shape, fanIn: fans.in, fanOut: fans.out, random: stream)
          case .uniform(let bound):
            return stream.uniform(shape).scaled(by: 2 * bound, shift: -bound)
          }
        }
      }
    }
    host.parameter_from = { build, name, shape, rank, values, flags in
      guard let scope = Scopes.find(build, BuildScope.self, "parameter_from") else { return nil }
      return scope.attempt("parameter_from") {
        let shape = try Checks.shape(shape, rank)
        guard let values else { throw Misfit("the values are NULL") }
        return try scope.add(name, shape, flags: flags) {
          Tensor(Array(UnsafeBufferPointer(start: values, count: shape.count)), shape: shape)
        }
      }
    }
    host.closure = { build, result, types, count, body, userData in
      guard let scope = Scopes.find(build, BuildScope.self, "closure") else { return nil }
      return scope.attempt("closure") {
        try scope.addClosure(result, types, count, body, userData)
      }
    }
  }

  private enum InitialLaw {
    case law(Initializer)
    case uniform(Float)
  }

  private static func initialLaw(_ code: Int32, _ value: Double) throws(Misfit) -> InitialLaw {
    let number = Float(value)
    guard number.isFinite else { throw Misfit("the initial value \(value) is not finite") }
    return switch code {
    case VAE_INIT_CONSTANT: .law(.constant(number))
    case VAE_INIT_NORMAL: .law(.normal(deviation: number))
    case VAE_INIT_UNIFORM: .uniform(number)
    case VAE_INIT_LECUN_UNIFORM: .law(.lecunUniform)
    case VAE_INIT_GLOROT_UNIFORM: .law(.glorotUniform)
    case VAE_INIT_HE_NORMAL: .law(.heNormal)
    default: throw Misfit("the initializer \(code) is none of VAE_INIT_…")
    }
  }

  private static func fans(of shape: Shape) -> (in: Int, out: Int) {
    let sizes = shape.dimensions
    switch sizes.count {
    case 0: return (1, 1)
    case 2: return (sizes[0], sizes[1])
    case 4: return (sizes[1] * sizes[2] * sizes[3], sizes[0] * sizes[2] * sizes[3])
    default: return (sizes.dropFirst().reduce(1, *), sizes[0])
    }
  }
}

extension BuildScope {
  /// What a component is made for, in the words of C.
  var info: vae_build_info {
    var info = vae_build_info()
    info.range =
      switch build.data.range {
      case .binary: VAE_VALUES_BINARY
      case .unit: VAE_VALUES_UNIT
      case .real: VAE_VALUES_REAL
      }
    info.height = Int64(build.data.height)
    info.width = Int64(build.data.width)
    info.channels = Int64(build.data.channels)
    info.condition_width = Int64(build.condition?.width ?? 0)
    let role = component.methods.role
    guard role != .prior else { return info }
    info.latent_size = Int64(build.latents.decoderInputShape.count)
    let latents = build.latents
    if let grid = latents.codes {
      info.latents = VAE_LATENTS_CODES
      info.grid_height = Int64(grid.height)
      info.grid_width = Int64(grid.width)
      info.vector_size = Int64(grid.vectorSize)
      info.code_count = Int64(grid.codeCount)
    } else if latents.isHierarchy {
      info.latents = VAE_LATENTS_STACK
      info.stacks_layers = 1
    } else {
      info.latents = latents.isEmpty ? VAE_LATENTS_NONE : VAE_LATENTS_UNITS
    }
    if role != .likelihood { info.parameters_per_pixel = Int64(build.parametersPerPixel) }
    return info
  }
}
