import Foundation
import XCTest

/// Trainings by several processes. Those under a real `mpirun` are run where there is one: the variable
/// `VAE_TEST_MPIRUN` names it, with its options, else it is looked for on the path.
final class SeveralProcessesTests: CommandTestCase {
  private var model: [String] {
    [
      "gaussian-vae", "--data", path("data.npy"), "--epochs", "2", "--set", "hidden=8", "--set",
      "latent=2", "--batch-size", "16", "--threads", "1", "--shards", "2",
    ]
  }

  override func setUpWithError() throws {
    try super.setUpWithError()
    _ = try write(ArrayFile.npy(TestImages(), binary: true), "data.npy")
  }

  func testALauncherWithoutItsLibraryIsNamed() throws {
    for (library, words) in [
      ("/nowhere/libmpi.so", "cannot be used"), ("libm.so.6", "is no MPI library"),
    ] {
      for variable in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
        let outcome = try Command.run(
          ["train"] + model + ["--out", path("run")],
          environment: [variable: "2", "VAE_MPI_LIBRARY": library])
        XCTAssertEqual(outcome.status, 66, outcome.err)
        XCTAssertTrue(outcome.err.contains(library) && outcome.err.contains(words), outcome.err)
      }
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("run")))
  }

  func testALibraryThatCannotBeLoadedIsNamedWithTheReason() throws {
    try Data("no library".utf8).write(to: URL(fileURLWithPath: path("libmpi.so.40")))
    let others = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"].map { ":\($0)" } ?? ""
    let outcome = try Command.run(
      ["train"] + model + ["--out", path("run")],
      environment: ["OMPI_COMM_WORLD_SIZE": "2", "LD_LIBRARY_PATH": folder + others])
    XCTAssertEqual(outcome.status, 66, outcome.err)
    XCTAssertTrue(outcome.err.contains("\(path("libmpi.so.40")): "), outcome.err)
  }

  func testAProcessStartedAloneLoadsNoLibrary() throws {
    for environment in [["VAE_MPI_LIBRARY": "/nowhere/libmpi.so"], ["PMI_SIZE": "1"]] {
      _ = try Command.run(
        ["train"] + model + ["--out", path("run"), "--force"], environment: environment)
    }
    XCTAssertTrue(FileManager.default.fileExists(atPath: path("run/model.safetensors")))
  }

  func testWhatIsNotDividedIsRefusedToAllButOneProcess() throws {
    for (rank, texts) in [
      (
        "0", ["sample is done by one; only train, sweep, evaluate,", "--images are encoded by one"]
      ),
      ("1", ["", ""]),
    ] {
      let commands = [
        ["sample", path("run")], ["encode", path("run"), "--images", path("picture.png")],
      ]
      for (command, text) in zip(commands, texts) {
        let outcome = try Command.run(
          command + ["--out", path("out.npy")],
          environment: ["PMI_SIZE": "2", "PMI_RANK": rank])
        XCTAssertEqual(outcome.status, 64, outcome.err)
        XCTAssertTrue(text.isEmpty ? outcome.err.isEmpty : outcome.err.contains(text), outcome.err)
      }
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("out.npy")))
  }

  /// How two processes are started here, or another number of them.
  private func launcher(of count: Int) throws -> String {
    try launcher().replacingOccurrences(of: "-np 2", with: "-np \(count)")
  }

  private func launcher() throws -> String {
    if let given = ProcessInfo.processInfo.environment["VAE_TEST_MPIRUN"] { return given }
    let found = try Shell.run(
      """
      if command -v mpirun.openmpi; then
        echo 'mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none -np 2'
      elif command -v mpiexec.hydra; then echo 'mpiexec.hydra -np 2'; fi
      """, in: NSTemporaryDirectory())
    guard let last = found.out.split(separator: "\n").last, last.contains("-np") else {
      throw XCTSkip("there is no mpirun.openmpi or mpiexec.hydra")
    }
    return String(last)
  }

  func testTwoProcessesOfALauncherGiveTheBitsOfOne() throws {
    let launcher = try launcher()
    let words = model.joined(separator: " ")
    let outcome = try Shell.run(
      """
      set -e
      "$V" train \(words) --out one
      \(launcher) "$V" train \(words) --epochs 1 --out two --tensorboard events
      [ $(ls events | wc -l) = 1 ]
      \(launcher) "$V" train \(words) --resume --out two
      cmp one/model.safetensors two/model.safetensors
      cmp one/latest/optimizer.safetensors two/latest/optimizer.safetensors
      """, in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
  }

  func testTwoProcessesOfALauncherMeasureAndSweepWhatOneDoes() throws {
    let launcher = try launcher()
    let words = model.joined(separator: " ")
    let sweep = "gaussian-vae --data data.npy --set latent=1,2,3 --batch-size 16 --holdout 0.25"
    let outcome = try Shell.run(
      """
      set -e
      "$V" train \(words) --out run 2> /dev/null
      each() { # the words of a command without and with the launcher
        "$V" "$@" --threads 1 > one.txt 2> /dev/null
        for file in out.csv out.npy; do [ ! -e $file ] || mv $file one-$file; done
        \(launcher) "$V" "$@" --threads 1 > two.txt
        cmp one.txt two.txt
        for file in out.csv out.npy; do [ ! -e $file ] || cmp $file one-$file; done
        rm -f out.csv out.npy
      }
      each evaluate run --data data.npy --split train --importance-samples 20 --json
      each score run --data data.npy --split train --out out.csv
      each encode run --data data.npy --split train --out out.npy
      [ $(wc -l < run/records/evaluations.jsonl) = 2 ]
      if \(launcher) "$V" score run --data data.npy --split train --out none/out.csv; then exit 1; fi
      "$V" sweep \(sweep) --epochs 4 --halving 2 --threads 1 --out one > one.txt
      \(launcher) "$V" sweep \(sweep) --epochs 4 --halving 2 --threads 1 --out two > two.txt
      for run in one/*/; do
        cmp $run/latest/weights.safetensors two/${run#one/}latest/weights.safetensors
      done
      [ -e two/compare.html ] && [ $(tail -n 1 two.txt | wc -w) -gt 2 ]
      """, in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
    XCTAssertEqual(outcome.err.components(separatedBy: "vae-zoo: ").count, 2, outcome.err)
  }

  /// A sweep of five runs.
  private let sweep =
    "gaussian-vae --data data.npy --set latent=1,2,3,4,5 --set hidden=8 --batch-size 16 --threads 1"

  func testASweepByThreeProcessesComesToTheRunsAndTheTableOfOne() throws {
    let launcher = try launcher(of: 3)
    let outcome = try Shell.run(
      """
      set -e
      "$V" sweep \(sweep) --epochs 2 --out one > one.txt
      \(launcher) "$V" sweep \(sweep) --epochs 2 --out three > three.txt
      for run in one/*/; do cmp $run/model.safetensors three/${run#one/}model.safetensors; done
      cmp <(cut -d ' ' -f 1 one.txt) <(cut -d ' ' -f 1 three.txt)
      [ "$(ls -A three)" = "$(ls -A one)" ]
      """, in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
    for run in 1...5 {
      XCTAssertEqual(
        outcome.err.components(separatedBy: "run \(run) of 5, ").count, 3,
        "each is trained once by one process and once by three: \(outcome.err)")
    }
  }

  /// Whatever ends one of three processes of a sweep: no process hangs, none says that all is well, and no run is lost.
  func testASignalToOneProcessOfASweepEndsAllAndTheSameCommandGoesOn() throws {
    let launcher = try launcher(of: 3)
    for signal in ["INT", "KILL"] {
      let outcome = try Shell.run(
        """
        timeout 100 \(launcher) bash -c '
          "$V" sweep \(sweep) --epochs 40 --out \(signal) & child=$!
          if [ "${PMI_RANK:-$OMPI_COMM_WORLD_RANK}" = 1 ]; then
            until ls \(signal)/*/metrics.jsonl; do sleep 0.1; done > /dev/null 2>&1
            kill -\(signal) $child
          fi
          wait $child'
        status=$?
        ls \(signal)/*/model.safetensors 2> /dev/null | wc -l
        [ $status -ne 0 ] && [ $status -ne 124 ] || exit 1
        "$V" sweep \(sweep) --epochs 40 --out \(signal) > /dev/null 2>&1 || exit 2
        [ $(ls \(signal)/*/model.safetensors | wc -l) = 5 ]
        """, in: folder)
      XCTAssertEqual(outcome.status, 0, "\(signal): \(outcome.err)")
      XCTAssertTrue(
        signal == "KILL"
          || outcome.err.contains("since rank 1 was interrupted; the same command goes on"),
        outcome.err)
    }
  }

  func testWhatAllAreRefusedForTheFirstAloneSaysInTheWordsOfTheCommand() throws {
    let launcher = try launcher()
    let words = model.joined(separator: " ")
    let outcome = try Shell.run(
      """
      mkdir run && echo mine > run/file
      \(launcher) "$V" train \(words) --out run --resume 2> refused
      \(launcher) "$V" train \(words) --shards 3 --out other 2>> refused
      \(launcher) "$V" train \(words) --out done 2> /dev/null
      \(launcher) "$V" train \(words) --out done 2>> refused
      grep vae-zoo: refused
      grep 'rank 0' refused
      [ ! -e other ]
      """, in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
    let lines = outcome.out.split(separator: "\n").filter { $0.contains("vae-zoo:") }
    XCTAssertEqual(lines.count, 3, outcome.out)
    XCTAssertTrue(lines.last?.contains("use --resume") ?? false, outcome.out)
    XCTAssertFalse(outcome.out.contains("rank 0 failed"), outcome.out)
  }

  func testWhatOneProcessIsRefusedEndsBoth() throws {
    let launcher = try launcher()
    let words = model.joined(separator: " ")
    let rank = "${PMI_RANK:-$OMPI_COMM_WORLD_RANK}"
    for (number, (option, text)) in [
      ("--seed \(rank)", "another recipe|another setting of training"),
      ("--set hidden=$((8 - 8 * \(rank)))", "hidden cannot be 0|rank 1 failed"),
    ].enumerated() {
      let outcome = try Shell.run(
        """
        timeout 50 \(launcher) bash -c '"$V" train \(words) \(option) --out run\(number)'
        status=$?
        [ $status -ne 0 ] && [ $status -ne 124 ] && [ ! -e run\(number)/model.safetensors ]
        """, in: folder)
      XCTAssertEqual(outcome.status, 0, "\(option): \(outcome.err)")
      XCTAssertNotNil(
        outcome.err.range(of: text, options: .regularExpression), "\(option): \(outcome.err)")
    }
  }

  /// Also what is refused for the words of the command alone, before anything is opened.
  func testAnOptionThatOneProcessIsRefusedForEndsBoth() throws {
    let launcher = try launcher()
    let outcome = try Shell.run(
      """
      "$V" train \(model.joined(separator: " ")) --out run 2> /dev/null
      cat > each <<'END'
      rank=${PMI_RANK:-$OMPI_COMM_WORLD_RANK}
      ending=(npy xyz) method=(nll none) halving=(2 3)
      case $1 in
      encode) exec "$V" encode run --data data.npy --split train --out out.${ending[rank]} ;;
      score) exec "$V" score run --data data.npy --out out.npy --method ${method[rank]} ;;
      sweep) exec "$V" sweep \(sweep) --holdout 0.25 --halving ${halving[rank]} --out grid ;;
      esac
      END
      for command in encode score sweep; do
        timeout 50 \(launcher) bash each $command
        status=$?
        [ $status -ne 0 ] && [ $status -ne 124 ] || exit 1
      done
      [ ! -e out.npy ] && [ ! -e grid ]
      """, in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
    for text in [
      "rank 1: --out out.xyz", "rank 1: there is no method of scoring \"none\"",
      "rank 1 has another setting of the sweep than rank 0: halving=3 in place of halving=2",
    ] { XCTAssertTrue(outcome.err.contains(text), "\(text): \(outcome.err)") }
  }

  /// A training without end in two processes, of which the second gets a signal when an epoch is stored; `status` is that of
  /// the launcher.
  private func signalled(_ signal: String) throws -> String {
    """
    timeout 50 \(try launcher()) bash -c '
      "$V" train \(model.joined(separator: " ")) --epochs 100000 --out run & child=$!
      if [ "${PMI_RANK:-$OMPI_COMM_WORLD_RANK}" = 1 ]; then
        until [ -e run/metrics.jsonl ]; do sleep 0.1; done
        kill -\(signal) $child
      fi
      wait $child'
    status=$?

    """
  }

  func testAnInterruptedTrainingSaysThatItGoesOnInAsManyProcesses() throws {
    let outcome = try Shell.run(signalled("TERM") + "[ $status -ne 124 ]", in: folder)
    XCTAssertEqual(outcome.status, 0, "it hangs: \(outcome.err)")
    XCTAssertTrue(
      outcome.err.contains("continue in as many processes (2) with: vae-zoo train"), outcome.err)
  }

  func testAProcessThatIsKilledEndsTheOther() throws {
    let outcome = try Shell.run(
      signalled("KILL")
        + "[ $status -ne 0 ] && [ $status -ne 124 ] && [ ! -e run/model.safetensors ]", in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
  }
}
