import NeuralNetworks
import Tensors
import VAECore

/// The path down of a very deep VAE: p(z) = Π p(zᵢ | zᵢ₊₁ … z_L), where each layer is drawn in a block of a residual path
/// that goes from the smallest size to the image's, and inference walks the same path with a posterior at every block
/// (Child 2021).
///
/// The path begins with a learnt bias, and has one more at every size with blocks. From a size to the next each place is
/// repeated (nearest neighbour). Every block pays its divergence from the prior given the draws above, the first
/// included, whose prior follows from the bias.
public final class TopDownPrior: ReparameterizedPrior {
  /// What happens at one size.
  private final class Stage: Module {
    let size: DeepSize
    let bias: Parameter?
    /// In the order of computation.
    let blocks: [TopDownBlock]

    init(_ size: DeepSize, hasBias: Bool, blocks: [TopDownBlock]) {
      self.size = size
      bias =
        hasBias
        ? Parameter([1, size.height, size.width, size.channels], isDecayed: false) {
          .zeros([1, size.height, size.width, size.channels])
        } : nil
      self.blocks = blocks
    }

    var members: Members {
      var members: Members = [:]
      if let bias { members.entries.append((name: "bias", member: .parameter(bias))) }
      members.entries.append((name: "blocks", member: .module(ModuleGroup(numbered: blocks))))
      return members
    }

    /// That of the state, which every block keeps.
    func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
      var state: Shape? = input
      for (index, block) in blocks.enumerated() {
        state = try trace.pass(state, through: block, "blocks.\(index)")
      }
      return state
    }
  }

  private let stages: [Stage]

  /// A path.
  ///
  /// - Parameters:
  ///   - sizes: the image's own first.
  ///   - counts: blocks at each of them; at least one at the last.
  ///   - latent: channels of each layer's map, by size.
  ///   - biasLimit: sides beyond this have no bias.
  ///   - random: where first weights come from.
  init(
    sizes: [DeepSize], counts: [Int], latent: [Int], biasLimit: Int, random: RandomSource
  ) {
    ensure(
      sizes.count == counts.count && sizes.count == latent.count && (counts.last ?? 0) > 0,
      "\(counts) blocks of \(latent) channels are none for \(sizes.count) sizes")
    let scale = 1 / Float(counts.reduce(0, +)).squareRoot()
    stages = sizes.indices.map { number in
      let random = random.child("size\(number)")
      return Stage(
        sizes[number],
        // The path has to begin with something.
        hasBias: number == sizes.count - 1
          || counts[number] > 0 && max(sizes[number].height, sizes[number].width) <= biasLimit,
        blocks: (0..<counts[number]).map { index in
          TopDownBlock(
            sizes[number], latent: latent[number], scale: scale, random: random.child("\(index)"))
        })
    }
  }

  /// The sizes that encoder and decoder share with it, the image's own first.
  var sizes: [DeepSize] { stages.map(\.size) }

  /// The sizes with bias and blocks, the image's own first.
  public var members: Members { ["sizes": .module(ModuleGroup(numbered: stages))] }

  /// One layer a block, the last one nearest to the data; a decoder gets the state of the path.
  public var latents: LatentSpace {
    .hierarchy(
      stages.flatMap { $0.blocks.reversed().map(\.latentShape) }, features: stages[0].size.shape)
  }

  /// What a decoder starts from.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var state: Shape?
    for (number, stage) in stages.enumerated().reversed() {
      state = try trace.pass(stage.size.shape, through: stage, "sizes.\(number)")
    }
    return state
  }

  /// Every layer drawn from its posterior, top first, and priced.
  public func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    guard let found = posterior as? BottomUpMaps, found.maps.count == stages.count else {
      fatalError("a path down takes the maps of a path up")
    }
    let maps = found.maps.map { $0.tiled(request.samples) }
    return walkDown(rows: request.samples * posterior.exampleCount, context) { place in
      let belief = place.block.posterior(place.state, maps[place.size], context)
      let drawn = belief.draw(request.samples, from: "posterior\(place.level + 1)", context)
      return LatentLayer(drawn, from: belief, under: place.prior, request)
    }
  }

  /// Every layer drawn from p, top first.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    draw(
      noise: latents.layerShapes.enumerated().map { level, shape in
        context.normalNoise("prior\(level + 1)", samples: 1, shape: shape) * temperature
      }, context)
  }

  /// zᵢ = μᵢ + σᵢ εᵢ of p(zᵢ | z above), from the top down.
  public func draw(noise: [Tensor], _ context: Context) -> LatentDraw {
    walkDown(rows: rows(of: noise, context), context) { place in
      let noise = noise[place.level]
      return LatentLayer(sample: place.prior.value(at: noise), rate: .zeros([noise.shape[0]]))
    }
  }

  /// εᵢ = (zᵢ − μᵢ) / σᵢ of p(zᵢ | z above).
  public func noise(of latents: [Tensor], _ context: Context) -> [Tensor] {
    var noise = latents
    _ = walkDown(rows: rows(of: latents, context), context) { place in
      let z = latents[place.level]
      noise[place.level] = place.prior.noise(of: z)
      return LatentLayer(sample: z, rate: .zeros([z.shape[0]]))
    }
    return noise
  }

  /// Given layers, with the state of the path that follows from them.
  public func draw(of latents: [Tensor], _ context: Context) -> LatentDraw {
    walkDown(rows: rows(of: latents, context), context) { place in
      let z = latents[place.level]
      return LatentLayer(sample: z, rate: .zeros([z.shape[0]]))
    }
  }

  private func rows(of tensors: [Tensor], _ context: Context) -> Int {
    tensors.first?.shape[0] ?? context.examples.count
  }

  /// Where the walk is before a layer is drawn.
  private struct Place {
    /// The layer's number, the one nearest to the data being zero.
    let level: Int
    /// The number of the size, the image's own being zero.
    let size: Int
    let block: TopDownBlock
    let state: Tensor
    let prior: DiagonalGaussian
  }

  /// Visits the blocks from the top down; `choose` returns the draw of each layer.
  private func walkDown(
    rows: Int, _ context: Context, choose: (Place) -> LatentLayer
  ) -> LatentDraw {
    var level = latents.layerShapes.count
    var layers: [LatentLayer] = []
    var path: Tensor?
    for (number, stage) in stages.enumerated().reversed() {
      let size = stage.size
      var state = path?.grown(to: size) ?? .zeros(Shape([rows] + size.shape.dimensions))
      if let bias = stage.bias { state = state + bias.tensor }
      for block in stage.blocks {
        level -= 1
        let (prior, features) = block.belief(state, context)
        let layer = choose(
          Place(level: level, size: number, block: block, state: state, prior: prior))
        layers.append(layer)
        state = block.continued(state, features: features, drawn: layer.sample, context)
      }
      path = state
    }
    return LatentDraw(layers: layers.reversed(), rowCount: rows, features: path)
  }
}
