import VAEPluginKit

private let plugin = Plugin("patches", version: "1.0", summary: "an encoder that reads patches") {
  [
    .encoder(
      "patches", summary: "patches through one dense layer, with an embedding of their places",
      hyperparameters: [
        Hyperparameter(
          "patch", .integer(default: 7, in: 1...1024), help: "pixels of a patch in each direction"),
        Hyperparameter(
          "width", .integer(default: 64, in: 1...65536), help: "numbers that stand for a patch"),
      ]
    ) { build, arguments in
      try PatchEncoder(
        build, side: arguments.integer("patch"), hidden: arguments.integer("width"))
    }
  ]
}

/// The one symbol that the host looks for.
@c(vae_plugin_entry)
public func pluginEntry(_ host: PluginHost?) -> PluginDescription? { plugin.entry(host) }
