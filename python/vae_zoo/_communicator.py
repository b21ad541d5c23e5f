"""Several processes that train one model: what connects them, as Python has it."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Optional

import numpy as np

from vae_zoo._errors import CommunicationError, InvalidArgumentError
from vae_zoo._library import ABORT, BROADCAST, EXCHANGE, CommunicatorStruct, call, library
from vae_zoo._process_groups import is_torch_group, of_mpi4py, of_torch_group

Bytes = Any  # np.ndarray of np.uint8


class Communicator:
    """What connects this process with others that train the same model with it: a rank, a size and three functions.

    All are made alike but for their rank, make the same calls with the same sizes, and may wait for each other. The group may
    be processes, or threads of one process, each with a model of its own.

    Parameters
    ----------
    rank : int
        The number of this process, from zero.
    size : int
        The number of processes.
    all_to_all : callable
        ``all_to_all(send, receive)``: two arrays of bytes, ``[size, n]``. Row r of ``send`` goes to rank r, and what
        rank r sends comes into row r of ``receive``.
    all_gather : callable
        ``all_gather(send, receive)``: ``[n]`` and ``[size, n]``. What rank r sends comes into row r of ``receive`` on all.
    broadcast : callable
        ``broadcast(buffer, root)``: ``[n]``, sent by rank ``root`` and received by the others.
    abort : callable, optional
        ``abort(reason)``: lets the others know that this one cannot go on, so that they do not wait for it.
    """

    def __init__(
        self,
        rank: int,
        size: int,
        all_to_all: Callable[[Bytes, Bytes], object],
        all_gather: Callable[[Bytes, Bytes], object],
        broadcast: Callable[[Bytes, int], object],
        abort: Optional[Callable[[str], object]] = None,
    ) -> None:
        for name, number in (("rank", rank), ("size", size)):
            if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
                raise InvalidArgumentError(f"{name} must be a whole number, not {number!r}")
        functions = {"all_to_all": all_to_all, "all_gather": all_gather, "broadcast": broadcast}
        if abort is not None:
            functions["abort"] = abort
        for name, function in functions.items():
            if not callable(function):
                raise InvalidArgumentError(f"{name} must be a function, not {function!r}")
        if not 0 <= rank < size:
            raise InvalidArgumentError(f"rank {rank} of {size} is no rank of a group")
        self.rank, self.size = int(rank), int(size)
        self.all_to_all, self.all_gather, self.broadcast, self.abort = all_to_all, all_gather, broadcast, abort

    @staticmethod
    def mpi() -> Communicator:
        """The processes that ``mpirun`` or ``mpiexec`` has started with this one, by the MPI library of that launcher.

        A process that no launcher has started is alone: rank 0 of 1, and nothing is loaded.
        """
        struct = CommunicatorStruct()
        call(library.vae_communicator_mpi, ctypes.byref(struct))

        def end(status: int) -> None:
            if status:
                raise CommunicationError(f"MPI ended an exchange with {status}")

        return Communicator(
            struct.rank,
            struct.size,
            lambda send, receive: end(
                struct.all_to_all(struct.user_data, send.ctypes.data, receive.ctypes.data, send.shape[1])
            ),
            lambda send, receive: end(
                struct.all_gather(struct.user_data, send.ctypes.data, receive.ctypes.data, send.size)
            ),
            lambda buffer, root: end(struct.broadcast(struct.user_data, buffer.ctypes.data, buffer.size, root)),
            lambda reason: struct.abort(struct.user_data, reason.encode()) if struct.abort else None,
        )

    @staticmethod
    def _of(given: Any) -> Communicator:
        """A communicator, or one around what another library has."""
        if isinstance(given, Communicator):
            return given
        if is_torch_group(given):
            return Communicator(*of_torch_group(given))
        if all(hasattr(given, name) for name in ("Alltoall", "Allgather", "Bcast", "Get_rank", "Get_size")):
            return Communicator(*of_mpi4py(given))
        raise InvalidArgumentError(
            "communicator must be a vae_zoo.Communicator, a communicator of mpi4py or a process group of "
            f"torch.distributed, not {type(given).__name__}"
        )


class Connection:
    """A communicator as the library calls it; it must live as long as the trainer."""

    def __init__(self, communicator: Communicator) -> None:
        size = communicator.size
        # What the functions have raised, to be raised again where the library has returned.
        self.failures: list[BaseException] = []

        def guarded(body: Callable[[], object]) -> int:
            # An exception that left this function would be printed and forgotten by ctypes.
            try:
                body()
                return 0
            except BaseException as failure:
                self.failures.append(failure)
                return 1

        def array(pointer: Optional[int], *shape: int) -> Bytes:
            count = int(np.prod(shape))
            if not count or pointer is None:
                return np.empty(shape, np.uint8)
            return np.frombuffer((ctypes.c_uint8 * count).from_address(pointer), np.uint8).reshape(shape)

        def all_to_all(_: Any, send: Optional[int], receive: Optional[int], count: int) -> int:
            return guarded(
                lambda: communicator.all_to_all(array(send, size, count), array(receive, size, count))
            )

        def all_gather(_: Any, send: Optional[int], receive: Optional[int], count: int) -> int:
            return guarded(lambda: communicator.all_gather(array(send, count), array(receive, size, count)))

        def broadcast(_: Any, buffer: Optional[int], count: int, root: int) -> int:
            return guarded(lambda: communicator.broadcast(array(buffer, count), root))

        def abort(_: Any, reason: Optional[bytes]) -> None:
            end = communicator.abort
            if end is None:
                return
            try:
                end((reason or b"").decode(errors="replace"))
            except BaseException:
                # The call fails for the reason itself, which is what the caller must hear.
                pass

        self.struct = CommunicatorStruct(
            rank=communicator.rank,
            size=size,
            all_to_all=EXCHANGE(all_to_all),
            all_gather=EXCHANGE(all_gather),
            broadcast=BROADCAST(broadcast),
            abort=ABORT(abort),
        )
