import CVectorKernels
import XCTest

/// Convolutions of our own against loops over every tap, in double precision.
final class VectorKernelsConvolutionTests: VectorKernelsTestCase {
  /// Sizes of a convolution: [batch, height, width, inputs] to [batch, outHeight, outWidth,
  /// outputs].
  private struct Sizes {
    var batch, height, width, inputs, outHeight, outWidth, outputs: Int
    var stride = 1
    var runs: [(row: Int, column: Int, length: Int)]

    var inputCount: Int { batch * height * width * inputs }
    var outputCount: Int { batch * outHeight * outWidth * outputs }
    var taps: Int { runs.reduce(0) { $0 + $1.length } }

    /// Calls a closure for every tap that meets the image: output pixel, tap, input pixel.
    func eachTap(_ body: (_ output: Int, _ tap: Int, _ input: Int) -> Void) {
      for n in 0..<batch {
        for y in 0..<outHeight {
          for x in 0..<outWidth {
            var tap = 0
            for run in runs {
              for step in 0..<run.length {
                let (row, column) = (y * stride + run.row, x * stride + run.column + step)
                if row >= 0 && row < height && column >= 0 && column < width {
                  body(
                    (n * outHeight + y) * outWidth + x, tap, (n * height + row) * width + column)
                }
                tap += 1
              }
            }
          }
        }
      }
    }

    func withTaps<Result>(_ body: (UnsafePointer<vk_taps>) -> Result) -> Result {
      let runs = runs.map {
        vk_tap_run(row: Int32($0.row), column: Int32($0.column), length: Int32($0.length))
      }
      return runs.withUnsafeBufferPointer { buffer in
        var taps = vk_taps(
          batch: batch, input_height: height, input_width: width, inputs: inputs,
          output_height: outHeight, output_width: outWidth, outputs: outputs, stride_y: stride,
          stride_x: stride, run_count: buffer.count, runs: buffer.baseAddress)
        return withUnsafePointer(to: &taps) { body($0) }
      }
    }
  }

  private static let tapSizes = [
    Sizes(
      batch: 1, height: 1, width: 1, inputs: 1, outHeight: 1, outWidth: 1, outputs: 1,
      runs: [(0, 0, 1)]),
    Sizes(
      batch: 3, height: 5, width: 4, inputs: 3, outHeight: 5, outWidth: 4, outputs: 6,
      runs: [(-1, -1, 3), (0, -1, 2)]),
    // Runs that lie outside for every pixel, and lines longer than a block.
    Sizes(
      batch: 2, height: 2, width: 230, inputs: 2, outHeight: 2, outWidth: 230, outputs: 3,
      runs: [(-3, -3, 7), (0, -3, 3), (0, 400, 2)]),
    Sizes(
      batch: 19, height: 7, width: 6, inputs: 5, outHeight: 3, outWidth: 3, outputs: 17, stride: 2,
      runs: [(-1, -1, 4), (0, -1, 4), (1, -1, 4), (2, -1, 4)]),
  ]

  func testGatheredColumnsAreTheInputsUnderTheTaps() {
    for s in Self.tapSizes {
      let x = numbers(s.inputCount, seed: 1)
      let pixels = s.batch * s.outHeight * s.outWidth
      var expected = [Double](repeating: 0, count: pixels * s.taps * s.inputs)
      s.eachTap { output, tap, input in
        for i in 0..<s.inputs {
          expected[(output * s.taps + tap) * s.inputs + i] = Double(x[input * s.inputs + i])
        }
      }
      check("gather \(s)", expected, relative: 0, absolute: 0) {
        var columns = unwritten(expected.count)
        s.withTaps { vk_gather_taps($0, x, &columns) }
        return columns
      }
    }
  }

  func testScatteredColumnsAddUpAtTheirPixels() {
    for s in Self.tapSizes {
      let columns = numbers(s.batch * s.outHeight * s.outWidth * s.taps * s.inputs, seed: 2)
      var expected = [Double](repeating: 0, count: s.inputCount)
      s.eachTap { output, tap, input in
        for i in 0..<s.inputs {
          expected[input * s.inputs + i] += Double(columns[(output * s.taps + tap) * s.inputs + i])
        }
      }
      check("scatter \(s)", expected) {
        var x = unwritten(expected.count)
        s.withTaps { vk_scatter_taps($0, columns, &x) }
        return x
      }
    }
  }

  func testTapConvolutionsAndTheirGradientsMatchLoops() {
    for s in Self.tapSizes {
      let depth = s.taps * s.inputs
      let x = numbers(s.inputCount, seed: 3)
      let weights = numbers(depth * s.outputs, seed: 4, in: -1...1)
      let bias = numbers(s.outputs, seed: 5)
      let dy = numbers(s.outputCount, seed: 6)
      var y = (0..<s.outputCount).map { Double(bias[$0 % s.outputs]) }
      s.eachTap { output, tap, input in
        for i in 0..<s.inputs {
          for o in 0..<s.outputs {
            y[output * s.outputs + o] +=
              Double(x[input * s.inputs + i])
              * Double(weights[(tap * s.inputs + i) * s.outputs + o])
          }
        }
      }
      // Where a sum is near zero the sign depends on rounding: tanh has no kink.
      let outputs = y.map { tanh($0) }
      let inner = zip(dy, outputs).map { Double($0) * (1 - $1 * $1) }
      var dx = [Double](repeating: 0, count: s.inputCount)
      var dweights = [Double](repeating: 0, count: weights.count)
      var dbias = [Double](repeating: 0, count: s.outputs)
      for (index, value) in inner.enumerated() { dbias[index % s.outputs] += value }
      s.eachTap { output, tap, input in
        for i in 0..<s.inputs {
          for o in 0..<s.outputs {
            let (d, w) = (inner[output * s.outputs + o], (tap * s.inputs + i) * s.outputs + o)
            dweights[w] += d * Double(x[input * s.inputs + i])
            dx[input * s.inputs + i] += d * Double(weights[w])
          }
        }
      }
      func forward() -> [Float] {
        var result = unwritten(s.outputCount)
        let status = s.withTaps {
          vk_tap_convolution($0, VK_TANH, nil, x, weights, bias, &result, plainProduct)
        }
        XCTAssertEqual(status, 0)
        return result
      }
      check("forward \(s)", outputs, relative: 1e-4, absolute: 1e-4, run: forward)
      check("backward \(s)", dx + dweights + dbias, relative: 1e-3, absolute: 2e-3) {
        let saved = forward()
        var (gx, gw, gb) = (
          unwritten(dx.count), unwritten(dweights.count), unwritten(dbias.count)
        )
        let status = s.withTaps {
          vk_tap_convolution_backward(
            $0, VK_TANH, nil, x, weights, saved, dy, &gx, &gw, &gb, plainProduct)
        }
        XCTAssertEqual(status, 0)
        return gx + gw + gb
      }
    }
  }

  func testAFailedProductIsReported() {
    let s = Self.tapSizes[1]
    let (x, weights) = (
      numbers(s.inputCount, seed: 1), numbers(s.taps * s.inputs * s.outputs, seed: 2)
    )
    var y = unwritten(s.outputCount)
    let status = s.withTaps {
      vk_tap_convolution($0, VK_IDENTITY, nil, x, weights, nil, &y) {
        _, _, _, _, _, _, _, _, _, _, _, _, _ in 7
      }
    }
    XCTAssertEqual(status, 7)
  }

  func testConvolutionsToFewOutputsMatchLoops() {
    for (batch, height, width, inputs, outputs, kernel, pad) in [
      (1, 1, 1, 16, 1, 3, 1), (2, 5, 7, 32, 3, 3, 1), (17, 6, 9, 48, 2, 3, 0),
      (3, 4, 2, 16, 4, 5, 2), (2, 12, 16, 32, 3, 2, 1),
      (2, 5, 8, 32, 3, 3, 1), (1, 6, 12, 16, 1, 5, 2),
    ] {
      let (outHeight, outWidth) = (height + 2 * pad - kernel + 1, width + 2 * pad - kernel + 1)
      guard outHeight > 0, outWidth > 0 else { continue }
      let s = Sizes(
        batch: batch, height: height, width: width, inputs: inputs, outHeight: outHeight,
        outWidth: outWidth, outputs: outputs,
        runs: (0..<kernel).map { ($0 - pad, -pad, kernel) })
      var shape = vk_narrow_shape(
        batch: batch, height: height, width: width, inputs: inputs, output_height: outHeight,
        output_width: outWidth, outputs: outputs, kernel_height: kernel, kernel_width: kernel,
        pad_top: pad, pad_left: pad)
      XCTAssertEqual(vk_narrow_is_supported(&shape), 1)
      let area = kernel * kernel
      let x = numbers(s.inputCount, seed: 7), dy = numbers(s.outputCount, seed: 8)
      let weights = numbers(outputs * inputs * area, seed: 9, in: -1...1)
      let bias = numbers(outputs, seed: 10)
      var y = (0..<s.outputCount).map { Double(bias[$0 % outputs]) }
      var dweights = [Double](repeating: 0, count: weights.count)
      s.eachTap { output, tap, input in
        for i in 0..<inputs {
          for o in 0..<outputs {
            let w = (o * inputs + i) * area + tap
            y[output * outputs + o] += Double(x[input * inputs + i]) * Double(weights[w])
            dweights[w] += Double(x[input * inputs + i]) * Double(dy[output * outputs + o])
          }
        }
      }
      check("few outputs \(s)", y, relative: 1e-4, absolute: 1e-4) {
        var result = unwritten(y.count)
        vk_narrow_convolution(&shape, x, weights, bias, &result)
        return result
      }
      check("weights of few outputs \(s)", dweights, relative: 1e-4, absolute: 1e-3) {
        var result = unwritten(dweights.count)
        vk_narrow_weight_gradient(&shape, x, dy, &result)
        return result
      }
    }
  }

  func testSizesThatTheLoopsDoNotTakeAreRefused() {
    for (inputs, outputs) in [(16, 5), (16, 0), (15, 3), (0, 3)] {
      var shape = vk_narrow_shape(
        batch: 1, height: 4, width: 4, inputs: inputs, output_height: 4, output_width: 4,
        outputs: outputs, kernel_height: 3, kernel_width: 3, pad_top: 1, pad_left: 1)
      XCTAssertEqual(vk_narrow_is_supported(&shape), 0, "\(inputs) to \(outputs)")
    }
  }
}

/// A matrix product whose bits do not depend on the number of threads, as those of oneDNN may.
private func plainProduct(
  _ transposeA: Int32, _ transposeB: Int32, _ m: Int64, _ n: Int64, _ k: Int64, _ alpha: Float,
  _ a: UnsafePointer<Float>?, _ lda: Int64, _ b: UnsafePointer<Float>?, _ ldb: Int64,
  _ beta: Float, _ c: UnsafeMutablePointer<Float>?, _ ldc: Int64
) -> Int32 {
  guard let a, let b, let c else { return 1 }
  let (lda, ldb, ldc) = (Int(lda), Int(ldb), Int(ldc))
  for row in 0..<Int(m) {
    for column in 0..<Int(n) {
      var sum: Float = 0
      for inner in 0..<Int(k) {
        let left = transposeA != 0 ? a[inner * lda + row] : a[row * lda + inner]
        let right = transposeB != 0 ? b[column * ldb + inner] : b[inner * ldb + column]
        sum += left * right
      }
      let target = c + row * ldc + column
      target.pointee = alpha * sum + (beta == 0 ? 0 : beta * target.pointee)
    }
  }
  return 0
}
