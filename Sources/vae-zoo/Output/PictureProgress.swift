/// Shows on a terminal how far the work on pictures is, layer by layer, and ends it on Ctrl-C.
final class PictureProgress {
  private var bar = ProgressBar()
  private let count: Int
  private var begun = 0
  private var name = ""

  /// Of work on some pictures, or on latents of as many.
  init(count: Int) {
    self.count = max(1, count)
    Interrupt.install()
  }

  /// The work on a picture begins.
  func begin(_ name: String) {
    self.name = name
    begun += 1
  }

  /// Told how far the picture is.
  ///
  /// - Throws: the exit status of an interrupted command.
  func proceed(_ fraction: Double) throws {
    try Interrupt.proceed()
    bar.show(
      (Double(begun - 1) + fraction) / Double(count), since: 0, work: 0, unit: "picture",
      text: name)
  }

  /// Removes the line, so that something else can be printed.
  func clear() { bar.clear() }
}
