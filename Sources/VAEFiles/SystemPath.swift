import Messages

/// Names of files between the system, to which they are bytes, and Swift, whose text is UTF-8.
///
/// Whatever `String(systemPath:)` makes of bytes, `systemPath` makes these bytes of again, also where
/// such texts were put together or cut between characters. A byte that belongs to no UTF-8 becomes a
/// character of `ForeignByte`, and so do the bytes of these characters themselves, should a name have
/// any. Every name that the system gives, and every one that it is given, goes through here.
extension String {
  /// A name that the system gave: an argument, a variable, an entry of a folder.
  public init(systemPath bytes: some Collection<UInt8>) {
    var codeUnits: [UInt8] = []
    codeUnits.reserveCapacity(bytes.count)
    var parser = Unicode.UTF8.ForwardParser()
    var parsed = bytes.makeIterator()
    var position = bytes.startIndex
    func next(_ count: Int) -> some Collection<UInt8> {
      let end = bytes.index(position, offsetBy: count)
      defer { position = end }
      return bytes[position..<end]
    }
    parsing: while true {
      switch parser.parseScalar(from: &parsed) {
      case .emptyInput: break parsing
      case .valid(let encoded):
        let own = next(encoded.count)
        let isForeign = ForeignByte.byte(of: Unicode.UTF8.decode(encoded)) != nil
        codeUnits += isForeign ? own.flatMap(ForeignByte.codeUnits) : Array(own)
      case .error(let count):
        codeUnits += next(count).flatMap(ForeignByte.codeUnits)
      }
    }
    self.init(decoding: codeUnits, as: UTF8.self)
  }

  /// A name that the system gave, up to its zero.
  public init(systemPath pointer: UnsafePointer<CChar>) {
    var count = 0
    while pointer[count] != 0 { count += 1 }
    self.init(systemPath: UnsafeRawBufferPointer(start: pointer, count: count))
  }

  /// The name as the system takes it, with a zero at its end. One that holds a zero names nothing:
  /// of it there is the empty name, which no file has.
  public var systemPath: [CChar] {
    var bytes: [CChar] = []
    bytes.reserveCapacity(utf8.count + 1)
    for scalar in unicodeScalars {
      guard scalar.value != 0 else { return [0] }
      if let byte = ForeignByte.byte(of: scalar) {
        bytes.append(CChar(bitPattern: byte))
      } else {
        bytes += scalar.utf8.lazy.map(CChar.init(bitPattern:))
      }
    }
    return bytes + [0]
  }
}
