import CVAE
import Tensors

extension HostTable {
  /// Reductions.
  static func addReductions(to host: inout vae_host) {
    host.sum = { pass, x, axis, keeps in
      operate(pass, "sum", x) {
        $0.sum(axis: try Checks.axis(axis, of: $0), keepingAxis: keeps != 0)
      }
    }
    host.mean = { pass, x, axis, keeps in
      operate(pass, "mean", x) {
        $0.mean(axis: try Checks.axis(axis, of: $0), keepingAxis: keeps != 0)
      }
    }
    host.largest = { pass, x, axis, keeps in
      operate(pass, "largest", x) {
        let axis = try Checks.axis(axis, of: $0)
        guard $0.count > 0 else { throw Misfit("a value of shape \($0.shape) has no elements") }
        return $0.maximum(axis: axis, keepingAxis: keeps != 0)
      }
    }
    host.row_sums = { pass, x in
      operate(pass, "row_sums", x) {
        guard $0.rank >= 1 else { throw Misfit("a scalar has no rows") }
        return $0.rank == 1 ? $0 : $0.flattened().sum(axis: 1)
      }
    }
    host.total = { pass, x in operate(pass, "total", x) { $0.sum() } }
    host.average = { pass, x in operate(pass, "average", x) { $0.mean() } }
    host.log_sum_exp = { pass, x in
      operate(pass, "log_sum_exp", x) {
        try Checks.lastAxis($0)
        return $0.logSumExp()
      }
    }
    host.softmax = { pass, x in
      operate(pass, "softmax", x) {
        try Checks.lastAxis($0)
        return $0.softmax()
      }
    }
    host.log_softmax = { pass, x in
      operate(pass, "log_softmax", x) {
        try Checks.lastAxis($0)
        return $0.logSoftmax()
      }
    }
  }

  /// Other arrangements of elements.
  static func addShapes(to host: inout vae_host) {
    host.reshape = { pass, x, shape, rank in
      operate(pass, "reshape", x) { x in
        x.reshaped(to: try HostTable.resolved(try Checks.sizes(shape, rank), for: x))
      }
    }
    host.broadcast = { pass, x, shape, rank in
      operate(pass, "broadcast", x) { x in
        let target = try Checks.shape(shape, rank)
        guard try Checks.broadcast(x.shape, target) == target else {
          throw Misfit("shape \(x.shape) does not broadcast to \(target)")
        }
        return x.broadcast(to: target)
      }
    }
    host.permute = { pass, x, order in
      operate(pass, "permute", x) { x in
        guard x.rank > 0 else { return x }
        let order = try Checks.sizes(order, Int64(x.rank)).map { $0 < 0 ? $0 &+ x.rank : $0 }
        guard order.sorted() == Array(0..<x.rank) else {
          throw Misfit("\(order) is no order of the axes of \(x.shape)")
        }
        return x.permuted(order)
      }
    }
    host.slice = { pass, x, axis, first, count in
      operate(pass, "slice", x) { x in
        let axis = try Checks.axis(axis, of: x)
        let size = Int64(x.shape[axis])
        guard first >= 0, count >= 0, first <= size, count <= size - first else {
          throw Misfit("\(count) elements from \(first) are outside axis \(axis) of \(x.shape)")
        }
        return x.slice(axis: axis, Int(first)..<Int(first + count))
      }
    }
    host.concatenate = { pass, values, count, axis in
      guard (1...1024).contains(count), let values else {
        return make(pass, "concatenate") { _ in
          throw Misfit("\(count) values, but 1 to 1024 are joined")
        }
      }
      return operate(pass, "concatenate", all: (0..<Int(count)).map { values[$0] }) {
        try HostTable.joined($0, axis)
      }
    }
    host.pad = { pass, x, axis, before, after in
      operate(pass, "pad", x) { x in
        let axis = try Checks.axis(axis, of: x)
        let limit = Int64(Checks.elementLimit)
        guard (0...limit).contains(before), (0...limit).contains(after) else {
          throw Misfit("padding of \(before) and \(after) cannot be")
        }
        var sizes = x.shape.dimensions
        sizes[axis] += Int(before) + Int(after)
        _ = try Checks.shape(sizes)
        return x.padded(axis: axis, before: Int(before), after: Int(after))
      }
    }
    host.upsample = { pass, x, y, across in
      operate(pass, "upsample", x) { x in
        guard x.rank == 4, (1...1024).contains(y), (1...1024).contains(across) else {
          throw Misfit("blocks of \(y)×\(across) are not for a value of shape \(x.shape)")
        }
        let sizes = x.shape.dimensions
        _ = try Checks.shape([sizes[0], sizes[1] * Int(y), sizes[2] * Int(across), sizes[3]])
        return x.upsampledNearest(by: Int(y), Int(across))
      }
    }
  }

  private static func joined(_ values: [Tensor], _ axis: Int64) throws(Misfit) -> Tensor {
    let axis = try Checks.axis(axis, of: values[0])
    var sizes = values[0].shape.dimensions
    sizes[axis] = 0
    for value in values {
      var other = value.shape.dimensions
      guard other.count == sizes.count else {
        throw Misfit("shapes \(values[0].shape) and \(value.shape) cannot be joined")
      }
      let size = other[axis]
      other[axis] = sizes[axis]
      guard other == sizes else {
        throw Misfit("shapes \(values[0].shape) and \(value.shape) cannot be joined")
      }
      sizes[axis] += size
    }
    _ = try Checks.shape(sizes)
    return .concatenated(values, axis: axis)
  }

  /// A shape in which one size may be −1.
  private static func resolved(_ sizes: [Int], for x: Tensor) throws(Misfit) -> Shape {
    var sizes = sizes
    if let open = sizes.firstIndex(of: -1) {
      sizes[open] = 1
      let rest = try Checks.shape(sizes).count
      guard rest > 0, x.count % rest == 0 else {
        throw Misfit("a value of shape \(x.shape) has no place in the shape asked for")
      }
      sizes[open] = x.count / rest
    }
    let shape = try Checks.shape(sizes)
    guard shape.count == x.count else {
      throw Misfit("a value of shape \(x.shape) has not the elements of shape \(shape)")
    }
    return shape
  }
}
