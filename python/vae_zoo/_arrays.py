"""Arrays in and out without copying them: NumPy's, and whatever speaks DLPack."""

from __future__ import annotations

import ctypes
from ctypes import c_int64
from typing import Any

import numpy as np

from vae_zoo._errors import DataError, InvalidArgumentError, UnsupportedError
from vae_zoo._library import Handle, Tensor, call, library

_CODES = {"f4": 1, "u1": 2, "i4": 3, "f8": 4}
_TYPES = {1: "<f4", 2: "|u1", 3: "<i4", 4: "<f8"}
_CPU = 1


def unmasked(values: Any, name: str) -> Any:
    """The elements of a masked array of which none is masked; anything else as it is."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if np.ma.is_masked(values):
        rows = f"numpy.ma.compress_rows({name}) of a matrix" if values.ndim > 1 else f"{name}[~numpy.ma.getmaskarray({name})]"
        raise InvalidArgumentError(
            f"{name} has {np.ma.count_masked(values)} masked elements, and models take whole examples; "
            f"put values in their place by {name}.filled(0), or NaN, which a MissingVAE takes, or leave their rows out by "
            f"{rows}"
        )
    return values.data


def is_missing(value: Any) -> bool:
    """Whether a value stands for one that is not known: None, NaN, NaT, pandas' NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # NA is neither equal to itself nor not.
        return True
    except ValueError:  # An array, which is no value.
        return False


def as_array(values: Any, name: str = "X") -> np.ndarray:
    """The elements of something array-like as an array of a type that the library reads.

    Masked elements are refused. float32, float64 and uint8 arrays are returned as they are, and other libraries' tensors as views of
    their memory; truth values are viewed as bytes. Other numbers become float64.
    """
    array = as_given(values, name)
    if array.dtype.kind == "O":
        # pandas' NA, as its nullable columns have it, is no float.
        array = array.copy()
        array[np.vectorize(is_missing, otypes=[bool])(array)] = np.nan
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has the type {array.dtype}")
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    if array.dtype.str[1:] in ("f4", "f8", "u1"):
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if array.dtype == np.float16:
        return array.astype(np.float32)
    return array.astype(np.float64)


def check_not_empty(images: np.ndarray) -> None:
    """Refuses images that are none, or that have nothing in them, in scikit-learn's words."""
    shape = tuple(images.shape)
    if shape[0] == 0:
        raise InvalidArgumentError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required."
        )
    if 0 in shape:
        raise InvalidArgumentError(
            f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required."
        )


def refuse_stored_bytes(images: np.ndarray, name: str) -> None:
    """Refuses whole numbers from 0 to 255 that are no bytes, where values lie between 0 and 1, with what to do."""
    if images.dtype == np.uint8 or not images.size:
        return
    # Past NaN, which stands for what is missing.
    least, most = np.fmin.reduce(images, axis=None), np.fmax.reduce(images, axis=None)
    if not (0 <= least and 1 < most <= 255):
        return
    missing = np.isnan(images)
    if not np.array_equal(np.where(missing, 0, images), np.where(missing, 0, np.rint(images))):
        return
    ways = "divide them by 255"
    if not missing.any():
        ways = f"give bytes, by numpy.asarray({name}, numpy.uint8), or {ways}"
    raise DataError(
        f"{name} holds whole numbers from {least:.0f} to {most:.0f} that are not stored as bytes, and values must lie between 0 "
        f"and 1; {ways}"
    )


def as_given(values: Any, name: str) -> np.ndarray:
    """The elements of something array-like as an array of the type that they have."""
    if not isinstance(values, np.ndarray):
        if hasattr(values, "tocsr"):
            raise TypeError(
                f"{name} is sparse, but dense data are required; use {name}.toarray() to convert it"
            )
        if hasattr(values, "__dlpack__"):
            values = _from_dlpack(values, name)
    return np.asarray(unmasked(values, name))


def _from_dlpack(values: Any, name: str) -> np.ndarray:
    kind = str(getattr(values, "dtype", "")).rpartition(".")[2]
    if kind.startswith(("bfloat16", "float8", "float4")):
        raise UnsupportedError(f"{name} holds {kind}, which NumPy does not read; convert it to float32")
    try:
        return np.from_dlpack(values)
    except (BufferError, RuntimeError, TypeError) as error:
        # A tensor on another device, one with a gradient, or a type that NumPy lacks.
        raise UnsupportedError(f"{name} cannot be read in place: {error}") from error


def as_numbers(values: Any, name: str) -> np.ndarray:
    """Latents or parameters as an array of floats, or of 32-bit integers where they are whole numbers."""
    if not isinstance(values, np.ndarray) and hasattr(values, "__dlpack__"):
        values = _from_dlpack(values, name)
    array = np.asarray(unmasked(values, name))
    if array.dtype.kind in "iu":
        if array.size and (array.min() < -(2**31) or array.max() >= 2**31):
            raise InvalidArgumentError(f"{name} holds numbers beyond 32 bits")
        return array.astype(np.int32, copy=False)
    return array if array.dtype.str == "<f4" else array.astype(np.float64)


def optional_view(array: np.ndarray | None) -> Tensor | None:
    """The library's view of an array, where there is one."""
    return None if array is None else view(array)


def view(array: np.ndarray) -> Tensor:
    """The library's view of an array's memory, which it keeps alive."""
    size = array.itemsize
    if any(stride % size for stride in array.strides):
        array = np.ascontiguousarray(array)
    rank = array.ndim
    axes = c_int64 * rank
    tensor = Tensor(
        dtype=_CODES[array.dtype.str[1:]],
        device=_CPU,
        rank=rank,
        shape=axes(*array.shape),
        strides=axes(*(stride // size for stride in array.strides)),
        data=array.__array_interface__["data"][0],
    )
    tensor.array = array
    return tensor


class _Memory:
    """The memory of an array of the library, for as long as NumPy looks at it."""

    __slots__ = ("handle", "__array_interface__")

    def __init__(self, handle: Handle) -> None:
        tensor = Tensor()
        call(library.vae_array_view, handle, ctypes.byref(tensor))
        self.handle = handle
        self.__array_interface__ = {
            "version": 3,
            "shape": tuple(tensor.shape[: tensor.rank]),
            "typestr": _TYPES[tensor.dtype],
            "data": (tensor.data, False),
        }


def from_library(handle: Handle) -> np.ndarray:
    """An array over the memory of one of the library's, which lives as long as it is looked at."""
    return np.asarray(_Memory(handle))
