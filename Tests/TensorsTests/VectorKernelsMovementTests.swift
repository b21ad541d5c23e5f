import CVectorKernels
import XCTest

final class VectorKernelsMovementTests: VectorKernelsTestCase {
  func testStridedCopiesMoveOrAddEveryElement() {
    // Shape, source strides, destination strides.
    let cases: [([Int64], [Int64], [Int64])] = [
      ([], [], []), ([0, 3], [3, 1], [3, 1]), ([20_000], [1], [1]), ([500], [3], [2]),
      ([70, 90], [1, 70], [90, 1]), ([90, 70], [70, 1], [1, 90]),
      ([4, 6, 50], [300, 1, 6], [300, 50, 1]),
      ([40, 30, 20], [0, 1, 0], [600, 20, 1]), ([3, 4, 5, 6], [1, 3, 12, 60], [120, 30, 6, 1]),
      ([2, 3, 1, 2, 3, 2, 2, 3], [216, 72, 72, 36, 12, 6, 3, 1], [1, 2, 6, 6, 12, 36, 72, 144]),
      ([200, 100], [100, 1], [300, 1]),
    ]
    let source = numbers(40_000, seed: 90), start = numbers(70_000, seed: 91)
    for (shape, from, to) in cases {
      for accumulate in [false, true] {
        var expected = start.map(Double.init)
        for element in 0..<Int(shape.reduce(1, *)) {
          var rest = Int64(element), read = 0, write = 0
          for axis in shape.indices.reversed() {
            read += Int(rest % shape[axis] * from[axis])
            write += Int(rest % shape[axis] * to[axis])
            rest /= shape[axis]
          }
          expected[write] = Double(source[read]) + (accumulate ? expected[write] : 0)
        }
        check("copy of \(shape), \(from) to \(to), adding \(accumulate)", expected) {
          var destination = start
          vk_copy_strided(
            Int32(shape.count), shape, source, from, &destination, to, accumulate ? 1 : 0)
          return destination
        }
      }
    }
  }

  func testGatherAndScatterFollowTheIndices() {
    for (count, columns) in [(0, 4), (5, 1), (7, 64), (300, 100), (2, 9000)] {
      let tableRows = 11
      let table = numbers(tableRows * columns, seed: 92), rows = numbers(count * columns, seed: 93)
      let indices = (0..<count).map { Int32($0 * 7 % tableRows) }
      let element = { (i: Int) in Int(indices[i / columns]) * columns + i % columns }
      check("gather", rows.indices.map { Double(table[element($0)]) }, absolute: 0) {
        var out = unwritten(count * columns)
        vk_gather_rows(table, indices, &out, count, columns)
        return out
      }
      var expected = table.map(Double.init)
      for i in rows.indices { expected[element(i)] += Double(rows[i]) }
      check("scatter", expected, absolute: 1e-5) {
        var out = table
        vk_scatter_add_rows(rows, indices, &out, count, columns)
        return out
      }
    }
  }

  func testUpsamplingRepeatsAndItsGradientSums() {
    for (batch, height, width, channels, factorY, factorX) in [
      (0, 2, 2, 3, 2, 2), (1, 1, 1, 1, 3, 2), (2, 3, 5, 7, 2, 3), (3, 16, 16, 20, 2, 2),
    ] {
      let x = numbers(batch * height * width * channels, seed: 94)
      let dy = numbers(x.count * factorY * factorX, seed: 95)
      let source = { (i: Int) -> Int in
        let wide = width * factorX, high = height * factorY
        let c = i % channels, column = i / channels % wide / factorX
        let row = i / channels / wide % high / factorY, example = i / channels / wide / high
        return ((example * height + row) * width + column) * channels + c
      }
      check("upsampling", dy.indices.map { Double(x[source($0)]) }, absolute: 0) {
        var y = unwritten(dy.count)
        vk_upsample_nearest(x, &y, batch, height, width, channels, factorY, factorX)
        return y
      }
      var expected = [Double](repeating: 0, count: x.count)
      for i in dy.indices { expected[source(i)] += Double(dy[i]) }
      check("upsampling gradient", expected) {
        var dx = unwritten(x.count)
        vk_upsample_nearest_backward(dy, &dx, batch, height, width, channels, factorY, factorX)
        return dx
      }
    }
  }

  func testBytesAndThresholdsBecomeFloats() {
    for n in kernelSizes {
      let bytes = (0..<n).map { UInt8(truncatingIfNeeded: $0 * 37) }
      for divisor in [1, 255] as [Float] {
        check("bytes", bytes.map { Double(Float($0) / divisor) }, absolute: 0) {
          var y = unwritten(n)
          vk_bytes_to_float(bytes, divisor, &y, n)
          return y
        }
      }
      let x = numbers(n, seed: 96, in: -2...2).map { $0.rounded() }
      check("threshold", x.map { $0 > 1 ? 1 : 0 }, absolute: 0) {
        var y = x
        y.withUnsafeMutableBufferPointer { vk_threshold($0.baseAddress, 1, $0.baseAddress, n) }
        return y
      }
    }
  }
}
