import NeuralNetworks
import Tensors

/// The blocks at one size of the image, with attention after each where there is any, and what leads to
/// the next size.
final class KLLevel: Layer {
  private let blocks: [ResidualBlock]
  private let attentions: [SpatialAttention]
  private let resampling: Conv2D?
  /// What leads to the next size, with the convolution.
  private let change: Sequential

  /// A level of the encoder. Halving has zeros below and to the right alone.
  init(down sizes: KLSizes, level: Int, random: RandomSource) {
    let width = sizes.channels[level]
    (blocks, attentions) = Self.parts(
      sizes, level: level, inputs: sizes.channels[max(0, level - 1)], random)
    resampling =
      level + 1 < sizes.channels.count
      ? Conv2D(
        inputs: width, outputs: width, kernel: 3, stride: 2,
        padding: Padding(top: 0, left: 0, bottom: 1, right: 1), random: random.child("resampling"))
      : nil
    change = Sequential(resampling.map { [$0] } ?? [])
  }

  /// A level of the decoder, which doubles by repeating pixels.
  init(up sizes: KLSizes, level: Int, random: RandomSource) {
    let width = sizes.channels[level]
    (blocks, attentions) = Self.parts(
      sizes, level: level, inputs: sizes.channels[min(level + 1, sizes.channels.count - 1)], random)
    resampling =
      level > 0
      ? Conv2D(
        inputs: width, outputs: width, kernel: 3, padding: Padding(1),
        random: random.child("resampling"))
      : nil
    change = Sequential(resampling.map { [Upsampling(.nearest, by: 2), $0] } ?? [])
  }

  private static func parts(
    _ sizes: KLSizes, level: Int, inputs: Int, _ random: RandomSource
  ) -> ([ResidualBlock], [SpatialAttention]) {
    let width = sizes.channels[level]
    return (
      (0..<sizes.blocks).map { number in
        sizes.block(number == 0 ? inputs : width, width, random.child("block\(number)"))
      },
      (0..<(sizes.attention[level] ? sizes.blocks : 0)).map { number in
        sizes.attention(width, random.child("attention\(number)"))
      }
    )
  }

  /// Blocks and attentions by number, and the convolution.
  var members: Members {
    var members: Members = ["blocks": .module(Sequential(blocks))]
    if !attentions.isEmpty {
      members.entries.append((name: "attentions", member: .module(Sequential(attentions))))
    }
    if let resampling { members.entries.append((name: "resampling", member: .module(resampling))) }
    return members
  }

  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var shape: Shape? = input
    for (number, block) in blocks.enumerated() {
      shape = try trace.pass(shape, through: block, "blocks.\(number)")
      if !attentions.isEmpty {
        shape = try trace.pass(shape, through: attentions[number], "attentions.\(number)")
      }
    }
    for layer in change.layers {
      shape = try trace.pass(
        shape, through: layer, layer is Upsampling ? "upsampling" : "resampling")
    }
    return shape
  }

  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    var map = input
    apply(to: &map, context)
    return map
  }

  func apply(to map: inout Tensor, _ context: Context) {
    for (number, block) in blocks.enumerated() {
      block.apply(to: &map, context)
      if !attentions.isEmpty { attentions[number].apply(to: &map, context) }
    }
    change.apply(to: &map, context)
  }
}

/// The middle of either half: a block, attention where there is any, a block.
final class KLMiddle: Layer {
  private let first: ResidualBlock
  private let attention: SpatialAttention?
  private let second: ResidualBlock

  init(_ sizes: KLSizes, random: RandomSource) {
    first = sizes.block(sizes.deepest, sizes.deepest, random.child("first"))
    attention =
      sizes.hasMiddleAttention ? sizes.attention(sizes.deepest, random.child("attention")) : nil
    second = sizes.block(sizes.deepest, sizes.deepest, random.child("second"))
  }

  var members: Members {
    var members: Members = ["first": .module(first), "second": .module(second)]
    if let attention { members.entries.append((name: "attention", member: .module(attention))) }
    return members
  }

  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var shape = try trace.pass(input, through: first, "first")
    if let attention { shape = try trace.pass(shape, through: attention, "attention") }
    return try trace.pass(shape, through: second, "second")
  }

  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    var map = input
    apply(to: &map, context)
    return map
  }

  func apply(to map: inout Tensor, _ context: Context) {
    first.apply(to: &map, context)
    attention?.apply(to: &map, context)
    second.apply(to: &map, context)
  }
}
