import CZlib
import XCTest

/// Files in the formats that are read, written byte by byte.
enum TestFiles {
  // MARK: IDX

  /// An IDX file, of bytes where nothing else is said; sizes and content need not agree.
  static func idx(_ sizes: [Int], _ content: [UInt8], type: UInt8 = 0x08) -> [UInt8] {
    [0, 0, type, UInt8(sizes.count)]
      + sizes.flatMap { littleEndian(UInt32($0)).reversed() } + content
  }

  // MARK: NPY

  /// An NPY file of version 1.0, of bytes where nothing else is said; sizes and content need not
  /// agree.
  static func npy(
    _ sizes: [Int], _ content: [UInt8], type: String = "|u1", isFortranOrder: Bool = false
  ) -> [UInt8] {
    let shape = sizes.map(String.init).joined(separator: ", ") + (sizes.count == 1 ? "," : "")
    let order = isFortranOrder ? "True" : "False"
    return npy(
      header: "{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(shape)), }", content)
  }

  /// An NPY file with any header.
  static func npy(header: String, version: UInt8 = 1, _ content: [UInt8]) -> [UInt8] {
    let lengthSize = version == 1 ? 2 : 4
    let padding = (64 - (8 + lengthSize + header.utf8.count + 1) % 64) % 64
    let text = Array((header + String(repeating: " ", count: padding) + "\n").utf8)
    return [0x93] + Array("NUMPY".utf8) + [version, 0]
      + littleEndian(UInt32(text.count)).prefix(lengthSize) + text + content
  }

  static func bytes(_ floats: [Float]) -> [UInt8] {
    floats.flatMap { littleEndian($0.bitPattern) }
  }

  static func bytes(_ doubles: [Double]) -> [UInt8] {
    doubles.flatMap { littleEndian($0.bitPattern) }
  }

  static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  // MARK: Compression

  static func gzip(_ content: [UInt8]) -> [UInt8] {
    deflated(content, windowBits: 16 + MAX_WBITS)
  }

  /// Compresses, bare where the window is negative, as gzip where 16 has been added to it.
  static func deflated(_ content: [UInt8], windowBits: Int32 = -MAX_WBITS) -> [UInt8] {
    var content = content
    var state = z_stream()
    XCTAssertEqual(
      deflateInit2_(
        &state, Z_BEST_COMPRESSION, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)), Z_OK)
    defer { deflateEnd(&state) }
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&state, uLong(content.count))))
    content.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { buffer in
        state.next_in = input.baseAddress
        state.avail_in = uInt(input.count)
        state.next_out = buffer.baseAddress
        state.avail_out = uInt(buffer.count)
        XCTAssertEqual(deflate(&state, Z_FINISH), Z_STREAM_END)
      }
    }
    return Array(output.prefix(Int(state.total_out)))
  }

  // MARK: ZIP

  /// A file in a ZIP archive; what the archive says of it need not be true.
  struct Member {
    var name: String
    var content: [UInt8]
    var method: UInt16 = 0
    var flags: UInt16 = 0
    /// What the archive says, where it is not the truth.
    var declaredSize: Int?
    /// Whether the directory has its numbers in the 64-bit extension.
    var isExtended = false

    /// An array as NumPy stores it.
    init(_ array: String, _ npy: [UInt8]) {
      name = array + ".npy"
      content = npy
    }

    /// The same, deflated or with other changes.
    func with(_ change: (inout Member) -> Void) -> Member {
      var copy = self
      change(&copy)
      return copy
    }

    var deflated: Member { with { $0.method = 8 } }
  }

  /// A ZIP archive.
  ///
  /// - Parameters:
  ///   - members: the files.
  ///   - isExtended: whether the end record leaves its numbers to one of 64 bits.
  ///   - comment: at the file's end.
  static func zip(
    _ members: [Member], isExtended: Bool = false, comment: String = ""
  ) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let stored = member.method == 8 ? deflated(member.content) : member.content
      let name = Array(member.name.utf8)
      let (offset, size) = (file.count, member.declaredSize ?? member.content.count)
      let checksum = crc32(0, member.content, uInt(member.content.count))
      var begin = short(20) + short(Int(member.flags)) + short(Int(member.method))
      begin += word(0) + word(Int(checksum))
      let sizes = word(stored.count) + word(size)
      // Another extra field first, then that of the 64-bit extension.
      var extra: [UInt8] = []
      if member.isExtended {
        extra = short(9) + short(2) + [7, 7] + short(1) + short(24)
        extra += long(size) + long(stored.count) + long(offset)
      }
      directory += [0x50, 0x4b, 1, 2, 20, 0] + begin
      directory += member.isExtended ? elsewhere + elsewhere : sizes
      directory += short(name.count) + short(extra.count) + [UInt8](repeating: 0, count: 10)
      directory += (member.isExtended ? elsewhere : word(offset)) + name + extra
      // The local extra field has another length than the directory's.
      file += [0x50, 0x4b, 3, 4] + begin + sizes + short(name.count) + short(4) + name
      file += [0xca, 0xfe, 0, 0] + stored
    }
    let (start, size) = (file.count, directory.count)
    file += directory
    if isExtended {
      let record = file.count
      file += [0x50, 0x4b, 6, 6] + long(44) + [45, 0, 45, 0] + word(0) + word(0)
      file += long(members.count) + long(members.count) + long(size) + long(start)
      file += [0x50, 0x4b, 6, 7] + word(0) + long(record) + word(1)
    }
    file += [0x50, 0x4b, 5, 6] + word(0) + short(members.count) + short(members.count)
    file += isExtended ? elsewhere + elsewhere : word(size) + word(start)
    return file + short(comment.utf8.count) + Array(comment.utf8)
  }

  /// What a 32-bit field holds whose value stands in a 64-bit one.
  private static let elsewhere: [UInt8] = [0xff, 0xff, 0xff, 0xff]

  private static func short(_ value: Int) -> [UInt8] { littleEndian(UInt16(value)) }

  private static func word(_ value: Int) -> [UInt8] { littleEndian(UInt32(value)) }

  private static func long(_ value: Int) -> [UInt8] { littleEndian(UInt64(value)) }
}
