// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import Foundation
import VAEZoo
import XCTest

/// Random descriptions, and random calls of the host by a plug-in: the same every time.
/// `VAE_FUZZ_CALLS` asks for more.
final class HostFuzzTests: PluginTestCase {
  private func calls(_ standard: Int) -> Int {
    let asked = ProcessInfo.processInfo.environment["VAE_FUZZ_CALLS"].flatMap { Int($0) }
    return max(standard, (asked ?? 0) / 4)
  }

  /// Seeds and numbers of calls of a kind that once failed, of `Tests/Corpus/seeds.txt`.
  private func failures(_ kind: String) throws -> [(seed: UInt64, calls: Int)] {
    try String(contentsOfFile: "\(Self.root)/Tests/Corpus/seeds.txt", encoding: .utf8)
      .split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == kind else { return nil }
        return (try XCTUnwrap(UInt64(words[1])), try XCTUnwrap(Int(words[2])))
      }
  }

  /// Runs one test for its own seed and for those of past failures.
  private func forSeeds(
    _ kind: String, own seed: UInt64, _ standard: Int, _ body: (UInt64, Int) throws -> Void
  ) throws {
    try body(seed, calls(standard))
    for failure in try failures(kind) { try body(failure.seed, failure.calls) }
  }

  // MARK: Descriptions

  func testNoDescriptionThatPointsAtMemoryStopsTheProcess() throws {
    var taken = 0
    try forSeeds("descriptions", own: 11, 10_000) { taken += try describe($0, $1) }
    XCTAssertGreaterThan(taken, 100, "some must be right, or nothing behind the checks is reached")
  }

  /// - Returns: the descriptions that were taken.
  private func describe(_ seed: UInt64, _ count: Int) throws -> Int {
    var random = RandomSource(seed: seed).stream("descriptions").generator()
    var taken = 0
    for _ in 0..<count {
      var fuzzer = DescriptionFuzzer(random: random)
      let plugin = fuzzer.plugin()
      random = fuzzer.random
      var registry = Registry.builtIn
      if let found = try? InProcess.load(UnsafePointer(plugin)),
        (try? registry.register(found)) != nil
      {
        taken += 1
        for entry in registry.entries where entry.origin == "test" {
          if let recipe = try? registry.recipe(for: entry.variant.name) { _ = recipe.json.line }
        }
        for component in registry.components(.prior) where component.origin == "test" {
          _ = try? model([(key: "prior.name", value: component.name)], registry)
        }
      }
      fuzzer.free()
    }
    return taken
  }

  // MARK: Calls

  func testNoCallOfTheHostStopsTheProcess() throws {
    var made = 0
    try forSeeds("host", own: 5, 40_000) { made += try callHost($0, $1) }
    XCTAssertGreaterThan(made, 5_000, "operations must come to results")
  }

  /// - Returns: the calls that came to a value.
  private func callHost(_ seed: UInt64, _ count: Int) throws -> Int {
    let prior = try model([(key: "prior.name", value: "test")], InProcess.registry()).prior
    nonisolated(unsafe) var random = RandomSource(seed: seed).stream("host").generator()
    nonisolated(unsafe) var made = 0
    nonisolated(unsafe) var older: [OpaquePointer?] = []
    InProcess.density = { host, pass, z in
      var fuzzer = CallFuzzer(host: host, pass: pass, random: random, values: [z, nil] + older)
      for _ in 0..<40 { fuzzer.call() }
      random = fuzzer.random
      made += fuzzer.made
      older = Array(fuzzer.values.suffix(3))
      return fuzzer.values.randomElement(using: &random) ?? z
    }
    let bytes = MemoryPool.shared.statistics.bytesInUse
    for number in 0..<count / 40 {
      let parameter = Parameter(RandomSource(seed: UInt64(number)).stream("z").normal([4, 3]))
      let posterior = DiagonalGaussian(mean: parameter.tensor, logVariance: .zeros([4, 3]))
      let rate = prior.draw(from: posterior, DrawRequest(), context(4, mode: .training)).rate
      _ = rate.sum().backward()
      _ = (prior as? any FalliblePart)?.takeFault()
    }
    XCTAssertEqual(MemoryPool.shared.statistics.bytesInUse, bytes, "values outlive their pass")
    return made
  }
}

/// Descriptions with wrong sizes, counts, names and types, whose pointers are NULL or right.
private struct DescriptionFuzzer {
  var random: CounterGenerator
  private var memory: [UnsafeMutableRawPointer] = []

  init(random: CounterGenerator) {
    self.random = random
  }

  func free() {
    for place in memory { place.deallocate() }
  }

  private mutating func chance(_ part: Int) -> Bool {
    Int.random(in: 0..<part, using: &random) == 0
  }

  private mutating func number() -> Int64 {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: Int64(bitPattern: .random(in: .min ... .max, using: &random))
    case 1: [.min, .max, -1, 1 << 31, 1 << 40][Int.random(in: 0..<5, using: &random)]
    default: Int64.random(in: 0...4, using: &random)
    }
  }

  private mutating func real() -> Double {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: Double(bitPattern: .random(in: .min ... .max, using: &random))
    case 1: [.nan, .infinity, -.infinity, 1e308, -0.0][Int.random(in: 0..<5, using: &random)]
    default: Double.random(in: -1...2, using: &random)
    }
  }

  /// An array with room behind it, so that a size that is too large by some fields stays inside.
  private mutating func kept<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let size = max(1, values.count) * MemoryLayout<Value>.stride
    let place = UnsafeMutableRawPointer.allocate(byteCount: size * 2 + 8192, alignment: 16)
    place.initializeMemory(as: UInt8.self, repeating: 0, count: size * 2 + 8192)
    values.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { place.copyMemory(from: base, byteCount: bytes.count) }
    }
    memory.append(place)
    return place.assumingMemoryBound(to: Value.self)
  }

  private mutating func text(_ words: [String]) -> UnsafePointer<CChar>? {
    if chance(40) { return nil }
    var bytes = Array(words[Int.random(in: 0..<words.count, using: &random)].utf8)
    if chance(40) { bytes = [] }
    if chance(40) { bytes = Array(repeating: 97, count: 6000) }
    if chance(40), !bytes.isEmpty {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 1...255, using: &random)
    }
    return UnsafePointer(kept(bytes.map { CChar(bitPattern: $0) } + [0]))
  }

  /// A struct's size, mostly right.
  private mutating func size<Value>(_ type: Value.Type) -> UInt32 {
    let size = UInt32(MemoryLayout<Value>.size)
    switch Int.random(in: 0..<60, using: &random) {
    case 0: return UInt32(truncatingIfNeeded: number())
    case 1: return size - 8
    case 2: return size + 8
    default: return size
    }
  }

  /// How many an array is said to have: not more than there is memory for, or too many to be looked
  /// at.
  private mutating func count(_ real: Int) -> UInt64 {
    chance(30)
      ? [0, 1, UInt64.max, 1 << 40, 5000][Int.random(in: 0..<5, using: &random)] : UInt64(real)
  }

  private mutating func hyperparameter() -> vae_hyperparameter {
    var result = vae_hyperparameter()
    result.struct_size = size(vae_hyperparameter.self)
    result.type =
      chance(30) ? Int32(truncatingIfNeeded: number()) : .random(in: 1...8, using: &random)
    result.name = text(["size", "width", "latent", "name", "a_b", "x1", "y", "z"])
    result.help = text(["what it does"])
    if chance(2) {
      (result.default_integer, result.minimum_integer, result.maximum_integer) = (
        number(), number(), number()
      )
      (result.default_number, result.minimum_number, result.maximum_number) = (
        real(), real(), real()
      )
    }
    if chance(2) {
      let words = [text(["a"]), text(["b"]), text(["c"])]
      result.choices = chance(20) ? nil : UnsafePointer(kept(words))
      result.choice_count = min(3, count(3))
      result.default_text = chance(2) ? text(["a", "z"]) : nil
    }
    if chance(2) {
      let numbers = [number(), number(), number()]
      result.default_values = chance(20) ? nil : UnsafePointer(kept(numbers))
      result.default_count = chance(20) ? UInt64.max : UInt64.random(in: 0...3, using: &random)
      (result.minimum_count, result.maximum_count) = (
        UInt64(bitPattern: number()), UInt64(bitPattern: number())
      )
    }
    return result
  }

  private mutating func component() -> vae_component {
    var result = InProcess.component
    result.struct_size = size(vae_component.self)
    result.name = text(["test", "other", "mixture-2", "standard-normal"])
    result.summary = text(["a prior of the test's own"])
    var hyperparameters: [vae_hyperparameter] = []
    for _ in 0..<Int.random(in: 0...3, using: &random) { hyperparameters.append(hyperparameter()) }
    let isEmpty = hyperparameters.isEmpty || chance(40)
    result.hyperparameters = isEmpty ? nil : UnsafePointer(kept(hyperparameters))
    result.hyperparameter_count = count(hyperparameters.count)
    if result.hyperparameter_count < 5000, result.hyperparameter_count > hyperparameters.count {
      result.hyperparameter_count = UInt64(hyperparameters.count)
    }
    if chance(40) { result.create = nil }
    if chance(40) { result.prior = nil }
    if chance(20) {
      let prior = kept([InProcess.prior.pointee])
      prior.pointee.struct_size = size(vae_prior.self)
      if chance(4) { prior.pointee.units = nil }
      if chance(4) { prior.pointee.units = { _ in -5 } }
      result.prior = UnsafePointer(prior)
    }
    return result
  }

  private mutating func variant() -> vae_variant {
    var result = vae_variant()
    result.struct_size = size(vae_variant.self)
    result.name = text(["test-vae", "beta-vae", "second"])
    result.summary = text(["one"])
    result.reference = text(["two"])
    result.encoder = text(["mlp", "conv", "none"])
    result.prior = text(["test", "other", "standard-normal"])
    result.decoder = text(["mlp", "pixelcnn"])
    result.likelihood = text(["bernoulli", "auto"])
    result.objective = text(["elbo", "iwae"])
    let paths = ["encoder.hidden", "prior.size", "training.epochs", "x", "prior.latent", "a.b.c"]
    let defaults = [
      vae_variant_default(path: text(paths), value: text(["1", "2,3", "x", "1e400"])),
      vae_variant_default(path: text(paths), value: text(["4", "-1"])),
    ]
    if chance(3) {
      result.defaults = chance(20) ? nil : UnsafePointer(kept(defaults))
      result.default_count = chance(30) ? .max : UInt64.random(in: 0...2, using: &random)
    }
    if chance(3) {
      let shorthands = [vae_variant_shorthand(name: text(["width", "A"]), path: text(paths))]
      result.shorthands = chance(20) ? nil : UnsafePointer(kept(shorthands))
      result.shorthand_count = chance(30) ? .max : UInt64.random(in: 0...1, using: &random)
    }
    return result
  }

  mutating func plugin() -> UnsafeMutablePointer<vae_plugin> {
    var components: [vae_component] = []
    for _ in 0..<Int.random(in: 0...2, using: &random) { components.append(component()) }
    var variants: [vae_variant] = []
    for _ in 0..<Int.random(in: 0...2, using: &random) { variants.append(variant()) }
    var result = InProcess.plugin(components: [], variants: [])
    result.struct_size = size(vae_plugin.self)
    if chance(40) { result.abi_version = UInt32(truncatingIfNeeded: number()) }
    result.name = text(["test"])
    result.version = text(["1"])
    result.components = components.isEmpty ? nil : UnsafePointer(kept(components))
    result.component_count = chance(40) ? .max : UInt64(components.count)
    result.variants = variants.isEmpty ? nil : UnsafePointer(kept(variants))
    result.variant_count = chance(40) ? .max : UInt64(variants.count)
    return kept([result])
  }
}

/// Calls of the host with values, numbers and shapes of chance.
private struct CallFuzzer {
  let host: vae_host
  let pass: OpaquePointer?
  var random: CounterGenerator
  var values: [OpaquePointer?]
  private(set) var made = 0

  init(
    host: vae_host, pass: OpaquePointer?, random: CounterGenerator, values: [OpaquePointer?]
  ) {
    self.host = host
    self.pass = pass
    self.random = random
    self.values = values
  }

  private mutating func value() -> OpaquePointer? {
    switch Int.random(in: 0..<60, using: &random) {
    case 0: nil
    case 1: OpaquePointer(bitPattern: UInt.random(in: .min ... .max, using: &random))
    default: values.randomElement(using: &random) ?? nil
    }
  }

  private mutating func integer() -> Int64 {
    switch Int.random(in: 0..<14, using: &random) {
    case 0: Int64(bitPattern: .random(in: .min ... .max, using: &random))
    case 1: [.min, .max, 1 << 31, 1 << 30, -1 << 40][Int.random(in: 0..<5, using: &random)]
    default: Int64.random(in: -2...4, using: &random)
    }
  }

  private mutating func real() -> Float {
    Int.random(in: 0..<10, using: &random) == 0
      ? Float(bitPattern: .random(in: .min ... .max, using: &random))
      : Float.random(in: -2...2, using: &random)
  }

  private mutating func sizes() -> [Int64] {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: (0..<Int.random(in: 0...4, using: &random)).map { _ in integer() }
    case 1:
      [[4, 3], [12], [4, 1, 3, 1], [2, -1], [3, 4]][Int.random(in: 0..<5, using: &random)]
    default:
      (0..<Int.random(in: 0...4, using: &random)).map { _ in Int64.random(in: 1...4, using: &random)
      }
    }
  }

  private mutating func rank(_ sizes: [Int64]) -> Int64 {
    Int.random(in: 0..<40, using: &random) == 0
      ? [-1, 9, .max][Int.random(in: 0..<3, using: &random)] : Int64(sizes.count)
  }

  mutating func call() {
    let (host, pass) = (host, pass)
    let (a, b, c) = (value(), value(), value())
    let (i, j, k) = (integer(), integer(), integer())
    let (x, y) = (real(), real())
    let sizes = sizes()
    let rank = rank(sizes)
    let code = Int32(truncatingIfNeeded: integer())
    var window = vae_window()
    window.stride_y = i
    window.stride_x = j
    window.pad_top = k
    window.pad_right = Int64.random(in: 0...1, using: &random)
    let numbers = [Float](repeating: x, count: 256)
    // A constant reads as many numbers as its shape has.
    let isSmall = sizes.allSatisfy { (0...4).contains($0) } && sizes.count <= 4
    let found: OpaquePointer?
    switch Int.random(in: 0..<44, using: &random) {
    case 0: found = host.negate(pass, a)
    case 1: found = host.exp(pass, a)
    case 2: found = host.log(pass, a)
    case 3: found = host.lgamma(pass, a)
    case 4: found = host.activate(pass, a, code, x)
    case 5: found = host.scale(pass, a, x, y)
    case 6: found = host.clamp(pass, a, x, y)
    case 7: found = host.above(pass, a, x)
    case 8: found = host.add(pass, a, b)
    case 9: found = host.subtract(pass, a, b)
    case 10: found = host.multiply(pass, a, b)
    case 11: found = host.divide(pass, a, b)
    case 12: found = host.maximum(pass, a, b)
    case 13: found = host.sum(pass, a, i, code & 1)
    case 14: found = host.mean(pass, a, i, code & 1)
    case 15: found = host.largest(pass, a, i, code & 1)
    case 16: found = host.row_sums(pass, a)
    case 17: found = host.total(pass, a)
    case 18: found = host.log_sum_exp(pass, a)
    case 19: found = host.softmax(pass, a)
    case 20: found = host.log_softmax(pass, a)
    case 21, 22: found = host.reshape(pass, a, sizes, rank)
    case 23: found = isSmall ? host.broadcast(pass, a, sizes, rank) : nil
    case 24:
      let order = sizes + [0, 1, 2, 3, 4, 5, 6, 7]
      found = host.permute(pass, a, order)
    case 25: found = host.slice(pass, a, i, j, k)
    case 26:
      let count: UInt64 = [0, 1, 2, 3, .max][Int((i % 5).magnitude)]
      found = host.concatenate(pass, [a, b, c], count, j)
    case 27:
      let isSmall = (j.magnitude < 9 && k.magnitude < 9) || j.magnitude > 1 << 31
      found = isSmall ? host.pad(pass, a, i, j, k) : nil
    case 28: found = host.upsample(pass, a, i, j)
    case 29: found = host.matmul(pass, a, b, code & 1, code & 2)
    case 30: found = host.dense(pass, a, b, c, code, x)
    case 31: found = host.convolution(pass, a, b, c, &window, code, x)
    case 32: found = host.transposed_convolution(pass, a, b, nil, &window, 0, x)
    case 33: found = host.group_norm(pass, a, i, b, c)
    case 34: found = host.layer_norm(pass, a, b, c)
    case 35: found = host.gaussian_log_density(pass, a, b, c)
    case 36: found = host.gaussian_divergence(pass, a, b)
    case 37: found = host.bernoulli_log_density(pass, a, b)
    case 38, 39: found = isSmall ? host.constant(pass, numbers, sizes, rank) : nil
    case 40: found = isSmall ? host.full(pass, x, sizes, rank) : nil
    case 41: found = isSmall ? host.normal(pass, InProcess.streamName, sizes, rank) : nil
    case 42:
      found = host.use(pass, a)
      host.assign(pass, a, b)
      host.log_term(pass, InProcess.streamName, a)
    default:
      var shape = [Int64](repeating: 0, count: 8)
      _ = host.shape(pass, a, &shape)
      _ = host.data(pass, a)
      found = host.stop_gradient(pass, a)
    }
    guard let found else { return }
    made += 1
    // What is large is not computed with, only small things are kept.
    var shape = [Int64](repeating: 0, count: 8)
    let foundRank = host.shape(pass, found, &shape)
    if shape.prefix(Int(max(0, foundRank))).reduce(1.0, { $0 * Double($1) }) < 5000 {
      values.append(found)
      if values.count > 30 { values.removeFirst(10) }
    }
  }
}
