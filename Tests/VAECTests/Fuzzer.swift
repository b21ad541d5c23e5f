import CDLPack
import CVAE
import VAEZoo
import XCTest

/// Makes one call after another and looks whether the library keeps its promises.
struct Fuzzer {
  var random: CounterGenerator
  var pool: [[OpaquePointer]] = Array(repeating: [], count: 9)
  var freed: [OpaquePointer] = []
  /// The functions that came to their end at least once; those that never can count as such.
  var reached: Set<String> = []
  /// Texts and numbers of the call under way, freed after it.
  var memory: [UnsafeMutableRawPointer] = []
  /// Numbers that tensors point at: large enough for every shape that is taken.
  let numbers: UnsafeMutableRawPointer
  /// The memory that they are in the middle of.
  let block: UnsafeMutableRawPointer
  /// Where everything is written that can be; removed at the end.
  let folder = NSTemporaryDirectory() + "vae-fuzz-\(UUID().uuidString)"

  /// The kinds of handles, as positions in the pool.
  enum Kind: Int {
    case error, token, array, data, model, trainer, metrics, encoding, classifier
  }

  init(seed: UInt64) {
    random = RandomSource(seed: seed).stream("fuzz").generator()
    // Negative strides lead to what lies before the first number.
    block = .allocate(byteCount: 1 << 17, alignment: 64)
    numbers = block + (1 << 16)
    let floats = block.assumingMemoryBound(to: Float.self)
    for index in 0..<1 << 15 { floats[index] = Float(index % 2) }
  }

  mutating func finish() {
    for (kind, handles) in pool.enumerated() {
      for handle in handles { free(handle, Kind(rawValue: kind) ?? .error) }
    }
    pool = []
    block.deallocate()
    try? FileManager.default.removeItem(atPath: folder)
  }

  // MARK: Arguments

  mutating func chance(_ part: Int) -> Bool {
    Int.random(in: 0..<part, using: &random) == 0
  }

  mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &random)]
  }

  /// A handle: mostly of its kind, at times of another, freed, missing or none at all.
  mutating func handle(_ kind: Kind) -> OpaquePointer? {
    switch Int.random(in: 0..<40, using: &random) {
    case 0: return nil
    case 1: return freed.randomElement(using: &random)
    case 2: return pool.randomElement(using: &random)?.randomElement(using: &random)
    case 3: return OpaquePointer(numbers + Int.random(in: 0..<64, using: &random))
    default: return pool[kind.rawValue].randomElement(using: &random)
    }
  }

  mutating func integer() -> Int64 {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: Int64(bitPattern: UInt64.random(in: .min ... .max, using: &random))
    case 1: pick([.min, .max, -1, 1 << 31, 1 << 32, -1 << 31, 1 << 62, 1 << 48])
    default: Int64.random(in: -1...5, using: &random)
    }
  }

  mutating func number() -> Double {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: Double(bitPattern: .random(in: .min ... .max, using: &random))
    case 1: pick([.nan, .infinity, -.infinity, 0, -0.0, 1e308, -1e308, .leastNonzeroMagnitude])
    default: Double.random(in: 0...1, using: &random)
    }
  }

  mutating func keep(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
    let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 16)
    bytes.withUnsafeBytes {
      if let base = $0.baseAddress { copy.copyMemory(from: base, byteCount: $0.count) }
    }
    memory.append(copy)
    return copy
  }

  /// A path that is written to: what is left to chance lies in a folder of the fuzzer's own, which
  /// is not there before something makes it. Outside of it are only places that nobody, the
  /// administrator included, can write to.
  mutating func outputPath() -> UnsafePointer<CChar>? {
    if chance(4) {
      let path = pick(["/", "", "/proc/x"])
      return UnsafePointer(keep(path.utf8 + [0]).assumingMemoryBound(to: CChar.self))
    }
    return text(["run", "model.safetensors", "", "run/x"], prefix: folder + "/")
  }

  mutating func text(_ words: [String], prefix: String = "") -> UnsafePointer<CChar>? {
    var bytes: [UInt8]
    switch Int.random(in: 0..<30, using: &random) {
    case 0: return nil
    case 1:
      bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
        UInt8.random(in: 1...255, using: &random)
      }
    case 2: bytes = Array(repeating: UInt8(ascii: "a"), count: 5000)
    case 3:
      bytes = Array(pick(words).utf8)
      if !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(
          in: 1...255, using: &random)
      }
    default: bytes = Array(pick(words).utf8)
    }
    return UnsafePointer(keep(prefix.utf8 + bytes + [0]).assumingMemoryBound(to: CChar.self))
  }

  /// Up to five texts, of which some may be missing.
  mutating func names(
    _ words: [String]
  ) -> UnsafePointer<UnsafePointer<CChar>?>? {
    if chance(20) { return nil }
    let list = keep([UInt8](repeating: 0, count: 5 * MemoryLayout<UnsafePointer<CChar>?>.stride))
      .assumingMemoryBound(to: UnsafePointer<CChar>?.self)
    for index in 0..<5 { list[index] = text(words) }
    return UnsafePointer(list)
  }

  mutating func settings(_ keys: [String]) -> (UnsafePointer<vae_setting>?, Int) {
    let count = Int.random(in: 0...3, using: &random)
    if chance(50) { return (nil, count) }
    if chance(100) { return (nil, Int(truncatingIfNeeded: integer())) }
    let settings = keep([UInt8](repeating: 0, count: 4 * MemoryLayout<vae_setting>.size))
      .assumingMemoryBound(to: vae_setting.self)
    for index in 0..<count {
      settings[index] = vae_setting(
        key: text(keys),
        value: text(["1", "2", "0", "-1", "3,2", "1e400", "nan", "", "mlp", "gaussian"]))
    }
    return (UnsafePointer(settings), count)
  }

  /// The bytes of a struct with a size that is at times wrong, and at times with bits of chance in
  /// fields that hold no pointer.
  mutating func kept<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
    let known = MemoryLayout<Value>.size
    let pointer = keep([UInt8](repeating: 0, count: 8192))
    withUnsafeBytes(of: value) {
      if let base = $0.baseAddress { pointer.copyMemory(from: base, byteCount: known) }
    }
    var size = known
    switch Int.random(in: 0..<20, using: &random) {
    case 0: size = Int(truncatingIfNeeded: integer())
    case 1: size = known - 8
    case 2: size = known + 8
    case 3:
      size = known + 16
      pointer.storeBytes(
        of: UInt8.random(in: 0...1, using: &random), toByteOffset: known + 3, as: UInt8.self)
    default: break
    }
    pointer.storeBytes(of: UInt32(truncatingIfNeeded: size), as: UInt32.self)
    return pointer.assumingMemoryBound(to: Value.self)
  }

  mutating func tensor(_ shapes: [[Int64]]) -> UnsafePointer<vae_tensor>? {
    if chance(40) { return nil }
    var shape = pick(shapes)
    var strides: [Int64] = []
    if chance(4), !shape.isEmpty {
      shape[Int.random(in: 0..<shape.count, using: &random)] = integer()
    }
    if chance(3) {
      // Small ones stay inside the numbers, whatever the shape; others must be refused.
      strides = shape.map { _ in chance(10) ? integer() : Int64.random(in: 0...40, using: &random) }
      // The stride of an axis with one element leads nowhere, however large.
      let reach = zip(shape, strides).reduce(0.0) { sum, axis in
        axis.0 > 1 ? sum + abs(Double(axis.1)) * Double(axis.0) : sum
      }
      if reach > 4000, reach < 1e15 { strides = shape.map { _ in 0 } }
    }
    let count = shape.reduce(1.0) { $0 * Double(max(0, $1)) }
    // A count that is neither small nor impossible would read memory that is not there, or read the
    // same for long.
    if count > 4000, count < 1e15 { (shape, strides) = (shapes[0], []) }
    var view = vae_tensor()
    view.dtype = chance(20) ? Int32(truncatingIfNeeded: integer()) : pick([1, 1, 1, 2, 3, 4])
    view.device = chance(30) ? Int32(truncatingIfNeeded: integer()) : 1
    view.rank = chance(40) ? -1 : Int32(shape.count)
    view.data = chance(40) ? nil : numbers + (chance(10) ? 3 : 0)
    view.byte_offset =
      chance(40) ? UInt64(bitPattern: integer() | 1 << 62) : UInt64(pick([0, 0, 0, 4, 7]))
    if !chance(40) {
      view.shape = UnsafePointer(
        keep(shape.flatMap { size in withUnsafeBytes(of: size) { Array($0) } })
          .assumingMemoryBound(to: Int64.self))
    }
    if !strides.isEmpty {
      view.strides = UnsafePointer(
        keep(strides.flatMap { size in withUnsafeBytes(of: size) { Array($0) } })
          .assumingMemoryBound(to: Int64.self))
    }
    let pointer = kept(view)
    // A struct cut short has no data, whatever its size says.
    return UnsafePointer(pointer)
  }

  /// Options of a call, of which most let it go on.
  mutating func callOptions() -> UnsafePointer<vae_call_options>? {
    if chance(3) { return nil }
    var options = vae_call_options()
    options.reserved = chance(20) ? Int32(truncatingIfNeeded: integer()) : 0
    options.token = chance(3) ? handle(.token) : nil
    options.progress = chance(3) ? { fraction, _ in fraction > 0.5 ? 1 : 0 } : nil
    options.condition = chance(2) ? conditions() : nil
    options.draw = chance(8) ? Int32(truncatingIfNeeded: integer()) : chance(8) ? 1 : 0
    options.tile = chance(8) ? pick([16, 64, 3, -1, .max]) : 0
    options.precision = chance(8) ? pick([1, 2, -1, 9]) : 0
    options.checkpoint = chance(4) ? text(["last", "best", "7", "x", ""]) : nil
    return UnsafePointer(kept(options))
  }

  mutating func conditions() -> UnsafePointer<vae_tensor>? {
    tensor([[2], [3], [9], [2, 3], [1, 3], [9, 2], []])
  }

  mutating func images() -> UnsafePointer<vae_tensor>? {
    tensor([[2, 4, 4, 1], [3, 4, 4], [2, 16], [9, 4, 4, 1], [1, 4, 5, 1], [4], []])
  }
}
