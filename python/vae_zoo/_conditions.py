"""What a conditional model is told beside the images: ``y`` as the library takes it, and its classes."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from vae_zoo._errors import InvalidArgumentError
from vae_zoo._registry import list_components


def listens(recipe: Mapping[str, Any]) -> bool:
    """Whether a part of a recipe is told a condition."""
    for role in ("encoder", "prior", "decoder", "likelihood", "objective"):
        name = recipe[role]["name"]
        if any(part["name"] == name and part["uses_condition"] for part in list_components(role)):
            return True
    return False


def first_conditions(y: Any, count: int, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """What is known of the images that a model is made for, and the classes where these are labels.

    Rows of truth values, or of whole numbers that are all 0 or 1, are attributes; other rows of numbers, and single
    numbers that are not whole, are vectors; all else are labels, of any type that can be sorted.
    """
    values = _rows(y, count, name)
    if values.ndim == 2:
        return _numbers(values, name), None
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise InvalidArgumentError(f"{name} contains NaN or infinity")
        if not np.array_equal(values, np.rint(values)):
            return _numbers(values[:, np.newaxis], name), None
    classes, labels = np.unique(values, return_inverse=True)
    return labels.astype(np.int32), classes


def conditions(
    y: Any, count: int | None, name: str, kind: str, classes: np.ndarray | None
) -> np.ndarray:
    """What is known of images for a model that is told a condition of some kind.

    `count` is None for draws, for all of which one condition will do.
    """
    if count is None and np.ndim(y) < (1 if kind == "label" else 2):
        y = np.asarray(y)[np.newaxis]
    values = _rows(y, count, name)
    if kind != "label" or values.ndim == 2:
        rows = values if values.ndim == 2 else values[:, np.newaxis]
        return _numbers(rows, name)
    if classes is None:
        # Of a model from a file: labels are the numbers of its classes.
        if values.dtype.kind not in "iuf" or not np.array_equal(values, np.rint(values)):
            raise InvalidArgumentError(f"{name} must hold the numbers of classes, 0, 1, …")
        return values.astype(np.int32)
    places = np.searchsorted(classes, values) if values.dtype.kind == classes.dtype.kind else None
    if places is None:
        known = {value: place for place, value in enumerate(classes.tolist())}
        places = np.array([known.get(value, len(classes)) for value in values.tolist()])
    places = np.minimum(places, len(classes) - 1)
    unknown = [value for value, place in zip(values.tolist(), places) if classes[place] != value]
    if unknown:
        raise InvalidArgumentError(
            f"{name} holds {unknown[0]!r}, which is none of the classes: {list(classes.tolist())}"
        )
    return places.astype(np.int32)


def _rows(y: Any, count: int | None, name: str) -> np.ndarray:
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1 and values.dtype.kind in "OUS":
        values = values[:, 0]
    if values.ndim not in (1, 2):
        raise InvalidArgumentError(f"{name} has {values.ndim} axes; labels have 1, vectors 2")
    if count is not None and len(values) != count:
        raise InvalidArgumentError(
            f"Found input variables with inconsistent numbers of samples: {[count, len(values)]}"
        )
    return values


def _numbers(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind not in "biuf":
        raise InvalidArgumentError(f"{name} holds rows of {values.dtype}, which are no numbers")
    if values.dtype.kind in "biu" and np.isin(values, (0, 1)).all():
        return np.ascontiguousarray(values, dtype=np.uint8)
    return np.ascontiguousarray(values, dtype=np.float32)
