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

  func testAFunctionThatFailsIsAnErrorAndTheOthersAreTold() throws {
    let (model, data) = (try makeModel(), try makeData(train: images(40)))
    var told: Int32 = 0
    withUnsafeMutablePointer(to: &told) { told in
      var failing = table(size: 2)
      failing.user_data = UnsafeMutableRawPointer(told)
      failing.all_to_all = { _, _, _, _ in 3 }
      failing.all_gather = { _, _, _, _ in 4 }
      failing.broadcast = { _, _, _, _ in 5 }
      failing.abort = { told, _ in told?.assumingMemoryBound(to: Int32.self).pointee += 1 }
      refuse(VAE_ERR_COMMUNICATION, "all_gather of the communicator failed with status 4") {
        create(failing, model, data, $0)
      }
    }
    // At each of the calls that must fail.
    XCTAssertGreaterThan(told, 0)
  }
}
