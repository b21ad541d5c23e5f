import Tensors

/// Of which examples draws from an aggregate posterior are, and which examples share the values of
/// their factors: what is the same for all units.
struct PosteriorDraws {
  /// The example of each draw. All have equally many, or one more than others; of more examples than
  /// draws each has one or none.
  let examples: [Int]
  /// For each factor and each of its values the examples that have it.
  let members: [[[Int32]]]
  /// A column of values for each factor.
  let factors: [[Int32]]

  /// As many as the authors take.
  static let count = 10_000

  /// Draws that go round all examples in random order.
  init(_ representation: FactoredRepresentation, random: RandomSource) {
    var generator = random.stream("examples").generator()
    let order = (0..<representation.count).shuffled(using: &generator)
    examples = (0..<Self.count).map { order[$0 % order.count] }
    factors = representation.factors
    members = representation.factors.indices.map { factor in
      var members = Array(repeating: [Int32](), count: representation.sizes[factor])
      for (example, value) in representation.factors[factor].enumerated() {
        members[Int(value)].append(Int32(example))
      }
      return members
    }
  }
}
