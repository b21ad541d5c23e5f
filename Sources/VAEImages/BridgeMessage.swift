/// The buffer into which a bridge to a C library writes why it failed.
struct BridgeMessage {
  var bytes: [CChar]

  init(size: Int) { bytes = [CChar](repeating: 0, count: size) }

  var text: String {
    String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
