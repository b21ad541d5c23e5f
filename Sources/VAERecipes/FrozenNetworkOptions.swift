import Messages
import VAECore
import VAEFiles

/// The hyper-parameters of a component that looks at images with a frozen network.
public struct FrozenNetworkOptions: HyperparameterSet {
  /// The file.
  @Setting(limit: 4096, help: "safetensors file of a frozen network, see docs/weights.md")
  public var network = ""
  /// What it must contain.
  @Setting(
    limit: 64,
    help:
      "SHA-256 of that file, 64 hexadecimal digits; taken down where a training names the file alone"
  )
  public var networkSHA256 = ""

  /// No network.
  public init() {}

  /// The hyper-parameters' names.
  static let (networkName, hashName) = ("network", "network_sha256")

  /// The frozen network that is named, for images of the model's data. The file is not read: it must be
  /// there where the model is trained.
  ///
  /// - Parameters:
  ///   - layers: the layers whose features are wanted.
  ///   - usesHeads: whether those are wanted instead that LPIPS compares.
  ///   - build: the data and the part that it is for.
  /// - Throws: `RecipeError` where one of the two is missing or no SHA-256; where the file is at hand the
  ///   error tells its SHA-256.
  public func file(
    layers: [String], usesHeads: Bool = false, _ build: BuildContext
  ) throws(RecipeError) -> FrozenNetworkFile {
    let role = build.part.split(separator: " ").first.map(String.init) ?? build.part
    guard !network.isEmpty else {
      throw RecipeError(
        .invalid,
        "\(build.part) needs the file of a frozen network, such as one that `vae-zoo classifier` makes; name it with "
          + "\(.setting("\(role).network", "FILE"))"
      )
    }
    guard networkSHA256.utf8.count == 64,
      networkSHA256.allSatisfy({ $0.isASCII && $0.isHexDigit })
    else {
      guard let found = (try? SHA256.hash(ofFile: network)).map(SHA256.text) else {
        throw RecipeError(
          .invalid,
          "\(build.part) needs the frozen network \(network), which cannot be read; name a file that is there with "
            + "\(.setting("\(role).network", "FILE"))")
      }
      throw RecipeError(
        .invalid,
        "\(build.part) needs the SHA-256 of \(network), 64 hexadecimal digits, so that no other network takes its "
          + "place; give it with \(.setting("\(role).network_sha256", found))")
    }
    let file = FrozenNetworkFile(
      network, sha256: networkSHA256, layers: layers, usesHeads: usesHeads,
      imageShape: [build.data.height, build.data.width, build.data.channels],
      range: build.data.range)
    file.openModel = build.openModel
    file.layersSetting = usesHeads ? nil : "\(role).layers"
    return file
  }
}
