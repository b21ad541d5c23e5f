import NeuralNetworks
import Tensors

/// A network over the positions of an image, or of a grid of codes, whose output at a position
/// depends on the positions before it in raster order, and, inside the position, on the groups of
/// channels before.
public protocol PixelNetwork: Module {
  /// Numbers a position that come in.
  var inputs: Int { get }
  /// Numbers a position that go out.
  var outputs: Int { get }
  /// Groups of channels inside a position that are conditioned on each other, in order; inputs and
  /// outputs lie group by group. One: a position is hidden or seen as a whole.
  var groups: Int { get }

  /// The outputs at every position at once, `[K · N, height, width, outputs]`.
  ///
  /// - Parameters:
  ///   - input: `[N, height, width, inputs]`.
  ///   - condition: `[K · N, numbers]` for the whole image, or a map `[K · N, height, width,
  ///     numbers]`; row k · N + n belongs to example n. Whatever no condition reaches is computed
  ///     once per example, so that without one there are N rows.
  ///   - context: why the call is made, and where random numbers come from.
  func callAsFunction(_ input: Tensor, condition: Tensor?, _ context: Context) -> Tensor

  /// Lets the outputs begin at the given values, `[outputs]`, plus what the weights add.
  func begin(at outputs: Tensor)

  /// The network made ready for drawing images `width` wide, `rowCount` side by side, with a
  /// condition of as many rows.
  func drawing(rowCount: Int, width: Int, condition: Tensor?) -> any PixelDrawing
}

/// A network that draws images row by row and keeps what later positions need.
public protocol PixelDrawing: AnyObject {
  /// Computes whatever depends on the rows above the one that begins.
  func beginRow(_ row: Int)

  /// The outputs at the next position of the row, `[N, outputs]`.
  ///
  /// - Parameters:
  ///   - position: the input there as far as it is drawn, `[N, inputs]`; what is not is not looked
  ///     at.
  ///   - column: of the position, from zero.
  ///   - isLast: whether only the last group is not yet drawn, so that hidden features of the
  ///     position are final.
  func outputs(for position: Tensor, column: Int, isLast: Bool) -> Tensor

  /// Takes in the input of the position, which is drawn.
  func append(_ position: Tensor)

  /// Takes in the row, which is drawn.
  func endRow()
}

/// One step of a draw: the outputs that decide the next numbers.
public struct PixelStep {
  /// The row of the position.
  public let row: Int
  /// The column of the position.
  public let column: Int
  /// The group of channels to be drawn; the outputs of later groups are not valid.
  public let group: Int
  /// The outputs, `[N, outputs]`.
  public let outputs: Tensor
}

extension PixelNetwork {
  /// Runs over all positions in order while a closure draws them, at about the cost of one pass
  /// over the whole image.
  ///
  /// What the closure draws from is what a pass over the whole image would give at that position,
  /// up to rounding.
  ///
  /// - Parameters:
  ///   - rowCount: N, the number of images drawn side by side.
  ///   - height: of the images.
  ///   - width: of the images.
  ///   - condition: as for a pass over the whole image, with N rows.
  ///   - draw: takes a step and gives the input at its position as far as it is known,
  ///     `[N, inputs]`; what stands for later groups is not looked at.
  public func run(
    rowCount: Int, height: Int, width: Int, condition: Tensor? = nil, draw: (PixelStep) -> Tensor
  ) {
    withoutTape {
      let drawing = drawing(rowCount: rowCount, width: width, condition: condition)
      let nothing = Tensor.zeros([rowCount, inputs])
      for row in 0..<height {
        drawing.beginRow(row)
        for column in 0..<width {
          var position = nothing
          for group in 0..<groups {
            let outputs = drawing.outputs(
              for: position, column: column, isLast: group == groups - 1)
            position = draw(PixelStep(row: row, column: column, group: group, outputs: outputs))
          }
          drawing.append(position)
        }
        drawing.endRow()
      }
    }
  }
}
