import Foundation
import XCTest

/// Names of files are bytes, which need be no UTF-8: Latin-1 here, as old archives have them.
final class FileNameTests: CommandTestCase {
  private let settings = "--epochs 1 --batch-size 4 --threads 1 --set hidden=8 --set latent=2"

  /// Two folders of images, of which one has a name of Latin-1, and the images in the other.
  private func makeImages() throws {
    for number in 0..<6 {
      let pixels = (0..<64).map { UInt8(($0 * 37 + number * 11) % 256) }
      for folder in ["zoo", "cafe"] {
        _ = try write(
          ArrayFile.png(height: 8, width: 8, grey: pixels), "set/\(folder)/\(number).png")
      }
    }
    _ = try write(Array("no picture".utf8), "set/zoo/6.png")
    let renamed = try Shell.run(
      #"mv set/cafe $'set/caf\xe9'; for i in set/zoo/*; do mv $i $'set/zoo/\xff'${i##*/}; done"#,
      in: folder)
    XCTAssertEqual(renamed.status, 0, renamed.err)
  }

  /// Runs a script that must end well.
  @discardableResult
  private func succeed(_ script: String, line: UInt = #line) throws -> Outcome {
    let outcome = try Shell.run("set -e\n" + script, in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err, line: line)
    return outcome
  }

  func testImagesAndFoldersOfAnyNamesAreData() throws {
    try makeImages()
    for _ in 0..<2 {
      // Decoded at first, then from the cache.
      let outcome = try succeed(
        "\"$V\" train gaussian-vae --data set --out run --force \(settings)")
      XCTAssertTrue(outcome.err.contains("11 training images"), outcome.err)
      XCTAssertTrue(outcome.err.contains(#"left out: set/zoo/\xff6.png"#), outcome.err)
    }
    let outcome = try succeed(
      #"mv set $'s\xe9t'; "$V" evaluate run --data $'s\xe9t' --split train --threads 1 --cache $'c\xe9'; ls -d $'c\xe9'/s*"#
    )
    XCTAssertTrue(outcome.out.contains("11 examples of train"), outcome.out)
    // A table of scores has the names of the files themselves.
    let scored = try succeed(
      #"""
      "$V" score run --data $'s\xe9t' --split train --method elbo --out s.csv 2>/dev/null
      tail -n +2 s.csv | cut -d, -f2 | while IFS= read -r name; do
        test -e $'s\xe9t'/"$name" && echo there
      done
      """#)
    XCTAssertEqual(scored.out.split(separator: "\n"), Array(repeating: "there", count: 11))
  }

  func testEveryFileThatACommandReadsOrWritesMayHaveAnyName() throws {
    _ = try makeData("data")
    let names = try succeed(
      #"""
      e=$'\xe9'; mv data d$e; mkdir w
      "$V" describe gaussian-vae --recipe > r$e.json
      "$V" train --recipe r$e.json --data d$e --out w/run$e --tensorboard w/log$e --report \#(settings) 2>/dev/null
      "$V" train --out w/run$e --resume 2>/dev/null
      "$V" sample w/run$e --out w/s$e.png 2>/dev/null
      "$V" sample w/run$e/model.safetensors --out w/s$e.npy 2>/dev/null
      "$V" report w/run$e --out w/r$e.html 2>/dev/null
      "$V" compare w/run$e w/run$e --out w/c$e.html 2>/dev/null || true
      cd w; for name in *; do printf '%s\n' "$name" | od -An -c | tr -d ' \n'; echo; done
      """#)
    XCTAssertEqual(
      Set(names.lines.filter { !$0.hasPrefix("epoch") && !$0.contains("nats") }).intersection([
        #"log351\n"#, #"r351.html\n"#, #"run351\n"#, #"s351.npy\n"#, #"s351.png\n"#,
      ]).count, 5, names.out)
    XCTAssertFalse(names.out.contains("357277275"), "no character stands for another")
  }

  func testNamesAreShownByTheNumbersOfTheirBytes() throws {
    let outcome = try Shell.run(
      #""$V" evaluate $'n\xe9ant' --data shapes; "$V" $'n\xe9ant'; "$V" train gaussian-vae --data $'n\xe9ant' --out r"#,
      in: folder)
    let lines = outcome.err.split(separator: "\n")
    XCTAssertEqual(lines.count, 3, outcome.err)
    for line in lines { XCTAssertTrue(line.contains(#"n\xe9ant"#), outcome.err) }
  }

  func testEveryAnswerForProgramsIsJSONWhateverNamesItHas() throws {
    let shared = try TrainedRun.shared()
    let outcome = try Shell.run(
      #"""
      e=$'\xe9'; cp -r "\#(shared.run)" r$e; cp r$e/model.safetensors m$e.safetensors
      for json in "$("$V" check r$e --json)" "$("$V" check m$e.safetensors --json)" \
        "$("$V" describe m$e.safetensors --shapes --json)" "$("$V" evaluate r$e --data "\#(shared.data)" --json)"; do
        printf '%s\n' "$json"
      done
      """#, in: folder)
    XCTAssertEqual(outcome.lines.count, 4, outcome.out + outcome.err)
    for line in outcome.lines { _ = try object(line) }
  }

  /// What an interrupted training says is typed again by a shell.
  func testTheCommandThatContinuesNamesTheSameFolder() throws {
    _ = try makeData("data")
    let outcome = try Shell.run(
      #"""
      "$V" train gaussian-vae --data data --out $'r\xe9s' --epochs 1000000 --batch-size 16 --threads 1 \
        --set hidden=8 --set latent=2 > /dev/null 2> said &
      until [ -e $'r\xe9s/metrics.jsonl' ] || ! kill -0 $!; do sleep 0.1; done
      kill -INT $!; wait $!
      line=$(sed -n 's/.*continue with: vae-zoo//p' said)
      eval "\"\$V\" $line --epochs 0" 2>&1 | tail -1
      """#, in: folder)
    XCTAssertTrue(outcome.out.contains("beyond the 0 epochs"), outcome.out + outcome.err)
    XCTAssertTrue(outcome.out.contains(#"r\xe9s has come to epoch"#), outcome.out)
  }
}
