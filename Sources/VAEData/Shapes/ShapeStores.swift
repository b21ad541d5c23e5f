/// Binary pictures of figures: a pixel is 1 where its centre lies inside.
struct BinaryShapeStore: ExampleStore {
  /// The combination of factors of each example.
  let combinations: [Int32]
  /// Pixels a side, at most 64.
  let resolution: Int

  var count: Int { combinations.count }
  var shape: ImageShape { ImageShape(height: resolution, width: resolution, channels: 1) }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    forEachExample(indices, in: destination) { index, image in
      image.update(repeating: 0)
      let figure = ShapeFigure(combination: Int(combinations[index]))
      for row in figure.rows(resolution: resolution) {
        var rest = figure.mask(row: row, resolution: resolution)
        while rest != 0 {
          image[row * resolution + rest.trailingZeroBitCount] = 1
          rest &= rest - 1
        }
      }
    }
  }
}

/// Pictures of figures in eight colours on black. A pixel is the mean of four points, so that edges
/// are soft; all values are multiples of 1/255.
struct ColoredShapeStore: ExampleStore {
  /// The combination of factors of each example, the colour slowest.
  let combinations: [Int32]

  /// Pixels a side.
  private static let resolution = 32

  /// Pure hues, 45° apart, as bytes of red, green and blue.
  static let colors: [[Int]] = [
    [255, 0, 0], [255, 191, 0], [128, 255, 0], [0, 255, 64],
    [0, 255, 255], [0, 64, 255], [128, 0, 255], [255, 0, 191],
  ]

  var count: Int { combinations.count }
  var shape: ImageShape {
    ImageShape(height: Self.resolution, width: Self.resolution, channels: 3)
  }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    forEachExample(indices, in: destination) { index, image in
      image.update(repeating: 0)
      let combination = Int(combinations[index])
      let color = Self.colors[combination / ShapeFigure.count]
      let figure = ShapeFigure(combination: combination % ShapeFigure.count)
      let points = 2 * Self.resolution
      let rows = figure.rows(resolution: points)
      for row in rows.lowerBound / 2..<(rows.upperBound + 1) / 2 {
        let upper = figure.mask(row: 2 * row, resolution: points)
        let lower = figure.mask(row: 2 * row + 1, resolution: points)
        var rest = upper | lower
        while rest != 0 {
          let column = rest.trailingZeroBitCount / 2
          let pair: UInt64 = 0b11 << UInt64(2 * column)
          let inside = (upper & pair).nonzeroBitCount + (lower & pair).nonzeroBitCount
          for channel in 0..<3 {
            let value = (color[channel] * inside + 2) / 4
            image[(row * Self.resolution + column) * 3 + channel] = Float(value) / 255
          }
          rest &= ~pair
        }
      }
    }
  }
}
