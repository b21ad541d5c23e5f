import Tensors
import XCTest

/// Tests whose own threads compute with one thread each.
class OneThreadTestCase: XCTestCase {
  private var threads = 1

  override func setUp() {
    threads = Engine.threads
    Engine.threads = 1
  }

  override func tearDown() { Engine.threads = threads }
}
