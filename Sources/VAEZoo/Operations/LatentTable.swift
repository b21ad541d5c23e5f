import Communication
import Messages
import Tensors
import VAECore
import VAEData
import VAETraining

/// What to write about the latents of each example.
public enum LatentContent: String, Sendable, CaseIterable {
  /// The means of q(z|x).
  case means
  /// The variances of q(z|x).
  case variances
  /// The numbers of the codes.
  case codes
  /// A draw from q(z|x).
  case draws
}

/// Latents as one array, a row per example: what `encode` writes and `decode` reads.
///
/// One layer of units is `[N, units]`, codes are `[N, height, width]` of whole numbers or
/// `[N, height, width, size]` of their vectors. The layers of a hierarchy stand side by side in a
/// row, `[N, units of all]`, the one nearest to the data first.
extension TrainedModel {
  /// What `encode` writes where nothing is asked for: all that `decode` needs.
  public var latentContent: LatentContent {
    let latents = model.prior.latents
    if latents.codes != nil { return .codes }
    return model.hasPosteriorMoments ? .means : .draws
  }

  /// What the encoder says about all examples of a split, as one array.
  ///
  /// - Parameters:
  ///   - split: the examples.
  ///   - content: what of it.
  ///   - seed: of all draws.
  ///   - communicator: what connects ranks that divide the examples among each other; see `encode`.
  ///   - progress: as for `encode`.
  /// - Throws: `TrainingError` where the model has nothing of the kind, and what `encode` throws.
  public func latentTable(
    of split: DataSplit, _ content: LatentContent, seed: Int = 0,
    among communicator: any Communicator = SoloCommunicator(),
    progress: (Double) throws -> Void = { _ in }
  ) throws -> Tensor {
    let encoding = try encode(split, seed: seed, among: communicator, progress: progress)
    let found: Tensor? =
      switch content {
      case .means: encoding.mean
      case .variances: encoding.variance
      case .codes: encoding.codes
      case .draws: encoding.samples.isEmpty ? nil : Self.joined(encoding.samples)
      }
    guard let found else {
      let structure = model.prior.latents
      let other = structure.isEmpty ? "" : "; choose \(latentContent.rawValue)"
      throw TrainingError(
        .unsuitable,
        "\(source) has no \(content.rawValue) to write: the model has \(structure.phrase)\(other)")
    }
    return found
  }

  /// Layers as one array, side by side.
  private static func joined(_ layers: [Tensor]) -> Tensor {
    guard layers.count > 1 else { return layers[0] }
    return withoutTape { Tensor.concatenated(layers.map { $0.flattened() }, axis: 1) }
  }

  /// The layers of an array of latents, as `decode` takes them.
  ///
  /// - Parameters:
  ///   - table: a row for each example.
  ///   - name: what the array is, for errors.
  /// - Throws: `TrainingError` where the model has no latents; `DataError` where the array has
  ///   another shape than they have, or holds what is no number or no code.
  public func latents(from table: Tensor, name: String) throws -> [Tensor] {
    let structure = model.prior.latents
    guard !structure.isEmpty else {
      throw TrainingError(
        .unsuitable, "\(source) cannot decode \(name): the model has \(structure.phrase)")
    }
    let row = table.isOfCodes ? structure.codeRowShape : structure.rowShape
    guard let row, table.hasRows(of: row) else {
      throw DataError(
        .malformed,
        "\(name) holds \(table.isOfCodes ? "whole" : "floating-point") numbers of the shape "
          + "\(table.shape), but \(source) takes \(structure.rowPhrase): it has \(structure.phrase)"
      )
    }
    try check(table, name)
    guard structure.isHierarchy else { return [table] }
    let layers = structure.layerShapes
    return withoutTape {
      zip(table.split(sizes: layers.map(\.count), axis: 1), layers).map { part, layer in
        part.reshaped(to: Shape([table.shape[0]] + layer.dimensions))
      }
    }
  }

  /// Refuses elements that no latent can be, naming the first.
  private func check(_ table: Tensor, _ name: String) throws(DataError) {
    if table.isOfCodes {
      guard let grid = model.prior.latents.codes,
        let position = table.indices.firstIndex(where: { !(0..<grid.codeCount).contains(Int($0)) })
      else { return }
      throw DataError(
        .unusable,
        "\(name)\(table.place(of: position)) is \(table.indices[position]), which is no code: "
          + "there are 0..<\(grid.codeCount)")
    }
    guard !table.isFinite else { return }
    let position = table.floats.firstIndex { !$0.isFinite } ?? 0
    throw DataError(
      .unusable,
      "\(name)\(table.place(of: position)) is \(table.floats[position]); every latent must be a "
        + "finite number")
  }
}

extension Tensor {
  /// Whether it is rows of a shape.
  fileprivate func hasRows(of row: Shape) -> Bool {
    rank == row.rank + 1 && shape.removingFirst == row
  }

  /// Where an element stands, such as `[3, 10]`.
  fileprivate func place(of position: Int) -> String {
    "["
      + zip(shape.dimensions, shape.strides).map { "\(position / $1 % $0)" }
      .joined(separator: ", ") + "]"
  }
}
