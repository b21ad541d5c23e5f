"""What other libraries connect processes by, as the arguments of a ``vae_zoo.Communicator``."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any, Callable

import numpy as np

from vae_zoo._errors import CommunicationError, InvalidArgumentError

Bytes = Any  # np.ndarray of np.uint8

# The most bytes of one call: MPI before its version 4 counts in 32 bits.
_MOST_BYTES = 1 << 30


def _pieces(count: int, rows: int) -> list[slice]:
    """Parts of a block of bytes, of which a call exchanges as many as there are rows."""
    most = max(1, _MOST_BYTES // rows)
    return [slice(start, min(start + most, count)) for start in range(0, count, most)]


def _exchanged_in_pieces(
    exchange: Callable[[Bytes, Bytes], object],
) -> Callable[[Bytes, Bytes], None]:
    """An exchange of which no call is larger than may be."""

    def whole(send: Bytes, receive: Bytes) -> None:
        pieces = _pieces(receive.shape[1], receive.shape[0])
        if len(pieces) == 1:
            exchange(send, receive)
            return
        for piece in pieces:
            arrived = np.empty((receive.shape[0], piece.stop - piece.start), np.uint8)
            exchange(np.ascontiguousarray(send[..., piece]), arrived)
            receive[:, piece] = arrived

    return whole


def of_mpi4py(given: Any) -> tuple[Any, ...]:
    """Of a communicator of mpi4py, or of what has its methods."""

    def broadcast(buffer: Bytes, root: int) -> None:
        for piece in _pieces(buffer.size, 1):
            given.Bcast(buffer[piece], root=root)

    return (
        given.Get_rank(),
        given.Get_size(),
        _exchanged_in_pieces(given.Alltoall),
        _exchanged_in_pieces(given.Allgather),
        broadcast,
        lambda reason: given.Abort(70),
    )


def is_torch_group(given: Any) -> bool:
    """Whether it is a process group of PyTorch, which is not imported for the question."""
    kind = getattr(sys.modules.get("torch.distributed"), "ProcessGroup", None)
    return kind is not None and isinstance(given, kind)


def of_torch_group(group: Any) -> tuple[Any, ...]:
    """Of a process group of ``torch.distributed``."""
    exchange = _TorchExchange(group)
    return (
        group.rank(),
        group.size(),
        _exchanged_in_pieces(exchange.all_to_all),
        _exchanged_in_pieces(exchange.all_gather),
        exchange.broadcast,
        exchange.abort,
    )


class _TorchExchange:
    """Exchanges through a process group, none of which waits for a member that has given up.

    Such a member leaves a word in the store of the group, which the others look at while they wait. An operation that is given up
    stays with PyTorch, which may still use its tensors; so they are tensors of its own, never memory of the library.
    """

    _GIVEN_UP = "vae_zoo/given_up"
    # How long one waits between two looks.
    _PATIENCE = timedelta(seconds=1)

    def __init__(self, group: Any) -> None:
        # Both are imported already, by whoever made the group.
        import torch
        import torch.distributed

        backends = str(torch.distributed.get_backend_config(group))
        if "cpu:" not in backends:
            raise InvalidArgumentError(
                f"communicator is a process group of {backends}, which exchanges nothing that is in the memory of the "
                "processor; give one of torch.distributed.new_group(backend='gloo')"
            )
        self._group, self._torch, self._distributed = group, torch, torch.distributed
        get_store = getattr(group, "get_group_store", None)
        self._store = get_store() if get_store is not None else None
        self._raise_if_given_up()

    def all_to_all(self, send: Bytes, receive: Bytes) -> None:
        sent, arrived = self._torch.tensor(send), self._torch.empty(receive.shape, dtype=self._torch.uint8)
        self._wait(
            self._distributed.all_to_all_single(arrived, sent, group=self._group, async_op=True)
        )
        receive[:] = arrived.numpy()

    def all_gather(self, send: Bytes, receive: Bytes) -> None:
        sent, arrived = self._torch.tensor(send), self._torch.empty(receive.shape, dtype=self._torch.uint8)
        self._wait(
            self._distributed.all_gather(list(arrived.unbind(0)), sent, group=self._group, async_op=True)
        )
        receive[:] = arrived.numpy()

    def broadcast(self, buffer: Bytes, root: int) -> None:
        source = self._distributed.get_global_rank(self._group, root)
        for piece in _pieces(buffer.size, 1):
            values = self._torch.tensor(buffer[piece])
            self._wait(self._distributed.broadcast(values, source, group=self._group, async_op=True))
            buffer[piece] = values.numpy()

    def abort(self, reason: str) -> None:
        if self._store is not None:
            self._store.set(self._GIVEN_UP, f"rank {self._group.rank()} gave up: {reason}")

    def _wait(self, work: Any) -> None:
        while True:
            try:
                work.wait(self._PATIENCE)
                return
            except RuntimeError:
                if work.is_completed():
                    # It raises what the operation has failed with, but not that the patience was at an end.
                    work.wait()
                    return
                self._raise_if_given_up()

    def _raise_if_given_up(self) -> None:
        if self._store is not None and self._store.check([self._GIVEN_UP]):
            reason = self._store.get(self._GIVEN_UP).decode(errors="replace")
            raise CommunicationError(f"{reason}; begin again with another process group")
