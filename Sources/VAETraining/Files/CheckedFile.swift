import VAEFiles

/// What a check of a stored file found.
public struct CheckedFile: Equatable, Sendable {
  /// How a file is.
  public enum State: String, Sendable {
    /// Its form is as it should be, and its checksums fit.
    case sound
    /// Its form is as it should be, but it is of a kind or a version without checksums, so that
    /// changed numbers cannot be told.
    case unchecked
    /// It is not as it was written.
    case damaged
  }

  /// Its path; of a file in a run folder that from the folder.
  public let path: String
  /// How it is.
  public let state: State
  /// What is wrong with a damaged file, in a sentence that names it.
  public let fault: String?

  /// A file that is as it should be.
  public init(_ path: String, hasChecksums: Bool) {
    (self.path, state, fault) = (path, hasChecksums ? .sound : .unchecked, nil)
  }

  /// A damaged file.
  public init(_ path: String, fault: String) {
    (self.path, state, self.fault) = (path, .damaged, fault)
  }

  /// What the reading of a file finds.
  ///
  /// - Parameter reading: gives whether the file has checksums, which then fit, and throws where it
  ///   is damaged.
  public init(_ path: String, reading: () throws -> Bool) {
    do {
      self.init(path, hasChecksums: try reading())
    } catch {
      self.init(path, fault: "\(error)")
    }
  }

  /// The result as JSON.
  public var json: JSON {
    var members: JSON.Object = ["path": .text(path), "state": .text(state.rawValue)]
    if let fault { members["fault"] = .text(fault) }
    return .object(members)
  }
}
