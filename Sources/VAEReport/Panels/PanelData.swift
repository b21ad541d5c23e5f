import FoundationEssentials
import VAECore
import VAEFiles

/// What the script draws from.
enum PanelData {
  /// Where bars stand in their plots.
  static let bars = JSON.object([
    "left": .number(BarFrame.left), "width": .number(BarFrame.width),
    "floor": .number(BarFrame.floor), "height": .number(BarFrame.height),
  ])

  static func base64(_ bytes: [UInt8]) -> JSON {
    .text(Data(bytes).base64EncodedString())
  }

  static func integers(_ frames: [[Int]]) -> JSON {
    .array(frames.map { .array($0.map(JSON.integer)) })
  }

  /// Pictures of records; the last one stands in the page already, and is null here.
  static func pictures(_ uris: [String]) -> JSON {
    .array(uris.dropLast().map(JSON.text) + [.null])
  }

  /// The text that stands in the page: a name must not end the element that it stands in.
  static func text(_ object: JSON.Object) -> String {
    JSON.object(object).line.replacing("<", with: "\\u003c")
  }
}
