"""Classifiers of labelled images: what models are measured by and, as frozen networks, trained with."""

from __future__ import annotations

import json
from ctypes import byref
from typing import Any, TypeVar

import numpy as np

from vae_zoo._arrays import as_array, from_library, view
from vae_zoo._conditions import LABEL, Known, classes_of, first_conditions, conditions
from vae_zoo._data import Data, range_code
from vae_zoo._errors import InvalidArgumentError, elements_renamed, not_fitted, renamed
from vae_zoo._interrupt import Watched, WorkProgress
from vae_zoo._library import Handle, Path, create, call, encoded_path, library, setting_text, settings_array, text

_Self = TypeVar("_Self", bound="Classifier")


class Classifier:
    """A small convolutional classifier of images, which learns their labels.

    What ``save`` writes is a frozen network: ``evaluate(network=...)`` of a model compares images by what it sees in
    them, and ``PerceptualVAE`` is trained with it.

    Parameters
    ----------
    value_range : str
        Where the values of arrays lie: ``"auto"``, ``"binary"``, ``"unit"``, ``"real"`` or ``"bytes"``.
    **settings
        What ``vae-zoo classifier --set`` takes, such as ``epochs``, ``width``, ``mirror`` and ``seed``.

    Attributes
    ----------
    classes_ : ndarray
        The class of each column of ``predict_proba``.
    record_ : dict
        What it was trained on, and ``accuracy``: the share of ``held_out_examples`` whose class it finds.
    """

    classes_: np.ndarray
    record_: dict[str, Any]
    _handle: Handle | None = None

    def __init__(self, *, value_range: str = "auto", **settings: Any) -> None:
        self.value_range = value_range
        self._settings = settings

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters that were given, by name."""
        return {"value_range": self.value_range, **self._settings}

    def set_params(self: _Self, **params: Any) -> _Self:
        """Changes parameters for the next ``fit``."""
        self.value_range = params.pop("value_range", self.value_range)
        self._settings.update(params)
        return self

    def fit(
        self: _Self, X: Any, y: Any = None, *, validation: Any = None, progress: WorkProgress | None = None
    ) -> _Self:
        """Trains the classifier. Ctrl-C stops it, and it stays what it was.

        Parameters
        ----------
        X : array-like or Data
            Images, ``[N, H, W]`` or ``[N, H, W, C]``, or a source that has labels.
        y : array-like, optional
            The label of each image of an array, of any type that can be sorted.
        validation : tuple, optional
            Held-out images and their labels; without them a tenth of the images is kept for that.
        progress : callable, optional
            Called with the fraction that is done. A true value stops the training, with a `CancelledError`; an
            exception stops it and is raised.

        Returns
        -------
        self
        """
        if isinstance(X, Data):
            if y is not None or validation is not None:
                raise InvalidArgumentError("a Data source has its own labels and validation images")
            data, classes = X, None
        else:
            images = _images(X, "X")
            known = _labels(first_conditions(_required(y), len(images), "y"))
            held_out, held_out_known = None, Known("")
            if validation is not None:
                if not isinstance(validation, tuple) or len(validation) != 2:
                    raise InvalidArgumentError("validation is a pair of images and their labels")
                held_out = _images(validation[0], "validation")
                held_out_known = conditions(
                    validation[1], len(held_out), "validation", LABEL, known.classes
                )
            data = Data._of_arrays(
                images, held_out, range_code(self.value_range), (known.values, held_out_known.values),
                known.class_names,
            )
            classes = known.classes
        settings = [(name, setting_text(value)) for name, value in self._settings.items()]
        with renamed(memory="X"), elements_renamed(train="X"), Watched(progress) as options:
            handle = create(
                library.vae_classifier_free, library.vae_classifier_train, data._handle,
                settings_array(settings), len(settings), options,
            )
        self._take(handle, classes)
        return self

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """The classifier of a file that ``save`` or ``vae-zoo classifier`` wrote."""
        handle = create(
            library.vae_classifier_free, library.vae_classifier_open, encoded_path(path, "path")
        )
        classifier = cls()
        classifier._take(handle, None)
        return classifier

    def save(self, path: Path) -> None:
        """Writes it into one safetensors file, whole or not at all."""
        call(library.vae_classifier_save, self._fitted(), encoded_path(path, "path"))

    def predict_proba(self, X: Any, *, progress: WorkProgress | None = None) -> np.ndarray:
        """The probability of each class, ``[N, classes]`` of float32."""
        tensor = view(_images(X, "X"))
        with elements_renamed(images="X"), Watched(progress) as options:
            return from_library(
                create(
                    library.vae_array_free, library.vae_classifier_probabilities, self._fitted(),
                    byref(tensor), options,
                )
            )

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each image, one of ``classes_``."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def score(self, X: Any, y: Any) -> float:
        """The share of images whose class it finds."""
        found = self.predict(X)
        known = conditions(y, len(found), "y", LABEL, self.classes_)
        if known.kind != LABEL or known.values is None:
            raise InvalidArgumentError("y are labels, one for each image")
        return float(np.mean(found == self.classes_[known.values]))

    def _take(self, handle: Handle, classes: np.ndarray | None) -> None:
        record = json.loads(text(library.vae_classifier_json, handle))
        names = record.pop("classes")
        self._handle = handle
        self.classes_ = classes_of(names) if classes is None else classes
        self.record_ = record

    def _fitted(self) -> Handle:
        if self._handle is None:
            raise not_fitted(self)
        return self._handle


def _images(values: Any, name: str) -> np.ndarray:
    """Images as the library takes them; of grey ones without an axis for channels."""
    images = as_array(values, name)
    if images.ndim not in (3, 4):
        raise InvalidArgumentError(
            f"{name} has {images.ndim} axes; images are [N, H, W] or [N, H, W, C]"
        )
    return images if images.ndim == 4 else images[..., np.newaxis]


def _required(y: Any) -> Any:
    if y is None:
        raise InvalidArgumentError("a classifier learns labels; give y, one for each image")
    return y


def _labels(known: Known) -> Known:
    if known.kind != LABEL:
        raise InvalidArgumentError("y are labels, one for each image, and no rows of numbers")
    return known
