import Tensors

/// What the layers of a module give for one example, as their shape rules say before any weight exists.
public struct ShapeTrace {
  /// What each module gets and gives, by its path, in the order of computation.
  public private(set) var modules: [(path: String, input: Shape, output: Shape)] = []
  /// The bytes that the layers so far take for one example at the worst moment, where no tape records: what
  /// a layer gets, what it gives, its weights packed for the processor, and what is kept beside.
  package private(set) var largestBytes = 0
  private var heldBytes = 0
  private var prefix = ""

  /// A trace that has seen nothing.
  public init() {}

  /// Passes shapes through layers while tensors are kept beside what these compute with.
  ///
  /// - Parameters:
  ///   - kept: the shapes of the tensors, as far as they are known.
  ///   - body: passes the shapes.
  public mutating func holding<Result>(
    _ kept: Shape?..., body: (inout ShapeTrace) throws -> Result
  ) rethrows -> Result {
    let bytes = kept.reduce(0) { $0 + ($1.map(Self.bytes) ?? 0) }
    heldBytes += bytes
    defer { heldBytes -= bytes }
    return try body(&self)
  }

  private static func bytes(_ shape: Shape) -> Int { MemoryPool.sizeClass(bytes: 4 * shape.count) }

  /// Takes note of what a layer takes that has no layers of its own.
  private mutating func note(_ module: any Module, _ input: Shape, _ output: Shape) {
    let (taken, given) = (Self.bytes(input), Self.bytes(output))
    let maps = module.worksInPlace ? max(taken, given) : taken + given
    largestBytes = max(largestBytes, heldBytes + maps + 4 * module.parameterCount)
  }

  /// Passes a shape through a member of the module that is asked.
  ///
  /// - Parameters:
  ///   - input: the shape of one example; nil where it is not known.
  ///   - module: the member.
  ///   - name: its name among the members.
  /// - Returns: the shape that it gives; nil where it has no rule.
  /// - Throws: `ShapeMisfit` where it cannot take the input.
  public mutating func pass(
    _ input: Shape?, through module: any Module, _ name: String
  ) throws -> Shape? {
    guard let input else { return nil }
    let outer = prefix
    prefix += name
    defer { prefix = outer }
    let place = prefix
    prefix += "."
    let count = modules.count
    let output: Shape?
    do {
      output = try module.outputShape(for: input, &self)
    } catch let error as ShapeMisfit {
      throw error.path == nil ? ShapeMisfit(error.reason, path: place) : error
    }
    if let output {
      if modules.count == count { note(module, input, output) }
      modules.append((place, input, output))
    }
    return output
  }
}

/// Why a module cannot take an input of some shape.
public struct ShapeMisfit: Error, CustomStringConvertible {
  /// What it takes, and what it would get.
  public let reason: String
  /// The module in the model; nil until that is known.
  public let path: String?

  /// A reason, such as "takes 784 numbers, but gets [785]".
  public init(_ reason: String, path: String? = nil) {
    (self.reason, self.path) = (reason, path)
  }

  /// Both.
  public var description: String { "\(path ?? "a layer") \(reason)" }
}

extension Shape {
  /// The shape of an example with another size of the last axis.
  ///
  /// - Throws: `ShapeMisfit` where the axis has not the size that is taken.
  public func replacingLast(_ taken: Int, with size: Int) throws -> Shape {
    guard rank > 0, self[-1] == taken else {
      throw ShapeMisfit("takes \(taken) numbers along the last axis, but gets \(self)")
    }
    return Shape(dimensions.dropLast() + [size])
  }

  /// The shape of an image after a layer that changes height and width.
  ///
  /// - Parameters:
  ///   - taken: channels that the layer takes.
  ///   - given: channels that it gives.
  ///   - height: from the height before to that after, less than one where the image is too small.
  ///   - width: likewise.
  /// - Throws: `ShapeMisfit` where it is no image of these channels, or too small.
  public func replacingImage(
    _ taken: Int, with given: Int, height: (Int) -> Int, width: (Int) -> Int
  ) throws -> Shape {
    guard rank == 3, self[2] == taken else {
      throw ShapeMisfit("takes images of \(taken) channels, but gets \(self)")
    }
    let size = (height: height(self[0]), width: width(self[1]))
    guard size.height > 0, size.width > 0 else {
      throw ShapeMisfit("takes larger images than \(self)")
    }
    return [size.height, size.width, given]
  }
}
