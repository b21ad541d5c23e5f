// swift-tools-version: 6.3
import PackageDescription

/// The fuzzer, a package of its own: libFuzzer brings the function `main`, and all code is built with its
/// instrumentation. `scripts/fuzz` builds and runs it.
let package = Package(
  name: "vae-zoo-fuzz",
  dependencies: [.package(name: "vae-zoo", path: "..")],
  targets: [
    .executableTarget(
      name: "vae-fuzz", dependencies: [.product(name: "FuzzTargets", package: "vae-zoo")],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])])
  ]
)
