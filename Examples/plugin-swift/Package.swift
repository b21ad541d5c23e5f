// swift-tools-version: 6.3
import PackageDescription

/// A plug-in in Swift: a shared object of its own that speaks C with its host.
let package = Package(
  name: "patches",
  products: [.library(name: "patches", type: .dynamic, targets: ["Patches"])],
  dependencies: [.package(name: "vae-zoo", path: "../..")],
  targets: [
    .target(
      name: "Patches", dependencies: [.product(name: "VAEPluginKit", package: "vae-zoo")],
      linkerSettings: [
        // Its own Swift runtime, and nothing exported but the entry.
        .unsafeFlags([
          "-static-stdlib", "-use-ld=lld", "-Xlinker", "-s",
          "-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map",
        ])
      ])
  ]
)
