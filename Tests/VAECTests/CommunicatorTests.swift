import CVAE
import VAEZoo
import XCTest

/// The table of functions that connects several trainings.
final class CommunicatorTests: CTestCase {
  private func table(rank: Int32 = 0, size: Int32 = 1) -> vae_communicator {
    var table = vae_communicator()
    table.struct_size = UInt32(MemoryLayout<vae_communicator>.size)
    (table.rank, table.size) = (rank, size)
    return table
  }

  private func create(
    _ table: vae_communicator, _ model: OpaquePointer, _ data: OpaquePointer, _ error: ErrorSlot?
  ) -> vae_status {
    withUnsafePointer(to: table) { table in
      var options = trainerOptions()
      options.communicator = table
      var trainer: OpaquePointer?
      defer { vae_trainer_free(trainer) }
      return vae_trainer_create(model, data, &options, &trainer, error)
    }
  }

  func testTablesThatConnectNobodyAreRefusedAndOneOfOneIsAlone() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    for (rank, size) in [(0, 0), (1, 1), (-1, 2), (0, -3), (2, 2)] as [(Int32, Int32)] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "no rank of a group") {
        create(table(rank: rank, size: size), model, data, $0)
      }
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "needs the functions") {
      create(table(size: 2), model, data, $0)
    }
    var later = table()
    later.reserved = 1
    refuse(VAE_ERR_UNSUPPORTED, "reserved") { create(later, model, data, $0) }
    var started = table()
    started.rank = 5
    try succeed { vae_communicator_mpi(&started, $0) }
    XCTAssertEqual([started.rank, started.size], [0, 1])
    try succeed { create(started, model, data, $0) }
  }

  /// One of two members, to whom the other says what it says itself, and which counts what is gathered.
  private func counting(_ calls: UnsafeMutablePointer<Int32>) -> vae_communicator {
    var counting = table(size: 2)
    counting.user_data = UnsafeMutableRawPointer(calls)
    counting.all_to_all = { _, _, _, _ in 3 }
    counting.broadcast = { _, _, _, _ in 3 }
    counting.all_gather = { calls, send, receive, count in
      calls?.assumingMemoryBound(to: Int32.self).pointee += 1
      guard let send, let receive else { return 1 }
      for rank in 0..<2 {
        receive.advanced(by: rank * Int(count)).copyMemory(from: send, byteCount: Int(count))
      }
      return 0
    }
    return counting
  }

  /// The others wait where the trainers are made, and hear there what this rank is refused for.
  func testWhatOneRankIsRefusedForTheOthersHear() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    var calls: Int32 = 0
    _ = withUnsafeMutablePointer(to: &calls) { calls in
      refuse(VAE_ERR_INVALID_ARGUMENT, "existing_run is 77") { error in
        withUnsafePointer(to: counting(calls)) { table in
          var options = trainerOptions()
          (options.communicator, options.existing_run) = (table, 77)
          var trainer: OpaquePointer?
          return vae_trainer_create(model, data, &options, &trainer, error)
        }
      }
    }
    XCTAssertGreaterThan(calls, 0)
  }

  /// Whoever waits for a rank whose options are refused hears of it in the call that it makes.
  func testWhatTheOptionsOfOneRankAreRefusedForTheOthersHear() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    var calls: Int32 = 0
    withUnsafeMutablePointer(to: &calls) { calls in
      withUnsafePointer(to: counting(calls)) { table in
        var call = vae_call_options()
        call.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
        (call.communicator, call.reserved) = (table, 1)
        var found: OpaquePointer?
        let functions: [(ErrorSlot?) -> vae_status] = [
          { vae_evaluate_with(model, data, nil, &call, &found, $0) },
          { vae_score(model, nil, nil, &call, &found, $0) },
          { vae_impute(model, nil, nil, &call, &found, nil, $0) },
          { vae_encode_with(model, nil, 0, &call, &found, $0) },
        ]
        for (number, function) in functions.enumerated() {
          calls.pointee = 0
          refuse(VAE_ERR_UNSUPPORTED, "reserved is 1") { function($0) }
          XCTAssertGreaterThan(calls.pointee, 0, "\(number)")
        }
      }
    }
  }

  /// What is given to a rank that is not what it can be given, in a call that several divide.
  func testBytesThatNoRankHasSentAreAnError() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    var broken = table(size: 2)
    broken.all_to_all = { _, _, _, _ in 3 }
    broken.broadcast = { _, _, _, _ in 3 }
    func expect(_ text: String, _ line: UInt = #line) {
      withUnsafePointer(to: broken) { table in
        var call = vae_call_options()
        call.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
        call.communicator = table
        var wanted = vae_evaluation_options()
        wanted.struct_size = UInt32(MemoryLayout<vae_evaluation_options>.size)
        var metrics: OpaquePointer?
        "train".withCString { split in
          wanted.split = split
          refuse(VAE_ERR_COMMUNICATION, text) {
            vae_evaluate_with(model, data, &wanted, &call, &metrics, $0)
          }
        }
      }
    }
    broken.all_gather = { _, _, receive, count in
      receive?.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Int(count))
      return 0
    }
    expect("gives rank 0 other bytes than it has sent")
    // All are this one, which has the only part.
    broken.all_gather = { _, send, receive, count in
      guard let send, let receive else { return 1 }
      for rank in 0..<2 {
        receive.advanced(by: rank * Int(count)).copyMemory(from: send, byteCount: Int(count))
      }
      return 0
    }
    expect("what rank 1 has found in part 2 of the evaluation is announced by what it cannot")
    broken.all_gather = { _, _, _, _ in 9 }
    expect(
      "failed with status 9 on rank 0 in the comparison of what the ranks ask; end all ranks")
  }

  /// As many bytes as a broken function says are not asked of the system.
  func testANumberOfBytesThatCannotBeIsAnError() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    var broken = table(rank: 1, size: 2)
    broken.all_to_all = { _, _, _, _ in 3 }
    broken.all_gather = { _, send, receive, count in
      guard let send, let receive else { return 1 }
      for rank in 0..<2 {
        receive.advanced(by: rank * Int(count)).copyMemory(from: send, byteCount: Int(count))
      }
      return 0
    }
    broken.broadcast = { _, buffer, count, _ in
      buffer?.initializeMemory(as: UInt8.self, repeating: 0x7f, count: Int(count))
      return 0
    }
    refuse(VAE_ERR_OUT_OF_MEMORY) { create(broken, model, data, $0) }
    broken.broadcast = { _, buffer, count, _ in
      buffer?.initializeMemory(as: UInt8.self, repeating: 0xff, count: Int(count))
      return 0
    }
    refuse(VAE_ERR_COMMUNICATION, "a number of bytes that is none") {
      create(broken, model, data, $0)
    }
  }

  func testLengthsAndAddressesThatCannotBeAreRefusedByTheFunctionsOfALauncher() throws {
    var started = table()
    try succeed { vae_communicator_mpi(&started, $0) }
    var (byte, other): (UInt8, UInt8) = (0, 0)
    for length in [UInt64.max, 1 << 63] {
      XCTAssertNotEqual(started.all_to_all(nil, &byte, &other, length), 0)
      XCTAssertNotEqual(started.all_gather(nil, &byte, &other, length), 0)
      XCTAssertNotEqual(started.broadcast(nil, &byte, length, 0), 0)
    }
    XCTAssertNotEqual(started.all_to_all(nil, nil, nil, 1), 0)
    XCTAssertNotEqual(started.all_gather(nil, nil, &byte, 1), 0)
    XCTAssertNotEqual(started.broadcast(nil, nil, 1, 0), 0)
    XCTAssertNotEqual(started.broadcast(nil, &byte, 1, 3), 0)
    XCTAssertEqual(started.all_gather(nil, &byte, &other, 1), 0)
  }

  /// After a failure the other ranks have gone: whoever called again would wait for them.
  func testNothingButAbortIsCalledAfterAFailure() throws {
    struct State {
      var calls: Int32 = 0
      var status: Int32 = 0
    }
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    let state = UnsafeMutablePointer<State>.allocate(capacity: 1)
    state.initialize(to: State())
    defer { state.deallocate() }
    // Both ranks are this one.
    var echo = table(size: 2)
    echo.user_data = UnsafeMutableRawPointer(state)
    echo.all_to_all = { state, send, receive, count in
      guard let state = state?.assumingMemoryBound(to: State.self), let send, let receive else {
        return 1
      }
      state.pointee.calls += 1
      for rank in 0..<2 {
        receive.advanced(by: rank * Int(count)).copyMemory(from: send, byteCount: Int(count))
      }
      return state.pointee.status
    }
    echo.all_gather = echo.all_to_all
    echo.broadcast = { state, _, _, _ in
      guard let state = state?.assumingMemoryBound(to: State.self) else { return 1 }
      state.pointee.calls += 1
      return state.pointee.status
    }
    var trainer: OpaquePointer?
    defer { vae_trainer_free(trainer) }
    try withUnsafePointer(to: echo) { table in
      var options = trainerOptions()
      options.communicator = table
      try succeed { vae_trainer_create(model, data, &options, &trainer, $0) }
    }
    state.pointee.status = 4
    refuse(VAE_ERR_COMMUNICATION, "failed with status 4") {
      vae_trainer_fit(trainer, nil, nil, nil, $0)
    }
    let calls = state.pointee.calls
    state.pointee.status = 0
    refuse(VAE_ERR_COMMUNICATION, "failed with status 4") {
      vae_trainer_fit(trainer, nil, nil, nil, $0)
    }
    XCTAssertEqual(state.pointee.calls, calls)
  }

  /// One of two members, whose functions fail, and which counts what it is told.
  private func failing(_ told: UnsafeMutablePointer<Int32>) -> vae_communicator {
    var failing = table(size: 2)
    failing.user_data = UnsafeMutableRawPointer(told)
    failing.all_to_all = { _, _, _, _ in 3 }
    failing.all_gather = { _, _, _, _ in 4 }
    failing.broadcast = { _, _, _, _ in 5 }
    failing.abort = { told, _ in told?.assumingMemoryBound(to: Int32.self).pointee += 1 }
    return failing
  }

  /// Whoever measures is one of a group, in which functions fail, or of no group at all.
  func testACallThatSeveralDivideTellsThemOfItsFailureAndOthersRefuseACommunicator() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    var told: Int32 = 0
    withUnsafeMutablePointer(to: &told) { told in
      withUnsafePointer(to: failing(told)) { table in
        var call = vae_call_options()
        call.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
        call.communicator = table
        var wanted = vae_evaluation_options()
        wanted.struct_size = UInt32(MemoryLayout<vae_evaluation_options>.size)
        var metrics: OpaquePointer?
        for split in ["train", "nowhere"] {
          split.withCString { split in
            wanted.split = split
            refuse(VAE_ERR_COMMUNICATION, "all_gather of the communicator failed with status 4") {
              vae_evaluate_with(model, data, &wanted, &call, &metrics, $0)
            }
          }
        }
        refuse(VAE_ERR_INVALID_ARGUMENT, "is no work of several processes") {
          vae_sample_with(model, 3, 1, 0, &call, &metrics, $0)
        }
      }
    }
    // Once for each of the calls.
    XCTAssertGreaterThan(told, 1)
  }

  func testACallWhoseOptionsAreRefusedLeavesNoResult() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    var call = vae_call_options()
    call.struct_size = 3
    var metrics = OpaquePointer(bitPattern: 16)
    refuse(VAE_ERR_INVALID_ARGUMENT, "struct_size") {
      vae_evaluate_with(model, data, nil, &call, &metrics, $0)
    }
    XCTAssertNil(metrics)
  }

  func testAFunctionThatFailsIsAnErrorAndTheOthersAreTold() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    var told: Int32 = 0
    _ = withUnsafeMutablePointer(to: &told) { told in
      refuse(VAE_ERR_COMMUNICATION, "all_gather of the communicator failed with status 4") {
        create(failing(told), model, data, $0)
      }
    }
    // At each of the calls that must fail.
    XCTAssertGreaterThan(told, 0)
  }
}
