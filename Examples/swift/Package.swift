// swift-tools-version: 6.3
import PackageDescription

/// A program that writes a variant out of elementary operations, and knows nothing of `VAECore`.
func page(_ name: String) -> Target {
  .executableTarget(
    name: name,
    dependencies: [
      "PageSupport", .product(name: "NeuralNetworks", package: "vae-zoo"),
      .product(name: "Tensors", package: "vae-zoo"),
    ])
}

/// Programs that use the package from outside, through its public interface only.
let package = Package(
  name: "vae-zoo-examples",
  dependencies: [.package(name: "vae-zoo", path: "../..")],
  targets: [
    // The mathematics of a variant on one page each, over tensors and layers alone, for readers.
    .target(
      name: "PageSupport",
      dependencies: [
        .product(name: "NeuralNetworks", package: "vae-zoo"),
        .product(name: "Tensors", package: "vae-zoo"),
        .product(name: "VAEFiles", package: "vae-zoo"),
      ]),
    page("vae-on-one-page"), page("ladder-on-one-page"), page("vq-on-one-page"),
    page("pixelcnn-on-one-page"), page("flow-on-one-page"), page("gan-on-one-page"),

    .executableTarget(
      name: "cached-sampling", dependencies: [.product(name: "VAEZoo", package: "vae-zoo")]),
    .executableTarget(
      name: "compose", dependencies: [.product(name: "VAEZoo", package: "vae-zoo")]),
    .executableTarget(
      name: "export-images", dependencies: [.product(name: "VAEZoo", package: "vae-zoo")]),
    .executableTarget(
      name: "own-variant", dependencies: [.product(name: "VAEZoo", package: "vae-zoo")]),
  ]
)
