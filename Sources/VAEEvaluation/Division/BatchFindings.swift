import Tensors

/// What is taken from a part of the examples: numbers and tensors, which can travel to another process.
public struct BatchFindings {
  /// Lists of numbers.
  public var numbers: [[Double]]
  /// Tensors, of floats or of indices.
  public var tensors: [Tensor]
  /// Words, such as why there are no numbers; nil for none.
  public var text: String?

  /// Findings, or none.
  public init(_ numbers: [[Double]] = [], tensors: [Tensor] = [], text: String? = nil) {
    (self.numbers, self.tensors, self.text) = (numbers, tensors, text)
  }

  /// A list of numbers; empty where there is none.
  public func numbers(_ place: Int) -> [Double] {
    numbers.indices.contains(place) ? numbers[place] : []
  }

  /// A tensor; nil where there is none.
  public func tensor(_ place: Int) -> Tensor? {
    tensors.indices.contains(place) ? tensors[place] : nil
  }
}
