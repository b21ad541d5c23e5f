import Glibc
import NeuralNetworks
import Tensors
import VAEFiles

/// What the programs `…-on-one-page` share and what is not mathematics: arguments, files, pictures.
///
/// A page trains on pictures that it makes itself. With `--weights` and `--data` it computes its own
/// bound with the weights of a model of the zoo, and with `--check` it holds its formulas to what can
/// be computed in another way.
public struct Page {
  /// Reads the arguments and does what they ask for. An error is printed in one line, with status 1.
  ///
  /// - Parameters:
  ///   - train: trains on pictures `[N, 12, 12, 1]` of zeros and ones.
  ///   - measure: gets images `[N, height, width, 1]` and a file of weights; nil where the zoo has no
  ///     such model.
  ///   - check: the checks, each of which calls `expect`; nil where there are none.
  public static func run(
    train: (Tensor) throws -> Void, measure: ((Tensor, Safetensors) throws -> Void)? = nil,
    check: (() throws -> Void)? = nil
  ) {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch (arguments.first, arguments.count) {
      case (nil, _): try train(pictures(2048))
      case ("--check", 1):
        guard let check else { throw PageError("this page has no --check") }
        try check()
      case ("--weights", 4) where arguments[2] == "--data":
        guard let measure else { throw PageError("the zoo has no model for this page") }
        let bytes = try DurableFiles.read(arguments[1])
        try measure(
          images(arguments[3]), Safetensors(parsing: bytes, path: arguments[1]))
      default:
        throw PageError("usage: [--check | --weights FILE.safetensors --data FILE.npy]")
      }
    } catch {
      let line = Array("\(CommandLine.arguments[0]): \(error)\n".utf8)
      _ = write(STDERR_FILENO, line, line.count)
      exit(1)
    }
  }

  /// The context in which `vae-zoo evaluate --seed 0` draws its random numbers, which follow from names
  /// of streams and numbers of examples: the same latents are drawn here.
  ///
  /// - Parameter draw: the first draw of each example; the bound has draw 0, importance weights the
  ///   next ones.
  public static func evaluation(of count: Int, draw: Int = 0) -> Context {
    var context = Context(
      mode: .evaluation, random: RandomSource(seed: 0).child("evaluation"),
      examples: (0..<count).map(UInt64.init))
    context.firstDraw = draw
    return context
  }

  /// The context of an update.
  ///
  /// - Parameters:
  ///   - step: the number of the update, which gives it random numbers of its own.
  ///   - count: examples in the batch.
  public static func training(step: Int, count: Int) -> Context {
    Context(
      mode: .training, step: step, random: RandomSource(seed: 0).child("training"),
      examples: (0..<count).map(UInt64.init))
  }

  /// Prints the terms of a bound in nats per image, `[N]` each, as means.
  public static func report(_ title: String, rate: Tensor, distortion: Tensor) {
    let (r, d) = (mean(rate), mean(distortion))
    print("\(title)−ELBO \(text(r + d)) = distortion \(text(d)) + rate \(text(r))")
  }

  /// Prints the terms of a bound of several layers, the one nearest to the data first, and the rate of
  /// each.
  public static func report(_ title: String, rates: [Tensor], distortion: Tensor) {
    report(title, rate: rates.reduce(Tensor(0)) { $0 + $1 }, distortion: distortion)
    print("  rate of each layer: \(rates.map { text(mean($0)) }.joined(separator: " "))")
  }

  /// Pictures in order, so many at a time: they are made at random, and need no shuffling.
  public static func batches(_ pictures: Tensor, of size: Int) -> [Tensor] {
    stride(from: 0, to: pictures.shape[0], by: size).map {
      pictures.rows($0..<min($0 + size, pictures.shape[0]))
    }
  }

  /// The mean of all elements, added up in double precision.
  public static func mean(_ values: Tensor) -> Double {
    values.doubleSum / Double(max(1, values.count))
  }

  /// A number with four decimals.
  public static func text(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    let units = Int((abs(value) * 10_000).rounded())
    let decimals = String(units % 10_000 + 10_000).dropFirst()
    return "\(value < 0 ? "-" : "")\(units / 10_000).\(decimals)"
  }

  /// Prints what was compared, and throws where the two numbers differ by more than `tolerance`.
  public static func expect(
    _ what: String, _ found: Double, _ wanted: Double, within tolerance: Double
  ) throws {
    print("\(what): \(found), expected \(wanted)")
    guard abs(found - wanted) <= tolerance else {
      throw PageError("\(what) is \(found), not \(wanted) ± \(tolerance)")
    }
  }

  /// Prints what holds, and throws where it does not.
  public static func expect(_ what: String, _ holds: Bool) throws {
    guard holds else { throw PageError("it does not hold that \(what)") }
    print(what)
  }
}

/// Rates and distortions of the batches of an epoch.
public struct EpochTerms {
  private var rates: [Tensor] = []
  private var distortions: [Tensor] = []

  /// None yet.
  public init() {}

  /// Adds those of a batch, `[N]` each, without the tape behind them.
  public mutating func add(rate: Tensor, distortion: Tensor) {
    rates.append(rate.detached())
    distortions.append(distortion.detached())
  }

  /// Prints their means.
  public func report(_ title: String) {
    Page.report(
      title, rate: .concatenated(rates, axis: 0), distortion: .concatenated(distortions, axis: 0))
  }
}

/// What went wrong, in one line.
public struct PageError: Error, CustomStringConvertible {
  /// The line.
  public let description: String

  /// An error.
  public init(_ description: String) { self.description = description }
}
