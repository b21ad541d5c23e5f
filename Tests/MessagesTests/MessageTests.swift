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
}
