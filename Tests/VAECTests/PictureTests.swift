import CVAE
import VAEZoo
import XCTest

/// Weights of other programs, and pictures of any size.
final class PictureTests: CTestCase {
  private let reference = Repository.path("Tests/VAEZooTests/Reference/tiny-diffusers")

  private func model() throws -> OpaquePointer {
    try made(freedBy: vae_model_free) { vae_model_import(reference, 8, nil, 0, nil, $0, $1) }
  }

  /// Numbers between 0 and 1 that rise and fall.
  private func picture(_ shape: [Int]) -> CTensor {
    let count = shape.reduce(1, *)
    return CTensor((0..<count).map { Float($0 * 37 % 101) / 101 }, shape)
  }

  private func floats(_ array: OpaquePointer) throws -> (shape: [Int], values: [Float]) {
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    try succeed { vae_array_view(array, &view, $0) }
    let shape = (0..<Int(view.rank)).map { Int(view.shape[$0]) }
    let count = shape.reduce(1, *)
    guard view.dtype == VAE_FLOAT32 else {
      let start = try XCTUnwrap(view.data).assumingMemoryBound(to: UInt8.self)
      return (shape, (0..<count).map { Float(start[$0]) })
    }
    let start = try XCTUnwrap(view.data).assumingMemoryBound(to: Float.self)
    return (shape, (0..<count).map { start[$0] })
  }

  func testPicturesGoThroughTheLatentsThatTheSwiftCoderGives() throws {
    let model = try model()
    let trained = try WeightImport(
      ForeignWeights.open(reference), size: 8, registry: .builtIn
    ).model
    let coder = try PictureCoder(trained)
    let pictures = picture([2, 7, 9, 3])
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode_pictures(model, pictures.pointer, 1, 4, nil, $0, $1)
    }
    let mean = try made(freedBy: vae_array_free) {
      vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, $0, $1)
    }
    let found = try floats(mean)
    XCTAssertEqual(found.shape, [2, 2, 3, 3])
    let second = Tensor(
      (189..<378).map { Float($0 * 37 % 101) / 101 }, shape: [1, 7, 9, 3])
    let expected = coder.scaling.scaled(try coder.encode(second))
    XCTAssertEqual(Array(found.values.suffix(18)), expected.floats)
    for part in [VAE_ENCODING_VARIANCE, VAE_ENCODING_SAMPLE] {
      let array = try made(freedBy: vae_array_free) { vae_encoding_get(encoding, part, 0, $0, $1) }
      XCTAssertEqual(try floats(array).shape, found.shape)
    }

    let latents = CTensor(found.values, found.shape)
    let back = try made(freedBy: vae_array_free) {
      vae_decode_pictures(model, latents.pointer, 1, 7, 9, VAE_FLOAT32, nil, $0, $1)
    }
    let bytes = try made(freedBy: vae_array_free) {
      vae_decode_pictures(model, latents.pointer, 1, 7, 9, VAE_UINT8, nil, $0, $1)
    }
    let values = try floats(back)
    XCTAssertEqual(values.shape, [2, 7, 9, 3])
    let own = try coder.decode(coder.encode(second), size: (7, 9)).floats
    for (a, b) in zip(values.values.suffix(189), own) { XCTAssertEqual(a, b, accuracy: 1e-5) }
    XCTAssertEqual(try floats(bytes).values, values.values.map { (255 * $0 + 0.5).rounded(.down) })
  }

  func testACallStopsWithinThePictureAndTheModelStaysUsable() throws {
    let model = try model()
    let pictures = picture([1, 8, 8, 3])
    let listener = ProgressListener()
    var options = listener.options
    func encode() throws {
      let encoding = try made(freedBy: vae_encoding_free) {
        vae_encode_pictures(model, pictures.pointer, 0, 0, &options, $0, $1)
      }
      XCTAssertNotNil(encoding)
    }
    try encode()
    let fractions = listener.fractions
    XCTAssertGreaterThan(fractions.count, 10, "more often than once a picture")
    XCTAssertEqual(fractions, fractions.sorted())
    XCTAssertEqual(fractions.first, 0)
    listener.fractions = []
    listener.stopsAfter = 5
    var out: OpaquePointer?
    XCTAssertEqual(
      vae_encode_pictures(model, pictures.pointer, 0, 0, &options, &out, nil), VAE_ERR_CANCELLED)
    XCTAssertNil(out)
    XCTAssertEqual(listener.fractions.count, 5)
    listener.stopsAfter = .max
    listener.fractions = []
    try encode()
    XCTAssertEqual(listener.fractions, fractions)
  }

  func testTilesPrecisionAndBytesAreThoseOfTheSwiftCoder() throws {
    let model = try model()
    let trained = try WeightImport(
      ForeignWeights.open(reference), size: 8, registry: .builtIn
    ).model
    var options = vae_call_options()
    options.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
    let latents = picture([1, 6, 27, 3])
    let own = Tensor((0..<486).map { Float($0 * 37 % 101) / 101 }, shape: [1, 6, 27, 3])
    func decoded(_ given: CTensor) throws -> [Float] {
      let array = try made(freedBy: vae_array_free) {
        vae_decode_pictures(model, given.pointer, 0, 0, 0, VAE_FLOAT32, &options, $0, $1)
      }
      return try floats(array).values
    }
    let whole = try decoded(latents)
    let bytes = try PictureCoder(trained).bytes(of: own)
    let back = try PictureCoder(trained).latents(ofBytes: bytes, shape: own.shape)
    XCTAssertEqual(
      try decoded(CTensor(bytes, VAE_UINT8, shape: [1, 6, 27, 3])),
      try PictureCoder(trained).decode(back).floats
    )
    var computations = [PictureComputation(tile: 64)]
    if Precision.bfloat16.isSupported {
      computations.append(PictureComputation(precision: .bfloat16))
    }
    for computation in computations {
      options.tile = Int32(computation.tile ?? 0)
      options.precision =
        computation.precision == .bfloat16 ? VAE_PRECISION_BFLOAT16 : VAE_PRECISION_FLOAT32
      let found = try decoded(latents)
      XCTAssertNotEqual(found, whole)
      XCTAssertEqual(found, try PictureCoder(trained, computation).decode(own).floats)
    }
    var out: OpaquePointer?
    let rows = images(2)
    let other = try makeModel()
    for (tile, precision, field) in [(16, 0, "tile"), (0, 1, "precision")] {
      (options.tile, options.precision) = (Int32(tile), Int32(precision))
      refuse(
        VAE_ERR_INVALID_ARGUMENT, "options->\(field) is given to a call that takes no pictures"
      ) { vae_reconstruct_with(other, rows.pointer, 0, &options, &out, $0) }
    }
    for (tile, precision, status, words) in [
      (-1, 0, VAE_ERR_INVALID_ARGUMENT, "options->tile is -1"),
      (0, 2, VAE_ERR_INVALID_ARGUMENT, "options->precision is 2"),
      (9, 0, VAE_ERR_RECIPE, "a multiple of 32 from 64 on, such as tile=64"),
    ] {
      (options.tile, options.precision) = (Int32(tile), Int32(precision))
      refuse(status, words) {
        vae_decode_pictures(model, latents.pointer, 0, 0, 0, VAE_UINT8, &options, &out, $0)
      }
    }
  }

  func testWhatCannotBeIsRefusedWithItsReason() throws {
    let model = try model()
    let good = picture([1, 8, 8, 3])
    let first = picture([1, 3, 8, 8])
    let latents = picture([1, 2, 2, 3])
    let large = CTensor([Float](repeating: 3e38, count: 16), [1, 2, 2, 4])
    let kl = try made(freedBy: vae_model_free) {
      vae_model_import(
        Repository.path("Tests/VAEZooTests/Reference/kl-plain"), 4, nil, 0, nil, $0, $1)
    }
    var out: OpaquePointer?
    refuse(VAE_ERR_INVALID_ARGUMENT, "channels last") {
      vae_encode_pictures(model, first.pointer, 0, 0, nil, &out, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "scaled is 2") {
      vae_encode_pictures(model, good.pointer, 2, 0, nil, &out, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "not of 9×8") {
      vae_decode_pictures(model, latents.pointer, 0, 9, 8, VAE_FLOAT32, nil, &out, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "numbers from 0.0 to 255.0, but must be between 0 and 1") {
      let bytes = CTensor([0, 0.5, 255], [1, 1, 1, 3])
      return vae_encode_pictures(model, bytes.pointer, 0, 0, nil, &out, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "latents hold 32-bit integers, but must be floats, or bytes") {
      let whole = CTensor([Int32](repeating: 1, count: 12), VAE_INT32, shape: [1, 2, 2, 3])
      return vae_decode_pictures(model, whole.pointer, 0, 0, 0, VAE_FLOAT32, nil, &out, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "dtype") {
      vae_decode_pictures(model, latents.pointer, 0, 0, 0, VAE_INT32, nil, &out, $0)
    }
    refuse(VAE_ERR_DATA, "32-bit floats") {
      vae_decode_pictures(kl, large.pointer, 0, 0, 0, VAE_UINT8, nil, &out, $0)
    }
    let row = CTensor([Float](repeating: 3e38, count: 16), [1, 16])
    refuse(VAE_ERR_DATA, "32-bit floats") {
      var layer: UnsafePointer<vae_tensor>? = UnsafePointer(row.pointer)
      return vae_decode(kl, &layer, 1, 0, &out, $0)
    }
    let other = try makeModel()
    refuse(VAE_ERR_DATA, "images of one size") {
      vae_encode_pictures(other, good.pointer, 0, 0, nil, &out, $0)
    }
    refuse(VAE_ERR_NOT_FOUND) { vae_model_import("/nowhere", 0, nil, 0, nil, &out, $0) }
    refuse(VAE_ERR_RECIPE, "diffusers or taesd") { vae_model_export(model, "/tmp", "ldm", $0) }
    refuse(VAE_ERR_RECIPE, "gaussian-vae") { vae_model_export(other, "/tmp", "diffusers", $0) }
  }

  func testWhatIsExportedIsImportedAgainWithTheSameWeights() throws {
    let model = try model()
    let folder = try temporaryFolder()
    for form in ["diffusers", "taesd"] {
      refuse(VAE_ERR_RECIPE, "is a folder") {
        vae_model_export(model, "\(folder)/\(form).safetensors", form, $0)
      }
      try succeed { vae_model_export(model, "\(folder)/\(form)", form, $0) }
      let again = try made(freedBy: vae_model_free) {
        vae_model_import("\(folder)/\(form)", 8, nil, 0, nil, $0, $1)
      }
      for name in ["encoder.layers.0.weights", "decoder.layers.2.convolutions.1.bias"] {
        let (old, new) = (
          try made(freedBy: vae_array_free) { vae_model_get_tensor(model, name, $0, $1) },
          try made(freedBy: vae_array_free) { vae_model_get_tensor(again, name, $0, $1) }
        )
        XCTAssertEqual(try floats(old).values, try floats(new).values, "\(form) \(name)")
      }
    }
  }
}
