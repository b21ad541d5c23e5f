// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import VAEZoo
import XCTest

/// Operations of the host whose arguments all differ: sizes, sides, directions and axes.
final class OperationArgumentTests: PluginTestCase {
  private typealias Body = (_ host: vae_host, _ pass: OpaquePointer?) -> OpaquePointer?

  /// What a body computes within a method.
  private func computed(_ body: @escaping Body) throws -> Tensor {
    let prior = try model([(key: "prior.name", value: "test")], InProcess.registry()).prior
    nonisolated(unsafe) var shape: [Int] = []
    nonisolated(unsafe) var values: [Float] = []
    InProcess.density = { host, pass, z in
      let value = body(host, pass)
      var sizes = [Int64](repeating: 0, count: 8)
      let rank = host.shape(pass, value, &sizes)
      shape = sizes.prefix(max(0, Int(rank))).map { Int($0) }
      if let data = host.data(pass, value) {
        values = Array(UnsafeBufferPointer(start: data, count: shape.reduce(1, *)))
      }
      return host.row_sums(pass, z)
    }
    let draw = GivenDraw(parameter: Parameter(.zeros([4, 3])))
    _ = prior.draw(from: draw, DrawRequest(), context(4, mode: .training)).rate
    if let fault = (prior as? any FalliblePart)?.takeFault() { throw fault }
    return Tensor(values, shape: Shape(shape))
  }

  /// Numbers without order.
  private static func numbers(_ shape: [Int], _ seed: Int) -> Tensor {
    let count = shape.reduce(1, *)
    let values = (0..<count).map { Float(($0 * 37 + 11 * seed) % 23) / 7 - 1.3 }
    return Tensor(values, shape: Shape(shape))
  }

  private static func constant(
    _ host: vae_host, _ pass: OpaquePointer?, _ tensor: Tensor
  ) -> OpaquePointer? {
    let sizes = tensor.shape.dimensions.map { Int64($0) }
    return host.constant(pass, tensor.floats, sizes, Int64(sizes.count))
  }

  /// Holds what a body computes to numbers by formula, at every index.
  private func assert(
    _ shape: [Int], line: UInt = #line, _ body: @escaping Body, is formula: ([Int]) -> Double
  ) throws {
    let found = try computed(body)
    XCTAssertEqual(found.shape.dimensions, shape, line: line)
    guard found.shape.dimensions == shape else { return }
    for (position, value) in found.floats.enumerated() {
      var (rest, index) = (position, [Int](repeating: 0, count: shape.count))
      for axis in shape.indices.reversed() {
        (rest, index[axis]) = (rest / shape[axis], rest % shape[axis])
      }
      XCTAssertEqual(Double(value), formula(index), accuracy: 2e-5, "\(index)", line: line)
    }
  }

  /// Reads a tensor by an index; zero outside of it.
  private static func reader(_ tensor: Tensor) -> ([Int]) -> Double {
    let (values, sizes) = (tensor.floats, tensor.shape.dimensions)
    return { index in
      guard zip(index, sizes).allSatisfy({ 0 <= $0 && $0 < $1 }) else { return 0 }
      return Double(values[zip(index, sizes).reduce(0) { $0 * $1.1 + $1.0 }])
    }
  }

  func testAConvolutionHasTheStridesAndTheFourSidesOfItsWindow() throws {
    let (x, w, b) = (
      Self.numbers([2, 4, 5, 2], 1), Self.numbers([3, 2, 2, 3], 2), Self.numbers([3], 3)
    )
    let window = vae_window(
      stride_y: 2, stride_x: 1, pad_top: 1, pad_left: 2, pad_bottom: 0, pad_right: 1,
      output_pad_y: 0, output_pad_x: 0)
    let (pixel, weight, bias) = (Self.reader(x), Self.reader(w), Self.reader(b))
    // (4 + 1 - 2) / 2 + 1 and (5 + 3 - 3) + 1.
    try assert([2, 2, 6, 3]) { host, pass in
      let values = [x, w, b].map { Self.constant(host, pass, $0) }
      return withUnsafePointer(to: window) {
        host.convolution(
          pass, values[0], values[1], values[2], $0, VAE_ACTIVATION_LEAKY_RELU, 0.3)
      }
    } is: { place in
      var sum = bias([place[3]])
      for channel in 0..<2 {
        for y in 0..<2 {
          for x in 0..<3 {
            sum +=
              pixel([place[0], place[1] * 2 - 1 + y, place[2] - 2 + x, channel])
              * weight([place[3], channel, y, x])
          }
        }
      }
      return sum > 0 ? sum : 0.3 * sum
    }
  }

  func testATransposedConvolutionHasStridesPaddingAndOutputPaddingOfEachDirection() throws {
    let (x, w, b) = (
      Self.numbers([2, 3, 4, 2], 4), Self.numbers([2, 3, 2, 3], 5), Self.numbers([3], 6)
    )
    let window = vae_window(
      stride_y: 2, stride_x: 3, pad_top: 1, pad_left: 0, pad_bottom: 0, pad_right: 2,
      output_pad_y: 1, output_pad_x: 2)
    let (pixel, weight, bias) = (Self.reader(x), Self.reader(w), Self.reader(b))
    // (3 - 1) · 2 - 1 + 2 + 1 and (4 - 1) · 3 - 2 + 3 + 2.
    try assert([2, 6, 12, 3]) { host, pass in
      let values = [x, w, b].map { Self.constant(host, pass, $0) }
      return withUnsafePointer(to: window) {
        host.transposed_convolution(
          pass, values[0], values[1], values[2], $0, VAE_ACTIVATION_LEAKY_RELU, 0.25)
      }
    } is: { place in
      var sum = bias([place[3]])
      for channel in 0..<2 {
        for (y, x) in (0..<3).flatMap({ y in (0..<4).map { (y, $0) } }) {
          let (ky, kx) = (place[1] + 1 - 2 * y, place[2] - 3 * x)
          guard (0..<2).contains(ky), (0..<3).contains(kx) else { continue }
          sum += pixel([place[0], y, x, channel]) * weight([channel, place[3], ky, kx])
        }
      }
      return sum > 0 ? sum : 0.25 * sum
    }
  }

  func testEitherMatrixOfAProductMayBeTransposedAlone() throws {
    let (a, b) = (Self.numbers([2, 3], 1), Self.numbers([4, 3], 2))
    let (left, right) = (Self.reader(a), Self.reader(b))
    try assert([2, 4]) { host, pass in
      host.matmul(pass, Self.constant(host, pass, a), Self.constant(host, pass, b), 0, 1)
    } is: { place in
      (0..<3).reduce(0) { $0 + left([place[0], $1]) * right([place[1], $1]) }
    }
    let (c, d) = (Self.numbers([3, 2], 3), Self.numbers([3, 5], 4))
    let (upper, lower) = (Self.reader(c), Self.reader(d))
    try assert([2, 5]) { host, pass in
      host.matmul(pass, Self.constant(host, pass, c), Self.constant(host, pass, d), 1, 0)
    } is: { place in
      (0..<3).reduce(0) { $0 + upper([$1, place[0]]) * lower([$1, place[1]]) }
    }
  }

  func testADenseLayerMayHaveMoreAxesAndTheNumberOfItsActivation() throws {
    let (x, w, b) = (
      Self.numbers([2, 2, 3], 1), Self.numbers([3, 4], 2), Self.numbers([4], 3)
    )
    let (input, weight, bias) = (Self.reader(x), Self.reader(w), Self.reader(b))
    try assert([2, 2, 4]) { host, pass in
      let values = [x, w, b].map { Self.constant(host, pass, $0) }
      return host.dense(pass, values[0], values[1], values[2], VAE_ACTIVATION_ELU, 0.7)
    } is: { place in
      let sum = (0..<3).reduce(bias([place[2]])) {
        $0 + input([place[0], place[1], $1]) * weight([$1, place[2]])
      }
      return sum > 0 ? sum : 0.7 * (exp(sum) - 1)
    }
  }

  func testGroupsOfChannelsAreNormalizedOverAllPixelsOfARow() throws {
    let x = Self.numbers([2, 3, 2, 6], 1)
    let (scale, shift) = (Self.numbers([6], 2), Self.numbers([6], 3))
    let (pixel, factor, offset) = (Self.reader(x), Self.reader(scale), Self.reader(shift))
    try assert([2, 3, 2, 6]) { host, pass in
      let values = [x, scale, shift].map { Self.constant(host, pass, $0) }
      return host.group_norm(pass, values[0], 3, values[1], values[2])
    } is: { place in
      let first = place[3] / 2 * 2
      var members: [Double] = []
      for y in 0..<3 {
        for x in 0..<2 {
          for channel in first..<first + 2 { members.append(pixel([place[0], y, x, channel])) }
        }
      }
      let mean = members.reduce(0, +) / 12
      let variance = members.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 12
      return (pixel(place) - mean) / (variance + 1e-5).squareRoot() * factor([place[3]])
        + offset([place[3]])
    }
  }

  func testLayersAreNormalizedOverTheLastAxisAlone() throws {
    let x = Self.numbers([2, 3, 5], 1)
    let (scale, shift) = (Self.numbers([5], 2), Self.numbers([5], 3))
    let (element, factor, offset) = (Self.reader(x), Self.reader(scale), Self.reader(shift))
    try assert([2, 3, 5]) { host, pass in
      let values = [x, scale, shift].map { Self.constant(host, pass, $0) }
      return host.layer_norm(pass, values[0], values[1], values[2])
    } is: { place in
      let members = (0..<5).map { element([place[0], place[1], $0]) }
      let mean = members.reduce(0, +) / 5
      let variance = members.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 5
      return (element(place) - mean) / (variance + 1e-5).squareRoot() * factor([place[2]])
        + offset([place[2]])
    }
  }

  func testAxesComeInTheOrderThatIsGivenAndMayBeCountedFromTheEnd() throws {
    let x = Self.numbers([2, 3, 4], 1)
    let element = Self.reader(x)
    for order: [Int64] in [[2, 0, 1], [-1, 0, -2]] {
      try assert([4, 2, 3]) { host, pass in
        host.permute(pass, Self.constant(host, pass, x), order)
      } is: {
        element([$0[1], $0[2], $0[0]])
      }
    }
  }

  func testPaddingSlicesAndPartsLieWhereTheyAreSaidTo() throws {
    let x = Self.numbers([2, 3, 4], 1)
    let element = Self.reader(x)
    try assert([2, 3, 7]) { host, pass in
      host.pad(pass, Self.constant(host, pass, x), -1, 2, 1)
    } is: {
      element([$0[0], $0[1], $0[2] - 2])
    }
    try assert([2, 7, 4]) { host, pass in
      host.pad(pass, Self.constant(host, pass, x), 1, 1, 3)
    } is: {
      element([$0[0], $0[1] - 1, $0[2]])
    }
    try assert([2, 3, 2]) { host, pass in
      host.slice(pass, Self.constant(host, pass, x), -1, 1, 2)
    } is: {
      element([$0[0], $0[1], $0[2] + 1])
    }
    try assert([2, 1, 4]) { host, pass in
      host.slice(pass, Self.constant(host, pass, x), 1, 2, 1)
    } is: {
      element([$0[0], 2, $0[2]])
    }
    let y = Self.numbers([2, 2, 4], 5)
    let other = Self.reader(y)
    try assert([2, 5, 4]) { host, pass in
      let parts = [x, y].map { Self.constant(host, pass, $0) }
      return host.concatenate(pass, parts, 2, -2)
    } is: {
      $0[1] < 3 ? element($0) : other([$0[0], $0[1] - 3, $0[2]])
    }
  }

  func testPixelsAreRepeatedInBlocksOfTwoSizes() throws {
    let x = Self.numbers([2, 2, 3, 2], 1)
    let pixel = Self.reader(x)
    try assert([2, 6, 6, 2]) { host, pass in
      host.upsample(pass, Self.constant(host, pass, x), 3, 2)
    } is: {
      pixel([$0[0], $0[1] / 3, $0[2] / 2, $0[3]])
    }
  }

  func testAReductionTakesItsAxisAwayOrKeepsIt() throws {
    let x = Self.numbers([2, 3, 4], 1)
    let element = Self.reader(x)
    func column(_ place: [Int]) -> [Double] {
      (0..<3).map { element([place[0], $0, place[place.count - 1]]) }
    }
    for (keeps, shape) in [(0, [2, 4]), (1, [2, 1, 4])] as [(Int32, [Int])] {
      for axis: Int64 in [1, -2] {
        try assert(shape) { host, pass in
          host.sum(pass, Self.constant(host, pass, x), axis, keeps)
        } is: {
          column($0).reduce(0, +)
        }
        try assert(shape) { host, pass in
          host.mean(pass, Self.constant(host, pass, x), axis, keeps)
        } is: {
          column($0).reduce(0, +) / 3
        }
        try assert(shape) { host, pass in
          host.largest(pass, Self.constant(host, pass, x), axis, keeps)
        } is: {
          column($0).max() ?? 0
        }
      }
    }
    try assert([2]) { host, pass in
      host.row_sums(pass, Self.constant(host, pass, x))
    } is: { place in
      (0..<12).reduce(0) { $0 + element([place[0], $1 / 4, $1 % 4]) }
    }
    try assert([]) { host, pass in
      host.average(pass, Self.constant(host, pass, x))
    } is: { _ in
      Double(x.floats.reduce(0, +)) / 24
    }
  }

  func testPairsBroadcastOnEitherSide() throws {
    let (a, b) = (Self.numbers([2, 1, 3], 1), Self.numbers([4, 1], 2))
    let (left, right) = (Self.reader(a), Self.reader(b))
    typealias Pair = (_ host: vae_host) -> (
      @convention(c) (OpaquePointer?, OpaquePointer?, OpaquePointer?) -> OpaquePointer?
    )
    let operations: [(Pair, (Double, Double) -> Double)] = [
      ({ $0.add }, { $0 + $1 }), ({ $0.subtract }, { $0 - $1 }), ({ $0.multiply }, { $0 * $1 }),
      ({ $0.divide }, { $0 / $1 }), ({ $0.maximum }, { max($0, $1) }),
      ({ $0.minimum }, { min($0, $1) }),
    ]
    for (operation, formula) in operations {
      try assert([2, 4, 3]) { host, pass in
        operation(host)(
          pass, Self.constant(host, pass, a), Self.constant(host, pass, b))
      } is: {
        formula(left([$0[0], 0, $0[2]]), right([$0[1], 0]))
      }
    }
  }

  func testACustomOperationSeesItsInputsWithTheirShapesAndWhatTheAuthorGaveAlong() throws {
    enum Seen {
      nonisolated(unsafe) static var shapes: [[Int64]] = []
      nonisolated(unsafe) static var counts: [Int64] = []
      nonisolated(unsafe) static var userData: UnsafeMutableRawPointer?
    }
    var operation = vae_operation()
    operation.struct_size = UInt32(MemoryLayout<vae_operation>.size)
    operation.name = InProcess.text("outer")
    // The outer product of two vectors, less one of a third.
    operation.forward = { inputs, count, output, userData in
      guard let inputs, let output, count == 3 else { return 1 }
      let buffers = (0..<3).map { inputs[$0] } + [output.pointee]
      Seen.shapes = buffers.map { buffer in (0..<Int(buffer.rank)).map { buffer.shape[$0] } }
      Seen.counts = buffers.map(\.count)
      Seen.userData = userData
      for row in 0..<2 {
        for column in 0..<3 {
          output.pointee.data[row * 3 + column] =
            inputs[0].data[row] * inputs[1].data[column] - inputs[2].data[0]
        }
      }
      return 0
    }
    let kept = InProcess.kept(operation)
    let found = try computed { host, pass in
      let inputs = [
        Tensor([2, -3], shape: [2, 1]), Tensor([1, 4, 5], shape: [3]), Tensor([0.5], shape: [1]),
      ].map { Self.constant(host, pass, $0) }
      let shape: [Int64] = [2, 3]
      return host.custom(
        pass, kept, inputs, 3, shape, 2, UnsafeMutableRawPointer(bitPattern: 0x40))
    }
    XCTAssertEqual(found.floats, [1.5, 7.5, 9.5, -3.5, -12.5, -15.5])
    XCTAssertEqual(found.shape, [2, 3])
    XCTAssertEqual(Seen.shapes, [[2, 1], [3], [1], [2, 3]])
    XCTAssertEqual(Seen.counts, [2, 3, 1, 6])
    XCTAssertEqual(Seen.userData, UnsafeMutableRawPointer(bitPattern: 0x40))
  }

  func testOnlyInputsWhoseGradientIsWantedHaveAPlaceForIt() throws {
    enum Seen {
      nonisolated(unsafe) static var wanted: [Bool] = []
      nonisolated(unsafe) static var output: [Float] = []
    }
    var operation = vae_operation()
    operation.struct_size = UInt32(MemoryLayout<vae_operation>.size)
    operation.name = InProcess.text("difference")
    operation.forward = { inputs, _, output, _ in
      guard let inputs, let output else { return 1 }
      for index in 0..<12 {
        output.pointee.data[index] = inputs[0].data[index] - 2 * inputs[1].data[index]
      }
      return 0
    }
    operation.backward = { _, count, output, gradient, gradients, _ in
      guard let output, let gradient, let gradients else { return 1 }
      Seen.wanted = (0..<Int(count)).map { gradients[$0].data != nil }
      Seen.output = (0..<12).map { output.pointee.data[$0] }
      for index in 0..<12 {
        gradients[0].data?[index] = gradient.pointee.data[index]
        gradients[1].data?[index] = -2 * gradient.pointee.data[index]
      }
      return 0
    }
    let kept = InProcess.kept(operation)
    let values: [Float] = (0..<12).map { Float($0 * 5 % 7) - 2 }
    for isFirst in [true, false] {
      let prior = try model([(key: "prior.name", value: "test")], InProcess.registry()).prior
      InProcess.density = { host, pass, z in
        let ones = host.scale(pass, host.stop_gradient(pass, z), 0, 1)
        let shape: [Int64] = [4, 3]
        return host.row_sums(
          pass, host.custom(pass, kept, isFirst ? [z, ones] : [ones, z], 2, shape, 2, nil))
      }
      let parameter = Parameter(Tensor(values, shape: [4, 3]))
      let rate = prior.draw(
        from: GivenDraw(parameter: parameter), DrawRequest(), context(4, mode: .training)
      ).rate
      let gradient = rate.sum().backward()[parameter]
      XCTAssertNil((prior as? any FalliblePart)?.takeFault())
      XCTAssertEqual(Seen.wanted, [isFirst, !isFirst])
      XCTAssertEqual(Seen.output, values.map { isFirst ? $0 - 2 : 1 - 2 * $0 })
      XCTAssertEqual(
        gradient?.floats, [Float](repeating: isFirst ? -1 : 2, count: 12), "of minus the density")
    }
  }
}
