import VAEZoo
import XCTest

/// A part of a plug-in asks for the condition of a pass, as the parts of the zoo do.
final class ConditionTests: PluginTestCase {
  /// A decoder whose logits are one number for each class, whatever the latents are.
  private func classes(usesCondition: Bool) throws -> Registry {
    try registry(
      compile(
        text: """
          #include <stdlib.h>
          static const vae_host *host;
          typedef struct { vae_parameter *logits; int64_t pixels; } Classes;
          static void *make(vae_build *build) {
            vae_build_info info = {.struct_size = sizeof info};
            host->describe_build(build, &info);
            if (info.condition_width < 1) {
              host->fail(build, "this decoder needs a condition");
              return NULL;
            }
            Classes *self = malloc(sizeof *self);
            self->pixels = info.height * info.width * info.parameters_per_pixel;
            int64_t shape[] = {info.condition_width, self->pixels};
            self->logits = host->parameter(
                build, "logits", shape, 2, VAE_INIT_NORMAL, 1, 0);
            return self;
          }
          static void destroy(void *self) { free(self); }
          static vae_value *decode(void *self, vae_pass *pass, vae_value *z) {
            Classes *classes = self;
            (void)z;
            return host->matmul(
                pass, host->condition(pass), host->use(pass, classes->logits), 0, 0);
          }
          static const vae_decoder decoder = {.struct_size = sizeof decoder, .decode = decode};
          static vae_component component = {
            .struct_size = sizeof component, .name = "classes", .summary = "a picture a class",
            .make = (vae_function)make, .destroy = destroy, .decoder = &decoder,
            .uses_condition = \(usesCondition ? 1 : 0)};
          static vae_plugin plugin = {
            .struct_size = sizeof plugin, .abi_version = VAE_PLUGIN_ABI_VERSION, .name = "classes",
            .version = "1", .summary = "classes", .components = &component, .component_count = 1};
          VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *given) {
            host = given;
            return &plugin;
          }
          """, "classes-\(usesCondition).so"))
  }

  private static let condition = ConditionSpace(classes: 3)

  private func model(_ registry: Registry, told condition: ConditionSpace?) throws -> Model {
    var data = Self.data
    data.condition = condition
    return try model([(key: "decoder.name", value: "classes")], registry, data: data)
  }

  func testItIsGivenTheConditionOfEveryRow() throws {
    let model = try model(classes(usesCondition: true), told: Self.condition)
    var context = context(2)
    context.condition = Self.condition.rows(labels: [2, 0])
    var request = DrawRequest()
    request.samples = 2
    let evaluation = model.evaluate(images(2), request, context)
    try model.checkParts()
    let logits = try XCTUnwrap(model.parameters.first { $0.path == "decoder.logits" })
      .parameter.value.floats
    let rows = evaluation.parameters.floats
    for (row, label) in [2, 0, 2, 0].enumerated() {
      XCTAssertEqual(
        Array(rows[row * 16..<row * 16 + 16]), Array(logits[label * 16..<label * 16 + 16]))
    }
    let gradients = evaluation.distortion.mean().backward()
    for (path, parameter) in model.parameters where path == "decoder.logits" {
      XCTAssertTrue(gradients[parameter]?.isFinite == true)
    }
  }

  func testAModelThatIsToldNothingRefusesIt() throws {
    assert(
      message { _ = try model(classes(usesCondition: true), told: nil) },
      names: "decoder classes", "needs a condition")
    // One that does not say that it asks is told so by the host.
    assert(
      message { _ = try model(classes(usesCondition: false), told: Self.condition) },
      names: "none of", "decoder classes")
    assert(
      message { _ = try model(classes(usesCondition: false), told: nil) },
      names: "this decoder needs a condition")
  }
}
