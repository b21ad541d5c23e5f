import Communication
import Foundation
import XCTest

/// Calls of an MPI library, by libraries that note what they are called with: this process is rank 1 of two.
final class MPICommunicatorTests: XCTestCase {
  /// What a library of each kind knows its handles by.
  private enum Kind: String, CaseIterable {
    case mpich = "libmpich.so"
    case openMPI = "libopenmpi.so"
    case standard = "libmpi_abi.so"

    var definitions: [String] {
      switch self {
      case .mpich: ["-DWORLD=0x44000000", "-DBYTE=0x4c00010d", "-DRETURN=0x54000001", "-DLEVEL=2"]
      case .openMPI: ["-DOPEN", "-DLEVEL=2"]
      case .standard: ["-DABI", "-DWORLD=0x101", "-DBYTE=0x247", "-DRETURN=0x143", "-DLEVEL=2048"]
      }
    }
  }

  private static let source = """
    #include <stdarg.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <string.h>
    #ifdef OPEN
    char ompi_mpi_comm_world, ompi_mpi_byte, ompi_mpi_errors_return;
    #define WORLD (uintptr_t)&ompi_mpi_comm_world
    #define BYTE (uintptr_t)&ompi_mpi_byte
    #define RETURN (uintptr_t)&ompi_mpi_errors_return
    #endif
    #ifdef ABI
    int MPI_Abi_get_version(int *a, int *b) { return *a = *b = 1, 0; }
    #endif
    static char calls[4096];
    static int begun, level, members, status;
    static void note(const char *format, ...) {
      va_list list;
      va_start(list, format);
      size_t used = strlen(calls);
      if (used > 0) used += (size_t)snprintf(calls + used, sizeof calls - used, ", ");
      vsnprintf(calls + used, sizeof calls - used, format, list);
      va_end(list);
    }
    static void check(uintptr_t world, uintptr_t type) {
      if (world != WORLD) note("another communicator");
      if (type != BYTE) note("another type");
    }
    const char *noted(void) { return calls; }
    void prepare(int has_begun, int given, int size, int result) {
      begun = has_begun, level = given, members = size, status = result, calls[0] = 0;
    }
    int MPI_Initialized(int *flag) { return *flag = begun, 0; }
    int MPI_Init_thread(int *c, char ***v, int wanted, int *given) {
      note(wanted == LEVEL ? "init" : "init of another level");
      return *given = level, 0;
    }
    int MPI_Comm_rank(uintptr_t world, int *rank) { return check(world, BYTE), *rank = 1, 0; }
    int MPI_Comm_size(uintptr_t world, int *size) { return check(world, BYTE), *size = members, 0; }
    int MPI_Comm_set_errhandler(uintptr_t world, uintptr_t handler) {
      check(world, BYTE);
      note(handler == RETURN ? "return errors" : "another handler");
      return 0;
    }
    // The other member sends what this one does, and a hundred more.
    int MPI_Alltoall(const void *send, int n, uintptr_t type, void *receive, int m, uintptr_t other, uintptr_t world) {
      check(world, type), check(world, other), note("all to all %d %d", n, m);
      for (int i = 0; i < n; i++) {
        ((char *)receive)[i] = ((const char *)send)[i] + 100;
        ((char *)receive)[n + i] = ((const char *)send)[n + i];
      }
      return status;
    }
    int MPI_Allgather(const void *send, int n, uintptr_t type, void *receive, int m, uintptr_t other, uintptr_t world) {
      check(world, type), check(world, other), note("all gather %d %d", n, m);
      for (int i = 0; i < n; i++) {
        ((char *)receive)[i] = ((const char *)send)[i] + 100;
        ((char *)receive)[n + i] = ((const char *)send)[i];
      }
      return status;
    }
    int MPI_Bcast(void *buffer, int n, uintptr_t type, int root, uintptr_t world) {
      check(world, type), note("broadcast %d from %d", n, root);
      if (root != 1) memset(buffer, 42, (size_t)n);
      return status;
    }
    int MPI_Abort(uintptr_t world, int code) { return check(world, BYTE), note("abort %d", code), 0; }
    int MPI_Finalize(void) { return note("finalize"), 0; }
    """

  nonisolated(unsafe) private static var folder = ""

  override static func setUp() {
    folder = "\(NSTemporaryDirectory())/vae-mpi-\(UUID().uuidString)"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try source.write(toFile: "\(folder)/mpi.c", atomically: true, encoding: .utf8)
      for kind in Kind.allCases {
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments =
          ["clang", "-shared", "-fPIC", "\(folder)/mpi.c", "-o", "\(folder)/\(kind.rawValue)"]
          + kind.definitions
        try compiler.run()
        compiler.waitUntilExit()
        XCTAssertEqual(compiler.terminationStatus, 0, "\(kind)")
      }
    } catch { XCTFail("\(error)") }
  }

  override static func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

  override func tearDown() {
    for name in ["PMI_SIZE", MPICommunicator.libraryVariable] { unsetenv(name) }
  }

  /// A library that was prepared, and what it has noted so far.
  private struct Library {
    let path: String
    let noted: @convention(c) () -> UnsafePointer<CChar>
    var calls: String { String(cString: noted()) }
  }

  private func library(
    _ kind: Kind, hasBegun: Bool = false, level: Int32? = nil, size: Int32 = 2, status: Int32 = 0
  ) throws -> Library {
    let path = "\(Self.folder)/\(kind.rawValue)"
    let handle = try XCTUnwrap(dlopen(path, RTLD_NOW), path)
    let prepare = unsafeBitCast(
      try XCTUnwrap(dlsym(handle, "prepare")),
      to: (@convention(c) (Int32, Int32, Int32, Int32) -> Void).self)
    prepare(hasBegun ? 1 : 0, level ?? (kind == .standard ? 2048 : 2), size, status)
    setenv("PMI_SIZE", "2", 1)
    setenv(MPICommunicator.libraryVariable, path, 1)
    return Library(
      path: path,
      noted: unsafeBitCast(
        try XCTUnwrap(dlsym(handle, "noted")),
        to: (@convention(c) () -> UnsafePointer<CChar>).self))
  }

  func testBytesAreExchangedByTheCallsOfEachKindOfLibrary() throws {
    for kind in Kind.allCases {
      let library = try library(kind)
      let communicator = try XCTUnwrap(MPICommunicator.started())
      XCTAssertEqual([communicator.rank, communicator.size], [1, 2], kind.rawValue)
      XCTAssertEqual(communicator.launcher.variable, "PMI_SIZE")
      let sent: [UInt8] = [1, 2, 3, 4]
      var received = [UInt8](repeating: 0, count: 4)
      try sent.withUnsafeBytes { sent in
        try received.withUnsafeMutableBytes { try communicator.allToAll(sent, into: $0) }
      }
      XCTAssertEqual(received, [101, 102, 3, 4], kind.rawValue)
      var all = [UInt8](repeating: 0, count: 6)
      try sent[..<3].withUnsafeBytes { sent in
        try all.withUnsafeMutableBytes { try communicator.allGather(sent, into: $0) }
      }
      XCTAssertEqual(all, [101, 102, 103, 1, 2, 3], kind.rawValue)
      for (root, expected) in [(0, [42, 42]), (1, [5, 6])] as [(Int, [UInt8])] {
        var bytes: [UInt8] = [5, 6]
        try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: root) }
        XCTAssertEqual(bytes, expected, kind.rawValue)
      }
      communicator.finish()
      XCTAssertEqual(
        library.calls,
        "init, return errors, all to all 2 2, all gather 3 3, broadcast 2 from 0, broadcast 2 from 1, finalize",
        kind.rawValue)
    }
  }

  func testASessionThatSomebodyElseBeganIsTheirs() throws {
    let library = try library(.mpich, hasBegun: true)
    try XCTUnwrap(MPICommunicator.started()).finish()
    XCTAssertEqual(library.calls, "return errors")
  }

  func testACallThatFailsIsNamedWithTheRankAndThePlace() throws {
    let library = try library(.mpich, status: 15)
    let communicator = try XCTUnwrap(MPICommunicator.started())
    communicator.enter("update 7")
    var bytes: [UInt8] = [1, 2]
    func failure(_ body: () throws -> Void) -> String {
      errorThrown(by: body).map { "\($0)" } ?? ""
    }
    let end = "; end all ranks, and start them again"
    XCTAssertEqual(
      failure { try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: 0) } },
      "MPI_Bcast of \(library.path) failed with status 15 on rank 1 in update 7\(end)")
    communicator.enter(nil)
    let sent: [UInt8] = [1, 2]
    XCTAssertEqual(
      failure {
        try sent.withUnsafeBytes { sent in
          try bytes.withUnsafeMutableBytes { try communicator.allToAll(sent, into: $0) }
        }
      }, "MPI_Alltoall of \(library.path) failed with status 15 on rank 1\(end)")
    XCTAssertEqual(
      failure {
        try sent[..<1].withUnsafeBytes { sent in
          try bytes.withUnsafeMutableBytes { try communicator.allGather(sent, into: $0) }
        }
      }, "MPI_Allgather of \(library.path) failed with status 15 on rank 1\(end)")
    communicator.abort("no disk")
    XCTAssertTrue(library.calls.hasSuffix(", abort 70"), library.calls)
  }

  func testALibraryThatDoesNotFitItsLauncherIsRefused() throws {
    func refusal(_ library: Library) -> String {
      do {
        _ = try MPICommunicator.started()
        return "accepted"
      } catch {
        XCTAssertEqual((error as? CommunicationError)?.kind, .unavailable)
        return "\(error)"
      }
    }
    let many = try library(.mpich, size: 3)
    XCTAssertEqual(
      refusal(many),
      "\(many.path) is not the library of the launcher: it knows of 3 processes, and PMI_SIZE says 2; name the launcher's "
        + "by VAE_MPI_LIBRARY")
    for (kind, level) in [(.mpich, 1), (.standard, 1024)] as [(Kind, Int32)] {
      let single = try library(kind, level: level)
      XCTAssertEqual(
        refusal(single),
        "\(single.path) cannot be started for calls of one thread at a time (status 0)")
    }
    unsetenv("PMI_SIZE")
    XCTAssertNil(try MPICommunicator.started(), "a process that is alone needs no library")
  }
}
