import Foundation
import XCTest

/// Plug-ins on the command line, and `plugin check`.
final class PluginTests: CommandTestCase {
  /// A plug-in of the repository, compiled.
  private func compile(_ sources: [String], _ name: String, flags: [String] = []) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["clang", "-std=c11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-I\(root)/include"]
      + flags + sources.map { $0.hasPrefix("/") ? $0 : "\(root)/\($0)" } + [
        "-lm", "-o", path(name),
      ]
    try process.run()
    process.waitUntilExit()
    XCTAssertEqual(process.terminationStatus, 0)
    return path(name)
  }

  private func example() throws -> String {
    try compile(
      ["plugin.c", "mixture_prior.c", "laplace_likelihood.c"].map { "Examples/plugin-c/\($0)" },
      "mixture.so")
  }

  private func hostile(_ fault: String) throws -> String {
    try compile(
      ["Tests/PluginTests/hostile.c"], "hostile.so", flags: ["-DFAULT=\"\(fault)\"", "-lpthread"])
  }

  // MARK: Use

  func testListShowsAPluginsVariantsWithTheirFile() throws {
    let file = try example()
    let line = try XCTUnwrap(
      run(["list", "--plugin", file]).lines.first { $0.hasPrefix("mixture-vae ") })
    XCTAssertTrue(line.contains("/mixture.so "), line)
    XCTAssertFalse(try run(["list"]).out.contains("mixture-vae"))
    let found = try run(["list"], environment: ["VAE_ZOO_PLUGIN_PATH": folder])
    XCTAssertTrue(found.out.contains("mixture-vae"), found.out)
    let text = try run(["describe", "mixture-vae", "--plugin", file]).out
    XCTAssertTrue(text.contains("prior.components"), text)
    XCTAssertTrue(text.contains("Gaussians in the mixture"), text)
  }

  func testABadPluginOfTheSearchPathIsToldAndLeftOut() throws {
    let bad = try write(Array("x".utf8), "bad.so")
    let found = try run(["list"], environment: ["VAE_ZOO_PLUGIN_PATH": folder])
    XCTAssertTrue(found.out.contains("gaussian-vae"))
    XCTAssertTrue(found.err.contains("plug-in left out: \(bad)"), found.err)
  }

  /// A shared object of a C text whose functions run when it is loaded or asked for its description.
  private func compile(text: String, _ name: String) throws -> String {
    let source = try write(
      Array("#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n\(text)\n".utf8),
      "\(name).c")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["clang", "-shared", "-fPIC", source, "-o", path(name)]
    try process.run()
    process.waitUntilExit()
    XCTAssertEqual(process.terminationStatus, 0)
    return path(name)
  }

  func testAPluginOfTheSearchPathThatCrashesHangsOrEndsIsLeftOutAndTriedOnce() throws {
    let entry = "void *vae_plugin_entry(const void *host)"
    let log = path("log")
    let note = "static void note(void) { if (system(\"echo x >>\(log)\")) return; }"
    let faults = [
      ("aborting.so", "\(note) \(entry) { (void)host; note(); abort(); }", "crashes with signal 6"),
      (
        "constructor.so",
        "\(note) __attribute__((constructor)) static void load(void) { note(); raise(SIGSEGV); }",
        "crashes with signal 11"
      ),
      (
        "ending.so", "\(note) \(entry) { (void)host; note(); _exit(0); }",
        "ends the process that loads it, with status 0"
      ),
      (
        "hanging.so", "\(note) \(entry) { (void)host; note(); for (;;) pause(); }",
        "does not come to an end"
      ),
    ]
    for (name, text, _) in faults { _ = try compile(text: text, name) }
    _ = try example()
    let environment = ["VAE_ZOO_PLUGIN_PATH": folder, "XDG_CACHE_HOME": path("cache")]
    for _ in 0..<2 {
      let found = try run(["list"], environment: environment)
      XCTAssertTrue(found.out.contains("gaussian-vae"), found.out)
      XCTAssertTrue(found.out.contains("mixture-vae"), found.out)
      for (name, _, words) in faults {
        let line = found.err.split(separator: "\n").first { $0.contains("left out: \(path(name))") }
        XCTAssertTrue(line?.contains(words) == true, "\(name): \(found.err)")
      }
    }
    // Each was loaded once in all.
    XCTAssertEqual(try String(contentsOfFile: log, encoding: .utf8), "x\nx\nx\nx\n")
    // Another file is tried, whatever was found of the one before it.
    _ = try compile(text: "\(note) \(entry) { (void)host; note(); return 0; }", "aborting.so")
    let found = try run(["list"], environment: environment)
    XCTAssertTrue(found.err.contains("vae_plugin_entry gave NULL"), found.err)
  }

  func testWhatWasFoundOutOfAPluginIsReadFromAFolderOfTheUsersOwnAlone() throws {
    _ = try example()
    let environment = ["VAE_ZOO_PLUGIN_PATH": folder, "XDG_CACHE_HOME": path("cache")]
    XCTAssertTrue(try run(["list"], environment: environment).out.contains("mixture-vae"))
    let verdicts = path("cache/vae-zoo/plugins")
    let names = try FileManager.default.contentsOfDirectory(atPath: verdicts)
    let file = try XCTUnwrap(names.first)
    XCTAssertEqual(names.count, 1)
    XCTAssertEqual(
      try FileManager.default.attributesOfItem(atPath: verdicts)[.posixPermissions] as? Int, 0o700)
    // What it says counts, also where it is wrong.
    try Data("crashes\n".utf8).write(to: URL(fileURLWithPath: "\(verdicts)/\(file)"))
    XCTAssertFalse(try run(["list"], environment: environment).out.contains("mixture-vae"))
    // Cut off, or of others, it does not.
    try Data("crash".utf8).write(to: URL(fileURLWithPath: "\(verdicts)/\(file)"))
    XCTAssertTrue(try run(["list"], environment: environment).out.contains("mixture-vae"))
    try Data("crashes\n".utf8).write(to: URL(fileURLWithPath: "\(verdicts)/\(file)"))
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: verdicts)
    XCTAssertTrue(try run(["list"], environment: environment).out.contains("mixture-vae"))
    // Without a place for it everything works as well.
    let none = environment.merging(["XDG_CACHE_HOME": "/dev/null/x"]) { $1 }
    XCTAssertTrue(try run(["list"], environment: none).out.contains("mixture-vae"))
  }

  func testAPluginThatIsAskedForMustBeOne() throws {
    try assertRefused(["list", "--plugin", path("none.so")], status: 66, naming: ["none.so"])
    let bad = try write(Array("x".utf8), "bad.so")
    try assertRefused(["list", "--plugin", bad], status: 65, naming: [bad, "cannot be loaded"])
  }

  func testARunOfAPluginIsTrainedUsedAndRefusedWithoutIt() throws {
    let (file, run) = (try example(), path("run"))
    try self.run([
      "train", "mixture-vae", "--plugin", file, "--data", "shapes:32", "--out", run, "--epochs",
      "1",
      "--batch-size", "2000", "--set", "components=3", "--set", "hidden=16", "--no-records",
    ])
    let outcome = try self.run([
      "evaluate", run, "--plugin", file, "--data", "shapes:32", "--json",
    ])
    XCTAssertEqual(try object(outcome.out)["variant"] as? String, "mixture-vae")
    try self.run(["sample", run, "--plugin", file, "--count", "3", "--out", path("s.npy")])
    try self.run([
      "reconstruct", run, "--plugin", file, "--data", "shapes:32", "--count", "2", "--out",
      path("r.png"),
    ])
    try assertRefused(
      ["evaluate", run, "--data", "shapes:32"], status: 64,
      naming: ["recipe.json", "mixture.so", "--plugin"])
    let resume = ["train", "--out", run, "--resume", "--epochs", "2", "--no-records"]
    try assertRefused(
      resume, status: 64, naming: ["recipe.json", "SHA-256", "--plugin \(file)", "if you trust it"])
    try self.run(resume + ["--plugin", file])
  }

  /// A shared object that leaves a file where it is loaded.
  private func marking(_ marker: String) throws -> String {
    let source = try write(
      Array(
        """
        #include <stdio.h>
        __attribute__((constructor)) static void run(void) { fclose(fopen("\(marker)", "w")); }
        """.utf8), "marking.c")
    return try compile([source], "marking.so")
  }

  func testNothingIsLoadedBecauseARunARecipeOrAModelNamesIt() throws {
    let (data, run) = try copyOfTrainedRun()
    let marker = path("loaded")
    let plugin = try marking(marker)
    let hash = String(repeating: "0", count: 64)
    for named: Any in [plugin, ["file": plugin, "sha256": hash]] {
      var recipe = try object(String(decoding: bytes("\(run)/recipe.json"), as: UTF8.self))
      recipe["plugins"] = [named]
      let text = try JSONSerialization.data(withJSONObject: recipe)
      try text.write(to: URL(fileURLWithPath: "\(run)/recipe.json"))
      // What is built in needs no plug-in, whatever a recipe says; what is not is refused.
      for variant in ["gaussian-vae", "marked-vae"] {
        recipe["variant"] = variant
        let other = try write(
          Array(JSONSerialization.data(withJSONObject: recipe)), "other.json")
        for arguments in [
          ["train", "--out", run, "--resume", "--epochs", "1"],
          [
            "train", "--recipe", other, "--data", data, "--out", path("new"), "--epochs", "0",
            "--force",
          ],
          ["evaluate", run, "--data", data], ["sample", run, "--out", path("s.png")],
          ["report", run, "--out", path("r.html")], ["compare", run, run],
          ["reconstruct", run, "--data", data, "--out", path("r.png")],
          ["encode", run, "--data", data, "--out", path("z.npy")],
          ["sweep", "--recipe", other, "--data", data, "--out", path("sweep"), "--epochs", "0"],
        ] {
          _ = try Command.run(arguments)
          XCTAssertFalse(exists(marker), arguments.joined(separator: " "))
        }
      }
    }
    // The marker does tell.
    _ = try Command.run(["list", "--plugin", plugin])
    XCTAssertTrue(exists(marker))
  }

  func testAPluginThatFailsAtWorkIsNamed() throws {
    let file = try hostile("shape")
    try assertRefusedInTraining(file, naming: ["hostile.so", "decoder hostile", "shape"])
  }

  private func assertRefusedInTraining(_ file: String, naming words: [String]) throws {
    let outcome = try Command.run([
      "train", "gaussian-vae", "--plugin", file, "--set", "decoder.name=hostile", "--data",
      "shapes:32", "--out", path("run"), "--binarize", "threshold", "--epochs", "1",
    ])
    XCTAssertEqual(outcome.status, 65, outcome.err)
    for word in words { XCTAssertTrue(outcome.err.contains(word), outcome.err) }
  }

  // MARK: Check

  func testCheckPassesTheExample() throws {
    let outcome = try run(["plugin", "check", example()])
    XCTAssertTrue(outcome.out.hasSuffix("mixture.so keeps the rules\n"), outcome.out)
    XCTAssertFalse(outcome.out.contains("FAILED"))
    for word in [
      "prior mixture: trains", "with components=1024", "gradients of laplace density agree",
      "variant mixture-vae: trains", "likelihood laplace: keeps no memory",
    ] {
      XCTAssertTrue(outcome.out.contains(word), "\(word) in \(outcome.out)")
    }
  }

  /// The line of a failed step in a check, which must fail.
  private func failure(
    _ fault: String, timeLimit: Int = 60, file: StaticString = #filePath, line: UInt = #line
  ) throws -> String {
    let outcome = try Command.run([
      "plugin", "check", hostile(fault), "--time-limit", "\(timeLimit)", "--threads", "1",
    ])
    XCTAssertEqual(outcome.status, 65, outcome.out, file: file, line: line)
    return try XCTUnwrap(
      outcome.lines.first { $0.hasPrefix("FAILED") && !$0.contains("fault=") }, outcome.out,
      file: file, line: line)
  }

  func testCheckReportsACrashAndALoopAndGoesOn() throws {
    XCTAssertTrue(try failure("crash").contains("trains: it crashed with signal 11"))
    XCTAssertTrue(
      try failure("loop", timeLimit: 3).contains("trains: it did not end within 3 seconds"))
  }

  func testCheckFindsWhatIsWrong() throws {
    for (fault, words) in [
      ("leak", "keeps no memory: about"), ("gradient", "finite differences give"),
      ("infinite", "nan"), ("shape", "decode gave a value of shape"),
      ("random", "same seed"), ("silent", "gave NULL and no reason"),
      ("stale", "no value of this pass"), ("assign", "after_update only"),
    ] {
      let line = try failure(fault)
      XCTAssertTrue(line.contains(words), line)
    }
  }

  func testCheckRefusesWhatIsNoPlugin() throws {
    try assertRefused(["plugin", "check", path("none.so")], status: 66, naming: ["none.so"])
    let bad = try write(Array("x".utf8), "bad.so")
    let outcome = try Command.run(["plugin", "check", bad])
    XCTAssertEqual(outcome.status, 65)
    XCTAssertTrue(outcome.out.contains("FAILED  the entry and its descriptions"), outcome.out)
  }
}
