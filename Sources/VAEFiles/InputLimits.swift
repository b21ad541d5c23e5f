import Glibc
import Messages
import Tensors

/// What reading a file that somebody else has made may cost at most.
///
/// A small file can ask for much: a megabyte of compressed data inflates to a gigabyte, a picture of a few
/// hundred bytes declares millions of pixels. Readers ask `InputLimits.current` before they take memory
/// or time, and their errors name the limit, what was found, and how to raise it.
public struct InputLimits: Equatable, Sendable {
  /// The most bytes that one compressed array may become: at first half of the machine's memory.
  public var inflatedBytes = max(1 << 30, installedMemory / 2)
  /// How many times its compressed size an array may become, where it is beyond 256 MiB. Photographs
  /// come to 2, digits to 10, sparse binary images to 200.
  public var inflationRatio = 250
  /// The most bytes that the pixels of one picture may take.
  public var pictureBytes = 1 << 28
  /// The most files in one archive.
  public var archiveMembers = 10_000
  /// The most bytes of one JSON text: a recipe, or a line of what a run has on record.
  public var textBytes = 1 << 24

  /// The limits as they are unless somebody sets others.
  public init() {}

  /// What any compressed array may become, however small it is in the file.
  public static let alwaysInflated = 1 << 28

  /// The limits that this process reads with.
  public static var current: InputLimits { shared.withLock { $0 } }

  private static let shared = Lock(InputLimits())

  /// The machine's memory in bytes.
  private static let installedMemory: Int = {
    let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    return pages > 0 && size > 0 ? pages * size : 1 << 33
  }()
}

// MARK: - By name

extension InputLimits {
  /// A limit by its name, the same on the command line, in C and in Python.
  private struct Name: Sendable {
    let name: String
    let place: WritableKeyPath<InputLimits, Int> & Sendable
    let range: ClosedRange<Int>
  }

  /// No limit may be so large that a product of two is beyond 64 bits.
  private static let largest = 1 << 48

  private static let all = [
    Name(name: "inflated_bytes", place: \.inflatedBytes, range: 1...largest),
    // Deflate makes at most 1032 bytes of one.
    Name(name: "inflation_ratio", place: \.inflationRatio, range: 1...1032),
    Name(name: "picture_bytes", place: \.pictureBytes, range: 1...1 << 31),
    Name(name: "archive_members", place: \.archiveMembers, range: 1...largest),
    Name(name: "text_bytes", place: \.textBytes, range: 1...1 << 31),
  ]

  /// The names of all limits.
  public static var names: [String] { all.map(\.name) }

  /// The value of a limit; nil where there is none of that name.
  public subscript(name: String) -> Int? {
    Self.all.first { $0.name == name }.map { self[keyPath: $0.place] }
  }

  /// The limits as a JSON object.
  public var json: JSON {
    var object: JSON.Object = [:]
    for limit in Self.all { object[limit.name] = .integer(self[keyPath: limit.place]) }
    return .object(object)
  }

  /// Sets a limit for all that this process reads from now on.
  ///
  /// - Throws: `LimitError` where there is no limit of that name, or it cannot be that large or small.
  public static func set(_ name: String, to value: Int) throws(LimitError) {
    guard let limit = all.first(where: { $0.name == name }) else {
      throw LimitError("there is no limit \(name); there are: \(names.joined(separator: ", "))")
    }
    guard limit.range.contains(value) else {
      throw LimitError(
        "the limit \(name) must be in \(limit.range.lowerBound)…\(limit.range.upperBound), not \(value)"
      )
    }
    shared.withLock { $0[keyPath: limit.place] = value }
  }

  /// A number of bytes as people write it: `500000`, `64kB`, `8GB` (powers of 1000), `2GiB` (of 1024).
  /// Nil for anything else.
  public static func value(parsing text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let units = ["": 1, "B": 1]
    var factor = units[String(text[digits.endIndex...])]
    for (power, prefix) in ["k", "M", "G", "T"].enumerated() {
      for (base, ending) in [(1000, ["B", ""]), (1024, ["iB"])] {
        for ending in ending where text[digits.endIndex...] == prefix + ending {
          factor = (0...power).reduce(1) { product, _ in product * base }
        }
      }
    }
    guard let factor, let number = Int(digits) else { return nil }
    let (product, overflows) = number.multipliedReportingOverflow(by: factor)
    return overflows ? nil : product
  }
}

/// A limit that there is not, or that cannot be set so.
public struct LimitError: MessageError, Equatable {
  /// The limit, and what is wrong.
  public let message: Message

  init(_ message: Message) { self.message = message }
}

// MARK: - What is allowed

extension InputLimits {
  /// What compressed bytes may become at most, by the limits on size and ratio.
  public func inflated(from compressed: Int) -> Int {
    let (product, overflows) = compressed.multipliedReportingOverflow(by: inflationRatio)
    return min(inflatedBytes, max(Self.alwaysInflated, overflows ? .max : product))
  }

  /// What to say of compressed data that become more than they may; a sentence that begins with their
  /// name. Nil where they do not.
  ///
  /// - Parameters:
  ///   - size: what they become, or have become so far.
  ///   - compressed: their size in the file.
  public func refusal(ofInflated size: Int, from compressed: Int) -> Message? {
    guard size > inflated(from: compressed) else { return nil }
    guard size <= inflatedBytes else {
      return
        "becomes \(size) bytes or more when it is decompressed, beyond the limit inflated_bytes of \(inflatedBytes); "
        + "if you trust it, raise it by \(.limit("inflated_bytes", max(size, 2 * inflatedBytes)))"
    }
    return refusal(ofExpanded: size, from: compressed)
  }

  /// The same by the limit on the ratio alone, for data that may be kept in a file.
  public func refusal(ofExpanded size: Int, from compressed: Int) -> Message? {
    let (product, overflows) = compressed.multipliedReportingOverflow(by: inflationRatio)
    guard size > max(Self.alwaysInflated, overflows ? .max : product) else { return nil }
    // What they have become so far says little of what they will: a step that is worth another try.
    let least = (size - 1) / max(1, compressed) + 1
    let ratio = min(1032, max(least, 2 * inflationRatio))
    return
      "has \(compressed) bytes that become \(size) or more when they are decompressed, beyond the limit inflation_ratio "
      + "of \(inflationRatio) times; if you trust it, raise it by \(.limit("inflation_ratio", ratio))"
  }
}
