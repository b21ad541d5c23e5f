import Tensors
import VAEFiles

extension Page {
  /// The side of the pictures that pages make.
  public static let side = 12

  /// Pictures of zeros and ones, `[count, 12, 12, 1]`: a filled rectangle or a frame at a place and of a
  /// size drawn at random, so that five numbers tell a picture.
  public static func pictures(_ count: Int, seed: UInt64 = 1) -> Tensor {
    var generator = RandomSource(seed: seed).stream("pictures").generator()
    func range() -> ClosedRange<Int> {
      let size = Int.random(in: 3...8, using: &generator)
      let start = Int.random(in: 0...side - size, using: &generator)
      return start...start + size - 1
    }
    var pixels: [Float] = []
    for _ in 0..<count {
      let (rows, columns, isFilled) = (range(), range(), Bool.random(using: &generator))
      for row in 0..<side {
        for column in 0..<side {
          let isInside = rows.contains(row) && columns.contains(column)
          let isEdge =
            row == rows.lowerBound || row == rows.upperBound || column == columns.lowerBound
            || column == columns.upperBound
          pixels.append(isInside && (isFilled || isEdge) ? 1 : 0)
        }
      }
    }
    return Tensor(pixels, shape: [count, side, side, 1])
  }

  /// The images of an `.npy` file: bytes, taken as they are, or 32-bit floats, `[N, height, width, 1]`.
  /// Source of the format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
  static func images(_ path: String) throws -> Tensor {
    let bytes = try DurableFiles.read(path)
    guard bytes.count > 10, bytes.starts(with: [0x93] + Array("NUMPY".utf8)), bytes[6] == 1 else {
      throw PageError("\(path) is no array of NumPy's format 1.0")
    }
    let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
    guard start <= bytes.count else { throw PageError("\(path) ends in its header") }
    let header = String(decoding: bytes[10..<start], as: UTF8.self)
    let sizes = header.split(separator: "(").last?.split(separator: ")").first?
      .split(separator: ",").compactMap { Int($0.filter { $0 != " " }) }
    let areBytes = header.contains("'|u1'")
    guard let sizes, sizes.count == 4, sizes[3] == 1, sizes.allSatisfy({ 1...1 << 20 ~= $0 }),
      areBytes || header.contains("'<f4'"), !header.contains("True"),
      bytes.count - start == sizes.reduce(areBytes ? 1 : 4, *)
    else {
      throw PageError("\(path) is no array [N, height, width, 1] of bytes or 32-bit floats")
    }
    let data = bytes[start...]
    let values =
      areBytes
      ? data.map(Float.init)
      : data.withUnsafeBytes { data in
        stride(from: 0, to: data.count, by: 4).map {
          data.loadUnaligned(fromByteOffset: $0, as: Float.self)
        }
      }
    return Tensor(values, shape: Shape(sizes))
  }
}
