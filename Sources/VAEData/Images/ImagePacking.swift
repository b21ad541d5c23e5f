import Messages
import Tensors
import VAEFiles

/// Decodes image files into arrays of bytes, on several threads. What comes out, an error included,
/// does not depend on their number.
struct ImagePacking: Sendable {
  private let root: String
  private let options: ImageFolderOptions
  private let preparation: ImagePreparation
  private let resampling: ImageResampling
  private let isCancelled: @Sendable () -> Bool

  /// - Parameters:
  ///   - root: of the files' names.
  ///   - options: what decodes them.
  ///   - preparation: of each image.
  ///   - isCancelled: asked before every file; true asks for a stop.
  init(
    root: String, options: ImageFolderOptions, preparation: ImagePreparation,
    isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.isCancelled = isCancelled
    self.root = root
    self.options = options
    self.preparation = preparation
    resampling = ImageResampling(preparation: preparation)
  }

  /// How many of some files may be damaged: a hundredth, but at least ten, and at most half.
  static func damageLimit(count: Int) -> Int { min(max(10, count / 100), count / 2) }

  /// Decodes the files of all splits to one size, in colours where one of them has some, and sets a
  /// tenth of those that can be read apart where the folder has no splits.
  ///
  /// - Throws: `DataError` where sizes differ, too many files are damaged, memory is short, or a
  ///   stop was asked for.
  func pack(_ folder: ImageFolder) throws(DataError) -> PackedImages {
    let splits = folder.splits
    let files = splits.flatMap(\.files)
    var reference = try reference(files)
    while true {
      if let images = try pack(folder, files, as: reference) { return images }
      let shape = reference.shape
      reference.shape = ImageShape(height: shape.height, width: shape.width, channels: 3)
    }
  }

  /// What all images have in common.
  private struct Reference {
    /// The file that it was found in.
    let name: String
    var shape: ImageShape
    /// What it became before it was brought to that shape.
    let decodedBytes: Int
  }

  /// The size of the first image that can be decoded.
  private func reference(_ files: [ImageListing.File]) throws(DataError) -> Reference {
    let limit = Self.damageLimit(count: files.count)
    var failures: [String] = []
    for file in files {
      guard !isCancelled() else { throw interrupted }
      switch decoded(file) {
      case .success(let image):
        let channels = preparation.isGrey ? 1 : image.shape.channels
        return Reference(
          name: file.name, shape: resampling.shape(of: image.shape, channels: channels),
          decodedBytes: image.shape.count)
      case .failure(let failure):
        if let error = failure.lack { throw error }
        failures.append(described(file, failure))
        if failures.count > limit { throw tooMany(failures, of: files.count) }
      }
    }
    throw tooMany(failures, of: files.count)
  }

  private var interrupted: DataError {
    DataError(.cancelled, "\(root): interrupted while images were decoded")
  }

  private func tooMany(_ failures: [String], of count: Int) -> DataError {
    DataError(
      .malformed,
      "\(root): more than \(Self.damageLimit(count: count)) of \(count) images cannot be read, the "
        + "first of them \(failures.first ?? "unknown"); replace or remove them")
  }

  private func described(_ file: ImageListing.File, _ failure: Failure) -> String {
    PlainText.line("\(file.name): \(failure.reason)")
  }

  // MARK: All files

  /// What became of one file.
  private enum Outcome {
    case packed
    case failed(Failure)
    case differs(ImageShape)
    /// It has colours, and the reference has not.
    case colored
  }

  /// What all threads know.
  private struct Progress {
    var failures: [Int: Failure] = [:]
    var differing: [Int: ImageShape] = [:]
    var hasColors = false
    var isCancelled = false
    /// What the process lacks to read any file.
    var lack: DataError?
    var done = 0
    /// The place of the first file that cannot be accepted any more, as far as is known. Files
    /// before it are looked at even so, as one of them may be the first.
    var end = Int.max
  }

  /// nil where an image has colours that the reference has not.
  private func pack(
    _ folder: ImageFolder, _ files: [ImageListing.File], as reference: Reference
  ) throws(DataError) -> PackedImages? {
    let splits = folder.splits
    let size = reference.shape.count
    // What is enlarged is not packed.
    let (decoded, isBeyond) = files.count.multipliedReportingOverflow(
      by: min(size, reference.decodedBytes))
    let stored = files.reduce(0) { sum, file in
      let (more, overflows) = sum.addingReportingOverflow(file.size)
      return overflows ? .max : more
    }
    if let refusal = InputLimits.current.refusal(
      ofExpanded: isBeyond ? .max : decoded, from: stored)
    {
      throw DataError(
        .unusable, "\(root) \(refusal), or make the images smaller by \(.imageSize("N"))")
    }
    var memories: [ArrayMemory] = []
    for split in splits {
      let (bytes, overflow) = split.files.count.multipliedReportingOverflow(by: size)
      memories.append(try ArrayMemory(byteCount: overflow ? .max : bytes, name: root))
    }
    let found = decodeAll(
      files, as: reference.shape, into: memories, counts: splits.map(\.files.count))
    if let error = found.lack { throw error }
    if found.isCancelled { throw interrupted }
    if found.hasColors { return nil }
    let failures = found.failures.sorted { $0.key < $1.key }.map {
      described(files[$0.key], $0.value)
    }
    if found.end < files.count {
      guard let shape = found.differing[found.end] else {
        throw tooMany(failures, of: files.count)
      }
      throw DataError(
        .unusable,
        "\(root) has images of different sizes: \(reference.name) has "
          + "\(Self.text(reference.shape)) pixels, but \(files[found.end].name) has "
          + "\(Self.text(shape)); bring all to one size by \(.imageSize("N"))")
    }
    var arrays: [SplitArrays] = []
    var start = 0
    for (split, memory) in zip(splits, memories) {
      let kept = split.files.indices.filter { found.failures[start + $0] == nil }
      start += split.files.count
      let chosen =
        folder.isUndivided ? ImageFolder.setApart(kept.map { split.files[$0].name }) : []
      let others = try setApart(
        chosen.sorted().map { kept[$0] }, of: split, memory, reference.shape)
      let rest = kept.indices.filter { !chosen.contains($0) }.map { kept[$0] }
      arrays.append(try array(split, rest, memory, reference.shape))
      if let others { arrays.append(others) }
    }
    return PackedImages(splits: arrays, skipped: failures)
  }

  private static func text(_ shape: ImageShape) -> String { "\(shape.width)x\(shape.height)" }

  /// Copies of some images of a split, which become the test split; nil for none.
  private func setApart(
    _ chosen: [Int], of split: ImageFolder.Split, _ memory: ArrayMemory, _ shape: ImageShape
  ) throws(DataError) -> SplitArrays? {
    guard !chosen.isEmpty else { return nil }
    let (name, size) = ("\(root): test", shape.count)
    let copies = try ArrayMemory(byteCount: chosen.count * size, name: name)
    for (place, position) in chosen.enumerated() {
      let source = memory.bytes[position * size..<(position + 1) * size]
      UnsafeMutableRawBufferPointer(rebasing: copies.bytes[place * size..<(place + 1) * size])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
    }
    return SplitArrays(
      name: "test",
      images: ImageArray(name: name, count: chosen.count, shape: shape, bytes: copies),
      labels: split.labels.map { labels in
        LabelArray(name: name, values: chosen.map { labels[$0] })
      })
  }

  /// The images of a split that were decoded, moved together.
  private func array(
    _ split: ImageFolder.Split, _ kept: [Int], _ memory: ArrayMemory, _ shape: ImageShape
  ) throws(DataError) -> SplitArrays {
    guard !kept.isEmpty else {
      throw DataError(.malformed, "\(root) has no readable images in its \(split.name) split")
    }
    let name = "\(root): \(split.name)"
    let size = shape.count
    for (place, position) in kept.enumerated() where place != position {
      let source = memory.bytes[position * size..<(position + 1) * size]
      UnsafeMutableRawBufferPointer(rebasing: memory.bytes[place * size..<(place + 1) * size])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
    }
    return SplitArrays(
      name: split.name,
      images: ImageArray(name: name, count: kept.count, shape: shape, bytes: memory),
      labels: split.labels.map { labels in
        LabelArray(name: name, values: kept.map { labels[$0] })
      })
  }

  private func decodeAll(
    _ files: [ImageListing.File], as shape: ImageShape, into memories: [ArrayMemory], counts: [Int]
  ) -> Progress {
    let state = Lock(Progress())
    let threads = max(1, min(Engine.threads, files.count))
    let limit = Self.damageLimit(count: files.count)
    Workers.run(threads) { worker in
      var end = Int.max
      // Neighbours go to different threads, so that all end at about the same time.
      for position in stride(from: worker, to: files.count, by: threads) {
        guard position <= end else { return }
        var (split, place) = (0, position)
        while place >= counts[split] {
          place -= counts[split]
          split += 1
        }
        let size = shape.count
        let bytes = memories[split].bytes[place * size..<(place + 1) * size]
        let outcome = prepare(
          files[position], as: shape, into: UnsafeMutableRawBufferPointer(rebasing: bytes))
        let (done, goesOn) = state.withLock { state in
          state.done += 1
          switch outcome {
          case .packed: break
          case .failed(let failure):
            state.lack = state.lack ?? failure.lack
            state.failures[position] = failure
            if state.failures.count > limit {
              state.end = min(state.end, state.failures.keys.sorted()[limit])
            }
          case .differs(let shape):
            state.differing[position] = shape
            state.end = min(state.end, position)
          case .colored: state.hasColors = true
          }
          end = state.end
          return (state.done, !state.hasColors && !state.isCancelled && state.lack == nil)
        }
        guard goesOn else { return }
        let isStopped =
          isCancelled()
          || worker == 0 && options.progress.map { !$0(done, files.count) } ?? false
        if isStopped {
          state.withLock { $0.isCancelled = true }
          return
        }
      }
    }
    return state.withLock { $0 }
  }

  // MARK: One file

  /// Why a file is no image; does not name it.
  private struct Failure: Error {
    let reason: String
    /// The error, where it is the process that lacks something and the file may be sound.
    var lack: DataError?
  }

  private func prepare(
    _ file: ImageListing.File, as shape: ImageShape, into bytes: UnsafeMutableRawBufferPointer
  ) -> Outcome {
    switch decoded(file) {
    case .failure(let failure): return .failed(failure)
    case .success(let image):
      let found = resampling.shape(of: image.shape, channels: shape.channels)
      guard found == shape else { return .differs(found) }
      guard shape.channels >= image.shape.channels || preparation.isGrey else { return .colored }
      resampling.write(
        image, channels: shape.channels, into: bytes.bindMemory(to: UInt8.self))
      return .packed
    }
  }

  private func decoded(_ file: ImageListing.File) -> Result<DecodedImage, Failure> {
    let path = "\(root)/\(file.name)"
    do {
      let input = try InputFile(path: path)
      guard input.size <= Self.largestFile else {
        return .failure(Failure(reason: "has \(input.size) bytes, beyond \(Self.largestFile)"))
      }
      return .success(
        try options.decoder.decode(
          try input.bytes(0..<input.size), atLeast: preparation.size))
    } catch {
      let text = "\(error)"
      let fault = error as? DataError
      return .failure(
        Failure(
          reason: text.hasPrefix(path + " ") ? String(text.dropFirst(path.count + 1)) : text,
          lack: fault?.kind == .exhausted ? fault : nil))
    }
  }

  private static let largestFile = 1 << 28
}
