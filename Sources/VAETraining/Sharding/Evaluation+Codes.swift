import Communication
import Messages
import NeuralNetworks
import Tensors
import VAECore

extension Evaluation {
  /// The codes of a whole batch, and nothing else of it: what is measured of every update looks at codes.
  ///
  /// - Parameters:
  ///   - parts: of the local shards.
  ///   - group: all shards.
  ///   - examples: of each of them.
  ///   - codeCount: how many different codes there are.
  /// - Throws: `CommunicationError`, also where what comes from other ranks is no code.
  func withCodes(
    of parts: [Evaluation], in group: ShardGroup, _ examples: [Int], codeCount: Int
  ) throws -> Evaluation {
    let largest = examples.max() ?? 0
    var layers: [LatentLayer] = []
    for (number, layer) in draw.layers.enumerated() {
      guard let codes = layer.codes else { continue }
      let perExample = codes.count / max(1, batch.shape[0])
      let own = parts.map { part -> [Int32] in
        let codes = part.draw.layers[number].codes?.indices ?? []
        return codes + [Int32](repeating: 0, count: largest * perExample - codes.count)
      }
      let all = try group.gathered(own, filling: 0)
      let whole = examples.indices.flatMap { shard in
        let start = shard * largest * perExample
        return all[start..<start + examples[shard] * perExample]
      }
      guard whole.allSatisfy({ (0..<codeCount).contains(Int($0)) }) else {
        throw CommunicationError(
          .failed,
          "rank \(group.communicator.rank) is given codes by the others that are none of the \(codeCount) of the model; end "
            + "all ranks, and go on from the last checkpoint")
      }
      let joined = Tensor(indices: whole)
      layers.append(
        LatentLayer(sample: joined, rate: .zeros([batch.shape[0]]), codes: joined))
    }
    return Evaluation(
      batch: batch, posterior: EmptyPosterior(exampleCount: batch.shape[0]),
      draw: LatentDraw(layers: layers, rowCount: batch.shape[0]), parameters: parameters,
      logDensity: .zeros([batch.shape[0]]), samples: 1)
  }
}
