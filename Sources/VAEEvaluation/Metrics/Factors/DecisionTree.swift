import Tensors

/// Numeric features of examples with their order, which all trees of a forest need.
package struct SortedFeatures {
  /// A column a feature, finite numbers.
  package let columns: [[Float]]
  /// The examples in ascending order of each feature.
  let orders: [[Int32]]

  /// Features, a column each, of equally many examples.
  package init(_ columns: [[Float]]) {
    self.columns = columns
    orders = columns.map { column in
      column.indices.sorted { (column[$0], $0) < (column[$1], $1) }.map(Int32.init)
    }
  }
}

/// A tree of thresholds on single features, grown to lower the Gini impurity (Breiman et al. 1984).
struct DecisionTree {
  private struct Node {
    /// The most frequent class of the examples here, the first of equals.
    var decision: Int32
    /// Splits from the root to here.
    var depth: Int
    var split: Split?
    /// The child for values up to the threshold; the other one is next to it.
    var child = 0
  }

  private struct Split {
    var feature: Int
    var threshold: Double
    /// Examples × decrease of impurity.
    var decrease: Double
  }

  private var nodes: [Node] = []

  /// A tree that has learnt from weighted examples.
  ///
  /// - Parameters:
  ///   - features: of all examples.
  ///   - classes: of all examples, each in `0..<classCount`.
  ///   - classCount: the number of classes.
  ///   - weights: how many times each example counts; those with zero are not looked at.
  ///   - depthLimit: splits at most from the root to a leaf.
  ///   - generator: what chooses among equal splits.
  init(
    features: SortedFeatures, classes: [Int32], classCount: Int, weights: [Int32], depthLimit: Int,
    _ generator: inout CounterGenerator
  ) {
    var growth = Growth(features, classes, classCount, weights)
    nodes = [Node(decision: 0, depth: 0)]
    var open = [(node: 0, examples: 0..<growth.count)]
    while let (node, examples) = open.popLast() {
      let (counts, score) = growth.counts(examples)
      nodes[node].decision = Int32(counts.indices.max { counts[$0] < counts[$1] } ?? 0)
      guard
        nodes[node].depth < depthLimit, counts.count(where: { $0 > 0 }) > 1,
        let best = growth.bestSplit(examples, counts, &generator)
      else { continue }
      let boundary = growth.partition(examples, best)
      nodes[node].split = Split(
        feature: best.feature, threshold: best.threshold, decrease: max(0, best.score - score))
      nodes[node].child = nodes.count
      for part in [examples.lowerBound..<boundary, boundary..<examples.upperBound] {
        open.append((nodes.count, part))
        nodes.append(Node(decision: 0, depth: nodes[node].depth + 1))
      }
    }
  }

  /// The decisions from the root down to a leaf or to a depth, for an example whose features a
  /// closure gives.
  func decisions(depth: Int, _ feature: (Int) -> Float) -> [Int32] {
    var node = nodes[0]
    var decisions = [node.decision]
    while decisions.count <= depth, let split = node.split {
      node = nodes[node.child + (Double(feature(split.feature)) <= split.threshold ? 0 : 1)]
      decisions.append(node.decision)
    }
    return decisions
  }

  /// Adds to each feature's sum by how much its splits above a depth decrease the impurity.
  func addDecreases(to sums: inout [Double], depth: Int) {
    for node in nodes where node.depth < depth {
      if let split = node.split { sums[split.feature] += split.decrease }
    }
  }
}

// MARK: - Growing

extension DecisionTree {
  /// The examples of a growing tree: those of a node stand together, in each feature's order.
  ///
  /// n times the Gini impurity of n examples is n − Σ_c n_c² / n, so that the best split has the
  /// largest sum of Σ_c n_c² / n over its two sides, its score.
  private struct Growth {
    struct Candidate {
      var feature: Int
      var threshold: Double
      var score: Double
    }

    private let columns: [[Float]]
    private let classes: [Int32]
    private let weights: [Int32]
    private let classCount: Int
    private var orders: [[Int32]]
    private var scanned: [Int]
    private var isLeft: [Bool]
    private var aside: [Int32] = []

    init(
      _ features: SortedFeatures, _ classes: [Int32], _ classCount: Int, _ weights: [Int32]
    ) {
      columns = features.columns
      self.classes = classes
      self.weights = weights
      self.classCount = classCount
      orders = features.orders.map { order in order.filter { weights[Int($0)] > 0 } }
      scanned = Array(columns.indices)
      isLeft = Array(repeating: false, count: classes.count)
    }

    /// The number of examples that count.
    var count: Int { orders.first?.count ?? 0 }

    /// How often each class occurs, and Σ_c n_c² / n.
    func counts(_ examples: Range<Int>) -> (counts: [Int], score: Double) {
      var counts = Array(repeating: 0, count: classCount)
      for place in examples {
        let example = Int(orders[0][place])
        counts[Int(classes[example])] += Int(weights[example])
      }
      let total = counts.reduce(0, +)
      return (counts, Double(counts.reduce(0) { $0 + $1 * $1 }) / Double(max(1, total)))
    }

    /// The split with the largest score; nil where no feature varies. Features are looked at in
    /// random order, so that equals have equal chances.
    mutating func bestSplit(
      _ examples: Range<Int>, _ counts: [Int], _ generator: inout CounterGenerator
    ) -> Candidate? {
      scanned.shuffle(using: &generator)
      var best: Candidate?
      for feature in scanned { scan(feature, examples, counts, &best) }
      return best
    }

    /// Looks for a better split by one feature: walks along its values and moves examples from the
    /// right side to the left.
    private func scan(
      _ feature: Int, _ examples: Range<Int>, _ counts: [Int], _ best: inout Candidate?
    ) {
      let (order, column) = (orders[feature], columns[feature])
      var right = counts
      var left = Array(repeating: 0, count: classCount)
      var (leftCount, rightCount) = (0, counts.reduce(0, +))
      var (leftSquares, rightSquares) = (0, counts.reduce(0) { $0 + $1 * $1 })
      var example = Int(order[examples.lowerBound])
      for place in examples.lowerBound + 1..<examples.upperBound {
        let (kind, weight) = (Int(classes[example]), Int(weights[example]))
        leftSquares += weight * (2 * left[kind] + weight)
        rightSquares -= weight * (2 * right[kind] - weight)
        left[kind] += weight
        right[kind] -= weight
        leftCount += weight
        rightCount -= weight
        let next = Int(order[place])
        if column[example] < column[next] {
          let score =
            Double(leftSquares) / Double(leftCount) + Double(rightSquares) / Double(rightCount)
          if score > best?.score ?? -.infinity {
            best = Candidate(
              feature: feature, threshold: (Double(column[example]) + Double(column[next])) / 2,
              score: score)
          }
        }
        example = next
      }
    }

    /// Puts the examples up to the threshold before the others, in each feature's order.
    ///
    /// - Returns: where the others begin.
    mutating func partition(_ examples: Range<Int>, _ split: Candidate) -> Int {
      for place in examples {
        let example = Int(orders[split.feature][place])
        isLeft[example] = Double(columns[split.feature][example]) <= split.threshold
      }
      var boundary = examples.lowerBound
      for feature in orders.indices {
        aside.removeAll(keepingCapacity: true)
        boundary = examples.lowerBound
        for place in examples {
          let example = orders[feature][place]
          if isLeft[Int(example)] {
            orders[feature][boundary] = example
            boundary += 1
          } else {
            aside.append(example)
          }
        }
        orders[feature].replaceSubrange(boundary..<examples.upperBound, with: aside)
      }
      return boundary
    }
  }
}
