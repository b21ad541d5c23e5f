import Tensors

/// What whoever opens a source asks of every file that is read for it.
struct Opening: Sendable {
  /// The rule of the data that a model was trained on; nil for what the values say.
  var rule: ValueRule?
  /// Asked again and again while files are read; true asks for a stop.
  var isCancelled: @Sendable () -> Bool = { false }
  /// How the columns of a table are read.
  var table = TableOptions()
  /// Whether bytes are of pictures, whose scale is known: 255 is white, and one of 1 nearly black.
  var arePictures = false
  /// The bytes in memory beyond which an array that is not compressed stays in its file. Several
  /// splits, the model and what the machine does besides must fit too.
  var largestArray = Memory.available / 4

  /// Opens a file whose reading ends where a stop is asked for.
  func file(_ path: String) throws(DataError) -> InputFile {
    try InputFile(path: path, isCancelled: isCancelled)
  }

  /// The same for pictures.
  var ofPictures: Opening {
    var opening = self
    opening.arePictures = true
    return opening
  }

  /// - Throws: `DataError` of kind `cancelled` where a stop is asked for.
  func check(_ name: String) throws(DataError) {
    guard isCancelled() else { return }
    throw DataError(.cancelled, "\(name): interrupted while it was read")
  }
}
