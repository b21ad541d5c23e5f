import CVectorKernels

/// Large blocks of memory that nobody needs any more, each with pages of its own, which become those of another block of
/// whatever size.
struct PageBlock {
  /// The size from which on pages of blocks can be moved, in bytes.
  static let leastBytes = 2 * Int(VK_HUGE_PAGE)

  private var donors: [(address: UInt, bytes: Int)]
  /// The bytes that have become part of another block.
  private(set) var bytesMoved = 0

  /// Takes blocks over, with their addresses and sizes, of which none is small.
  init(_ donors: [(address: UInt, bytes: Int)]) {
    self.donors = donors
  }

  /// A block of some bytes, of pages of these blocks as far as they reach, and fresh ones; nil where the rule for memory or
  /// the system refuses what is missing.
  mutating func block(bytes: Int) -> UnsafeMutableRawPointer? {
    let page = Int(VK_HUGE_PAGE)
    let given = donors.reduce(0) { $0 + $1.bytes / page * page }
    guard Memory.allows(max(0, bytes - given)), let block = vk_map_pages(bytes) else { return nil }
    for (index, donor) in donors.enumerated() {
      let wanted = min(donor.bytes, bytes - bytesMoved) / page * page
      guard wanted > 0, let pointer = UnsafeMutableRawPointer(bitPattern: donor.address) else {
        continue
      }
      let moved = vk_move_pages(pointer, block + bytesMoved, wanted)
      donors[index] = (donor.address + UInt(moved), donor.bytes - moved)
      bytesMoved += moved
      guard moved == wanted else {
        // What lies behind may be a hole, in which others have mapped something by now.
        vk_unmap_pages(block, bytesMoved)
        vk_unmap_pages(block + bytesMoved + page, max(0, bytes - bytesMoved - page))
        return nil
      }
    }
    return block
  }

  /// Addresses and sizes, of those that the pool has, of what is left of the blocks when they have given up so many bytes
  /// more. What fits no size goes back to the system.
  func left(without bytes: Int) -> [(address: UInt, bytes: Int)] {
    var missing = max(0, bytes)
    var left: [(address: UInt, bytes: Int)] = []
    for donor in donors {
      guard let pointer = UnsafeMutableRawPointer(bitPattern: donor.address) else { continue }
      let kept = Self.sizeClass(within: donor.bytes - missing)
      vk_unmap_pages(pointer + kept, donor.bytes - kept)
      missing = max(0, missing - (donor.bytes - kept))
      if kept > 0 { left.append((donor.address, kept)) }
    }
    return left
  }

  /// The largest size of the pool that is no more than some bytes and has whole huge pages; zero where there is none.
  private static func sizeClass(within bytes: Int) -> Int {
    guard bytes >= leastBytes else { return 0 }
    let step = max(
      Int(VK_HUGE_PAGE), 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount - 3))
    return bytes / step * step
  }
}
