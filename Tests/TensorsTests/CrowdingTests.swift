import CVectorKernels
import Tensors
import XCTest

/// On a crowded machine loops and products run on the calling thread, with the bits of the team.
final class CrowdingTests: XCTestCase {
  private var threads = 1

  override func setUp() {
    super.setUp()
    threads = Engine.threads
    Engine.threads = 2
  }

  override func tearDown() {
    vk_force_crowding(0)
    Engine.threads = threads
    super.tearDown()
  }

  private func numbers(_ shape: Shape, seed: UInt64) -> Tensor {
    RandomSource(seed: seed).stream("test").normal(shape)
  }

  /// What a computation gives when the machine is quiet and when it is crowded.
  private func assertSameBits(
    _ name: String, _ body: () -> [Tensor], file: StaticString = #filePath, line: UInt = #line
  ) {
    vk_force_crowding(-1)
    let quiet = body().map { $0.floats.map(\.bitPattern) }
    vk_force_crowding(1)
    XCTAssertNotEqual(vk_is_crowded(), 0)
    // Twice: the first product of its size is also compared.
    for _ in 0..<2 {
      XCTAssertEqual(
        body().map { $0.floats.map(\.bitPattern) }, quiet, name, file: file, line: line)
    }
  }

  func testProductsOfAllKindsOfSizesHaveTheBitsOfTheTeam() {
    // Long sums over few rows are those whose bits depend on the threads.
    for (m, n, k) in [
      (128, 64, 1024), (128, 512, 784), (100, 400, 784), (1, 64, 1024), (128, 1, 4096),
      (64, 64, 64),
      (3, 5, 7), (512, 256, 128), (1, 512, 4096),
    ] {
      let (left, right) = (numbers([m, k], seed: 1), numbers([k, n], seed: 2))
      let (a, b) = (Parameter(left), Parameter(right))
      assertSameBits("\(m)×\(k) · \(k)×\(n)") {
        let product = a.tensor.matrixProduct(b.tensor)
        let gradients = product.sum().backward()
        return [product] + [gradients[a], gradients[b]].compactMap { $0 }
      }
    }
  }

  func testConvolutionsHaveTheBitsOfTheTeam() {
    // The gradient of the weights is a sum over images, which a team divides.
    for (batch, side, channels, filters, stride) in [
      (16, 12, 8, 16, 1), (3, 9, 5, 7, 2), (1, 6, 1, 4, 1), (64, 8, 16, 16, 2),
    ] {
      let input = Parameter(numbers([batch, side, side, channels], seed: 5))
      let weights = Parameter(numbers([filters, channels, 3, 3], seed: 6))
      assertSameBits("\(batch)×\(side)×\(side)×\(channels)") {
        let output = input.tensor.convolution(
          weights: weights.tensor, stride: (stride, stride), padding: Padding(1))
        let gradients = output.squared().sum().backward()
        return [output] + [gradients[input], gradients[weights]].compactMap { $0 }
      }
    }
  }

  func testAPreparedProductRunsAloneWhereThatHasTheBitsOfTheTeam() {
    // So are the products of bfloat16 operands, and of a dense layer's gradients.
    let (x, weights) = (numbers([64, 512], seed: 7), Parameter(numbers([256, 512], seed: 8)))
    let input = Parameter(x)
    assertSameBits("prepared") {
      let output = input.tensor.matrixProduct(weights.tensor.transposed())
      let gradients = output.squared().sum().backward()
      return [output] + [gradients[input], gradients[weights]].compactMap { $0 }
    }
  }

  func testLoopsHaveTheBitsOfTheTeam() {
    let x = numbers([300, 700], seed: 3)
    assertSameBits("loops") {
      [
        x.exp(), x.sum(axis: 0), x.sum(axis: 1), x.softmax(), x + x.sum(axis: 0),
        numbers([100_000], seed: 4),
      ]
    }
  }

  func testATeamIsInVainWhereOthersKeepAllProcessorsBusyOrOneOfTwoThreadsWouldShareItsOwn() {
    for (others, processors, threads, isInVain) in [
      // As many others as processors, whatever the team.
      (2, 2, 2, true), (5, 4, 4, true), (64, 64, 64, true),
      // One of two threads has its processor for half of the time.
      (1, 2, 2, true), (3, 4, 2, true), (2, 4, 2, false), (0, 2, 2, false),
      // Of more threads each has at least half of a processor, which together is more than one.
      (1, 4, 4, false), (3, 4, 4, false), (63, 64, 64, false),
      // What cannot be told says nothing.
      (-1, 2, 2, false),
    ] as [(Int, Int, Int32, Bool)] {
      XCTAssertEqual(
        vk_is_team_in_vain(others, processors, threads) != 0, isInVain,
        "\(others) others, \(processors) processors, \(threads) threads")
    }
  }

  func testATeamThatWaitsMuchIsLeftAloneAndTriedAgainEverMoreSeldom() {
    let millisecond: Int64 = 1_000_000
    var now = vk_now()
    /// Loops of a tenth of a millisecond after which the calling thread waits.
    func run(_ count: Int, waiting: Int64 = 0) {
      for _ in 0..<count {
        let finished = now + millisecond / 10
        vk_note_loop(now, finished, finished + waiting)
        now = finished + waiting
      }
    }
    func isCrowded(after milliseconds: Int64 = 0) -> Bool {
      vk_is_crowded_at(now + milliseconds * millisecond) != 0
    }
    // Whatever other tests have left behind is over after some quiet windows.
    now += 10_000 * millisecond
    run(2000)
    XCTAssertFalse(isCrowded())
    // Uneven shares and waking say nothing, however often, and nor does one interruption.
    run(2000, waiting: millisecond / 20)
    XCTAssertFalse(isCrowded())
    run(1, waiting: 2 * millisecond)
    run(1000)
    XCTAssertFalse(isCrowded())

    // The longer a loop, the longer the waits that say nothing.
    vk_note_loop(now, now + 40 * millisecond, now + 44 * millisecond)
    XCTAssertFalse(isCrowded(after: 45))
    now += 10_000 * millisecond
    run(2000)

    for hold: Int64 in [50, 100, 200, 400, 800, 1600, 1600] {
      run(1, waiting: 3 * millisecond)
      XCTAssertTrue(isCrowded(after: hold - 1), "\(hold)")
      XCTAssertFalse(isCrowded(after: hold + 1), "\(hold)")
      now += (hold + 1) * millisecond
    }
    run(2000)
    XCTAssertFalse(isCrowded())
    run(1, waiting: 3 * millisecond)
    XCTAssertFalse(isCrowded(after: 51), "quiet windows do not make trials frequent again")
    now += 10_000 * millisecond
    run(2000)
  }
}
