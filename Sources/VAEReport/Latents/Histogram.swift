/// How often values fall into equal bins, at every record.
package struct Histogram {
  let low: Double
  let high: Double
  /// Values in each bin, of each record.
  private let counts: [[Int]]

  /// Values of each record over a range; those outside count at its ends.
  package init(_ frames: [[Float]], low: Double, high: Double, bins: Int = 48) {
    self.low = low
    self.high = high
    counts = frames.map { values in
      var counts = [Int](repeating: 0, count: bins)
      for value in values where value.isFinite {
        let place = (Double(value) - low) / (high - low) * Double(bins)
        counts[Int(max(0, min(Double(bins - 1), place)))] += 1
      }
      return counts
    }
  }

  /// Each bin beside the fullest one of its record, from 0 to 100.
  package var frames: [[Int]] {
    counts.map { counts in
      let most = max(1, counts.max() ?? 1)
      return counts.map { ($0 * 100 + most / 2) / most }
    }
  }

  /// The largest share of the values of a record that one bin holds.
  package var largestShare: Double {
    shares.joined().max() ?? 0
  }

  /// The square root of each bin's share of the values of its record, 100 for a share of `top`.
  ///
  /// Roots show a bin of few values beside one of nearly all.
  package func roots(top: Double) -> [[Int]] {
    shares.map { shares in
      shares.map { Int((min(1, $0 / max(1e-9, top)).squareRoot() * 100).rounded()) }
    }
  }

  private var shares: [[Double]] {
    counts.map { counts in
      let all = Double(max(1, counts.reduce(0, +)))
      return counts.map { Double($0) / all }
    }
  }
}
