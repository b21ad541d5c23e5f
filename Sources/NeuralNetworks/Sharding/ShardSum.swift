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

  /// The sum over the shards of all processes.
  ///
  /// - Parameter terms: of the shards of this process, in order, of one shape.
  func sum(_ terms: [Tensor]) throws -> Tensor {
    guard let shape = terms.first?.shape else { return Tensor(0) }
    let width = Self.powerOfTwo(dividing: terms.count)
    let pieces = stride(from: 0, to: terms.count, by: width).map {
      Self.ordered(Array(terms[$0..<$0 + width]))
    }
    guard communicator.size > 1 else { return Self.ordered(pieces) }
    let (size, count) = (communicator.size, shape.count)
    // What each process adds up of every term.
    let share = (count + size - 1) / size
    let blocks: Shape = [size * pieces.count, share]
    let send = Tensor(blocks) { target in
      for (number, piece) in pieces.enumerated() {
        piece.withFloats { values in
          for rank in 0..<size {
            let start = min(count, rank * share)
            let end = min(count, start + share)
            let place = (rank * pieces.count + number) * share
            let block = UnsafeMutableBufferPointer(rebasing: target[place..<place + share])
            let filled = block.update(fromContentsOf: values[start..<end])
            block[filled...].update(repeating: 0)
          }
        }
      }
    }
    let received = try exchanged(blocks) { target in
      try send.withFloats { try communicator.allToAll(UnsafeRawBufferPointer($0), into: target) }
    }
    let own = Self.ordered((0..<blocks[0]).map { received.rows($0..<$0 + 1) })
    let all = try exchanged([size * share]) { target in
      try own.withFloats { try communicator.allGather(UnsafeRawBufferPointer($0), into: target) }
    }
    return all.rows(0..<count).reshaped(to: shape)
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
