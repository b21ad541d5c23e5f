import Messages
import VAEFiles
import VAERecipes

/// A half of a TAESD that was found in a file.
struct FoundHalf {
  let half: TinyHalf
  let file: Int
  let names: TinyHalf.Names

  /// Where the tensors of the half are.
  var tensors: [WeightPlace] { half.tensors(file: file, names) }

  /// Where halves stand in a file. The numbers of diffusers' decoder are one less, for the clamp is no
  /// layer there.
  private static let places: [(kind: TinyHalf.Kind, names: TinyHalf.Names)] = [
    (.encoder, .init(prefix: "", first: 0)), (.decoder, .init(prefix: "", first: 1)),
    (.encoder, .init(prefix: "encoder.layers.", first: 0)),
    (.decoder, .init(prefix: "decoder.layers.", first: 0)),
    (.encoder, .init(prefix: "taesd_encoder.", first: 0)),
    (.decoder, .init(prefix: "taesd_decoder.", first: 1)),
  ]

  /// The halves in a file; none where it has no such names.
  static func halves(of file: Safetensors, number: Int) throws(RecipeError) -> [FoundHalf] {
    var found: [FoundHalf] = []
    for (kind, names) in places {
      // The decoder has no layer 0 where its clamp counts as one.
      guard file.entry("\(names.prefix)\(names.first).weight") != nil,
        names.first == 0 || file.entry("\(names.prefix)0.weight") == nil
      else { continue }
      let half = try TinyHalf(kind, TinyReader(file: file, names: names))
      found.append(FoundHalf(half: half, file: number, names: names))
    }
    return found
  }
}

extension FoundHalf {
  /// The file and the name of the first layer's weights of a half that is all but this one in its file: one whose
  /// other layers are there, where no half begins. Nil where no file has such.
  static func missingStart(
    of kind: TinyHalf.Kind, in files: [Safetensors], without taken: Set<Int>
  ) -> (file: String, name: String)? {
    for (number, file) in files.enumerated() {
      for place in places where place.kind == kind {
        let prefix = place.names.prefix
        // Raw names say no more than that a file of its own holds a half.
        guard !prefix.isEmpty || !taken.contains(number) else { continue }
        let name = "\(prefix)\(place.names.first).weight"
        let hasBlocks = file.entries.contains {
          $0.name.hasPrefix(prefix) && $0.name.hasSuffix(".conv.0.weight")
            && Int($0.name.dropFirst(prefix.count).prefix { $0 != "." }) != nil
        }
        if hasBlocks, file.entry(name) == nil { return (file.path, name) }
      }
    }
    return nil
  }
}

extension TinyHalf {
  /// The sizes that the tensors of a file tell.
  fileprivate init(_ kind: Kind, _ reader: TinyReader) throws(RecipeError) {
    let isDecoder = kind == .decoder
    let entry = try reader.shape(reader.names.first)
    // Behind the first convolution of the decoder stands a ReLU.
    var layer = reader.names.first + (isDecoder ? 2 : 1)
    var blocks: [Int] = []
    while true {
      let start = layer
      while reader.hasBlock(layer) { layer += 1 }
      blocks.append(layer - start)
      // Nothing follows the last convolution.
      if reader.isLast(layer) { break }
      // The decoder enlarges before a convolution.
      if isDecoder { layer += 1 }
      _ = try reader.shape(layer)
      layer += 1
    }
    let head = try reader.shape(layer)
    self.init(
      kind: kind, blocks: blocks, channels: entry[0],
      latentChannels: isDecoder ? entry[1] : head[0], imageChannels: isDecoder ? head[0] : entry[1],
      mixingChannels: reader.mixingChannels)
  }
}

/// Reads what the layers of a half are.
private struct TinyReader {
  let file: Safetensors
  let names: TinyHalf.Names
  /// The greatest number of a layer in the file.
  private let last: Int
  /// The layers that are blocks.
  private let blocks: Set<Int>
  /// Channels of the branch of the first block that has one, 0 for none.
  let mixingChannels: Int

  init(file: Safetensors, names: TinyHalf.Names) {
    self.file = file
    self.names = names
    let layers = file.entries.filter { $0.name.hasPrefix(names.prefix) }.map { entry in
      (parts: entry.name.dropFirst(names.prefix.count).split(separator: "."), shape: entry.shape)
    }.filter { $0.parts.count > 1 }
    last = layers.compactMap { Int($0.parts[0]) }.max() ?? 0
    blocks = Set(layers.filter { $0.parts[1] == "conv" }.compactMap { Int($0.parts[0]) })
    mixingChannels =
      layers.first { $0.parts.dropFirst() == ["pool", "0", "weight"] }?.shape.first ?? 0
  }

  func isLast(_ layer: Int) -> Bool { layer >= last }

  func hasBlock(_ layer: Int) -> Bool { !isLast(layer) && blocks.contains(layer) }

  /// The shape of a convolution's weights, four sizes.
  func shape(_ layer: Int) throws(RecipeError) -> [Int] {
    let name = "\(names.prefix)\(layer).weight"
    guard let entry = file.entry(name) else {
      throw RecipeError(
        .malformed, "\(file.path) has no tensor \(name), which its other layers need")
    }
    guard entry.shape.count == 4, entry.shape.allSatisfy({ $0 > 0 }) else {
      throw RecipeError(
        .malformed,
        "\(file.path): tensor \(name) has the shape \(entry.shape), which is none of a convolution"
      )
    }
    return entry.shape
  }
}
