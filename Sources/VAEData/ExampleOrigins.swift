/// Where the examples of a split stand in their source.
public enum ExampleOrigins: Sendable, Equatable {
  /// The file of each example, relative to the folder of the source.
  case files([String])
  /// The line of the source's file in which the row of each example begins, the first one being 1.
  case lines([Int])

  /// What a table calls it: `file` or `line`.
  public var name: String {
    switch self {
    case .files: "file"
    case .lines: "line"
    }
  }

  /// The file or the line of an example.
  public func text(_ example: Int) -> String {
    switch self {
    case .files(let files): files[example]
    case .lines(let lines): "\(lines[example])"
    }
  }

  /// Those of some of the examples.
  func selecting(_ rows: [Int]) -> ExampleOrigins {
    switch self {
    case .files(let files): .files(rows.map { files[$0] })
    case .lines(let lines): .lines(rows.map { lines[$0] })
    }
  }
}

extension ExampleOrigins? {
  /// An example as messages call it: by its line or its file, where it comes from one, else by its number from zero on,
  /// as NumPy counts.
  ///
  /// - Parameter word: what it is called there, such as "row".
  package func title(of example: Int, as word: String) -> String {
    switch self {
    case .lines(let lines)?: "line \(lines[example])"
    case .files(let files)?: files[example]
    case nil: "\(word) \(example) (counting from 0)"
    }
  }

  /// A row as messages call it.
  func title(ofRow row: Int) -> String { title(of: row, as: "row") }
}
