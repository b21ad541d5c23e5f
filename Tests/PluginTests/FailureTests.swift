import VAEZoo
import XCTest

/// A plug-in that misbehaves at work is an error with its name, never the end of the process.
final class FailureTests: PluginTestCase {
  private func hostile(_ fault: String) throws -> Model {
    let registry = try registry(compile(["Tests/PluginTests/hostile.c"], "hostile.so"))
    return try model(
      [(key: "decoder.name", value: "hostile"), (key: "decoder.fault", value: fault)], registry)
  }

  /// What a model says after a forward pass.
  private func failure(_ fault: String, passes: Int = 1) throws -> String {
    let model = try hostile(fault)
    for _ in 0..<passes { _ = model.evaluate(images(2), DrawRequest(), context(2)) }
    return message { try model.checkParts() }
  }

  func testWhatIsRightIsNoFailure() throws {
    let model = try hostile("none")
    let evaluation = model.evaluate(images(2), DrawRequest(), context(2))
    XCTAssertNoThrow(try model.checkParts())
    XCTAssertTrue(evaluation.distortion.isFinite)
  }

  func testAMissingResultNamesTheMethod() throws {
    assert(
      try failure("null"), names: "hostile.so", "decoder hostile", "decode gave NULL")
  }

  func testAResultOfAnotherShapeNamesBothShapes() throws {
    assert(try failure("shape"), names: "decode gave a value of shape [2]", "[2, 4, 4, 1]")
  }

  func testAReasonOfItsOwnIsGivenOn() throws {
    assert(try failure("fail"), names: "decode: it is told to fail")
  }

  func testPointersThatAreNoneOfThePassAreFoundOut() throws {
    assert(try failure("foreign"), names: "no value of this pass")
    assert(try failure("stale", passes: 2), names: "add: value 2 is no value of this pass")
    assert(try failure("parameter"), names: "use: there is no such parameter")
  }

  func testAPassOnAnotherThreadIsRefused() throws {
    for operation in [
      "negate", "fail_pass", "describe_pass", "shape", "data", "use", "assign", "log_term",
      "constant", "concatenate", "custom",
    ] {
      assert(
        try failure("thread \(operation)"), names: "decode: \(operation): the pass",
        "another thread")
    }
  }

  func testABuildOnAnotherThreadIsRefused() throws {
    for operation in [
      "fail", "fail_data", "describe_build", "user_data", "parameter", "parameter_from", "closure",
    ] {
      assert(
        message { _ = try hostile("thread \(operation)") },
        names: "the factory of decoder hostile: \(operation): the build", "another thread")
    }
  }

  func testParametersAreNotAssignedInAForwardPass() throws {
    assert(try failure("assign"), names: "assign", "after_update only")
  }

  func testTheFirstFailureIsTheOneThatIsToldAndToldOnce() throws {
    let model = try hostile("null")
    _ = model.evaluate(images(2), DrawRequest(), context(2))
    XCTAssertThrowsError(try model.checkParts())
    XCTAssertNoThrow(try model.checkParts())
  }

  // MARK: In training and use

  private func trainer(_ fault: String) throws -> Trainer {
    let registry = try registry(compile(["Tests/PluginTests/hostile.c"], "hostile.so"))
    let data = try DataSource.open("shapes:32")
    let settings = [
      ("decoder.name", "hostile"), ("decoder.fault", fault), ("encoder.hidden", "8"),
      ("training.epochs", "1"), ("training.binarize", "threshold"),
    ].map { (key: $0.0, value: $0.1) }
    let recipe = try recipe(
      settings, registry, data: data.description(binarization: .threshold))
    return try Trainer(
      model: registry.model(recipe, seed: 1), data: data,
      options: TrainingOptions(recipe.training))
  }

  func testAFailureEndsTrainingBeforeAWeightChanges() throws {
    let trainer = try trainer("shape")
    let before = trainer.model.parameters.map { $0.parameter.value.floats }
    assert(message { _ = try trainer.update() }, names: "decoder hostile", "shape")
    XCTAssertEqual(trainer.step, 0)
    XCTAssertEqual(trainer.model.parameters.map { $0.parameter.value.floats }, before)
  }

  func testNumbersThatAreNotFiniteEndTraining() throws {
    let trainer = try trainer("infinite")
    XCTAssertThrowsError(try trainer.update()) {
      XCTAssertEqual(($0 as? TrainingError)?.kind, .diverged)
    }
  }

  func testAGradientThatIsWrongIsFoundByTheProbe() throws {
    let model = try hostile("gradient")
    let (_, probe) = GradientProbe.run {
      model.evaluate(images(2), DrawRequest(), context(2))
    }
    XCTAssertEqual(probe.operations, ["wrong"])
    assert(
      probe.faults.first ?? "", names: "custom operation wrong", "input 0", "finite differences")
  }
}
