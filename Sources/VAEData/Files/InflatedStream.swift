import CZlib
import Messages
import VAEFiles

/// What a compressed stream holds, decompressed piece by piece straight into the reader's memory.
final class InflatedStream: ByteStream {
  /// How the stream is wrapped.
  enum Format {
    /// One or more gzip members, whose checksums are verified (RFC 1952).
    case gzip
    /// Bare deflate data, as in ZIP archives (RFC 1951).
    case raw
  }

  /// The most bytes that one byte of deflate data can become: a copy of 258 bytes takes at least
  /// one bit for its length and one for its distance.
  static let largestRatio = 258 * 8 / 2

  /// Output is asked for in pieces that zlib's 32-bit counters can hold.
  private static let largestPiece = 1 << 30

  private let source: FileSection
  private let format: Format
  private let name: String
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
  /// zlib keeps the address of the structure, so it must not move.
  private let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var isFinished = false
  /// What has come out so far, in bytes.
  private var produced = 0
  private let limits = InputLimits.current
  /// What may come out.
  private let limit: Int

  /// - Parameters:
  ///   - source: the compressed bytes, all of which must belong to the stream.
  ///   - format: how they are wrapped.
  ///   - name: what messages call the stream.
  init(_ source: FileSection, format: Format, name: String) throws(DataError) {
    self.source = source
    self.format = format
    self.name = name
    limit = limits.inflated(from: source.size)
    state.initialize(to: z_stream())
    let windowBits = format == .gzip ? 16 + MAX_WBITS : -MAX_WBITS
    let code = inflateInit2_(
      state, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      throw DataError(.unusable, "\(name) cannot be decompressed: zlib does not start (\(code))")
    }
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
    input.deallocate()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
    var filled = 0
    while filled < buffer.count && !isFinished {
      let hasInput = try refill()
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let piece = min(rest.count, Self.largestPiece)
      let availableInput = state.pointee.avail_in
      state.pointee.next_out = rest.baseAddress?.assumingMemoryBound(to: Bytef.self)
      state.pointee.avail_out = uInt(piece)
      let code = inflate(state, Z_NO_FLUSH)
      let produced = piece - Int(state.pointee.avail_out)
      filled += produced
      self.produced += produced
      try check(0)
      switch code {
      case Z_STREAM_END:
        try finishMember()
      case Z_OK, Z_BUF_ERROR:
        let isStuck = produced == 0 && state.pointee.avail_in == availableInput
        if isStuck && !hasInput {
          throw DataError(
            .malformed, "\(name) is truncated: its compressed data end early; get it again")
        }
        if isStuck { throw damaged("zlib makes no progress") }
      default:
        throw damaged(state.pointee.msg.map { String(cString: $0) } ?? "zlib error \(code)")
      }
    }
    return filled
  }

  func check(_ size: Int) throws(DataError) {
    let size = produced + size
    guard size > limit, let refusal = limits.refusal(ofInflated: size, from: source.size) else {
      return
    }
    throw DataError(.unusable, "\(name) \(refusal)")
  }

  /// Provides input where there is none; returns whether there is some.
  private func refill() throws(DataError) -> Bool {
    if state.pointee.avail_in > 0 { return true }
    let count = try source.read(into: input)
    state.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: Bytef.self)
    state.pointee.avail_in = uInt(count)
    return count > 0
  }

  /// After the end of compressed data comes the file's end or, for gzip, another member.
  private func finishMember() throws(DataError) {
    guard try refill() else {
      isFinished = true
      return
    }
    guard format == .gzip else { throw damaged("bytes follow the end of its compressed data") }
    guard inflateReset(state) == Z_OK else { throw damaged("zlib does not start again") }
  }

  private func damaged(_ reason: String) -> DataError {
    DataError(.malformed, "\(name) is damaged (\(reason)); get it again")
  }
}
