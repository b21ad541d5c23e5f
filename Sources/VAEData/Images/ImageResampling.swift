import Tensors

/// Brings images to a size, channel count and crop.
struct ImageResampling {
  let preparation: ImagePreparation

  /// The size of an image of a given one after crop and resizing.
  func shape(of shape: ImageShape, channels: Int) -> ImageShape {
    let side = min(shape.height, shape.width)
    let (height, width) = preparation.crops ? (side, side) : (shape.height, shape.width)
    return ImageShape(
      height: preparation.size ?? height, width: preparation.size ?? width, channels: channels)
  }

  /// Writes a prepared image, grey or of three channels.
  ///
  /// - Parameter destination: as many bytes as `shape(of:channels:)` says.
  func write(
    _ image: DecodedImage, channels: Int, into destination: UnsafeMutableBufferPointer<UInt8>
  ) {
    let source = image.shape
    let target = shape(of: source, channels: channels)
    let side = min(source.height, source.width)
    func kept(_ length: Int) -> Range<Int> {
      let start = preparation.crops ? (length - side) / 2 : 0
      return start..<(preparation.crops ? start + side : length)
    }
    let (rows, columns) = (kept(source.height), kept(source.width))
    let bytes = Self.converted(image, channels: channels)
    bytes.withUnsafeBufferPointer { bytes in
      if rows.count == target.height && columns.count == target.width {
        let length = target.width * channels
        for (number, row) in rows.enumerated() {
          let start = (row * source.width + columns.lowerBound) * channels
          for offset in 0..<length { destination[number * length + offset] = bytes[start + offset] }
        }
      } else {
        Self.resample(
          bytes, width: source.width, channels: channels,
          rows: Taps(rows, count: target.height), columns: Taps(columns, count: target.width),
          into: destination)
      }
    }
  }

  /// The bytes with another channel count: grey by the luma of Rec. ITU-R BT.601, 0.299 red + 0.587
  /// green + 0.114 blue.
  private static func converted(_ image: DecodedImage, channels: Int) -> [UInt8] {
    guard image.shape.channels != channels else { return image.bytes }
    if channels == 3 { return image.bytes.flatMap { [$0, $0, $0] } }
    return (0..<image.shape.height * image.shape.width).map { place in
      let (red, green, blue) = (
        Int(image.bytes[3 * place]), Int(image.bytes[3 * place + 1]),
        Int(image.bytes[3 * place + 2])
      )
      return UInt8((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16)
    }
  }

  /// Which pixels of a line make up each pixel of a shorter or longer one, and with which weights:
  /// where it becomes shorter the mean of the stretch that it covers, where it becomes longer the two
  /// nearest, by their distance.
  private struct Taps {
    let starts: [Int]
    let weights: [[Float]]

    init(_ range: Range<Int>, count: Int) {
      let ratio = Double(range.count) / Double(count)
      var starts: [Int] = []
      var weights: [[Float]] = []
      for number in 0..<count {
        let shares: [(place: Int, share: Double)]
        if ratio >= 1 {
          let (low, high) = (Double(number) * ratio, Double(number + 1) * ratio)
          shares = (Int(low)..<min(range.count, Int(high.rounded(.up)))).map { place in
            (place, min(high, Double(place + 1)) - max(low, Double(place)))
          }
        } else {
          let center = max(0, (Double(number) + 0.5) * ratio - 0.5)
          let first = min(Int(center), range.count - 1)
          let rest = first + 1 < range.count ? center - Double(first) : 0
          shares = [(first, 1 - rest)] + (rest > 0 ? [(first + 1, rest)] : [])
        }
        let sum = shares.reduce(0) { $0 + $1.share }
        starts.append(range.lowerBound + (shares.first?.place ?? 0))
        weights.append(shares.map { Float($0.share / sum) })
      }
      self.starts = starts
      self.weights = weights
    }
  }

  private static func resample(
    _ bytes: UnsafeBufferPointer<UInt8>, width: Int, channels: Int, rows: Taps, columns: Taps,
    into destination: UnsafeMutableBufferPointer<UInt8>
  ) {
    let length = columns.starts.count * channels
    let first = rows.starts.min() ?? 0
    let last = zip(rows.starts, rows.weights).map { $0 + $1.count }.max() ?? first
    // Lines first, each once, then what the lines of the result are mixed from.
    var lines = [Float](repeating: 0, count: (last - first) * length)
    for row in first..<last {
      for (column, start) in columns.starts.enumerated() {
        for (tap, weight) in columns.weights[column].enumerated() {
          let source = (row * width + start + tap) * channels
          let target = (row - first) * length + column * channels
          for channel in 0..<channels {
            lines[target + channel] += weight * Float(bytes[source + channel])
          }
        }
      }
    }
    var line = [Float](repeating: 0, count: length)
    for (row, start) in rows.starts.enumerated() {
      for place in 0..<length { line[place] = 0.5 }
      for (tap, weight) in rows.weights[row].enumerated() {
        let source = (start - first + tap) * length
        for place in 0..<length { line[place] += weight * lines[source + place] }
      }
      for place in 0..<length {
        destination[row * length + place] = UInt8(min(255, line[place]))
      }
    }
  }
}

extension ImageArray {
  /// The same images, prepared.
  ///
  /// - Throws: `DataError` where there is no memory for them.
  func prepared(_ preparation: ImagePreparation) throws(DataError) -> ImageArray {
    guard preparation.text != nil, case .bytes(let memory) = elements else { return self }
    let (name, count, shape) = (name, count, shape)
    let resampling = ImageResampling(preparation: preparation)
    let result = resampling.shape(of: shape, channels: preparation.isGrey ? 1 : shape.channels)
    let (size, overflow) = count.multipliedReportingOverflow(by: result.count)
    let target = try ArrayMemory(byteCount: overflow ? .max : size, name: name)
    let threads = max(1, min(Engine.threads, count))
    Workers.run(threads) { worker in
      for image in stride(from: worker, to: count, by: threads) {
        let source = memory.bytes[image * shape.count..<(image + 1) * shape.count]
        let bytes = target.bytes[image * result.count..<(image + 1) * result.count]
        resampling.write(
          DecodedImage(shape: shape, bytes: Array(source)), channels: result.channels,
          into: UnsafeMutableRawBufferPointer(rebasing: bytes).bindMemory(to: UInt8.self))
      }
    }
    return ImageArray(name: name, count: count, shape: result, bytes: target)
  }
}
