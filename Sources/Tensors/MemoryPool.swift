import Glibc

/// A caching allocator for tensor storage.
///
/// A training step takes the same sizes in the same order as the one before, so blocks that come
/// back are kept, by size class, and handed out again: from the third step on nothing is taken from
/// the system. Size classes are an eighth of a power of two apart, which wastes at most 12.5 %.
public final class MemoryPool: Sendable {
  /// The pool that all tensors use.
  public static let shared = MemoryPool()

  /// What the pool has done since the process began.
  public struct Statistics: Sendable {
    /// How many blocks were taken from the system.
    public var systemAllocations = 0
    /// Bytes that live tensors hold.
    public var bytesInUse = 0
    /// Bytes kept for reuse.
    public var bytesCached = 0
    /// The largest sum of both.
    public var peakBytes = 0
  }

  private struct State {
    var blocks: [Int: [UInt]] = [:]
    var statistics = Statistics()
  }

  private let state = Lock(State())

  /// The counters at this moment.
  public var statistics: Statistics {
    state.withLock { $0.statistics }
  }

  /// Returns all cached blocks to the system, as between two phases of very different sizes.
  public func trim() {
    let blocks = state.withLock { state in
      let blocks = state.blocks
      state.blocks = [:]
      state.statistics.bytesCached = 0
      return blocks
    }
    for address in blocks.values.joined() {
      free(UnsafeMutableRawPointer(bitPattern: address))
    }
  }

  /// The size class of a request.
  static func sizeClass(bytes: Int) -> Int {
    guard bytes > 1024 else { return max(64, (bytes + 63) & ~63) }
    let step = 1 << (Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount - 3)
    return (bytes + step - 1) & ~(step - 1)
  }

  func take(bytes: Int) -> UnsafeMutableRawPointer {
    let size = Self.sizeClass(bytes: bytes)
    let cached: UInt? = state.withLock { state in
      state.statistics.bytesInUse += size
      if let address = state.blocks[size]?.popLast() {
        state.statistics.bytesCached -= size
        return address
      }
      state.statistics.systemAllocations += 1
      state.statistics.peakBytes = max(
        state.statistics.peakBytes, state.statistics.bytesInUse + state.statistics.bytesCached)
      return nil
    }
    if let cached, let pointer = UnsafeMutableRawPointer(bitPattern: cached) { return pointer }
    return Self.systemBlock(bytes: size)
  }

  func give(back pointer: UnsafeMutableRawPointer, bytes: Int) {
    let size = Self.sizeClass(bytes: bytes)
    state.withLock { state in
      state.statistics.bytesInUse -= size
      state.statistics.bytesCached += size
      state.blocks[size, default: []].append(UInt(bitPattern: pointer))
    }
  }

  /// A block from the system. Large blocks ask for huge pages: a step over activations of many
  /// megabytes otherwise spends a good part of its time on address translation.
  private static func systemBlock(bytes: Int) -> UnsafeMutableRawPointer {
    let hugePage = 2 << 20
    let isLarge = bytes >= 2 * hugePage
    var pointer: UnsafeMutableRawPointer?
    let status = posix_memalign(&pointer, isLarge ? hugePage : 64, bytes)
    guard status == 0, let pointer else {
      fatalError("out of memory: the system refused \(bytes) bytes for a tensor")
    }
    if isLarge { madvise(pointer, bytes, MADV_HUGEPAGE) }
    return pointer
  }
}
