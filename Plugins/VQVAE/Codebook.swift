import NeuralNetworks
import Tensors
import VAEComponents
import VAERecipes

/// K vectors of D numbers, each the centre of a part of what an encoder says.
///
/// By moving averages (van den Oord et al. 2017, appendix A.1) code i has a count and a sum, which
/// after every update take in the n_i vectors z of the batch that it stood for,
///
///     N_i ← γ N_i + (1 − γ) n_i    m_i ← γ m_i + (1 − γ) Σ z    e_i = m_i / N'_i
///
/// with the counts smoothed for the division only, N'_i = (N_i + ε) / (Σ N + K ε) · Σ N. By
/// gradient the vectors are a parameter, which the codebook term trains.
///
/// A code whose count falls below a share of the mean count begins anew at a vector of the batch. A
/// forward pass changes nothing: what it saw is taken in by `afterUpdate`, or dropped by `dropUpdate`.
public final class Codebook: Module {
  /// How the vectors learn.
  public enum Update: String, SettingChoice {
    /// By moving averages of the encoder's output.
    case ema
    /// As a parameter, by the gradient of the codebook term.
    case gradient
  }

  /// K.
  public let codeCount: Int
  /// D.
  public let vectorSize: Int
  /// How the vectors learn.
  public let update: Update
  /// γ, the weight of the past in the moving averages.
  public let decay: Float
  /// The share of the mean count below which a code begins anew; zero for never.
  public let restartThreshold: Float

  /// N, the moving average of how often a batch uses each code, `[K]`.
  public let counts: Buffer
  /// m, the moving average of what each code stands for, added up, `[K, D]`; nil where the vectors
  /// learn by gradient.
  public let sums: Buffer?
  private let table: Table
  /// What each local shard of a batch saw, by its place among them; a whole batch is the first.
  private let seen = Lock<[Int: Seen]>([:])

  /// The vectors, `[K, D]`.
  private enum Table {
    case averaged(Buffer)
    case trained(Parameter)
  }

  /// What the forward pass of an update saw: constants, which threads hand to each other.
  private struct Seen: @unchecked Sendable {
    let step: Int
    let points: Tensor
    let codes: [Int32]
    /// The shard, where it is one of several.
    let shard: Shard?
  }

  /// A codebook of random vectors with a mean square of 1 / D for each number, each code counted
  /// once.
  public init(
    codeCount: Int, vectorSize: Int, update: Update = .ema, decay: Float = 0.99,
    restartThreshold: Float = 0, random: RandomSource
  ) {
    ensure(
      codeCount > 0 && vectorSize > 0, "a codebook of \(codeCount)×\(vectorSize) numbers is empty")
    self.codeCount = codeCount
    self.vectorSize = vectorSize
    self.update = update
    self.decay = decay
    self.restartThreshold = restartThreshold
    let shape: Shape = [codeCount, vectorSize]
    func vectors() -> Tensor {
      random.stream("vectors").normal(shape) / Float(vectorSize).squareRoot()
    }
    counts = Buffer([codeCount]) { .ones([codeCount]) }
    sums = update == .ema ? Buffer(shape, vectors) : nil
    table =
      update == .ema
      ? .averaged(Buffer(shape, vectors))
      : .trained(Parameter(shape, isDecayed: false, vectors))
  }

  /// The vectors, and the moving averages.
  public var members: Members {
    var members: Members =
      switch table {
      case .averaged(let vectors): ["vectors": .buffer(vectors)]
      case .trained(let vectors): ["vectors": .parameter(vectors)]
      }
    members.entries.append((name: "counts", member: .buffer(counts)))
    if let sums { members.entries.append((name: "sums", member: .buffer(sums))) }
    return members
  }

  /// The vectors as a constant, `[K, D]`. Setting them sets the sums that belong to them and to the
  /// counts.
  public var vectors: Tensor {
    get {
      switch table {
      case .averaged(let vectors): vectors.value
      case .trained(let vectors): vectors.value
      }
    }
    set {
      switch table {
      case .averaged(let vectors): vectors.value = newValue
      case .trained(let vectors): vectors.value = newValue
      }
      sums?.value = newValue * counts.value.reshaped(to: [codeCount, 1])
    }
  }

  /// The vectors of codes, `[…, D]` for an index tensor `[…]`, whose elements must be below K. A
  /// gradient flows to vectors that learn by it.
  public func vectors(of codes: Tensor) -> Tensor {
    switch table {
    case .averaged(let vectors): vectors.value.gathering(codes)
    case .trained(let vectors): vectors.tensor.gathering(codes)
    }
  }

  /// The number of the code nearest to each of some points `[rows, D]`, of equals the smallest.
  public func nearest(to points: Tensor) -> [Int32] {
    NearestVector(among: vectors).indices(for: points)
  }

  // MARK: Learning

  /// Keeps what an update's forward pass saw, until `afterUpdate` takes it in. Of several passes
  /// in one update, as an objective with more phases makes them, the first counts.
  ///
  /// - Parameters:
  ///   - points: `[rows, D]`.
  ///   - codes: the code that stands for each.
  ///   - step: of the update.
  ///   - shard: of the batch, where the points are those of one of several.
  public func observe(_ points: Tensor, codes: [Int32], step: Int, shard: Shard? = nil) {
    let place = shard?.lane ?? 0
    let new = Seen(
      step: step, points: points.detached(), codes: codes, shard: shard)
    seen.withLock { if $0[place]?.step != new.step { $0[place] = new } }
  }

  /// Takes in what the forward pass saw: moving averages first, then codes that begin anew.
  public func afterUpdate(_ context: Context) {
    let parts = takeSeen().filter { $0.step == context.step }
    guard !parts.isEmpty else { return }
    withoutTape {
      let clusters = parts.map { Clusters(of: $0.points, codes: $0.codes, count: codeCount) }
      func whole(_ parts: [Tensor]) -> Tensor { context.shards?.sumNoting(parts) ?? parts[0] }
      counts.value = counts.value * decay + whole(clusters.map(\.counts)) * (1 - decay)
      if let sums {
        sums.value = sums.value * decay + whole(clusters.map(\.sums)) * (1 - decay)
        setVectors(sums.value / smoothedCounts.reshaped(to: [codeCount, 1]))
      }
      restart(from: parts, context)
    }
  }

  /// Forgets what the forward pass of a refused update saw.
  public func dropUpdate() { _ = takeSeen() }

  /// What the shards saw, in their order.
  private func takeSeen() -> [Seen] {
    let taken = seen.withLock { seen in
      defer { seen = [:] }
      return seen
    }
    return taken.keys.sorted().compactMap { taken[$0] }
  }

  /// ε of Laplace's smoothing.
  private static let smoothing: Float = 1e-5

  /// N' = (N + ε) / (Σ N + K ε) · Σ N, `[K]`.
  private var smoothedCounts: Tensor {
    let total = Float(counts.value.doubleSum)
    return (counts.value + Self.smoothing)
      * (total / (total + Float(codeCount) * Self.smoothing))
  }

  private func setVectors(_ values: Tensor) {
    switch table {
    case .averaged(let vectors): vectors.value = values
    case .trained(let vectors): vectors.value = values
    }
  }

  /// The rows of the whole batch.
  private static func wholeRows(_ parts: [Seen]) -> Int {
    let part = parts[0]
    guard let shard = part.shard else { return part.points.shape[0] }
    return part.points.shape[0] / shard.exampleCounts[shard.index] * shard.exampleCount
  }

  /// Those of some rows of the whole batch that a part has, at their places, and zeros at the others.
  private func chosen(_ rows: [Int], of part: Seen) -> Tensor {
    let count = part.points.shape[0]
    let first = part.shard.map { $0.examples.lowerBound * (count / $0.examples.count) } ?? 0
    return part.points.withFloats { points in
      Tensor([rows.count, vectorSize]) { values in
        values.update(repeating: 0)
        for (place, row) in rows.enumerated() where first..<first + count ~= row {
          for column in 0..<vectorSize {
            values[place * vectorSize + column] = points[(row - first) * vectorSize + column]
          }
        }
      }
    }
  }

  /// Moves codes that are hardly used to different vectors of the batch, drawn at random. Each
  /// counts as much as the mean code from then on, so that it has time to find its use.
  private func restart(from parts: [Seen], _ context: Context) {
    guard restartThreshold > 0 else { return }
    let rowCount = Self.wholeRows(parts)
    let mean = Float(counts.value.doubleSum) / Float(codeCount)
    let old = counts.value.floats
    let rare = old.indices.filter { old[$0] < restartThreshold * mean }.prefix(rowCount)
    guard !rare.isEmpty else { return }
    var generator = context.random.stream("codebook restart", step: context.step).generator()
    let rows = Array((0..<rowCount).shuffled(using: &generator).prefix(rare.count))
    let own = parts.map { chosen(rows, of: $0) }
    let source = (context.shards?.sumNoting(own) ?? own[0]).floats
    var (table, fresh) = (vectors.floats, old)
    for (place, code) in rare.enumerated() {
      let vector = source[place * vectorSize..<(place + 1) * vectorSize]
      table.replaceSubrange(code * vectorSize..<(code + 1) * vectorSize, with: vector)
      fresh[code] = mean
    }
    let isMoved = Set(rare)
    counts.value = Tensor(fresh)
    setVectors(Tensor(table, shape: [codeCount, vectorSize]))
    guard let sums else { return }
    let kept = sums.value.floats
    sums.value = Tensor(
      table.indices.map { index in
        let code = index / vectorSize
        return isMoved.contains(code) ? table[index] * mean : kept[index]
      }, shape: [codeCount, vectorSize])
  }
}
