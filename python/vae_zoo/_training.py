"""Training: the library's trainer, its progress as Python sees it, and who is told of it."""

from __future__ import annotations

import ctypes
import sys
from ctypes import byref
from typing import Any, Callable, NamedTuple

import numpy as np

from vae_zoo._arrays import view
from vae_zoo._communicator import Communicator, Connection
from vae_zoo._data import Data
from vae_zoo._errors import CancelledError, Error, InvalidArgumentError, elements_renamed, partial_fit_remedies
from vae_zoo._interrupt import Interruptible
from vae_zoo._library import PROGRESS_CALLBACK, BoundStruct, CallOptions, Path, ProgressStruct, Setting
from vae_zoo._library import TrainerOptions, from_json, call, create, encoded_path, library, settings_array
from vae_zoo._library import setting_text, training_messages
from vae_zoo._model import Model

_EXISTING = {"refuse": 0, "resume": 1, "replace": 2}


class Bound(NamedTuple):
    """The terms of a bound in nats per example: ``elbo = -(distortion + rate)``."""

    elbo: float
    """The evidence lower bound."""
    rate: float
    """What the latents cost."""
    distortion: float
    """What the data cost given the latents."""


class Progress(NamedTuple):
    """How far a training is: given to the callback after every update, and again at an epoch's end."""

    step: int
    """Updates made."""
    total_steps: int
    """Updates in all."""
    epoch: int
    """The epoch, from one."""
    is_epoch_end: bool
    """Whether an epoch has ended."""
    train: Bound
    """The terms of the last batch; of the whole epoch at its end."""
    valid: Bound | None
    """The terms of the held-out images, at the end of an epoch where there are some."""


Callback = Callable[[Progress], object]


def _bound(bound: BoundStruct) -> Bound:
    return Bound(bound.elbo, bound.rate, bound.distortion)


class Bar:
    """Progress for people: tqdm's bar where tqdm is installed, else a line an epoch on standard error."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            tqdm = None
        self._make = tqdm
        self._bar: Any = None

    def show(self, progress: ProgressStruct) -> None:
        terms = progress.valid if progress.valid.is_held_out else progress.train
        if self._make is None:
            if progress.is_epoch_end:
                print(f"epoch {progress.epoch}: elbo {terms.elbo:.2f} nats", file=sys.stderr)
            return
        if self._bar is None:
            self._bar = self._make(
                total=progress.total_steps, initial=progress.step - 1, unit="step"
            )
        if progress.is_epoch_end:
            self._bar.set_postfix_str(f"epoch {progress.epoch}, elbo {terms.elbo:.2f} nats")
        else:
            self._bar.update(progress.step - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class Updates:
    """Updates of a model one at a time, on images that the caller brings."""

    # As many as there may be: the trainer must not come to its end.
    _EPOCHS = "1000000"

    def __init__(
        self,
        model: Model,
        data: Data,
        settings: list[tuple[str, str]],
        seed: tuple[str, str],
    ) -> None:
        # By which the caller knows whether these updates are still what is wanted.
        self.settings = settings
        # Nothing is set apart of what the caller brings.
        wanted = {**dict([*settings, seed]), "training.holdout": "0", "training.patience": "0"}
        recipe = model.recipe()["training"]
        for name in ("epochs", "batch_size", "drop_last"):
            wanted.setdefault(f"training.{name}", setting_text(recipe[name]))
        self._model, self._data = model, data
        self._mine = {**wanted, "training.epochs": self._EPOCHS, "training.drop_last": "false"}
        self.batch_size = int(wanted["training.batch_size"])
        # One that drops what does not fill a batch needs a batch.
        self._wanted = {**wanted, "training.batch_size": str(min(self.batch_size, data.counts["train"]))}
        self._takes_one = False
        self._trainer = self._made(data)

    def _made(self, data: Data) -> Trainer:
        """A trainer for some rows, which refuses those that leave a batch of one example where that teaches the model
        nothing."""
        with partial_fit_remedies():
            trainer = Trainer(self._model, data, list(self._mine.items()), None, "refuse")
        self._takes_one = self._takes_one or self._leaves_one(data.counts["train"])
        # A trainer leaves its settings in the model's recipe, where the caller's belong.
        Trainer(self._model, self._data, list(self._wanted.items()), None, "refuse")
        return trainer

    def _leaves_one(self, count: int) -> bool:
        return (count - 1) % self.batch_size == 0

    def check(self, count: int, rows: Callable[[], Data]) -> None:
        """Refuses so many rows where they leave a batch of one example that teaches the model nothing."""
        if self._leaves_one(count) and not self._takes_one:
            self._made(rows())

    def make(self, images: np.ndarray, condition: np.ndarray | None) -> Bound:
        """One update; gives the terms of its images."""
        bound, options = BoundStruct(), CallOptions()
        if condition is not None:
            options.condition = ctypes.pointer(view(condition))
        with elements_renamed(batch="X"):
            call(
                library.vae_trainer_step_on_with,
                self._trainer._handle,
                byref(view(images)),
                byref(options),
                byref(bound),
            )
        return _bound(bound)


class Trainer:
    """A training of a model on data: made, it can no longer be refused; ``fit`` runs it."""

    def __init__(
        self,
        model: Model,
        data: Data,
        settings: list[tuple[str, str]],
        run: Path | None,
        existing_run: str,
        checkpoint_dir: Path | None = None,
        communicator: Any = None,
    ) -> None:
        if existing_run not in _EXISTING:
            raise InvalidArgumentError(
                f"existing_run is {existing_run!r}, but must be one of {', '.join(_EXISTING)}"
            )
        if checkpoint_dir is not None and run is None:
            raise InvalidArgumentError(
                "checkpoint_dir is for the checkpoints of a run; give run as well"
            )
        # What the library calls must live as long as the trainer.
        self._connection = None if communicator is None else Connection(Communicator._of(communicator))
        options = TrainerOptions(
            existing_run=_EXISTING[existing_run],
            settings=ctypes.cast(settings_array(settings), ctypes.POINTER(Setting)),
            setting_count=len(settings),
            run=None if run is None else encoded_path(run, "run"),
            checkpoint_dir=(
                None if checkpoint_dir is None else encoded_path(checkpoint_dir, "checkpoint_dir")
            ),
        )
        if self._connection is not None:
            options.communicator = ctypes.pointer(self._connection.struct)
        try:
            self._handle = create(
                library.vae_trainer_free,
                library.vae_trainer_create,
                model.handle,
                data._handle,
                byref(options),
            )
        except Error as failure:
            self._raise_of_functions(failure)
            raise
        # Whose memory the trainer reads.
        self._data = data

    def _raise_of_functions(self, failure: Error) -> None:
        """Raises what a function of the communicator has raised, where that is why a call failed."""
        if self._connection is not None and self._connection.failures:
            raise self._connection.failures[0] from failure

    def fit(
        self, history: list[dict[str, Any]], callback: Callback | None, is_verbose: bool
    ) -> None:
        """Trains to the end, or until the callback returns something true; adds to the history."""
        failures: list[BaseException] = []
        bar = Bar() if is_verbose else None

        def told(pointer: Any, _: Any) -> int:
            # An exception that left this function would be printed and forgotten by ctypes.
            try:
                progress: ProgressStruct = pointer.contents
                if progress.is_epoch_end:
                    history.append(from_json(library.vae_trainer_record_json, self._handle))
                if bar is not None:
                    bar.show(progress)
                if callback is None:
                    return 0
                valid = progress.valid
                answer = callback(
                    Progress(
                        progress.step,
                        progress.total_steps,
                        progress.epoch,
                        bool(progress.is_epoch_end),
                        _bound(progress.train),
                        _bound(valid) if valid.is_held_out else None,
                    )
                )
                return 1 if answer else 0
            except BaseException as failure:
                failures.append(failure)
                return 1

        try:
            with Interruptible() as token, training_messages():
                call(library.vae_trainer_fit, self._handle, PROGRESS_CALLBACK(told), None, token)
        except CancelledError:
            # The callback stopped it; Ctrl-C has raised KeyboardInterrupt instead.
            pass
        except Error as failure:
            self._raise_of_functions(failure)
            raise
        finally:
            if bar is not None:
                bar.close()
            self._handle.free()
        if failures:
            raise failures[0]
