import Tensors

/// Finds the nearest of K vectors for many points, tile by tile: no table of all distances is ever
/// held.
///
/// ‖z − e‖² is smallest where the score z · e − ½ ‖e‖² is largest, which is one matrix product a
/// tile. Both are taken from the mean of the vectors first, since the difference of large numbers
/// would lose the small distances between vectors far from zero. Scores in single precision leave
/// open which of several close vectors is nearest: those within the error of the best are compared
/// by their distances in double precision, and of equals the smallest index is taken. The result
/// depends neither on tiles nor on threads.
package struct NearestVector {
  /// Numbers that the table of one tile may have: a megabyte, which stays in the cache.
  package static let tileLimit = 1 << 18
  /// Vectors that one tile may have.
  package static let vectorLimit = 4096

  /// How many points and vectors one tile has.
  package static func tile(vectors: Int) -> (points: Int, vectors: Int) {
    let width = min(vectors, vectorLimit)
    return (tileLimit / width, width)
  }

  private let vectors: Tensor
  private let centre: Tensor
  private let tiles: [Tile]

  /// The vectors of one tile from their centre, laid out for the product.
  private struct Tile {
    let start: Int
    /// `[D, vectors]`
    let weights: Tensor
    /// −½ ‖e‖²
    let bias: Tensor
    /// The largest ‖e‖.
    let radius: Float
  }

  /// A search among vectors `[K, D]`.
  package init(among vectors: Tensor) {
    self.vectors = vectors.detached()
    (centre, tiles) = withoutTape {
      let centre = vectors.mean(axis: 0)
      let width = Self.tile(vectors: vectors.shape[0]).vectors
      let tiles = stride(from: 0, to: vectors.shape[0], by: width).map { start in
        let part = vectors.rows(start..<min(start + width, vectors.shape[0])) - centre
        let squares = part.squared().sum(axis: 1)
        return Tile(
          start: start, weights: part.transposed(), bias: squares * -0.5,
          radius: squares.maximum(axis: 0).item.squareRoot())
      }
      return (centre, tiles)
    }
  }

  /// The index of the nearest vector for each of some points `[rows, D]`.
  ///
  /// The margin within which scores are compared again is that of 32-bit products, so these are taken whatever the
  /// precision of the products around the search.
  package func indices(for points: Tensor) -> [Int32] {
    withoutTape {
      withInferencePrecision(.float32) { search(points) }
    }
  }

  private func search(_ points: Tensor) -> [Int32] {
    let height = Self.tile(vectors: vectors.shape[0]).points
    var result: [Int32] = []
    result.reserveCapacity(points.shape[0])
    for start in stride(from: 0, to: points.shape[0], by: height) {
      result += indices(forTile: points.rows(start..<min(start + height, points.shape[0])))
    }
    return result
  }

  private func indices(forTile points: Tensor) -> [Int32] {
    let centred = points - centre
    let norms = centred.squared().sum(axis: 1).floats.map { $0.squareRoot() }
    var best = candidates(points, centred, norms, tiles[0])
    for tile in tiles.dropFirst() {
      let others = candidates(points, centred, norms, tile)
      for row in best.indices {
        let isNearer =
          distance(points, row, others[row]) < distance(points, row, best[row])
        if isNearer { best[row] = others[row] }
      }
    }
    return best
  }

  /// The nearest vector of one tile for each point.
  private func candidates(
    _ points: Tensor, _ centred: Tensor, _ norms: [Float], _ tile: Tile
  ) -> [Int32] {
    let scores = centred.dense(weights: tile.weights, bias: tile.bias)
    let width = scores.shape[1]
    // A sum of D products in single precision is off by at most about D units in the last place of
    // ‖z‖ ‖e‖, and two such sums are compared.
    let unit = Float(vectors.shape[1] + 4) * Float.ulpOfOne
    var best = scores.argmax(axis: 1).indices
    scores.withFloats { scores in
      for row in best.indices {
        let top = scores[row * width + Int(best[row])]
        let open = top - unit * tile.radius * (norms[row] + tile.radius)
        // Nearly always the best score stands alone; a loop without branches finds that out.
        var count: Int32 = 0
        for column in 0..<width { count &+= scores[row * width + column] >= open ? 1 : 0 }
        guard count != 1 else {
          best[row] += Int32(tile.start)
          continue
        }
        var nearest: (index: Int32, distance: Double)?
        for column in 0..<width where scores[row * width + column] >= open {
          let index = Int32(tile.start + column)
          guard let current = nearest else {
            nearest = (index, .nan)
            continue
          }
          let known =
            current.distance.isNaN ? distance(points, row, current.index) : current.distance
          let other = distance(points, row, index)
          nearest = other < known ? (index, other) : (current.index, known)
        }
        // Where the points are no numbers, nothing compares.
        best[row] = nearest?.index ?? Int32(tile.start) + best[row]
      }
    }
    return best
  }

  /// ‖z − e‖² in double precision.
  private func distance(_ points: Tensor, _ row: Int, _ index: Int32) -> Double {
    let size = vectors.shape[1]
    return points.withFloats { points in
      vectors.withFloats { vectors in
        var sum = 0.0
        for column in 0..<size {
          let difference =
            Double(points[row * size + column]) - Double(vectors[Int(index) * size + column])
          sum += difference * difference
        }
        return sum
      }
    }
  }
}
