"""What a conditional model is told beside the images: ``y`` as the library takes it, and its classes.

A class is known by its name, here and in files: ``class_name`` of the value that ``y`` has for it.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from vae_zoo._arrays import is_missing, unmasked
from vae_zoo._errors import InvalidArgumentError
from vae_zoo._registry import known_component

NONE, LABEL, ATTRIBUTES, VECTOR = KINDS = ("", "label", "attributes", "vector")  # by the library's numbers


class Known(NamedTuple):
    """What is known of images, as the library takes it."""

    kind: str
    """One of `KINDS`; `NONE` where nothing is."""
    values: np.ndarray | None = None
    """Numbers of classes ``[N]`` of int32, attributes ``[N, n]`` of uint8, or vectors ``[N, n]`` of float32."""
    classes: np.ndarray | None = None
    """Of labels the value in ``y`` of each class, in the order of their numbers."""

    @property
    def class_names(self) -> list[str]:
        """The names of the classes; none where there are no labels."""
        return [] if self.classes is None else [class_name(value) for value in self.classes.tolist()]


def listens(recipe: Mapping[str, Any]) -> bool:
    """Whether a part of a recipe is told a condition, by what the library says of the components."""
    return _any_part(recipe, "uses_condition")


def takes_masks(recipe: Mapping[str, Any]) -> bool:
    """Whether a part of a recipe is told which values are missing."""
    return _any_part(recipe, "uses_mask")


def _any_part(recipe: Mapping[str, Any], fact: str) -> bool:
    parts = {role: part["name"] for role, part in recipe.items() if isinstance(part, Mapping) and "name" in part}
    return any(component[fact] for component in map(known_component, parts, parts.values()) if component)


def class_name(value: Any) -> str:
    """What a class is called in files: a text as it is, a whole number without a point, all else by ``str``."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def classes_of(names: Sequence[str]) -> np.ndarray:
    """The classes of a model from a file: whole numbers where all names are such, else the names."""
    numbers = [int(name) if re.fullmatch("-?[0-9]{1,19}", name) else None for name in names]
    are_numbers = all(str(number) == name for number, name in zip(numbers, names))
    if are_numbers and all(abs(number) < 2**63 for number in numbers if number is not None):
        return np.array(numbers, dtype=np.int64)
    return np.array(names)


def first_conditions(y: Any, count: int, name: str) -> Known:
    """What is known of the images that a model is made for.

    Rows of truth values, or of whole numbers that are all 0 or 1, are attributes; other rows of numbers, and single
    numbers that are not whole, are vectors; all else are labels, of any type that can be sorted.
    """
    values = _rows(y, count, name)
    if values.ndim == 2:
        return _numbers(values, name)
    if values.dtype.kind == "f":
        _finite(values, name)
        if not np.array_equal(values, np.rint(values)):
            return _numbers(values[:, np.newaxis], name)
    classes, labels = _classes(values, name)
    return Known(LABEL, labels.astype(np.int32), classes)


def conditions(
    y: Any, count: int | None, name: str, kind: str, classes: np.ndarray | None
) -> Known:
    """What is known of images for a model that is told a condition of some kind.

    `count` is None for draws, for all of which one condition will do. Labels are known by their classes' names; rows
    are shares of the classes.
    """
    if count is None and np.ndim(y) < (1 if kind == LABEL else 2):
        y = np.asarray(y)[np.newaxis]
    values = _rows(y, count, name)
    if kind != LABEL or values.ndim == 2:
        rows = values if values.ndim == 2 else values[:, np.newaxis]
        return _numbers(rows, name, VECTOR if kind == LABEL else kind)
    known = [] if classes is None else classes.tolist()
    numbers = {class_name(value): number for number, value in enumerate(known)}
    if values.dtype.kind == "f":
        _finite(values, name)
    found, places = _classes(values, name)
    mine = [numbers.get(class_name(value)) for value in found.tolist()]
    for value, number in zip(found.tolist(), mine):
        if number is None:
            raise InvalidArgumentError(
                f"{name} holds {value!r}, which is none of the classes: {known}"
            )
    return Known(LABEL, np.array(mine, dtype=np.int32)[places], classes)


def _rows(y: Any, count: int | None, name: str) -> np.ndarray:
    y = unmasked(y, name)
    try:
        values = np.asarray(y)
    except ValueError:
        raise InvalidArgumentError(f"{name} has rows of different lengths") from None
    if values.ndim == 2 and values.shape[1] == 1 and values.dtype.kind in "OUS":
        values = values[:, 0]
    if values.ndim not in (1, 2):
        raise InvalidArgumentError(f"{name} has {values.ndim} axes; labels have 1, vectors 2")
    if count is not None and len(values) != count:
        raise InvalidArgumentError(
            f"Found input variables with inconsistent numbers of samples: {[count, len(values)]}"
        )
    # Of a list NumPy makes one text after the other, also of a NaN among them.
    given = np.asarray(y, dtype=object) if values.dtype.kind in "US" and not hasattr(y, "dtype") else values
    if given.dtype.kind in "OmM":
        for place, value in enumerate(given.ravel()):
            if is_missing(value):
                place //= values.size // len(values)
                raise InvalidArgumentError(
                    f"{name}[{place}] is {value!r}: what is told must be known of every image; leave out the others"
                )
    return values


def _classes(values: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The different values in their order, and the place of each one among them."""
    try:
        classes, places = np.unique(values, return_inverse=True)
    except TypeError:
        types = sorted({type(value).__name__ for value in values.tolist()})
        raise InvalidArgumentError(
            f"{name} holds labels that cannot be sorted, of the types {', '.join(types)}; make them all text, "
            "or all numbers"
        ) from None
    return classes, places.reshape(-1)


def _finite(values: np.ndarray, name: str) -> None:
    if not np.isfinite(values).all():
        raise InvalidArgumentError(f"{name} contains NaN or infinity")


def _numbers(values: np.ndarray, name: str, kind: str | None = None) -> Known:
    """Rows of numbers, as attributes or vectors; without a kind that follows from what they are."""
    if values.dtype.kind == "O":
        # Columns of several types, as frames have them: the type that holds all.
        values = np.array(values.tolist())
    if values.dtype.kind not in "biuf":
        raise InvalidArgumentError(f"{name} holds rows of {values.dtype}, which are no numbers")
    are_bits = bool(np.isin(values, (0, 1)).all())
    if kind is None:
        kind = ATTRIBUTES if values.dtype.kind in "biu" and are_bits else VECTOR
    if kind == ATTRIBUTES:
        if not are_bits:
            raise InvalidArgumentError(f"{name} holds other numbers than 0 and 1, which attributes are")
        return Known(kind, np.ascontiguousarray(values, dtype=np.uint8))
    _finite(values, name)
    return Known(kind, np.ascontiguousarray(values, dtype=np.float32))
