import Glibc
import Messages
import VAEFiles

/// The functions of an MPI library that was opened at run time, and the values of its handles.
///
/// One binary serves three binary interfaces: that of Open MPI, whose handles are addresses of data, that of MPICH and
/// its relatives, whose handles are numbers of 32 bits, and the standard one of MPI 5. On the processors that the
/// zoo is built for an argument of either kind is passed in a whole register, so that one C type per function, with
/// `UInt` for a handle, calls all of them.
struct MPILibrary: @unchecked Sendable {
  typealias Query = @convention(c) (UnsafeMutablePointer<Int32>?) -> Int32
  typealias InitThread =
    @convention(c) (
      UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?, Int32, UnsafeMutablePointer<Int32>?
    ) -> Int32
  typealias CommunicatorQuery = @convention(c) (UInt, UnsafeMutablePointer<Int32>?) -> Int32
  typealias Collective =
    @convention(c) (
      UnsafeRawPointer?, Int32, UInt, UnsafeMutableRawPointer?, Int32, UInt, UInt
    ) -> Int32
  typealias Broadcast =
    @convention(c) (UnsafeMutableRawPointer?, Int32, UInt, Int32, UInt) -> Int32
  typealias Abort = @convention(c) (UInt, Int32) -> Int32
  typealias SetErrorHandler = @convention(c) (UInt, UInt) -> Int32
  typealias Finalize = @convention(c) () -> Int32

  let name: String
  let world: UInt
  let byte: UInt
  /// What makes functions give a status instead of ending the process.
  let errorsReturn: UInt
  /// The level at which one thread at a time calls.
  let serialized: Int32

  let initialized: Query
  let initThread: InitThread
  let rank: CommunicatorQuery
  let size: CommunicatorQuery
  let allToAll: Collective
  let allGather: Collective
  let broadcast: Broadcast
  let abort: Abort
  let setErrorHandler: SetErrorHandler
  let finalize: Finalize

  /// Opens a library, which stays open.
  ///
  /// - Parameter name: a file, or a name that the loader looks for.
  /// - Throws: `CommunicationError` of kind `unavailable`.
  init(_ name: String) throws(CommunicationError) {
    guard let handle = dlopen(name.systemPath, RTLD_NOW | RTLD_GLOBAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "it cannot be opened"
      throw CommunicationError(
        .unavailable, text: "the MPI library \(name) cannot be used: \(reason)")
    }
    func symbol(_ symbol: String) throws(CommunicationError) -> UnsafeMutableRawPointer {
      guard let address = dlsym(handle, symbol) else {
        throw CommunicationError(
          .unavailable, text: "\(name) is no MPI library: it has no function \(symbol)")
      }
      return address
    }
    self.name = name
    if dlsym(handle, "MPI_Abi_get_version") != nil, name.includes("mpi_abi") {
      (world, byte, errorsReturn, serialized) = (0x101, 0x247, 0x143, 2048)
    } else if dlsym(handle, "ompi_mpi_comm_world") != nil {
      world = UInt(bitPattern: try symbol("ompi_mpi_comm_world"))
      byte = UInt(bitPattern: try symbol("ompi_mpi_byte"))
      errorsReturn = UInt(bitPattern: try symbol("ompi_mpi_errors_return"))
      serialized = 2
    } else {
      (world, byte, errorsReturn, serialized) = (0x4400_0000, 0x4c00_010d, 0x5400_0001, 2)
    }
    initialized = unsafeBitCast(try symbol("MPI_Initialized"), to: Query.self)
    initThread = unsafeBitCast(try symbol("MPI_Init_thread"), to: InitThread.self)
    rank = unsafeBitCast(try symbol("MPI_Comm_rank"), to: CommunicatorQuery.self)
    size = unsafeBitCast(try symbol("MPI_Comm_size"), to: CommunicatorQuery.self)
    allToAll = unsafeBitCast(try symbol("MPI_Alltoall"), to: Collective.self)
    allGather = unsafeBitCast(try symbol("MPI_Allgather"), to: Collective.self)
    broadcast = unsafeBitCast(try symbol("MPI_Bcast"), to: Broadcast.self)
    abort = unsafeBitCast(try symbol("MPI_Abort"), to: Abort.self)
    setErrorHandler = unsafeBitCast(
      try symbol("MPI_Comm_set_errhandler"), to: SetErrorHandler.self)
    finalize = unsafeBitCast(try symbol("MPI_Finalize"), to: Finalize.self)
  }
}
