extension RunFolder {
  /// The newest checkpoint as a trainer takes it up, nil where there is none yet.
  ///
  /// - Throws: `FileError` of kind `malformed` where it has lost a file, `TrainingError` or
  ///   `SafetensorsError` where one of its files is damaged.
  public func storedCheckpoint() throws -> StoredCheckpoint? {
    guard let newest = try readLatestCheckpoint() else { return nil }
    return try StoredCheckpoint(files: newest.files, step: newest.step, source: newest.folder)
  }
}
