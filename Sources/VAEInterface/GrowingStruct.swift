// Fields are named in vae.h and vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import Glibc

/// A struct of a C interface that begins with its size, so that later versions can add fields at its
/// end.
///
/// A caller's struct may be shorter or longer than this version's: it was compiled against a header
/// of another version. What the sizes of fields are is written from the headers by
/// scripts/abi-layout.
public protocol GrowingStruct {
  /// A struct with every field zero.
  init()
  /// The size in bytes that its owner gave it.
  var struct_size: UInt32 { get set }
  /// The bytes of each field, in order.
  static var fields: [Range<Int>] { get }
  /// The size that it had in the first version of its header.
  static var firstSize: Int { get }
}

/// What is wrong with a struct of a caller.
public enum StructFault: Error {
  /// Its size is none that a version of the struct can have: too small, too large, or not a multiple
  /// of its alignment.
  case size(Int)
  /// It ends inside a field.
  case cut(Int)
  /// It sets a field, at this byte, that a later version added.
  case unknownField(Int)
}

extension GrowingStruct {
  /// The most that a struct of a later version may have; more is not a size.
  private static var largestSize: Int { 4096 }
  /// The alignment that every one of the structs has at least.
  private static var leastAlignment: Int { 4 }
  /// The least size that says anything: itself and a first field.
  public static var leastSize: Int { 8 }

  /// The size that a caller gave its struct.
  ///
  /// - Parameters:
  ///   - pointer: the struct.
  ///   - least: what it must have at least.
  /// - Throws: `StructFault` where it is no size, or one that cuts a field in two.
  public static func size(
    at pointer: UnsafeRawPointer, least: Int = leastSize
  ) throws(StructFault) -> Int {
    let size = Int(pointer.loadUnaligned(as: UInt32.self))
    guard size >= least, size <= largestSize else { throw .size(size) }
    guard !fields.contains(where: { $0.lowerBound < size && size < $0.upperBound }) else {
      throw .cut(size)
    }
    guard size % leastAlignment == 0 else { throw .size(size) }
    return size
  }

  /// A copy of a caller's struct, in which fields that it is too short for are zero.
  ///
  /// - Parameters:
  ///   - pointer: the struct.
  ///   - least: the size that it must have at least.
  /// - Throws: `StructFault` where it has no size, is cut short, or sets fields that this version
  ///   does not know.
  public init(
    reading pointer: UnsafeRawPointer, least: Int = leastSize
  ) throws(StructFault) {
    self.init()
    let size = try Self.size(at: pointer, least: least)
    let known = MemoryLayout<Self>.size
    withUnsafeMutableBytes(of: &self) { bytes in
      bytes.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(size, known)))
    }
    for offset in min(size, known)..<size
    where pointer.load(fromByteOffset: offset, as: UInt8.self) != 0 {
      throw .unknownField(offset)
    }
    struct_size = UInt32(known)
  }

  /// Writes the fields into a caller's struct as far as it goes, and zeroes those that this version
  /// does not know. The caller's size stays.
  ///
  /// - Parameters:
  ///   - target: the struct.
  ///   - size: what `size(at:)` found.
  public func write(to target: UnsafeMutableRawPointer, size: Int) {
    withUnsafeBytes(of: self) { bytes in
      guard let source = bytes.baseAddress else { return }
      memcpy(target + 4, source + 4, min(size, bytes.count) - 4)
      if size > bytes.count { memset(target + bytes.count, 0, size - bytes.count) }
    }
  }
}
