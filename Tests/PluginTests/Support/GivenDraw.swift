import VAEZoo

/// A posterior whose draw is a parameter, so that gradients reach it through whatever a prior does.
struct GivenDraw: Distribution {
  let parameter: Parameter
  var exampleCount: Int { parameter.shape[0] }
  func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let value = parameter.tensor.tiled(samples)
    return DistributionDraw(value) { .zeros([value.shape[0]]) }
  }
  func logDensity(of z: Tensor) -> Tensor? { .zeros([z.shape[0]]) }
  func stoppingGradient() -> any Distribution { self }
}
