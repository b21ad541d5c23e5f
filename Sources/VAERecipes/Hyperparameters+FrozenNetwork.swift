import Messages
import VAECore
import VAEFiles

extension Hyperparameter {
  /// The hyper-parameters `network` and `network_sha256` of a component that looks at images with a
  /// frozen network; `Hyperparameters.frozenNetwork` reads them.
  public static let frozenNetwork = [
    Hyperparameter(
      "network", .text(limit: 4096), default: .text(""),
      help: "safetensors file of a frozen network, see docs/weights.md"),
    Hyperparameter(
      "network_sha256", .text(limit: 64), default: .text(""),
      help: "SHA-256 of that file, 64 hexadecimal digits"),
  ]
}

extension Hyperparameters {
  /// The frozen network that `network` and `network_sha256` name, for images of the model's data. The
  /// file is not read: it must be there where the model is trained.
  ///
  /// - Parameters:
  ///   - layers: the layers whose features are wanted.
  ///   - build: the data and the part that it is for.
  /// - Throws: `RecipeError` where one of the two is missing or no SHA-256; where the file is at hand the
  ///   error tells its SHA-256.
  public func frozenNetwork(
    layers: [String], _ build: BuildContext
  ) throws(RecipeError) -> FrozenNetworkFile {
    let (path, sha256) = (text("network"), text("network_sha256"))
    let role = build.part.split(separator: " ").first.map(String.init) ?? build.part
    guard !path.isEmpty else {
      throw RecipeError(
        .invalid,
        "\(build.part) needs the file of a frozen network; name it with \(.setting("\(role).network", "FILE"))"
      )
    }
    guard sha256.utf8.count == 64, sha256.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
      let found = (try? SHA256.hash(ofFile: path)).map(SHA256.text) ?? "DIGITS"
      throw RecipeError(
        .invalid,
        "\(build.part) needs the SHA-256 of \(path), 64 hexadecimal digits, so that no other network takes its "
          + "place; give it with \(.setting("\(role).network_sha256", found))")
    }
    let file = FrozenNetworkFile(
      path, sha256: sha256, layers: layers,
      imageShape: [build.data.height, build.data.width, build.data.channels],
      range: build.data.range)
    file.openModel = build.openModel
    return file
  }
}
