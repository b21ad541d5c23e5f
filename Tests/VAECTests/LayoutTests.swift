import CVAE
import XCTest

/// The layout of every struct as `include/abi/layout.h` states it, against what Swift reads from the
/// header: an implementation that saw another layout would fill in other bytes.
final class LayoutTests: XCTestCase {
  private struct Entry: Hashable {
    let type: String
    let field: String
    let offset: Int
    let size: Int
  }

  private func stated() throws -> [Entry] {
    let text = try String(contentsOfFile: Repository.path("include/abi/layout.h"), encoding: .utf8)
    return text.split(separator: "\n").compactMap { line -> Entry? in
      guard line.hasPrefix("VAE_LAYOUT") else { return nil }
      let words = line.split(whereSeparator: { "(), ;".contains($0) }).map(String.init)
      switch (words[0], words.count) {
      case ("VAE_LAYOUT_SIZE", 3):
        return Entry(type: words[1], field: "", offset: 0, size: Int(words[2]) ?? -1)
      case ("VAE_LAYOUT_FIELD", 5):
        return Entry(
          type: words[1], field: words[2], offset: Int(words[3]) ?? -1, size: Int(words[4]) ?? -1)
      default: return nil
      }
    }
  }

  private func entries<Value>(
    _ type: Value.Type, _ fields: [(String, PartialKeyPath<Value>, Int)]
  ) -> [Entry] {
    let name = "\(type)"
    return [Entry(type: name, field: "", offset: 0, size: MemoryLayout<Value>.size)]
      + fields.map {
        Entry(
          type: name, field: $0.0, offset: MemoryLayout<Value>.offset(of: $0.1) ?? -1, size: $0.2)
      }
  }

  func testSwiftSeesTheLayoutThatIsStated() throws {
    let pointer = MemoryLayout<UnsafeRawPointer?>.size
    var seen: [Entry] = []
    seen += entries(
      vae_tensor.self,
      [
        ("struct_size", \.struct_size, 4), ("dtype", \.dtype, 4), ("device", \.device, 4),
        ("rank", \.rank, 4), ("shape", \.shape, pointer), ("strides", \.strides, pointer),
        ("data", \.data, pointer), ("byte_offset", \.byte_offset, 8),
      ])
    seen += entries(vae_setting.self, [("key", \.key, pointer), ("value", \.value, pointer)])
    seen += entries(
      vae_data_info.self,
      [
        ("struct_size", \.struct_size, 4), ("range", \.range, 4), ("height", \.height, 8),
        ("width", \.width, 8), ("channels", \.channels, 8), ("train_count", \.train_count, 8),
        ("valid_count", \.valid_count, 8), ("test_count", \.test_count, 8),
        ("condition_width", \.condition_width, 8), ("condition", \.condition, 4),
        ("reserved", \.reserved, 4),
      ])
    seen += entries(
      vae_model_options.self,
      [
        ("struct_size", \.struct_size, 4), ("range", \.range, 4), ("variant", \.variant, pointer),
        ("recipe_json", \.recipe_json, pointer), ("settings", \.settings, pointer),
        ("setting_count", \.setting_count, 8), ("height", \.height, 8), ("width", \.width, 8),
        ("channels", \.channels, 8), ("seed", \.seed, 8), ("data", \.data, pointer),
        ("from_weights", \.from_weights, pointer), ("condition_width", \.condition_width, 8),
        ("condition", \.condition, 4), ("reserved", \.reserved, 4),
      ])
    seen += entries(
      vae_model_info.self,
      [
        ("struct_size", \.struct_size, 4), ("range", \.range, 4), ("height", \.height, 8),
        ("width", \.width, 8), ("channels", \.channels, 8),
        ("parameter_count", \.parameter_count, 8), ("tensor_count", \.tensor_count, 8),
        ("latent_layers", \.latent_layers, 8), ("code_count", \.code_count, 8),
        ("condition_width", \.condition_width, 8), ("condition", \.condition, 4),
        ("reserved", \.reserved, 4),
      ])
    seen += entries(
      vae_communicator.self,
      [
        ("struct_size", \.struct_size, 4), ("rank", \.rank, 4), ("size", \.size, 4),
        ("reserved", \.reserved, 4), ("user_data", \.user_data, pointer),
        ("all_to_all", \.all_to_all, pointer), ("all_gather", \.all_gather, pointer),
        ("broadcast", \.broadcast, pointer), ("abort", \.abort, pointer),
      ])
    seen += entries(
      vae_trainer_options.self,
      [
        ("struct_size", \.struct_size, 4), ("existing_run", \.existing_run, 4),
        ("settings", \.settings, pointer), ("setting_count", \.setting_count, 8),
        ("epochs", \.epochs, 8), ("batch_size", \.batch_size, 8),
        ("learning_rate", \.learning_rate, 8), ("seed", \.seed, 8), ("run", \.run, pointer),
        ("checkpoint_dir", \.checkpoint_dir, pointer), ("communicator", \.communicator, pointer),
      ])
    seen += entries(
      vae_bound.self,
      [
        ("struct_size", \.struct_size, 4), ("is_held_out", \.is_held_out, 4), ("elbo", \.elbo, 8),
        ("rate", \.rate, 8), ("distortion", \.distortion, 8),
      ])
    seen += entries(
      vae_progress.self,
      [
        ("struct_size", \.struct_size, 4), ("is_epoch_end", \.is_epoch_end, 4), ("step", \.step, 8),
        ("total_steps", \.total_steps, 8), ("epoch", \.epoch, 8),
        ("train", \.train, MemoryLayout<vae_bound>.size),
        ("valid", \.valid, MemoryLayout<vae_bound>.size),
      ])
    seen += entries(
      vae_evaluation_options.self,
      [
        ("struct_size", \.struct_size, 4), ("importance_samples", \.importance_samples, 4),
        ("split", \.split, pointer), ("seed", \.seed, 8), ("metrics", \.metrics, pointer),
        ("network", \.network, pointer), ("network_layer", \.network_layer, pointer),
      ])
    seen += entries(
      vae_score_options.self,
      [
        ("struct_size", \.struct_size, 4), ("importance_samples", \.importance_samples, 4),
        ("method", \.method, pointer), ("background", \.background, pointer),
        ("seed", \.seed, 8), ("steps", \.steps, 4), ("reserved", \.reserved, 4),
        ("reference", \.reference, pointer),
        ("reference_condition", \.reference_condition, pointer), ("group", \.group, 4),
        ("reserved2", \.reserved2, 4),
      ])
    seen += entries(
      vae_imputation_options.self,
      [
        ("struct_size", \.struct_size, 4), ("importance_samples", \.importance_samples, 4),
        ("seed", \.seed, 8), ("truth", \.truth, pointer),
      ])
    seen += entries(
      vae_call_options.self,
      [
        ("struct_size", \.struct_size, 4), ("reserved", \.reserved, 4), ("token", \.token, pointer),
        ("progress", \.progress, pointer), ("user_data", \.user_data, pointer),
        ("condition", \.condition, pointer), ("checkpoint", \.checkpoint, pointer),
        ("draw", \.draw, 4), ("reserved2", \.reserved2, 4), ("tile", \.tile, 4),
        ("precision", \.precision, 4), ("communicator", \.communicator, pointer),
      ])
    seen += entries(
      vae_data_options.self,
      [
        ("struct_size", \.struct_size, 4), ("range", \.range, 4),
        ("train_condition", \.train_condition, pointer),
        ("test_condition", \.test_condition, pointer), ("class_names", \.class_names, pointer),
        ("class_name_count", \.class_name_count, 8), ("columns_json", \.columns_json, pointer),
      ])
    let stated = try stated()
    XCTAssertEqual(stated.count, Set(stated).count)
    XCTAssertEqual(Set(stated), Set(seen))
  }
}
