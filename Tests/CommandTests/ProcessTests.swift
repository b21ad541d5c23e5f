import Foundation
import XCTest

/// What the command takes from the system when it begins: arguments, its own file, its streams.
final class ProcessTests: CommandTestCase {
  private let training =
    "train gaussian-vae --data data --batch-size 16 --threads 1 --set hidden=8 --set latent=2 --no-records"

  /// A library that is loaded before `main`.
  private func library(_ source: String) throws -> String {
    let file = try write(Array(source.utf8), "before.c")
    let outcome = try Shell.run(
      "clang -std=gnu11 -shared -fPIC '\(file)' -o before.so -ldl", in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
    return path("before.so")
  }

  func testArgumentsAreKnownWhateverALibraryDoesBeforeMain() throws {
    let library = try library(
      """
      #include <stdlib.h>
      __attribute__((constructor)) static void begin(void) { setenv("SOME_LIBRARY", "1", 1); }
      """)
    let environment = ["LD_PRELOAD": library]
    XCTAssertEqual(try run(["list"], environment: environment).out, try run(["list"]).out)
    let refused = try Command.run(["no-such-command"], environment: environment)
    XCTAssertEqual(refused.status, 64)
    XCTAssertTrue(refused.err.contains("no-such-command"), refused.err)
  }

  func testACommandBegunWithoutAnyArgumentIsRefused() throws {
    for count in 0...1 {
      var words: [UnsafeMutablePointer<CChar>?] = Array(repeating: strdup(""), count: count) + [nil]
      defer { for word in words { free(word) } }
      var process: pid_t = 0
      XCTAssertEqual(posix_spawn(&process, Command.executable, nil, nil, &words, environ), 0)
      var status: Int32 = 0
      XCTAssertEqual(waitpid(process, &status, 0), process)
      XCTAssertEqual((status >> 8) & 0xff, 64, "\(count) empty arguments")
    }
  }

  /// The name is the caller's to choose, and may be empty; that is no lack of arguments.
  func testAnEmptyNameIsAsGoodAsAnyWhereSomethingFollowsIt() throws {
    let named = try Shell.run("exec -a '' \"$V\" list", in: folder)
    XCTAssertEqual(named.status, 0, named.err)
    XCTAssertEqual(named.out, try run(["list"]).out)
    let alone = try Shell.run("exec -a '' \"$V\"", in: folder)
    XCTAssertEqual(alone.status, 64)
    XCTAssertTrue(alone.err.contains("with an empty name and nothing after it"), alone.err)
  }

  /// /proc is hidden by a library that stands before the C library's functions.
  func testCommandsRunWhereThereIsNoProc() throws {
    let library = try library(
      """
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <errno.h>
      #include <fcntl.h>
      #include <spawn.h>
      #include <stdarg.h>
      #include <stdio.h>
      #include <string.h>
      #include <sys/stat.h>
      #include <unistd.h>
      #define HIDE(path, none) if (strncmp(path, "/proc", 5) == 0) { errno = ENOENT; return none; }
      #define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
      ssize_t readlink(const char *p, char *b, size_t n) { HIDE(p, -1) return NEXT(readlink)(p, b, n); }
      int stat(const char *p, struct stat *s) { HIDE(p, -1) return NEXT(stat)(p, s); }
      FILE *fopen(const char *p, const char *m) { HIDE(p, NULL) return NEXT(fopen)(p, m); }
      int execv(const char *p, char *const a[]) { HIDE(p, -1) return NEXT(execv)(p, a); }
      int posix_spawn(pid_t *i, const char *p, const posix_spawn_file_actions_t *f,
                      const posix_spawnattr_t *t, char *const a[], char *const e[]) {
        HIDE(p, ENOENT) return NEXT(posix_spawn)(i, p, f, t, a, e);
      }
      int open(const char *p, int flags, ...) {
        HIDE(p, -1)
        va_list rest; va_start(rest, flags);
        int mode = va_arg(rest, int);
        va_end(rest);
        return NEXT(open)(p, flags, mode);
      }
      """)
    let bad = try write(Array("x".utf8), "bad.so")
    _ = try makeData()
    let outcome = try Shell.run(
      """
      unset GOMP_SPINCOUNT OMP_WAIT_POLICY; export LD_PRELOAD='\(library)'
      "$V" \(training) --out run --epochs 1 || exit 1
      "$V" plugin check '\(bad)' && exit 2
      true
      """, in: folder)
    XCTAssertEqual(outcome.status, 0, outcome.err)
    XCTAssertTrue(exists(path("run/recipe.json")))
    XCTAssertTrue(
      outcome.out.contains("FAILED") && outcome.out.contains("cannot be loaded"), outcome.out)
  }

  /// The command begins itself anew, which must not show in lists of processes.
  func testTheProcessIsCalledAsItWasBegun() throws {
    _ = try makeData()
    let outcome = try Shell.run(
      """
      unset GOMP_SPINCOUNT OMP_WAIT_POLICY; ln -s "$V" zoo
      ./zoo \(training) --out run --epochs 1000000 >/dev/null 2>&1 &
      until [ -e run/metrics.jsonl ] || ! kill -0 $!; do sleep 0.1; done
      cat /proc/$!/comm; tr '\\0' ' ' < /proc/$!/cmdline; kill -9 $!
      """, in: folder)
    XCTAssertTrue(outcome.out.hasPrefix("zoo\n./zoo train gaussian-vae --data"), outcome.out)
  }

  /// Files of a run would get the numbers of closed streams, and what is printed with them.
  func testNothingIsPrintedIntoFilesOfARunWhoseStreamsWereClosed() throws {
    _ = try makeData()
    for (number, closed) in ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"].enumerated() {
      let outcome = try Shell.run(
        "\"$V\" \(training) --out run\(number) --epochs 1 \(closed)", in: folder)
      // Results that were printed nowhere are an error; progress is not.
      XCTAssertEqual(outcome.status, closed.contains(" ") ? 73 : 0, closed)
      XCTAssertEqual(try bytes(path("run\(number)/.lock")), [], closed)
      XCTAssertTrue(exists(path("run\(number)/model.safetensors")), closed)
    }
  }
}
