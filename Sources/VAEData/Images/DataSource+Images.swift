import Messages

extension DataSource {
  /// A source out of a folder of images, from its cache where that is of the same files and
  /// preparation.
  static func imageFolder(
    _ path: String, _ options: ImageFolderOptions?, _ preparation: ImagePreparation,
    _ opening: Opening
  ) throws(DataError) -> DataSource {
    var root = path
    while root.count > 1 && root.hasSuffix("/") { root.removeLast() }
    guard let options else {
      // Where nothing can be decoded, it is enough to say so.
      let listing = try ImageListing(
        root, endings: ImageListing.commonEndings, otherNames: 1_000)
      guard !listing.files.isEmpty else { throw nothing(in: path, listing) }
      throw DataError(
        .unusable,
        "\(path) is a folder of images, which only the command vae-zoo decodes; open the "
          + ".cache.npz that it leaves beside the folder")
    }
    let listing = try ImageListing(root, endings: options.decoder.endings)
    guard !listing.files.isEmpty else { throw nothing(in: path, listing) }
    let folder = try ImageFolder(listing, name: path)
    let cache = ImageCache(
      root: root, folder: options.cache, preparation: preparation, listing: listing)
    var notices: [Message] = []
    var stored: PackedImages?
    do {
      stored = try cache.read(opening)
    } catch  where [.cancelled, .exhausted].contains(error.kind) {
      throw error
    } catch {
      let reason = error.message.description.replaced("; get it again", by: "")
      notices.append("packed images are damaged and made anew: \(reason)")
    }
    let images: PackedImages
    if let stored {
      images = stored.named(folder.classes)
    } else {
      try cache.makeFolder()
      let packing = ImagePacking(
        root: root, options: options, preparation: preparation, isCancelled: opening.isCancelled)
      images = try packing.pack(folder).named(folder.classes)
      if options.keepsImages {
        do {
          try cache.write(images)
          notices.append("decoded images are kept in \(cache.path)")
        } catch {
          // Where nobody asked for a cache, it is only slower the next time.
          if options.cache != nil { throw error }
          notices.append("\(error.message); choose a folder for packed images by \(.imageCache)")
        }
      } else {
        notices.append(
          "decoded images are not kept beside \(root), which a record names; choose a folder for them by \(.imageCache)"
        )
      }
    }
    if folder.isUndivided, let test = images.splits.first(where: { $0.name == "test" }) {
      notices.insert(
        "\(path) has no folder train: "
          + "\(Count.of(test.images.count, "of its images is", plural: "of its images are")) set apart as test, by a "
          + "hash of their names", at: 0)
    }
    if let unread = listing.unread.text {
      notices.append(
        "\(path): pictures of kinds that are not read: \(unread); convert them to PNG or JPEG")
    }
    if let first = folder.unused.first {
      let others = folder.unused.count - 1
      notices.append(
        "\(path): there are no images in the folder \(first)"
          + (others > 0 ? " and \(Count.of(others, "other"))" : "")
          + ", which would make a split or a class otherwise")
    }
    notices += skippedNotices(images.skipped, root: root)
    var splits = images.splits
    let names = folder.names(without: images.skipped)
    for place in splits.indices {
      guard let files = names[splits[place].name], files.count == splits[place].images.count
      else { continue }
      splits[place].origins = .files(files)
    }
    guard let train = splits.first, train.name == "train" else {
      throw DataError(.unusable, "\(path) has no training images")
    }
    var source = try DataSource(
      name: path, train: train, others: Array(splits.dropFirst()), opening)
    source.preparation = preparation.text
    source.notices = notices + source.notices
    return source
  }

  private static func nothing(in path: String, _ listing: ImageListing) -> DataError {
    if case .file = InputFile.kind(of: "\(path)/data_batch_1") {
      return DataError(
        .unusable, "\(path) is CIFAR's version for Python; get the binary version")
    }
    if let unread = listing.unread.text {
      return DataError(
        .unusable,
        "\(path) has no PNG or JPEG images, but others, which are not read: \(unread); convert them"
      )
    }
    return DataError(
      .unusable,
      "\(path) has neither IDX files (train-images-idx3-ubyte, with or without .gz), nor CIFAR "
        + "files (data_batch_1.bin), nor images (.png, .jpg) in it or below")
  }

  private static func skippedNotices(_ skipped: [String], root: String) -> [Message] {
    let shown = 10
    return skipped.prefix(shown).map { "left out: \(root)/\($0)" }
      + (skipped.count > shown
        ? ["left out: \(Count.of(skipped.count - shown, "more file")) of \(root)"] : [])
  }
}

/// The images of a folder in memory.
struct PackedImages {
  var splits: [SplitArrays]
  /// The files that are left out, each with the reason.
  let skipped: [String]

  /// The same with names of the classes.
  func named(_ classes: [String]) -> PackedImages {
    var images = self
    for place in images.splits.indices { images.splits[place].labels?.classes = classes }
    return images
  }
}
