import Messages
import XCTest

final class SearchTests: XCTestCase {
  func testATextIsFoundWhereItFirstStands() {
    XCTAssertEqual("ab..c..".place(of: "..").map { "ab..c.."[$0.upperBound...] }, "c..")
    XCTAssertNil("ab.c".place(of: ".."))
    XCTAssertTrue("model.µ.lora".includes(".lora") && "µ".includes("µ") && "a".includes(""))
    XCTAssertFalse("".includes("a") || "lor".includes("lora"))
  }

  func testEveryTextThatIsFoundIsReplaced() {
    XCTAssertEqual("a b  c".replaced(" ", by: "-"), "a-b--c")
    XCTAssertEqual("aaa".replaced("aa", by: "a"), "aa")
    XCTAssertEqual("µµ".replaced("µ", by: "µm "), "µm µm ")
    XCTAssertEqual("abc".replaced("d", by: "e") + "".replaced("d", by: "e"), "abc")
    XCTAssertEqual("abc".replaced("", by: "e"), "abc")
  }
}
