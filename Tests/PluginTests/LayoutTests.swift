import CVAE
import XCTest

/// The layout of the structs of plug-ins as `include/abi/plugin-layout.h` states it, against what
/// Swift reads from the header.
final class LayoutTests: XCTestCase {
  /// Size, and place of the last field.
  private struct Layout: Equatable {
    let size: Int
    let last: Int?

    init<Value, Field>(_ last: KeyPath<Value, Field>) {
      size = MemoryLayout<Value>.size
      self.last = MemoryLayout<Value>.offset(of: last)
    }

    init(size: Int, last: Int?) {
      self.size = size
      self.last = last
    }
  }

  /// What is stated: the layout of each struct by its name.
  private func stated() throws -> [String: Layout] {
    let path = PluginTestCase.root + "/include/abi/plugin-layout.h"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    var found: [String: Layout] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { "(), ;".contains($0) }).map(String.init)
      if words.first == "VAE_LAYOUT_SIZE" {
        found[words[1]] = Layout(size: try XCTUnwrap(Int(words[2])), last: nil)
      } else if words.first == "VAE_LAYOUT_FIELD" {
        let size = try XCTUnwrap(found[words[1]], "\(line) stands before its struct").size
        found[words[1]] = Layout(size: size, last: try XCTUnwrap(Int(words[3])))
      }
    }
    return found
  }

  func testSwiftSeesTheLayoutThatIsStated() throws {
    let seen: [String: Layout] = [
      "vae_hyperparameter": Layout(\vae_hyperparameter.maximum_count),
      "vae_argument": Layout(\vae_argument.count),
      "vae_build_info": Layout(\vae_build_info.condition_width),
      "vae_pass_info": Layout(\vae_pass_info.draws),
      "vae_window": Layout(\vae_window.output_pad_x),
      "vae_buffer": Layout(\vae_buffer.count),
      "vae_operation": Layout(\vae_operation.backward),
      "vae_host": Layout(\vae_host.condition),
      "vae_encoder": Layout(\vae_encoder.variance),
      "vae_prior": Layout(\vae_prior.divergence),
      "vae_decoder": Layout(\vae_decoder.begin),
      "vae_likelihood": Layout(\vae_likelihood.parameters_with_mean),
      "vae_requirements": Layout(\vae_requirements.draws),
      "vae_terms": Layout(\vae_terms.second_latents),
      "vae_objective": Layout(\vae_objective.loss),
      "vae_component": Layout(\vae_component.reserved_after),
      "vae_variant_default": Layout(\vae_variant_default.value),
      "vae_variant_shorthand": Layout(\vae_variant_shorthand.path),
      "vae_variant": Layout(\vae_variant.shorthand_count),
      "vae_plugin": Layout(\vae_plugin.variant_count),
    ]
    XCTAssertEqual(try stated(), seen)
  }
}
