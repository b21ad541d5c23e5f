import Messages
import XCTest

/// Messages keep what they advise apart from what they quote.
final class MessageTests: XCTestCase {
  private enum Fault { case any }
  private typealias AnyError = ExplainedError<Fault>

  private let remedies: [Remedy] = [
    .setting("beta"), .setting("beta", "1"), .resume, .resumedTraining, .replace,
    .plugins(["a.so", "b.so"]), .data, .imageSize(), .imageSize("64"), .imageCrop, .greyImages,
    .imageCache, .checkpointDir(), .checkpointDir("scratch"), .limit("picture_bytes", 5),
    .variantDescription("iwae"), .channelsFirst, .exportForm("taesd"),
    .anotherTraining(weightsOf: "run", setting: "training.learning_rate", "0.1"),
  ]

  private func shouted(_ message: Message) -> String {
    message.text { "<\($0.description.uppercased())>" }
  }

  func testRemediesAreSaidInTheWordsAskedForAndTextStaysAsItIs() {
    let path = "/tmp/my--force--run, existing_run=replace"
    let message: Message =
      "\(path) exists; use \(.resume) to continue it, "
      + "or \(.setting("training.epochs", "3"))"
    XCTAssertEqual(
      shouted(message),
      "\(path) exists; use <EXISTING_RUN=RESUME> to continue it, or <TRAINING.EPOCHS=3>")
    XCTAssertEqual(
      message.description,
      "\(path) exists; use existing_run=resume to continue it, or training.epochs=3")
  }

  func testRemediesOutliveTheErrorsAndMessagesAroundThem() {
    let inner = AnyError(.any, "a value is too large; choose \(.setting("beta", "1"))")
    let outer = AnyError(inner.kind, "run 3: \(inner.message)")
    let caught: any Error = outer
    let notice: Message = "left out: \(caught)"
    XCTAssertEqual(
      shouted(notice), "left out: run 3: a value is too large; choose <BETA=1>")
    XCTAssertEqual("\(outer)", "run 3: a value is too large; choose beta=1")
  }

  func testMessagesOfTheSameWordsAreEqualHoweverTheyWerePutTogether() {
    let name = "run"
    let whole: Message = "the run is there; \(.replace) it"
    XCTAssertEqual("the \(name) is " + "there; \(.replace) it", whole)
    XCTAssertNotEqual(whole, "the run is there; \(.resume) it")
    XCTAssertNotEqual(whole, Message(stringLiteral: whole.description))
  }

  func testNoRemedyOfTheLibrarySpeaksOfACommandLine() {
    for remedy in remedies { XCTAssertFalse(remedy.description.contains("-"), "\(remedy)") }
  }

  func testEachRemedyIsSaidInTheWordsOfRecipesAndOptions() {
    for (remedy, words) in [
      (.setting("beta"), "beta"), (.setting("beta", "1"), "beta=1"),
      (.resume, "existing_run=resume"), (.replace, "existing_run=replace"),
      (.resumedTraining, "existing_run=resume"), (.fromWeights("run"), "from_weights=run"),
      (
        .anotherTraining(weightsOf: "run", setting: "lr", "0.1"), "from_weights=run and lr=0.1"
      ),
      (
        .anotherTraining(weightsOf: nil, setting: "lr", "0.1"), "existing_run=replace and lr=0.1"
      ),
      (.split(), "split"), (.split("train"), "split=train"),
      (.plugins(["a.so", "b.so"]), "load_plugin: a.so, b.so"), (.condition, "condition"),
      (.data, "data"), (.imageSize(), "size"), (.imageSize("64"), "size=64"), (.imageCrop, "crop"),
      (.greyImages, "grey"), (.imageCache, "a cache"), (.checkpointDir(), "checkpoint_dir"),
      (.checkpointDir("scratch"), "checkpoint_dir=scratch"),
      (.checkpoint("best"), "checkpoint=best"),
      (.background, "background"), (.reference, "reference"),
      (.limit("picture_bytes", 5), "the limit picture_bytes=5"),
      (.variantDescription("iwae"), "the description of iwae"),
      (.importanceSamples, "importance_samples"), (.trials, "trials"),
      (.channelsFirst, "a view of them with the channels last"),
      (.columnType("age"), "the type of the column age"),
      (.columnType("age", "count"), "columns age=count"), (.network, "network"),
      (.stage("prior"), "the stage prior"), (.tile(64), "tile=64"),
      (.exportForm("taesd"), "form=taesd"),
    ] as [(Remedy, String)] { XCTAssertEqual(remedy.description, words) }
  }

  func testOneSentenceComesAfterTheOther() {
    let first: Message = "use \(.resume)"
    let second: Message = " or \(.replace) it"
    XCTAssertEqual(
      (first + second).description, "use existing_run=resume or existing_run=replace it")
    XCTAssertEqual(first + second, "use \(.resume) or \(.replace) it")
  }

  func testAnErrorKeepsItsKindAndMessage() {
    let error = ExplainedError(3, text: "it is \("gone")")
    XCTAssertEqual(error.kind, 3)
    XCTAssertEqual(error.message, "it is gone")
    XCTAssertNotEqual(error, ExplainedError(4, "it is gone"))
    XCTAssertNotEqual(error, ExplainedError(3, "it is lost"))
  }
}
