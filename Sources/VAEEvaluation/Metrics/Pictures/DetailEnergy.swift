import Glibc
import Tensors

/// The energy of fine detail in images: of their grey values, the means over channels, each less the image's mean, what
/// lies in spatial frequencies beyond a quarter of a cycle per pixel, √(f_x² + f_y²) > ¼.
///
/// An orthonormal basis of cosines and sines along each axis gives the same sum of squares as the discrete Fourier
/// transform.
package struct DetailEnergy {
  private let along: (rows: Tensor, columns: Tensor)
  /// One for each pair of frequencies beyond the bound and zero for the others, `[width, height]`.
  private let isFine: Tensor

  /// Beyond this frequency, in cycles per pixel, detail is fine.
  private static let bound = 0.25

  /// The energy of images of a size.
  package init(height: Int, width: Int) {
    let (rows, columns) = (Self.frequencies(height), Self.frequencies(width))
    along = (Self.basis(height), Self.basis(width))
    isFine = Tensor([width, height]) { buffer in
      for (x, across) in columns.enumerated() {
        for (y, down) in rows.enumerated() {
          let isBeyond = across * across + down * down > Self.bound * Self.bound
          buffer[x * height + y] = isBeyond ? 1 : 0
        }
      }
    }
  }

  /// The sum over images `[N, height, width, channels]`.
  package func callAsFunction(_ images: Tensor) -> Double {
    withoutTape {
      let grey = images.mean(axis: 3)
      let count = grey.shape[0]
      let pixels = grey.count / max(1, count)
      let mean = grey.reshaped(to: [count, pixels]).mean(axis: 1).reshaped(to: [count, 1, 1])
      let coefficients = (grey - mean).matrixProduct(along.columns).permuted([0, 2, 1])
        .matrixProduct(along.rows)
      return (coefficients * isFine).doubleSumOfSquares
    }
  }

  /// The frequency of each function of the basis of a size, in cycles per pixel.
  private static func frequencies(_ size: Int) -> [Double] {
    (0..<size).map { Double(($0 + 1) / 2) / Double(size) }
  }

  /// `[size, size]`, a function in each column: the constant one, then a cosine and a sine of each frequency; of half a
  /// cycle per pixel there is a cosine alone.
  private static func basis(_ size: Int) -> Tensor {
    Tensor([size, size]) { buffer in
      for (column, frequency) in frequencies(size).enumerated() {
        let isAlone = column == 0 || 2 * ((column + 1) / 2) == size
        let scale = ((isAlone ? 1 : 2) / Double(size)).squareRoot()
        for place in 0..<size {
          let phase = 2 * Double.pi * frequency * Double(place)
          buffer[place * size + column] = Float(
            scale * (column.isMultiple(of: 2) && column > 0 ? Glibc.sin(phase) : Glibc.cos(phase)))
        }
      }
    }
  }
}
