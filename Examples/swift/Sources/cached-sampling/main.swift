// How much faster a PixelCNN draws with cached activations than with a full pass for each pixel: the
// network of the workload `pixelcnn-sample`, 16 images, the same pixels both ways.
//
//     cached-sampling [SIZE]        1 to 64; 28 is the workload's, 8 the default and quick
import Glibc
import VAEZoo

let argument = CommandLine.arguments.dropFirst().first ?? "8"
guard let size = Int(argument), (1...64).contains(size) else {
  print("SIZE must be a whole number from 1 to 64, not '\(argument)'")
  exit(2)
}
let count = 16
let decoder = PixelCNNDecoder(
  MaskedConvolutionStack(
    inputs: 1, outputs: 1, channels: 64, kernels: [7, 3, 3, 3, 3, 3, 3, 3],
    random: RandomSource(seed: 1)), height: size, width: size, channels: 1)
let likelihood = BernoulliLikelihood()
let nothing = LatentDraw(layers: [], rowCount: count)
let context = Context(
  mode: .evaluation, random: RandomSource(seed: 2), examples: (0..<count).map(UInt64.init))

/// Every pixel from a pass over the whole image.
@MainActor func drawnByFullPasses() -> Tensor {
  let noise = likelihood.noise([size, size, 1], context)
  var images = Tensor.zeros([count, size, size, 1])
  for pixel in 0..<size * size {
    let parameters = decoder.decode(nothing, target: images, context)
    let drawn = likelihood.sample(parameters, noise: noise).floats
    var values = images.floats
    for image in 0..<count {
      let position = image * size * size + pixel
      values[position] = drawn[position]
    }
    images = Tensor(values, shape: images.shape)
  }
  return images
}

let clock = ContinuousClock()
var (cached, full) = (Tensor.zeros([0]), Tensor.zeros([0]))
_ = decoder.sample(nothing, from: likelihood, context)
let fast = clock.measure { cached = decoder.sample(nothing, from: likelihood, context) }
let slow = clock.measure { full = withoutTape { drawnByFullPasses() } }
guard cached.floats == full.floats else { fatalError("both ways must give the same pixels") }
print("\(count) images of \(size)x\(size), the same pixels both ways")
print("cached activations: \(fast)")
print("a full pass for each pixel: \(slow)")
print("ratio: \(Int((slow / fast).rounded()))")
