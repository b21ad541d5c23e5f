import Tensors

/// Many small pictures laid out as one.
public enum ImageGrid {
  /// Lays pictures out row by row, `columns` in a row.
  ///
  /// - Parameters:
  ///   - images: at least one picture, all of one size and channel count.
  ///   - columns: pictures in a row; fewer when there are fewer pictures.
  ///   - padding: pixels between pictures and around the whole.
  ///   - background: the byte of padding and of places left empty.
  ///   - scale: a whole factor by which each picture's pixels are repeated along both sides.
  public static func grid(
    of images: [PixelImage], columns: Int, padding: Int = 2, background: UInt8 = 128, scale: Int = 1
  ) -> PixelImage {
    ensure(columns > 0, "a grid has \(columns) columns")
    return layOut(
      rows(of: images, columns: columns), padding: padding, background: background, scale: scale)
  }

  /// Lays out each row of originals with the row of their reconstructions below it.
  ///
  /// - Parameters:
  ///   - originals: at least one picture, all of one size and channel count.
  ///   - reconstructions: as many, of the same size and channel count.
  ///   - columns: pictures in a row; fewer when there are fewer pictures.
  ///   - padding: pixels between pictures and around the whole.
  ///   - background: the byte of padding and of places left empty.
  ///   - scale: a whole factor by which each picture's pixels are repeated along both sides.
  public static func pairedGrid(
    originals: [PixelImage], reconstructions: [PixelImage], columns: Int, padding: Int = 2,
    background: UInt8 = 128, scale: Int = 1
  ) -> PixelImage {
    ensure(columns > 0, "a grid has \(columns) columns")
    ensure(
      originals.count == reconstructions.count,
      "\(originals.count) originals are paired with \(reconstructions.count) reconstructions")
    let pairs = zip(
      rows(of: originals, columns: columns), rows(of: reconstructions, columns: columns))
    return layOut(
      pairs.flatMap { [$0, $1] }, padding: padding, background: background, scale: scale)
  }

  /// Lays out rows of pictures, each with lines of text before it.
  ///
  /// - Parameters:
  ///   - rows: at least one, each with at least one picture, all of one size and channel count.
  ///   - padding: pixels between pictures and around the whole.
  ///   - background: the byte of padding, of places left empty, and behind the text, which is
  ///     black.
  ///   - scale: a whole factor by which each picture's pixels are repeated along both sides.
  public static func labelledRows(
    _ rows: [(label: [String], images: [PixelImage])], padding: Int = 2, background: UInt8 = 192,
    scale: Int = 1
  ) -> PixelImage {
    let grid = layOut(
      rows.map { $0.images[...] }, padding: padding, background: background, scale: scale)
    // Three lines in letters twice as large fit beside 64 pixels.
    let cell = (grid.height - padding) / max(1, rows.count)
    let textScale = cell >= 56 ? 2 : 1
    let sizes = rows.map { PixelImage.textSize($0.label, scale: textScale) }
    guard let margin = sizes.map(\.width).max(), margin > 0 else { return grid }
    let left = margin + 3 * textScale
    var canvas = PixelImage(
      width: left + grid.width, height: grid.height, channels: grid.channels,
      filledWith: background)
    canvas.draw(grid, left: left, top: 0, scale: 1)
    for (number, row) in rows.enumerated() {
      let top = padding + number * cell + (cell - padding - sizes[number].height) / 2
      canvas.draw(row.label, left: 3 * textScale, top: max(0, top), scale: textScale, byte: 0)
    }
    return canvas
  }

  /// Columns for a number of pictures: as nearly a square as there is without an empty place, and
  /// where that would be more than three times as wide as high, as nearly a square as there is.
  public static func columns(for count: Int) -> Int {
    let side = (1...max(1, count)).first { $0 * $0 >= count } ?? 1
    return (side...3 * side).first { columns in
      count % columns == 0 && columns <= 3 * (count / columns)
    } ?? side
  }

  private static func rows(of images: [PixelImage], columns: Int) -> [ArraySlice<PixelImage>] {
    stride(from: 0, to: images.count, by: columns).map { start in
      images[start..<min(start + columns, images.count)]
    }
  }

  private static func layOut(
    _ rows: [ArraySlice<PixelImage>], padding: Int, background: UInt8, scale: Int
  ) -> PixelImage {
    ensure(padding >= 0 && scale > 0, "a grid with padding \(padding) and scale \(scale)")
    guard let first = rows.first?.first else { fatalError("a grid of no pictures") }
    let columns = rows.map(\.count).max() ?? 0
    let cellWidth = first.width * scale + padding
    let cellHeight = first.height * scale + padding
    var canvas = PixelImage(
      width: columns * cellWidth + padding, height: rows.count * cellHeight + padding,
      channels: first.channels, filledWith: background)
    for (row, images) in rows.enumerated() {
      for (column, image) in images.enumerated() {
        ensure(
          image.width == first.width && image.height == first.height
            && image.channels == first.channels,
          "a grid of \(first.width)x\(first.height)x\(first.channels) pictures was given one of "
            + "\(image.width)x\(image.height)x\(image.channels)")
        canvas.draw(
          image, left: padding + column * cellWidth, top: padding + row * cellHeight, scale: scale)
      }
    }
    return canvas
  }
}

extension PixelImage {
  /// Copies a picture of the same channel count, each of its pixels repeated `scale` times along
  /// both sides, to where it fits.
  mutating func draw(_ image: PixelImage, left: Int, top: Int, scale: Int) {
    for y in 0..<image.height * scale {
      for x in 0..<image.width * scale {
        let source = (y / scale * image.width + x / scale) * channels
        let target = ((top + y) * width + left + x) * channels
        for channel in 0..<channels {
          pixels[target + channel] = image.pixels[source + channel]
        }
      }
    }
  }
}
