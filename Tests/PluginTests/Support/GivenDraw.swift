import VAEZoo

/// A posterior whose draw is a parameter, so that gradients reach it through whatever a prior does.
struct GivenDraw: Posterior {
  let parameter: Parameter
  var exampleCount: Int { parameter.shape[0] }
  func sample(_ samples: Int, _ context: Context) -> Tensor { parameter.tensor.tiled(samples) }
  func logDensity(_ z: Tensor) -> Tensor { .zeros([z.shape[0]]) }
  func stoppingGradient() -> any Posterior { self }
}
