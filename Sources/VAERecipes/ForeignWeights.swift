import VAEFiles

/// Weights that another program has stored, before anybody knows what they are.
public struct ForeignWeights: Sendable {
  /// The file or folder, for errors.
  public let source: String
  /// The files with tensors, in the order of their names.
  public let files: [Safetensors]
  /// What `config.json` beside them says; nil where there is none.
  public let config: JSON.Object?

  /// The name of the file that diffusers writes, which stands for the folder it is in.
  public static let diffusersFile = "diffusion_pytorch_model.safetensors"
  /// The name of the file that says what a folder of weights is.
  public static let configFile = "config.json"

  /// Weights of some files.
  public init(source: String, files: [Safetensors], config: JSON.Object? = nil) {
    self.source = source
    self.files = files
    self.config = config
  }
}
