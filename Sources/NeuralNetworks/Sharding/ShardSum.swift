import Communication
import Tensors

/// The sum over all shards, in an order that depends on the number of shards alone.
///
/// With m the largest power of two that divides their number, each m neighbours are added in a balanced binary
/// tree, and the sums of these one after another. A process whose part is a whole tree, or several, adds those
/// itself and sends their sums; the rest of the tree is added by the receivers, each of which has one piece of
/// the numbers of all (an all-to-all, then an all-gather: as much traffic as a ring has). Eight shards on one, two,
/// four or eight processes are so added in one and the same order.
struct ShardSum {
  private let communicator: any Communicator

  init(_ communicator: any Communicator) {
    self.communicator = communicator
  }

  /// The sum of terms in this order.
  static func ordered(_ terms: [Tensor]) -> Tensor {
    guard var sum = terms.first else { return Tensor(0) }
    let width = powerOfTwo(dividing: terms.count)
    let trees = stride(from: 0, to: terms.count, by: width).map { start -> Tensor in
      var level = Array(terms[start..<start + width])
      while level.count > 1 {
        level = stride(from: 0, to: level.count, by: 2).map { level[$0] + level[$0 + 1] }
      }
      return level[0]
    }
    sum = trees[0]
    for tree in trees.dropFirst() { sum = sum + tree }
    return sum
  }

  private static func powerOfTwo(dividing count: Int) -> Int {
    count > 0 ? 1 << count.trailingZeroBitCount : 1
  }

  /// Σ_s w_s t_s of several tensors t over the shards s of all processes, in one exchange.
  ///
  /// - Parameters:
  ///   - terms: the tensors of each shard of this process, in order; nil for one that is zero there.
  ///   - weights: w of these shards.
  ///   - shapes: of the tensors.
  func sum(_ terms: [[Tensor?]], weights: [Float], shapes: [Shape]) throws -> [Tensor] {
    let count = shapes.reduce(0) { $0 + $1.count }
    let width = Self.powerOfTwo(dividing: terms.count)
    guard communicator.size > 1 else {
      return Self.parts(
        of: Self.ordered(Self.joined(terms[...], weights[...], shapes, count)), shapes)
    }
    let (size, pieces) = (communicator.size, terms.count / width)
    // What each process adds up of every piece, the last one with zeros at the end.
    let share = (count + size - 1) / size
    let send = Tensor([size * pieces * share]) { _ in }
    for piece in 0..<pieces {
      let shards = piece * width..<(piece + 1) * width
      let place = { position in
        (position / share * pieces + piece) * share + position % share
      }
      if width == 1 {
        Self.write(terms[piece], weights[piece], shapes, into: send, share, place)
      } else {
        let tree = Self.ordered(Self.joined(terms[shards], weights[shards], shapes, count))
        Self.write([tree], 1, [[count]], into: send, share, place)
      }
      let padding = size * share - count
      Self.write([nil], 1, [[padding]], from: count, into: send, share, place)
    }
    let received = try exchanged([size * pieces, share]) { target in
      try send.withFloats { try communicator.allToAll(UnsafeRawBufferPointer($0), into: target) }
    }
    let own = Self.ordered((0..<size * pieces).map { received.rows($0..<$0 + 1) })
    let all = try exchanged([size * share]) { target in
      try own.withFloats { try communicator.allGather(UnsafeRawBufferPointer($0), into: target) }
    }
    return Self.parts(of: all, shapes)
  }

  /// The tensors of each of some shards, times its weight, one after another.
  private static func joined(
    _ terms: ArraySlice<[Tensor?]>, _ weights: ArraySlice<Float>, _ shapes: [Shape], _ count: Int
  ) -> [Tensor] {
    zip(terms, weights).map { term, weight in
      let joined = Tensor([count]) { _ in }
      write(term, weight, shapes, into: joined, count) { $0 }
      return joined
    }
  }

  /// Writes tensors times a weight to where their elements, counted one after another, belong.
  ///
  /// - Parameters:
  ///   - first: the count of the first element.
  ///   - block: how many counts, from a multiple of it on, belong next to each other.
  ///   - place: where the element of a count goes.
  private static func write(
    _ tensors: [Tensor?], _ weight: Float, _ shapes: [Shape], from first: Int = 0,
    into target: Tensor, _ block: Int, _ place: (Int) -> Int
  ) {
    var position = first
    for (tensor, shape) in zip(tensors, shapes) {
      var written = 0
      while written < shape.count {
        let run = min(shape.count - written, block - position % block)
        let elements = written..<written + run
        let source = tensor ?? .zeros([run])
        source.write(
          tensor == nil ? 0..<run : elements, times: weight, into: target, at: place(position))
        (written, position) = (written + run, position + run)
      }
    }
  }

  /// A tensor of one axis as tensors of some shapes, one after another.
  private static func parts(of joined: Tensor, _ shapes: [Shape]) -> [Tensor] {
    var start = 0
    return shapes.map { shape in
      defer { start += shape.count }
      return joined.rows(start..<start + shape.count).reshaped(to: shape)
    }
  }

  /// What comes from all processes in an exchange.
  private func exchanged(
    _ shape: Shape, _ exchange: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws -> Tensor {
    var isMade = false
    let tensor = try Tensor(shape) { target in
      isMade = true
      try exchange(UnsafeMutableRawBufferPointer(target))
    }
    guard isMade else {
      // There was no memory for it, and the others wait.
      throw communicator.givingUp(
        because: "there is no memory for the sums of \(communicator.size) processes")
    }
    return tensor
  }
}
