import CMalloc
import CVectorKernels
import Glibc

/// A caching allocator for tensor storage.
///
/// A training step takes the same sizes in the same order as the one before, so blocks that come
/// back are kept, by size class, and handed out again: from the third step on nothing is taken from
/// the system. Size classes are an eighth of a power of two apart, which wastes at most 12.5 %.
///
/// What is kept is what is used: blocks that stayed in the pool through a whole period, which is
/// longer than a step, go back to the system at its end. In this way the memory of a larger batch, or
/// of a training that is over, is not held for ever. ``trim()`` returns all of it at once, for a process
/// that goes on without computing.
public final class MemoryPool: Sendable {
  /// The pool that all tensors use.
  public static let shared: MemoryPool = {
    // Every operation begins with a tensor.
    _ = Engine.prepared
    return MemoryPool(period: 1 << 17)
  }()

  /// What the pool has done since the process began.
  public struct Statistics: Sendable {
    /// How many blocks were made, of pages from the system or of blocks that were not needed.
    public var systemAllocations = 0
    /// Bytes that live tensors hold.
    public var bytesInUse = 0
    /// Bytes kept for reuse.
    public var bytesCached = 0
    /// The largest sum of both.
    public var peakBytes = 0
  }

  /// The blocks of one size that wait to be used again.
  fileprivate struct Shelf {
    var addresses: [UInt] = []
    /// The fewest that there were since the period began: those were needed at no time in it.
    var spare = 0
    /// When a block came back last, as a number that grows.
    var lastReturn = 0
  }

  fileprivate struct State {
    var shelves: [Int: Shelf] = [:]
    var statistics = Statistics()
    /// Blocks that were handed out in this period.
    var taken = 0
    /// Blocks that came back.
    var returns = 0
    /// Bytes, in use or kept, that sparing computations may reach without giving back what is kept.
    var sparingLimit = 0
  }

  private let period: Int
  private let state = Lock(State())

  /// An empty pool.
  ///
  /// - Parameter period: how many blocks are handed out between two looks at what is not used.
  package init(period: Int) {
    self.period = period
  }

  deinit { trim() }

  /// The counters at this moment.
  public var statistics: Statistics {
    state.withLock { $0.statistics }
  }

  /// Begins to look for the largest sum anew.
  package func forgetPeak() {
    state.withLock {
      $0.statistics.peakBytes = $0.statistics.bytesInUse + $0.statistics.bytesCached
    }
  }

  /// Returns all blocks that are kept to the system: between two phases of very different sizes, or
  /// when a process that lives on has finished its training.
  public func trim() {
    let blocks = state.withLock { state in
      defer { state.shelves = [:] }
      state.statistics.bytesCached = 0
      return state.shelves.flatMap { size, shelf in
        shelf.addresses.map { Block(address: $0, bytes: size) }
      }
    }
    Self.release(blocks)
  }

  /// Runs a closure during which what this thread takes and what is kept for it stay below the most that was in use at
  /// once, or that was held before: for computations on a few large maps of different sizes, of which each size would otherwise
  /// stay until the end.
  ///
  /// For a large block that is not kept, pages of blocks that are kept serve as far as that needs, of those of
  /// sizes that were not used for longest first. The system clears each page that it gives, which takes
  /// about as long as the arithmetic on it where that is little; pages that move are not cleared. Other threads lose
  /// what they kept for later, and nothing else.
  package func sparingly<Result>(_ body: () throws -> Result) rethrows -> Result {
    let previous = vk_is_sparing()
    if previous == 0 {
      state.withLock {
        $0.sparingLimit = $0.statistics.bytesInUse + $0.statistics.bytesCached
      }
    }
    vk_set_sparing(1)
    defer { vk_set_sparing(previous) }
    return try body()
  }

  /// Runs a closure in which this thread moves so many pages from block to block and no more.
  package func limitingMoves<Result>(
    to pages: Int, _ body: () throws -> Result
  ) rethrows -> Result {
    vk_limit_page_moves(pages)
    defer { vk_limit_page_moves(-1) }
    return try body()
  }

  /// The size from which on blocks are mapped by themselves, in bytes, and go back where room is made: less does not matter
  /// beside the weights.
  fileprivate static let mappedBytes = 1 << 20

  /// The size class of a request.
  package static func sizeClass(bytes: Int) -> Int {
    guard bytes > 1024 else { return max(64, (bytes + 63) & ~63) }
    let step = 1 << (Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount - 3)
    return (bytes + step - 1) & ~(step - 1)
  }

  /// Memory for some bytes, aligned to 64, not initialised; nil where there is none to be had.
  package func take(bytes: Int) -> UnsafeMutableRawPointer? {
    guard !Memory.isRefusedByTest() else { return nil }
    let size = Self.sizeClass(bytes: bytes)
    let (cached, spared, unused): (UInt?, SparedBlocks, [Block]) = state.withLock { state in
      state.statistics.bytesInUse += size
      let cached = state.pop(size)
      var spared = SparedBlocks(blocks: [], excess: 0)
      if cached == nil {
        if vk_is_sparing() != 0, size >= Self.mappedBytes {
          spared = state.makeRoom()
        }
        state.statistics.systemAllocations += 1
        state.statistics.peakBytes = max(
          state.statistics.peakBytes, state.statistics.bytesInUse + state.statistics.bytesCached)
      }
      state.taken += 1
      return (cached, spared, state.taken < period ? [] : state.endPeriod())
    }
    Self.release(unused)
    if let cached, let pointer = UnsafeMutableRawPointer(bitPattern: cached) { return pointer }
    if let block = block(bytes: size, of: spared) { return block }
    // What is kept of other sizes may be enough.
    trim()
    if let block = Self.systemBlock(bytes: size) { return block }
    state.withLock { $0.statistics.bytesInUse -= size }
    return nil
  }

  /// A block of the system that takes its pages from blocks that were kept as far as they reach. What is left of
  /// these is kept again.
  private func block(bytes: Int, of spared: SparedBlocks) -> UnsafeMutableRawPointer? {
    let given = spared.blocks.reduce(0) { $0 + $1.bytes }
    if vk_is_sparing() != 0, bytes >= PageBlock.leastBytes, given < bytes {
      // What was done before, as the opening of a model, has left room among small blocks that large ones cannot use.
      malloc_trim(0)
    }
    guard given > 0 else { return Self.systemBlock(bytes: bytes) }
    let small = spared.blocks.filter { $0.bytes < PageBlock.leastBytes }
    Self.release(small)
    var pages = PageBlock(
      spared.blocks.filter { $0.bytes >= PageBlock.leastBytes }.map { ($0.address, $0.bytes) })
    let block =
      bytes >= PageBlock.leastBytes && vk_can_move_pages() != 0
      ? pages.block(bytes: bytes) : Self.systemBlock(bytes: bytes)
    let left = pages.left(
      without: spared.excess - small.reduce(0) { $0 + $1.bytes } - pages.bytesMoved)
    state.withLock { state in
      for (address, bytes) in left {
        state.statistics.bytesCached += bytes
        state.shelves[bytes, default: Shelf()].addresses.append(address)
      }
    }
    return block
  }

  /// Takes back memory that `take` gave for as many bytes.
  package func give(back pointer: UnsafeMutableRawPointer, bytes: Int) {
    let size = Self.sizeClass(bytes: bytes)
    let address = UInt(bitPattern: pointer)
    state.withLock { state in
      state.statistics.bytesInUse -= size
      state.statistics.bytesCached += size
      state.returns += 1
      state.shelves[size, default: Shelf()].take(address, at: state.returns)
    }
  }
}

// MARK: - Blocks of the system

extension MemoryPool {
  /// A block that goes back to the system.
  fileprivate struct Block {
    let address: UInt
    let bytes: Int
  }

  /// Blocks that were kept, of which some bytes at least go back to the system, or become part of another block.
  fileprivate struct SparedBlocks {
    let blocks: [Block]
    let excess: Int
  }

  /// A block from the system, nil where the rule for memory or the system refuses it.
  private static func systemBlock(bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytes < Memory.leastRequest || Memory.allows(bytes) else { return nil }
    if bytes >= mappedBytes { return vk_map_pages(bytes) }
    var pointer: UnsafeMutableRawPointer?
    return posix_memalign(&pointer, 64, bytes) == 0 ? pointer : nil
  }

  /// Gives blocks back. The C library would keep to itself what lies between blocks in use.
  private static func release(_ blocks: [Block]) {
    var smallBytes = 0
    for block in blocks {
      let pointer = UnsafeMutableRawPointer(bitPattern: block.address)
      if block.bytes >= mappedBytes {
        vk_unmap_pages(pointer, block.bytes)
      } else {
        free(pointer)
        smallBytes += block.bytes
      }
    }
    if smallBytes >= 1 << 20 { malloc_trim(0) }
  }
}

// MARK: - Shelves

extension MemoryPool.Shelf {
  fileprivate mutating func take(_ address: UInt, at time: Int) {
    addresses.append(address)
    lastReturn = time
  }

  /// Removes the blocks that came back first.
  fileprivate mutating func removeFirst(_ count: Int) {
    addresses.removeFirst(count)
    spare = min(spare, addresses.count)
  }
}

extension MemoryPool.State {
  /// The block of a size that came back last, which may still be in a processor's cache.
  fileprivate mutating func pop(_ size: Int) -> UInt? {
    guard let index = shelves.index(forKey: size),
      let address = shelves.values[index].addresses.popLast()
    else { return nil }
    statistics.bytesCached -= size
    let left = shelves.values[index].addresses.count
    if left < shelves.values[index].spare { shelves.values[index].spare = left }
    return address
  }

  /// Takes large blocks from those that are kept, until what is held without them stays below the limit of sparing
  /// computations, which is raised to what is in use.
  fileprivate mutating func makeRoom() -> MemoryPool.SparedBlocks {
    sparingLimit = max(sparingLimit, statistics.bytesInUse)
    let excess = statistics.bytesInUse + statistics.bytesCached - sparingLimit
    guard excess > 0 else { return MemoryPool.SparedBlocks(blocks: [], excess: 0) }
    var removed: [MemoryPool.Block] = []
    var missing = excess
    let large = shelves.filter { $0.key >= MemoryPool.mappedBytes }
    for (size, shelf) in large.sorted(by: { $0.value.lastReturn < $1.value.lastReturn }) {
      guard missing > 0 else { break }
      let count = min(shelf.addresses.count, (missing + size - 1) / size)
      removed += shelf.addresses.prefix(count).map { MemoryPool.Block(address: $0, bytes: size) }
      shelves[size]?.removeFirst(count)
      missing -= count * size
    }
    statistics.bytesCached -= removed.reduce(0) { $0 + $1.bytes }
    return MemoryPool.SparedBlocks(blocks: removed, excess: excess)
  }

  /// Begins the next period. Gives the blocks that this one had no use for, those that came back
  /// first.
  fileprivate mutating func endPeriod() -> [MemoryPool.Block] {
    taken = 0
    var unused: [MemoryPool.Block] = []
    for size in Array(shelves.keys) {
      guard var shelf = shelves.removeValue(forKey: size) else { continue }
      unused += shelf.addresses.prefix(shelf.spare).map {
        MemoryPool.Block(address: $0, bytes: size)
      }
      shelf.addresses.removeFirst(shelf.spare)
      shelf.spare = shelf.addresses.count
      if !shelf.addresses.isEmpty { shelves[size] = shelf }
    }
    statistics.bytesCached -= unused.reduce(0) { $0 + $1.bytes }
    return unused
  }
}
