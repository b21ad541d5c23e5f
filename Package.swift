// swift-tools-version: 6.3
import PackageDescription

/// Every target of ours is built in Swift 6 mode (the tools version's default) with warnings as errors.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// Tests that have other modules compute are not optimised, which is most of what compiling them would take. Those with
/// long loops of their own are: NeuralNetworksTests, TensorsTests, VAEDataTests and VAEReportTests.
let unoptimized: [SwiftSetting] = strict + [.unsafeFlags(["-Onone"])]

let package = Package(
  name: "vae-zoo",
  products: [
    .library(name: "Messages", targets: ["Messages"]),
    .library(name: "Communication", targets: ["Communication"]),
    .library(name: "Tensors", targets: ["Tensors"]),
    .library(name: "VAEFiles", targets: ["VAEFiles"]),
    .library(name: "NeuralNetworks", targets: ["NeuralNetworks"]),
    .library(name: "VAECore", targets: ["VAECore"]),
    .library(name: "VAERecipes", targets: ["VAERecipes"]),
    .library(name: "VAEComponents", targets: ["VAEComponents"]),
    .library(name: "GaussianVAE", targets: ["GaussianVAE"]),
    .library(name: "FlowVAE", targets: ["FlowVAE"]),
    .library(name: "FlowPriorVAE", targets: ["FlowPriorVAE"]),
    .library(name: "TwoStageVAE", targets: ["TwoStageVAE"]),
    .library(name: "LadderVAE", targets: ["LadderVAE"]),
    .library(name: "BetaVAE", targets: ["BetaVAE"]),
    .library(name: "FactorVAE", targets: ["FactorVAE"]),
    .library(name: "IWAE", targets: ["IWAE"]),
    .library(name: "MissingVAE", targets: ["MissingVAE"]),
    .library(name: "ConditionalVAE", targets: ["ConditionalVAE"]),
    .library(name: "LogCoshVAE", targets: ["LogCoshVAE"]),
    .library(name: "MultiscaleVAE", targets: ["MultiscaleVAE"]),
    .library(name: "MSSSIMVAE", targets: ["MSSSIMVAE"]),
    .library(name: "VeryDeepVAE", targets: ["VeryDeepVAE"]),
    .library(name: "ProgressiveVAE", targets: ["ProgressiveVAE"]),
    .library(name: "PixelCNN", targets: ["PixelCNN"]),
    .library(name: "PixelCNNVAE", targets: ["PixelCNNVAE"]),
    .library(name: "VQVAE", targets: ["VQVAE"]),
    .library(name: "MixturePriorVAE", targets: ["MixturePriorVAE"]),
    .library(name: "VampPriorVAE", targets: ["VampPriorVAE"]),
    .library(name: "PerceptualVAE", targets: ["PerceptualVAE"]),
    .library(name: "AutoencoderTiny", targets: ["AutoencoderTiny"]),
    .library(name: "AutoencoderKL", targets: ["AutoencoderKL"]),
    .library(name: "AdversarialAutoencoder", targets: ["AdversarialAutoencoder"]),
    .library(name: "WAEGAN", targets: ["WAEGAN"]),
    .library(name: "VAEGAN", targets: ["VAEGAN"]),
    .library(name: "VQGAN", targets: ["VQGAN"]),
    .library(name: "VQModel", targets: ["VQModel"]),
    .library(name: "VAEData", targets: ["VAEData"]),
    .library(name: "VAEEvaluation", targets: ["VAEEvaluation"]),
    .library(name: "VAETraining", targets: ["VAETraining"]),
    .library(name: "VAEPluginHost", targets: ["VAEPluginHost"]),
    .library(name: "VAEZoo", targets: ["VAEZoo"]),
    .library(name: "VAEBenchmark", targets: ["VAEBenchmark"]),
    .library(name: "VAEScaling", targets: ["VAEScaling"]),
    .library(name: "VAEPluginCheck", targets: ["VAEPluginCheck"]),
    .library(name: "VAEPluginKit", targets: ["VAEPluginKit"]),
    // For the package in Fuzz alone.
    .library(name: "FuzzTargets", targets: ["FuzzTargets"]),
    .library(name: "vae", type: .dynamic, targets: ["VAELib"]),
    .executable(name: "vae-zoo", targets: ["vae-zoo"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // Layer 0: system libraries, and the loops that no library has.
    .target(
      name: "COneDNN", dependencies: ["CVectorKernels"],
      linkerSettings: [.linkedLibrary("dnnl")]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CLibFFI", providers: [.apt(["libffi-dev"])]),
    .target(name: "CPortableMath"),
    .target(name: "CGuardedCalls", linkerSettings: [.linkedLibrary("stdc++")]),
    .systemLibrary(name: "CMalloc"),
    .target(name: "CProcess"),
    .systemLibrary(name: "CDLPack"),
    .systemLibrary(name: "CVAE", path: "include"),
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png")]),
    .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    .target(
      name: "CVectorKernels",
      exclude: ["bodies"],
      linkerSettings: [.linkedLibrary("gomp"), .linkedLibrary("m")]),

    // Layer 1: what errors say and advise, in the words of each front end.
    .target(name: "Messages", swiftSettings: strict),

    // Layer 1 too: what crosses the C interfaces, structs that grow and calls that may throw.
    .target(
      name: "VAEInterface", dependencies: ["CGuardedCalls", "CVAE"], swiftSettings: strict),

    // Layer 1 too: tensors with reverse-mode differentiation.
    .target(
      name: "Tensors", dependencies: ["CMalloc", "CVectorKernels", "COneDNN"], swiftSettings: strict
    ),

    // Layer 2: JSON, safetensors, and files that are written whole or not at all.
    .target(
      name: "VAEFiles", dependencies: ["CZlib", "Messages", "Tensors"], swiftSettings: strict),

    // Layer 2 too: what carries bytes between processes that train one model together.
    .target(name: "Communication", dependencies: ["Messages", "VAEFiles"], swiftSettings: strict),

    // Layer 2 too: modules, layers, optimizers.
    .target(
      name: "NeuralNetworks", dependencies: ["Communication", "Tensors"], swiftSettings: strict),

    // Layer 3: what every variational autoencoder is made of.
    .target(
      name: "VAECore", dependencies: ["VAEFiles", "Messages", "Tensors", "NeuralNetworks"],
      swiftSettings: strict),

    // Layer 4: compositions by name: variants, components, recipes, an empty registry.
    .target(
      name: "VAERecipes",
      dependencies: ["VAEFiles", "Messages", "Tensors", "NeuralNetworks", "VAECore"],
      swiftSettings: strict),

    // Layer 5: the parts that several variants share.
    .target(
      name: "VAEComponents",
      dependencies: ["Messages", "Tensors", "NeuralNetworks", "VAECore", "VAERecipes"],
      swiftSettings: strict),

    // Layer 6: the variants, and where data comes from.
    .target(
      name: "GaussianVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/GaussianVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "FlowVAE",
      dependencies: [
        "Messages", "Tensors", "NeuralNetworks", "VAECore", "VAERecipes", "VAEComponents",
      ],
      path: "Plugins/FlowVAE", exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "FlowPriorVAE", dependencies: ["VAERecipes"], path: "Plugins/FlowPriorVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "TwoStageVAE", dependencies: ["VAERecipes"], path: "Plugins/TwoStageVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "LadderVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/LadderVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "VeryDeepVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/VeryDeepVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "ProgressiveVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/ProgressiveVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "BetaVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/BetaVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "FactorVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ],
      path: "Plugins/FactorVAE", exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "IWAE", dependencies: ["VAERecipes"], path: "Plugins/IWAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "MissingVAE", dependencies: ["VAECore", "VAERecipes"], path: "Plugins/MissingVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "ConditionalVAE",
      dependencies: ["NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents"],
      path: "Plugins/ConditionalVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "LogCoshVAE", dependencies: ["VAERecipes"], path: "Plugins/LogCoshVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "MultiscaleVAE", dependencies: ["VAERecipes"], path: "Plugins/MultiscaleVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "MSSSIMVAE",
      dependencies: ["Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes"],
      path: "Plugins/MSSSIMVAE", exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "PixelCNN",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/PixelCNN",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "PixelCNNVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/PixelCNNVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "VQVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/VQVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "MixturePriorVAE",
      dependencies: ["NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents"],
      path: "Plugins/MixturePriorVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "VampPriorVAE",
      dependencies: ["NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents"],
      path: "Plugins/VampPriorVAE",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "PerceptualVAE",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ],
      path: "Plugins/PerceptualVAE", exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "AutoencoderTiny",
      dependencies: [
        "VAEFiles", "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes",
        "VAEComponents",
      ],
      path: "Plugins/AutoencoderTiny",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "AutoencoderKL",
      dependencies: [
        "VAEFiles", "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes",
        "VAEComponents",
      ],
      path: "Plugins/AutoencoderKL",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "AdversarialAutoencoder", dependencies: ["VAECore", "VAERecipes"],
      path: "Plugins/AdversarialAutoencoder", exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "WAEGAN", dependencies: ["VAECore", "VAERecipes"], path: "Plugins/WAEGAN",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "VAEGAN",
      dependencies: [
        "Messages", "NeuralNetworks", "Tensors", "VAECore", "VAERecipes", "VAEComponents",
      ], path: "Plugins/VAEGAN",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "VQGAN", dependencies: ["VAECore", "VAERecipes", "VAEComponents"],
      path: "Plugins/VQGAN",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "VQModel",
      dependencies: [
        "VAEFiles", "Messages", "VAECore", "VAERecipes", "VAEComponents", "VQVAE", "AutoencoderKL",
      ],
      path: "Plugins/VQModel",
      exclude: ["README.md"], swiftSettings: strict),
    .target(
      name: "VAEData", dependencies: ["VAEFiles", "Messages", "Tensors", "VAECore", "CZlib"],
      swiftSettings: strict),

    // Layer 7: what a model is measured by.
    .target(
      name: "VAEEvaluation",
      dependencies: [
        "Communication", "VAEFiles", "Messages", "Tensors", "NeuralNetworks", "VAECore",
        "VAERecipes", "VAEData",
      ],
      swiftSettings: strict),

    // Layer 8: training, run folders, records, checkpoints.
    .target(
      name: "VAETraining",
      dependencies: [
        "Communication", "VAEFiles", "Messages", "Tensors", "NeuralNetworks", "VAECore",
        "VAERecipes", "VAEComponents", "VAEData", "VAEEvaluation",
      ],
      swiftSettings: strict),

    // Layer 8 too: components that come from outside, in any language that speaks C.
    .target(
      name: "VAEPluginHost",
      dependencies: [
        "CLibFFI", "CVAE", "VAEFiles", "VAEInterface", "Messages", "Tensors", "NeuralNetworks",
        "VAECore", "VAERecipes",
      ],
      swiftSettings: strict),

    // A Swift author's side of include/vae_plugin.h: for plug-ins, and nothing here imports it.
    .target(name: "VAEPluginKit", dependencies: ["CVAE"], swiftSettings: strict),

    // Layer 9: what a Swift user imports, and the operations the front ends share.
    .target(
      name: "VAEZoo",
      dependencies: [
        "VAEFiles",
        "CMalloc", "Communication", "Messages", "Tensors", "NeuralNetworks", "VAECore",
        "VAERecipes",
        "VAEComponents", "VAEData", "VAEEvaluation", "VAETraining", "VAEPluginHost",
        "GaussianVAE", "FlowVAE", "FlowPriorVAE", "TwoStageVAE", "LadderVAE", "BetaVAE",
        "FactorVAE", "IWAE", "MissingVAE",
        "ConditionalVAE", "PixelCNN", "PixelCNNVAE", "VQVAE", "MixturePriorVAE", "VampPriorVAE",
        "AutoencoderTiny", "AutoencoderKL", "VAEGAN", "VQGAN",
        "AdversarialAutoencoder", "WAEGAN", "VQModel", "LogCoshVAE", "MultiscaleVAE", "MSSSIMVAE",
        "PerceptualVAE", "VeryDeepVAE", "ProgressiveVAE",
      ],
      swiftSettings: strict),

    // Layer 10: the reference workloads, and the trial of a plug-in's parts.
    .target(
      name: "VAEBenchmark", dependencies: ["Messages", "Tensors", "NeuralNetworks", "VAEZoo"],
      swiftSettings: strict),
    .target(
      name: "VAEPluginCheck",
      dependencies: ["Messages", "Tensors", "NeuralNetworks", "VAEPluginHost", "VAEZoo"],
      swiftSettings: strict),

    // Layer 11: what several processes gain by a network. Not in libvae.so.
    .target(
      name: "VAEScaling",
      dependencies: ["Communication", "NeuralNetworks", "Tensors", "VAEBenchmark", "VAEZoo"],
      swiftSettings: strict),

    // Layer 11 too: front ends. VAEC implements include/vae.h; VAELib is libvae.so, a leaf with link flags
    // that nothing else may depend on.
    .target(
      name: "VAEC",
      dependencies: [
        "Communication", "VAEFiles", "CVAE", "CDLPack", "VAEInterface", "Messages", "Tensors",
        "VAEBenchmark",
        "VAEZoo",
      ],
      // Functions that call others: their size counts, since a wheel has a limit, and their speed does not.
      swiftSettings: strict + [.unsafeFlags(["-Osize"], .when(configuration: .release))]),
    .target(
      name: "VAELib", dependencies: ["CPortableMath", "VAEC"], swiftSettings: strict,
      linkerSettings: [
        .unsafeFlags(
          [
            "-static-stdlib", "-use-ld=lld",
            "-Xlinker", "--version-script=\(Context.packageDirectory)/include/abi/exports.map",
            "-Xlinker", "-soname=libvae.so.1",
            "-Xlinker", "--no-undefined", "-Xlinker", "--no-undefined-version",
            "-Xlinker", "-z", "-Xlinker", "nodelete", "-Xlinker", "-s",
            // Of specialised functions many come out alike; nothing here compares the addresses of functions.
            "-Xlinker", "--icf=all",
            // Strings that others end with are stored once.
            "-Xlinker", "-O2", "-Xlinker", "--build-id=none",
            // $ORIGIN also for what the libraries beside it need, in a Python wheel.
            "-Xlinker", "--disable-new-dtags",
          ], .when(platforms: [.linux]))
      ]),
    .target(
      name: "VAEImages",
      dependencies: ["VAEFiles", "Tensors", "CPNG", "CJPEG", "CZlib", "VAEData"],
      swiftSettings: strict),
    .target(
      name: "VAEReport",
      dependencies: [
        "VAEFiles", "Messages", "VAECore", "VAERecipes", "VAEData", "VAEEvaluation", "VAETraining",
        "VAEImages",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "vae-zoo",
      dependencies: [
        "CProcess", "Communication", "VAEFiles",
        "Messages", "Tensors", "VAEZoo", "VAEBenchmark", "VAEScaling", "VAEPluginCheck",
        "VAEImages", "VAEReport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict,
      // A leaf like VAELib: XCTest cannot be linked with the static runtime. Of the parts of Foundation the compiler names
      // only those that a program with the shared runtime needs.
      linkerSettings: [
        .unsafeFlags(
          ["-static-stdlib", "-l_FoundationCollections", "-l_FoundationCShims"],
          .when(platforms: [.linux]))
      ]),

    // What fuzzers call, and tests call with the bytes that fuzzers have found.
    .target(
      name: "FuzzTargets",
      dependencies: ["VAEFiles", "VAEData", "VAEImages", "VAEReport", "VAETraining", "VAEZoo"],
      path: "Tests/FuzzTargets", swiftSettings: strict),
    .testTarget(name: "FuzzTargetTests", dependencies: ["FuzzTargets"], swiftSettings: unoptimized),

    .testTarget(
      name: "TensorsTests", dependencies: ["Tensors", "CVectorKernels", "COneDNN"],
      resources: [.copy("Reference")], swiftSettings: strict),
    .testTarget(name: "MessagesTests", dependencies: ["Messages"], swiftSettings: unoptimized),
    .testTarget(
      name: "NeuralNetworksTests", dependencies: ["NeuralNetworks", "Tensors"],
      resources: [.copy("Reference")], swiftSettings: strict),
    .testTarget(
      name: "VAECoreTests",
      dependencies: [
        "VAEFiles", "VAECore", "VAERecipes", "VAEComponents", "GaussianVAE", "NeuralNetworks",
        "Tensors",
        "Messages",
      ],
      exclude: ["Reference"], swiftSettings: unoptimized),
    .testTarget(
      name: "VAEDataTests", dependencies: ["VAEFiles", "VAEData", "VAECore", "Tensors", "CZlib"],
      swiftSettings: strict),
    .testTarget(
      name: "VAETrainingTests",
      dependencies: [
        "VAEFiles",
        "VAETraining", "VAEEvaluation", "VAECore", "VAERecipes", "VAEComponents", "VAEData",
        "GaussianVAE", "NeuralNetworks", "Tensors",
      ],
      exclude: ["Reference"], swiftSettings: unoptimized),
    .testTarget(
      name: "VQVAETests",
      dependencies: [
        "VQVAE", "VAEZoo", "VAETraining", "VAEEvaluation", "VAEData", "VAECore", "VAERecipes",
        "VAEComponents", "NeuralNetworks", "Tensors",
      ],
      swiftSettings: unoptimized),
    .testTarget(
      name: "VAEImagesTests", dependencies: ["VAEFiles", "VAEImages", "VAEData"],
      exclude: ["Reference"], swiftSettings: unoptimized),
    .testTarget(
      name: "VAEReportTests",
      dependencies: [
        "VAEFiles", "VAEReport", "VAEImages", "VAEEvaluation", "VAETraining", "VAECore",
        "VAERecipes",
      ],
      resources: [.copy("Reference")], swiftSettings: strict),
    .testTarget(
      name: "VAEZooTests",
      dependencies: ["Communication", "VAEZoo", "VAEBenchmark", "VAEScaling", "Tensors"],
      resources: [.copy("Reference")], swiftSettings: unoptimized),
    .testTarget(
      name: "VariantTests",
      dependencies: [
        "Communication", "VAEZoo", "BetaVAE", "ConditionalVAE", "FactorVAE", "FlowVAE", "IWAE",
        "LadderVAE",
        "MixturePriorVAE", "VampPriorVAE", "AutoencoderTiny", "AutoencoderKL", "VAEGAN",
        "MSSSIMVAE", "PerceptualVAE", "VeryDeepVAE", "VAECore",
        "VAERecipes", "VAEComponents", "NeuralNetworks", "Tensors",
      ],
      swiftSettings: unoptimized),
    .testTarget(
      name: "VAECTests",
      dependencies: ["VAEFiles", "VAEC", "CVAE", "CDLPack", "Tensors", "VAEInterface", "VAEZoo"],
      swiftSettings: unoptimized),
    .testTarget(
      name: "PluginTests", dependencies: ["CVAE", "VAEPluginKit", "VAEZoo"],
      exclude: ["hostile.c", "parts.c", "signature.c"], swiftSettings: unoptimized),
    .testTarget(
      name: "CommandTests", dependencies: ["VAEFiles"], exclude: ["Files"],
      swiftSettings: unoptimized),
  ]
)
