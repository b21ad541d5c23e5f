"""Data sources: what ``vae-zoo train --data`` takes, and arrays in memory."""

from __future__ import annotations

from ctypes import byref, c_char_p, pointer
from typing import Any, Sequence

import numpy as np

from vae_zoo._arrays import from_library, optional_view, refuse_stored_bytes, view
from vae_zoo._errors import InvalidArgumentError, renamed
from vae_zoo._interrupt import Watched
from vae_zoo._library import DataInfo, DataOptions, Handle, Path, call, create, encoded, encoded_path, integer
from vae_zoo._library import library, training_messages

RANGES = {"auto": 0, "binary": 1, "unit": 2, "real": 3, "bytes": 4}
_RANGE_NAMES = {number: name for name, number in RANGES.items()}


def range_code(name: Any) -> int:
    """The library's number for a range of values."""
    if name not in RANGES:
        raise InvalidArgumentError(
            f"value_range is {name!r}, but must be one of {', '.join(RANGES)}"
        )
    return RANGES[name]


class Data:
    """Images from a source, to train on and to measure with; ``fit`` and ``evaluate`` take it for ``X``.

    Parameters
    ----------
    source : str or path
        A built-in set (``"shapes"``, ``"shapes:32"``, ``"shapes-color"``), a folder of IDX files such
        as MNIST's or of CIFAR's binary files, an ``.npy`` or an ``.npz`` file, a table (``.csv``, ``.tsv``). Folders of images are
        decoded by the command ``vae-zoo`` alone, which leaves an ``.npz`` beside them. Ctrl-C stops the
        opening.
    """

    def __init__(self, source: Path) -> None:
        path = encoded_path(source, "source")
        with training_messages(), Watched() as options:
            self._handle = create(
                library.vae_data_free, library.vae_data_open_with, path, options
            )
        self._describe()

    @classmethod
    def _of_arrays(
        cls,
        train: np.ndarray,
        held_out: np.ndarray | None,
        value_range: int,
        conditions: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
        class_names: Sequence[str] = (),
        columns: str | None = None,
    ) -> Data:
        """Arrays in memory, which are neither copied nor kept from changing, and what is known of each of
        their images: of labels with the names of their classes. `columns` describes those of a table."""
        if value_range in (RANGES["unit"], RANGES["bytes"]) and columns is None:
            refuse_stored_bytes(train, "X")
            if held_out is not None:
                refuse_stored_bytes(held_out, "validation")
        data = cls.__new__(cls)
        tensors = view(train), optional_view(held_out)
        known = [None if told is None else pointer(view(told)) for told in conditions]
        names = (c_char_p * len(class_names))(*(encoded(name, "a class of y") for name in class_names))
        options = DataOptions(
            range=value_range,
            train_condition=known[0],
            test_condition=known[1],
            class_names=names if class_names else None,
            class_name_count=len(names),
            columns_json=None if columns is None else columns.encode(),
        )
        told = renamed(**{"options->train_condition": "y", "options->test_condition": "the y of validation"})
        with training_messages(), renamed(train="X", test="validation"), told:
            data._handle = create(
                library.vae_data_free,
                library.vae_data_from_tensors_with,
                byref(tensors[0]),
                None if tensors[1] is None else byref(tensors[1]),
                byref(options),
            )
        data._tensors = tensors
        data._describe()
        return data

    _handle: Handle
    _tensors: Any = None

    def _describe(self) -> None:
        self._info = DataInfo()
        call(library.vae_data_describe, self._handle, byref(self._info))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self._info.height, self._info.width, self._info.channels

    @property
    def value_range(self) -> str:
        """``"binary"``, ``"unit"``, ``"real"`` or ``"bytes"``."""
        return _RANGE_NAMES[self._info.range]

    @property
    def counts(self) -> dict[str, int]:
        """How many images each split has."""
        info = self._info
        counts = {"train": info.train_count, "valid": info.valid_count, "test": info.test_count}
        return {split: count for split, count in counts.items() if count}

    def images(self, split: str = "train", start: int = 0, count: int | None = None) -> np.ndarray:
        """Images of a split, ``[count, height, width, channels]`` of float32.

        Parameters
        ----------
        split : str
            ``"train"``, ``"valid"`` or ``"test"``.
        start : int
            The first.
        count : int, optional
            How many; by default all from ``start`` on.
        """
        return self._rows(library.vae_data_images, split, start, count)

    @property
    def condition_width(self) -> int:
        """Numbers that say what is known of an image beside it: of a label its classes; 0 for none."""
        return self._info.condition_width

    def conditions(
        self, split: str = "train", start: int = 0, count: int | None = None
    ) -> np.ndarray:
        """What is known of some images, ``[count, condition_width]`` of float32; of labels one-hot rows.

        Parameters
        ----------
        split : str
            ``"train"``, ``"valid"`` or ``"test"``.
        start : int
            The first.
        count : int, optional
            How many; by default all from ``start`` on.
        """
        return self._rows(library.vae_data_conditions, split, start, count)

    def _rows(self, function: Any, split: str, start: int, count: int | None) -> np.ndarray:
        """What a function of the library gives of some images of a split."""
        start = integer(start, "start", 0)
        if count is None:
            count = max(0, self.counts.get(split, 0) - start)
        return from_library(
            create(
                library.vae_array_free, function, self._handle, encoded(split, "split"), start,
                integer(count, "count"),
            )
        )

    def __repr__(self) -> str:
        height, width, channels = self.image_shape
        counts = ", ".join(f"{count} {split}" for split, count in self.counts.items())
        return f"<Data: {height}x{width}x{channels}, {self.value_range}; {counts}>"
