import Messages
import Tensors
import VAEFiles

/// What a check of a stored file found.
public struct CheckedFile: Equatable, Sendable {
  /// How a file is.
  public enum State: String, Sendable {
    /// Its form is as it should be, its checksums fit, and what it says can be used.
    case sound
    /// Nothing is wrong with it as far as it could be looked at: it is of a kind or a version without
    /// checksums, so that changed numbers cannot be told, or it needs a plug-in that is not loaded.
    case unchecked
    /// It is not as it was written.
    case damaged
    /// It is as it was written, but cannot be used: it holds numbers that are not finite, a recipe of
    /// which no model can be made, or other tensors than its recipe's model has.
    case unusable
  }

  /// Its path; of a file in a run folder that from the folder.
  public let path: String
  /// How it is.
  public let state: State
  /// What is wrong with a damaged or unusable file, and which plug-in an unchecked one needs, in a
  /// sentence that names it; nil where there is nothing to say.
  public let fault: Message?

  /// A file that is as it should be.
  public init(_ path: String, hasChecksums: Bool) {
    (self.path, state, fault) = (path, hasChecksums ? .sound : .unchecked, nil)
  }

  /// A file with something to say of it.
  public init(_ path: String, _ state: State, fault: Message) {
    (self.path, self.state, self.fault) = (path, state, fault)
  }

  /// What the reading of a file finds.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - reading: gives whether the file has checksums, which then fit. It throws a
  ///     `ContentFault` where what the file says is wrong, and anything else where it is damaged.
  /// - Throws: what says nothing of the file: that memory, or open files, have run out.
  public init(_ path: String, reading: () throws -> Bool) throws {
    do {
      self.init(path, hasChecksums: try reading())
    } catch let error as MemoryError {
      throw error
    } catch let error as FileError where error.kind == .exhausted {
      throw error
    } catch let error as ContentFault {
      self.init(path, error.state, fault: error.message)
    } catch let error as any MessageError {
      self.init(path, .damaged, fault: error.message)
    } catch {
      self.init(path, .damaged, fault: "\(error)")
    }
  }

  /// The result as JSON.
  public var json: JSON {
    var members: JSON.Object = ["path": .text(path), "state": .text(state.rawValue)]
    if let fault { members["fault"] = .text(fault.description) }
    return .object(members)
  }
}
