/// The type of a tensor's elements: `float32` for what is computed, `int32` for indices.
public enum ElementType: String, Sendable {
  /// 32-bit floating point: everything that is computed.
  case float32
  /// 32-bit signed integer: indices and codes.
  case int32
  /// The upper half of a 32-bit float: what operations may keep and multiply inside. No operation
  /// gives a tensor of this type.
  case bfloat16

  /// Bytes an element takes.
  public var byteCount: Int { self == .bfloat16 ? 2 : 4 }
}

/// A block of memory that tensors share; returned to the caching allocator when the last of them is
/// gone. Memory that was borrowed is only let go of.
final class Storage {
  /// The first byte, aligned to 64 where the memory is the pool's.
  let base: UnsafeMutableRawPointer
  /// The type of the elements.
  let elementType: ElementType
  /// The number of elements.
  let count: Int
  /// Copies of the contents in other layouts or another precision, the oldest first. Readers, of
  /// which there may be several, use them under `copiesLock`.
  private var copies: [(key: CopyKey, copy: Tensor)] = []
  private static let copiesLock = Lock(())
  /// Whether the memory belongs to somebody else: it is never written and never freed here.
  let isBorrowed: Bool
  /// Whether there was no memory for the elements. Nothing reads or writes them: whoever asks for
  /// their address takes note of the fault, so that no kernel runs.
  let isHollow: Bool
  /// What keeps borrowed memory alive, where its owner is an object.
  private let owner: AnyObject?

  /// Memory for `count` elements, not initialised.
  init(count: Int, elementType: ElementType = .float32) {
    self.count = count
    self.elementType = elementType
    isBorrowed = false
    owner = nil
    let bytes = count * elementType.byteCount
    // After a fault nothing is computed any more, so that nothing need be taken.
    let block = Memory.hasFailed ? nil : MemoryPool.shared.take(bytes: bytes)
    isHollow = block == nil
    base = block ?? Memory.nothing
    if block == nil { Memory.fail(bytes: bytes) }
  }

  /// Memory of somebody else, which stays valid and unchanged as long as this object lives.
  init(
    borrowing base: UnsafeMutableRawPointer, count: Int, elementType: ElementType,
    owner: AnyObject?
  ) {
    self.base = base
    self.count = count
    self.elementType = elementType
    self.owner = owner
    isBorrowed = true
    isHollow = false
  }

  deinit {
    guard !isBorrowed && !isHollow else { return }
    MemoryPool.shared.give(back: base, bytes: count * elementType.byteCount)
  }

  /// What a copy of some of the contents is, and where in the contents it begins.
  enum CopyKey: Equatable {
    /// Weights in a layout that convolutions prefer, by its number.
    case packed(layout: UInt64, offset: Int)
    /// So many elements in bfloat16.
    case rounded(offset: Int, count: Int)
  }

  /// The copy that was kept for a key.
  func copy(for key: CopyKey) -> Tensor? {
    var found: Tensor?
    Self.copiesLock.withLock { _ in found = copies.first { $0.key == key }?.copy }
    return found
  }

  /// Keeps a copy until the contents change. Few are kept: one for each layout and precision, of which passes with
  /// other batch sizes, or in other threads, seldom want further ones.
  func keep(_ copy: Tensor, for key: CopyKey) {
    // A kernel that did not run left nothing to keep.
    guard !Memory.hasFailed else { return }
    Self.copiesLock.withLock { _ in
      // Two readers may have made the same one.
      guard !copies.contains(where: { $0.key == key }) else { return }
      if copies.count == 4 { copies.removeFirst() }
      copies.append((key: key, copy: copy))
    }
  }

  /// Called by everything that hands out a pointer to write: what was derived from the contents is
  /// dropped.
  func contentsChange() {
    ensure(!isBorrowed, "memory that was borrowed is read only")
    // A writer has the memory to itself, so this look needs no lock. Fresh outputs have no copies.
    guard !copies.isEmpty else { return }
    Self.copiesLock.withLock { _ in copies = [] }
  }
}
