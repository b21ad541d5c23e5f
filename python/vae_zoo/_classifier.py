"""Classifiers of labelled images: what models are measured by and, as frozen networks, trained with."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from ctypes import byref
from typing import Any, ClassVar, TypeVar

import numpy as np

from vae_zoo._arrays import as_array, check_not_empty, from_library, refuse_stored_bytes, view
from vae_zoo._conditions import LABEL, Known, classes_of, first_conditions, conditions
from vae_zoo._data import Data, range_code
from vae_zoo._errors import DataError, InvalidArgumentError, elements_renamed, not_fitted, renamed
from vae_zoo._hyperparameters import Keywords
from vae_zoo._interrupt import Watched, WorkProgress
from vae_zoo._library import Handle, Path, from_json, create, call, encoded_path, library, setting_text, settings_array

_Self = TypeVar("_Self", bound="Classifier")


class Classifier(Keywords):
    """A small convolutional classifier of images, which learns their labels.

    What ``save`` writes is a frozen network: ``evaluate(network=...)`` of a model compares images by what it sees in
    them, and ``PerceptualVAE`` is trained with it.

    Parameters
    ----------
    value_range : str
        Where the values of arrays lie: ``"auto"``, ``"binary"``, ``"unit"``, ``"real"`` or ``"bytes"``.
    epochs : int
        Passes over the training images.
    batch_size : int
        Images an update.
    learning_rate : float
        The largest learning rate; it rises for a tenth of the updates, and falls along half a cosine.
    weight_decay : float
        Pull of weights to zero, decoupled.
    width : int
        Channels of the first convolution; later ones have up to four times as many.
    features : int
        Units of the layer before the classes, the features of an image.
    shift : float
        The largest shift of a training image, as a share of its sides.
    mirror : bool
        Whether half of the training images are mirrored, where left and right say nothing of the class.
    seed : int
        Seed of weights, order and changes of images: the same calls give the same bits.
    precision : str
        What products and convolutions multiply in updates: ``"float32"`` or ``"bfloat16"``.

    Attributes
    ----------
    classes_ : ndarray
        The class of each column of ``predict_proba``.
    record_ : dict
        What it was trained on, and ``accuracy``: the share of ``held_out_examples`` whose class it finds.
    image_shape_ : tuple
        Height, width and channels of the images of ``fit``.
    n_features_in_ : int
        Numbers an image of ``fit``.
    """

    # Nothing in __dict__ but parameters and what fit has found.
    __slots__ = ("_handle",)

    classes_: np.ndarray
    record_: dict[str, Any]
    image_shape_: tuple[int, int, int]
    n_features_in_: int
    _handle: Handle | None

    _keywords: ClassVar[dict[str, Any]]  # set below, from the signature

    def __init__(
        self,
        *,
        value_range: str = "auto",
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        width: int = 32,
        features: int = 128,
        shift: float = 0.1,
        mirror: bool = False,
        seed: int = 0,
        precision: str = "float32",
    ) -> None:
        self.value_range = value_range
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.width = width
        self.features = features
        self.shift = shift
        self.mirror = mirror
        self.seed = seed
        self.precision = precision
        self._handle = None

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
            data, classes, shape = X, None, X.image_shape
        else:
            images = self._images(X, "X")
            shape = images.shape[1:]
            known = _labels(first_conditions(_one_each(y), len(images), "y"))
            held_out, held_out_known = None, Known("")
            if validation is not None:
                if not isinstance(validation, tuple) or len(validation) != 2:
                    raise InvalidArgumentError("validation is a pair of images and their labels")
                held_out = self._images(validation[0], "validation")
                held_out_known = conditions(
                    validation[1], len(held_out), "validation", LABEL, known.classes
                )
            data = Data._of_arrays(
                images, held_out, range_code(self.value_range), (known.values, held_out_known.values),
                known.class_names,
            )
            classes = known.classes
        given = self.get_params()
        settings = [(name, setting_text(given[name])) for name in given if name != "value_range"]
        with renamed(memory="X"), elements_renamed(train="X"), Watched(progress) as options:
            handle = create(
                library.vae_classifier_free, library.vae_classifier_train, data._handle,
                settings_array(settings), len(settings), options,
            )
        self._take(handle, classes)
        self.image_shape_ = shape
        self.n_features_in_ = int(np.prod(shape))
        return self

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """The classifier of a file that ``save`` or ``vae-zoo classifier`` wrote, with the parameters that it was
        trained with."""
        handle = create(
            library.vae_classifier_free, library.vae_classifier_open, encoded_path(path, "path")
        )
        classifier = cls()
        classifier._take(handle, None)
        options = classifier.record_.get("options", {})
        classifier.set_params(**{name: options[name] for name in options if name in cls._keywords})
        return classifier

    def save(self, path: Path) -> None:
        """Writes it into one safetensors file, whole or not at all."""
        call(library.vae_classifier_save, self._fitted(), encoded_path(path, "path"))

    def predict_proba(self, X: Any, *, progress: WorkProgress | None = None) -> np.ndarray:
        """The probability of each class, ``[N, classes]`` of float32."""
        handle = self._fitted()
        images = self._images(X, "X")
        self._check_shape(images.shape[1:])
        tensor = view(images)
        try:
            with elements_renamed(images="X"), Watched(progress) as options:
                return from_library(
                    create(
                        library.vae_array_free, library.vae_classifier_probabilities, handle,
                        byref(tensor), options,
                    )
                )
        except DataError as failure:
            if "values between 0 and 1" in str(failure):
                refuse_stored_bytes(images, "X")
            raise

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each image, one of ``classes_``."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def score(self, X: Any, y: Any) -> float:
        """The share of images whose class it finds."""
        found = self.predict(X)
        known = conditions(_one_each(y), len(found), "y", LABEL, self.classes_)
        if known.kind != LABEL or known.values is None:
            raise InvalidArgumentError("y are labels, one for each image")
        return float(np.mean(found == self.classes_[known.values]))

    def _take(self, handle: Handle, classes: np.ndarray | None) -> None:
        record = from_json(library.vae_classifier_json, handle)
        names = record.pop("classes")
        self._handle = handle
        self.classes_ = classes_of(names) if classes is None else classes
        self.record_ = record

    def _fitted(self) -> Handle:
        if self._handle is None:
            raise not_fitted(self)
        return self._handle

    def _images(self, values: Any, name: str) -> np.ndarray:
        """Images as the library takes them; of grey ones without an axis for channels."""
        images = as_array(values, name)
        if images.ndim not in (3, 4):
            raise InvalidArgumentError(
                f"{name} has {images.ndim} axes; images are [N, H, W] or [N, H, W, C]. Reshape your data; a single image "
                "is array[numpy.newaxis]"
            )
        check_not_empty(images)
        return images if images.ndim == 4 else images[..., np.newaxis]

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuses other images than those of ``fit``; one that was read leaves that to the library."""
        known = getattr(self, "image_shape_", shape)
        if shape != known:
            raise InvalidArgumentError(
                f"X has {int(np.prod(shape))} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                f"features as input: images of the shape {known}, not {shape}"
            )

    # ------------------------------------------------------------------------------------ scikit-learn

    def __sklearn_is_fitted__(self) -> bool:
        return self._handle is not None

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            classifier_tags=ClassifierTags(),
            regressor_tags=None,
            input_tags=InputTags(two_d_array=False, three_d_array=True),
        )

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if self._handle is not None:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "classifier.safetensors")
                self.save(path)
                with open(path, "rb") as file:
                    state["_file"] = file.read()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        self._handle = None
        content = state.pop("_file", None)
        if content is not None:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "classifier.safetensors")
                with open(path, "wb") as file:
                    file.write(content)
                self._handle = create(
                    library.vae_classifier_free, library.vae_classifier_open, encoded_path(path, "path")
                )
        self.__dict__.update(state)


Classifier._keywords = dict(Classifier.__init__.__kwdefaults__)


def _one_each(y: Any) -> Any:
    """Labels, one for each image, of a column of them as well, as scikit-learn's classifiers take it."""
    if y is None:
        raise InvalidArgumentError(
            "a classifier learns a label of each image: requires y to be passed, but the target y is None"
        )
    if getattr(y, "ndim", 1) != 2 or y.shape[1] != 1:
        return y
    known = sys.modules.get("sklearn.exceptions")
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected; its only column is taken",
        UserWarning if known is None else known.DataConversionWarning,
        stacklevel=3,
    )
    return np.asarray(y)[:, 0]


def _labels(known: Known) -> Known:
    if known.kind != LABEL or known.classes is None:
        raise InvalidArgumentError(
            "Unknown label type: y holds rows of numbers, or numbers that are not all whole, and a classifier learns one "
            "label of each image, a text or a whole number"
        )
    if len(known.classes) == 1:
        raise InvalidArgumentError(
            f"y has one class, {known.class_names[0]}, but a classifier tells two or more apart; give images of others "
            "as well"
        )
    return known
