import Tensors
import VAECore
import VAEData
import VAEFiles
import VAEZoo

extension ImageOutput {
  /// Writes examples of which what was missing is filled in: rows of a table, with all that the file has beside
  /// them, an array, or as a picture the first images with something missing above what they have become.
  ///
  /// - Parameters:
  ///   - found: the examples.
  ///   - model: what they are of.
  ///   - source: what the user calls the data.
  ///   - split: that they are.
  ///   - count: how many images a picture has at most.
  func write(
    _ found: Imputation, of model: TrainedModel, from source: String, split: DataSplit, count: Int
  ) throws {
    if format == .png {
      let size = found.values.shape.removingFirst.count
      let missing = found.missing.floats
      var torn = (0..<split.count).filter { example in
        missing[example * size..<(example + 1) * size].contains(1)
      }
      if torn.isEmpty { torn = Array(0..<split.count) }
      let shown = Array(torn.prefix(count))
      let places = Tensor(indices: shown.map(Int32.init))
      let values = rows(found.values, places)
      let range = model.recipe.data?.range ?? .unit
      let grey = range == .real ? values.floats.reduce(0, +) / Float(max(1, values.count)) : 0.5
      let mask = rows(found.missing, places)
      return try write(
        originals: values * (1 - mask) + mask * grey, reconstructions: values, range: range)
    }
    if let columns = model.columns, format.isTable, split.name == "train",
      let bytes = try TableWriter(columns, separator: format == .tsv ? "\t" : ",")
        .bytes(filling: source, found.rows ?? [], where: found.missing)
    {
      return try write(bytes)
    }
    if let columns = model.columns, let rows = format.isTable ? found.rows : found.exactRows {
      return try write(rows, of: columns, made: found.missing)
    }
    let areVectors = split.shape.height == 1 && split.shape.channels == 1
    try write(array: model.columns == nil && !areVectors ? found.values : found.flatRows)
  }

  private func rows(_ images: Tensor, _ places: Tensor) -> Tensor {
    let shape = images.shape
    return images.reshaped(to: [shape[0], shape.removingFirst.count]).gathering(places)
      .reshaped(to: Shape([places.count] + shape.dimensions.dropFirst()))
  }
}
