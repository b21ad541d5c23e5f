"""Ctrl-C during long calls of the library.

Python runs signal handlers between its own instructions only, so that one would wait for the end of
a call into C. While a call runs, the interpreter's wake-up file is therefore read by a thread, which
sets the call's cancel token; the call returns at its next step boundary, and the handler runs then.
"""

from __future__ import annotations

import os
import signal
import threading
from ctypes import byref, pointer
from dataclasses import dataclass
from types import FrameType
from typing import Any, Callable

from vae_zoo._communicator import Communicator, Connection
from vae_zoo._library import WORK_CALLBACK, CallOptions, Handle, Tensor, create, library

# Told the fraction of a call's work that is done; a true value stops the call.
WorkProgress = Callable[[float], object]

_END = b"\0"


class Interruptible:
    """A cancel token that Ctrl-C sets, for the call inside a ``with``; KeyboardInterrupt follows it.

    On threads other than the main one, to which Python gives no signals, it is a token that nobody sets;
    so it is where the program ignores the signal or leaves it to the system.
    """

    def __enter__(self) -> Handle:
        self._token = create(library.vae_cancel_token_free, library.vae_cancel_token_create)
        self._frame: FrameType | None = None
        self._came = False
        self._handler: Any = None
        if threading.current_thread() is not threading.main_thread():
            return self._token
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):
            return self._token
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._former = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        self._watcher = threading.Thread(target=self._watch, name="vae_zoo", daemon=True)
        self._watcher.start()
        self._handler = handler
        signal.signal(signal.SIGINT, self._note)
        return self._token

    def __exit__(self, *exception: object) -> None:
        handler = self._handler
        if handler is None:
            return
        # Runs what is pending first.
        signal.signal(signal.SIGINT, handler)
        signal.set_wakeup_fd(self._former)
        os.write(self._writing, _END)
        self._watcher.join()
        os.close(self._reading)
        os.close(self._writing)
        if self._came:
            handler(signal.SIGINT, self._frame)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        self._frame = frame

    def _watch(self) -> None:
        """Sets the token when the signal comes, and hands all signals on to who waited for them."""
        while True:
            numbers = os.read(self._reading, 64)
            if signal.SIGINT in numbers:
                library.vae_cancel_token_cancel(self._token)
            if self._former >= 0:
                others = numbers.replace(_END, b"")
                if others:
                    try:
                        os.write(self._former, others)
                    except OSError:
                        pass
            if _END in numbers or not numbers:
                return


@dataclass(frozen=True)
class PictureComputation:
    """How pictures of any size are computed."""

    tile: int = 0
    """The side of tiles in pixels; 0 for whole pictures."""
    precision: int = 0
    """What products and convolutions multiply: 0 for float32, 1 for bfloat16."""


class Watched:
    """The options of a call inside a ``with`` that may take long: Ctrl-C stops it, and so does a true value
    or an exception of `progress`, which is raised then. `condition` is what a conditional model is told, and
    `checkpoint` which one of a run is opened, `draw` whether images are drawn in place of means, `pictures` how pictures of any size are computed,
    `communicator` what connects processes that divide the work."""

    def __init__(
        self,
        progress: WorkProgress | None = None,
        condition: Tensor | None = None,
        checkpoint: bytes | None = None,
        draw: bool = False,
        pictures: PictureComputation | None = None,
        communicator: Any = None,
    ) -> None:
        self._connection = None if communicator is None else Connection(Communicator._of(communicator))
        self._pictures = pictures or PictureComputation()
        self._progress = progress
        self._condition = condition
        self._checkpoint = checkpoint
        self._draw = draw
        self._interruptible = Interruptible()
        self._failure: BaseException | None = None

    def __enter__(self) -> Any:
        token = self._interruptible.__enter__()
        self._options = CallOptions(
            token=token._as_parameter_, draw=int(self._draw), tile=self._pictures.tile,
            precision=self._pictures.precision,
        )
        if self._condition is not None:
            self._options.condition = pointer(self._condition)
        self._options.checkpoint = self._checkpoint
        if self._connection is not None:
            self._options.communicator = pointer(self._connection.struct)
        if self._progress is not None:
            self._options.progress = WORK_CALLBACK(self._told)
        return byref(self._options)

    def __exit__(self, *exception: object) -> None:
        self._interruptible.__exit__(*exception)
        if self._failure is not None:
            raise self._failure
        # What a function of the communicator has raised is why the call failed.
        if self._connection is not None and self._connection.failures and exception[1] is not None:
            raise self._connection.failures[0]

    def _told(self, fraction: float, _: Any) -> int:
        # An exception that left this function would be printed and forgotten by ctypes.
        try:
            return 1 if self._progress is not None and self._progress(fraction) else 0
        except BaseException as failure:
            self._failure = failure
            return 1
