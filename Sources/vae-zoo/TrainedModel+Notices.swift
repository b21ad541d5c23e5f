import VAECore
import VAEZoo

extension TrainedModel {
  /// Reads a run folder or a model file, and says on standard error what the user should know of it.
  static func openNoting(_ path: String, registry: Registry) throws -> TrainedModel {
    let model = try open(path, registry: registry, proceed: Interrupt.proceed)
    for notice in model.notices { Console.error(notice) }
    return model
  }
}
