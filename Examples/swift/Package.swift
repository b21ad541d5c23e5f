// swift-tools-version: 6.3
import PackageDescription

/// Programs that use the package from outside, through its public interface only.
let package = Package(
  name: "vae-zoo-examples",
  dependencies: [.package(name: "vae-zoo", path: "../..")],
  targets: [
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
