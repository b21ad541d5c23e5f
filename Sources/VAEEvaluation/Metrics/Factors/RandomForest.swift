import Tensors

/// Trees that tell a class from numeric features by majority vote (Breiman 2001).
///
/// Each tree sees a bootstrap sample of the examples. At each node it takes the split, of all
/// features, that lowers the Gini impurity most; a feature is not left out at random, because a
/// unit that says everything of a factor would then have to share its importance with whatever
/// stood in for it. Equal splits are chosen among by chance, so that features that say the same
/// share alike.
///
/// The depth to which trees are used is chosen by the error on the examples that a tree has not
/// seen (out-of-bag). A tree cut at some depth is the tree that would have been grown to that
/// depth, so one forest serves all.
package struct RandomForest {
  /// The share of each feature in the decrease of impurity, to the depth that is used; they add to
  /// one, or are all zero where nothing could be split.
  package let importances: [Double]
  /// The number of splits, at most, between a tree's root and its decision.
  package let depth: Int
  private let trees: [DecisionTree]
  private let classCount: Int

  /// The depth to which trees grow.
  static let depthLimit = 12

  /// A forest that has learnt from examples.
  ///
  /// - Parameters:
  ///   - features: of all examples.
  ///   - classes: of all examples, each in `0..<classCount`.
  ///   - classCount: the number of classes.
  ///   - treeCount: the number of trees.
  ///   - generator: where samples and choices among equal splits come from.
  package init(
    features: SortedFeatures, classes: [Int32], classCount: Int, treeCount: Int,
    _ generator: inout CounterGenerator
  ) {
    var trees: [DecisionTree] = []
    var samples: [[Int32]] = []
    for _ in 0..<treeCount {
      var weights = Array(repeating: Int32(0), count: classes.count)
      for _ in classes { weights[Int.random(in: classes.indices, using: &generator)] += 1 }
      trees.append(
        DecisionTree(
          features: features, classes: classes, classCount: classCount, weights: weights,
          depthLimit: Self.depthLimit, &generator))
      samples.append(weights)
    }
    let depth = Self.depth(trees, samples, features, classes, classCount)
    let decreases = trees.reduce(into: Array(repeating: 0.0, count: features.columns.count)) {
      $1.addDecreases(to: &$0, depth: depth)
    }
    let total = decreases.reduce(0, +)
    importances = total > 0 ? decreases.map { $0 / total } : decreases
    self.depth = depth
    self.trees = trees
    self.classCount = classCount
  }

  /// The class of an example by majority of the trees, the first of equals.
  package func prediction(_ features: [Float]) -> Int32 {
    var votes = Array(repeating: 0, count: classCount)
    for tree in trees {
      votes[Int(tree.decisions(depth: depth) { features[$0] }.last ?? 0)] += 1
    }
    return Int32(Self.winner(votes[...]))
  }

  /// The least depth at which unseen examples are told as well as at the best one, which is to say
  /// within a standard error (Breiman et al. 1984, section 3.4.3): what deeper splits follow is
  /// noise, and would be credited to all features alike.
  ///
  /// Where no depth is better than the most frequent class by two standard errors, nothing is told,
  /// and it is the largest: importances of a few splits would look concentrated by chance.
  private static func depth(
    _ trees: [DecisionTree], _ samples: [[Int32]], _ features: SortedFeatures, _ classes: [Int32],
    _ classCount: Int
  ) -> Int {
    var right = Array(repeating: 0, count: depthLimit)
    var judged = 0
    var frequencies = Array(repeating: 0, count: classCount)
    for example in classes.indices {
      var votes = Array(repeating: 0, count: depthLimit * classCount)
      var isUnseen = false
      for (tree, sample) in zip(trees, samples) where sample[example] == 0 {
        isUnseen = true
        let decisions = tree.decisions(depth: depthLimit) { features.columns[$0][example] }
        // A path that ends early decides the same at every greater depth.
        for depth in 0..<depthLimit {
          votes[depth * classCount + Int(decisions[min(depth + 1, decisions.count - 1)])] += 1
        }
      }
      guard isUnseen else { continue }
      judged += 1
      frequencies[Int(classes[example])] += 1
      for depth in 0..<depthLimit
      where winner(votes[depth * classCount..<(depth + 1) * classCount]) == Int(classes[example]) {
        right[depth] += 1
      }
    }
    let best = Double(right.max() ?? 0)
    let error = (best * (1 - best / Double(max(1, judged)))).squareRoot()
    guard best > Double(frequencies.max() ?? 0) + 2 * error else { return depthLimit }
    return 1 + (right.firstIndex { Double($0) >= best - error } ?? 0)
  }

  /// The place, from the slice's start, of its largest number, the first of equals.
  private static func winner(_ votes: ArraySlice<Int>) -> Int {
    (votes.indices.max { votes[$0] < votes[$1] } ?? votes.startIndex) - votes.startIndex
  }
}
