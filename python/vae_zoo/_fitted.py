"""A model that an estimator has, and what all its methods do with what they are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_zoo import _errors
from vae_zoo._arrays import as_array, check_not_empty, refuse_stored_bytes
from vae_zoo._conditions import LABEL, class_name, classes_of, conditions
from vae_zoo._data import RANGES
from vae_zoo._errors import InvalidArgumentError
from vae_zoo._hyperparameters import Hyperparameters
from vae_zoo._library import integer
from vae_zoo._model import Model, Parameters
from vae_zoo._settings import column_names
from vae_zoo._tables import Form, given_back, is_table, labels_of, rows_of

_BYTE_RANGES = (RANGES["binary"], RANGES["bytes"])


class FittedModel(Hyperparameters):
    """The model of an estimator once there is one."""

    __slots__ = ()

    _model: Model
    _made_of: dict[str, str] | None  # the settings that the model was made with
    _form: Form | None  # what rows of a table come in
    _trained_with: frozenset[str]  # the settings of training that its recipe has by now, by their paths

    # --------------------------------------------------------------------------------------- its state

    def __sklearn_is_fitted__(self) -> bool:
        return "_model" in self.__dict__

    def _take(
        self, model: Model, output_shape: tuple[int, ...], made_of: dict[str, str] | None
    ) -> None:
        self._model = model
        self._made_of = made_of
        self._form = None
        self._trained_with = frozenset(path for path, _ in self._given() if path.startswith("training."))
        self._output_shape = tuple(output_shape)
        self.image_shape_ = model.image_shape
        self.n_features_in_ = int(np.prod(output_shape))

    def _know(self, classes: np.ndarray | None) -> None:
        """Keeps the classes of labels, as ``y`` has them where it has all of them; a model that is told none has none."""
        names = self._model.class_names
        if classes is None:
            classes = getattr(self, "classes_", None)
        if self._model.condition != LABEL:
            vars(self).pop("classes_", None)
        elif classes is not None and [class_name(value) for value in classes.tolist()] == names:
            self.classes_ = classes
        else:
            self.classes_ = classes_of(names)

    def _condition(self, y: Any, count: int | None, name: str = "y") -> np.ndarray | None:
        """What the trained model is told of `count` images, or of all draws; None for a model of p(x)."""
        model = self._fitted()
        if not model.condition:
            return None
        return conditions(
            self._needed(y), count, name, model.condition, getattr(self, "classes_", None)
        ).values

    def _told(self, y: Any, X: Any, count: int) -> np.ndarray | None:
        """The same of rows: without a y the labels that they have in the column that had those of ``fit``."""
        if y is None and self._form is not None and self._fitted().condition:
            y = labels_of(X, self._form)
        return self._condition(y, count)

    def _in_turn(self, count: int) -> np.ndarray | None:
        """The classes that draws take in turn, where nobody says which; None for a model that is told none."""
        classes = len(self._model.class_names)
        return np.arange(count) % classes if classes else None

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if "_model" in state:
            state["_model"] = self._model.save_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "_model" in state:
            state["_model"] = Model.load_bytes(state["_model"])
            state.setdefault("_made_of", None)
            state.setdefault("_form", None)
            state.setdefault("_trained_with", frozenset())
        self.__dict__.update(state)

    def _fitted(self) -> Model:
        if not self.__sklearn_is_fitted__():
            raise _errors.not_fitted(self)
        return self._model

    @property
    def recipe_(self) -> dict[str, Any]:
        """The model's full recipe: every part with every hyper-parameter in force."""
        return self._fitted().recipe()

    @property
    def metrics_(self) -> dict[str, Any]:
        """What was measured at the end of the last epoch; empty before there is one."""
        self._fitted()
        history = getattr(self, "history_", [])
        return history[-1] if history else {}

    @property
    def parameters(self) -> Parameters:
        """Parameters and buffers by name, to read and to set."""
        return Parameters(self._fitted())

    @property
    def parameter_count(self) -> int:
        """How many numbers are trained."""
        return self._fitted().parameter_count

    # ------------------------------------------------------------------------- images and conditions

    def _checked(self, X: Any, name: str) -> np.ndarray:
        """Images as an array of two to four axes with something in it."""
        if is_table(X):
            raise InvalidArgumentError(
                f"{name} is a table with columns that are not all numbers; only fit takes one for a new model"
            )
        images = as_array(X, name)
        if not 2 <= images.ndim <= 4:
            kind = "scalar array" if images.ndim == 0 else f"{images.ndim}D array"
            hint = ""
            if images.ndim < 2:
                hint = (
                    " Reshape your data either using array.reshape(-1, 1) if your data has a single "
                    "feature or array.reshape(1, -1) if it contains a single sample."
                )
            raise InvalidArgumentError(
                f"Expected 2D array, or images of three or four axes, got {kind} instead for {name}."
                + hint
            )
        check_not_empty(images)
        return images

    def _shaped(self, images: np.ndarray) -> np.ndarray:
        """Rows of numbers as images of `image_shape`, without copying."""
        if self.image_shape is None or images.ndim != 2:
            return images
        if isinstance(self.image_shape, (str, bytes)) or not hasattr(self.image_shape, "__iter__"):
            raise TypeError(f"image_shape is {self.image_shape!r}, but must be a height and a width, with channels where there are several")
        shape = tuple(integer(size, "image_shape") for size in self.image_shape)
        if len(shape) not in (2, 3) or int(np.prod(shape)) != images.shape[1]:
            raise InvalidArgumentError(
                f"image_shape is {self.image_shape!r}, which is not that of rows of "
                f"{images.shape[1]} numbers"
            )
        return images.reshape((images.shape[0], *shape))

    def _images(self, X: Any, name: str = "X") -> np.ndarray:
        """Images for the trained model."""
        model = self._fitted()
        names = getattr(self, "feature_names_in_", None)
        found = column_names(X)
        if names is not None and found is not None and list(names) != list(found):
            raise InvalidArgumentError(
                "The feature names should match those that were passed during fit."
            )
        if self._form is not None:
            return rows_of(X, model.columns)
        images = self._checked(X, name)
        if images.ndim == 2 and images.shape[1] != self.n_features_in_:
            raise InvalidArgumentError(
                f"{name} has {images.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        if model.range in (RANGES["unit"], RANGES["bytes"]) and not model.columns:
            refuse_stored_bytes(images, name)
        return images

    def _range_of(self, images: np.ndarray) -> int:
        """The library's number for what values of images for the trained model mean: bytes what they meant in training,
        also where these few are all 0 and 1."""
        if images.dtype != np.uint8:
            return RANGES["auto"]
        return self._model.range if self._model.range in _BYTE_RANGES else RANGES["bytes"]

    def _out(
        self, images: np.ndarray, told: np.ndarray | None = None, like: Any = None, keeping: bool = False
    ) -> Any:
        """What a model makes, in the form of what it was trained on; `like` are the rows that it was made of, whose
        known values stay what they are where `keeping` says so."""
        images = images.reshape((images.shape[0], *self._output_shape))
        if self._form is None:
            return images
        labels = None
        if self._form.label is not None and told is not None and hasattr(self, "classes_"):
            numbers = told if told.ndim == 1 else np.argmax(told, axis=1)
            labels = self.classes_[np.broadcast_to(numbers, (len(images),))]
        return given_back(images, self._model.columns, self._form, labels, like, keeping)

    def _needed(self, y: Any) -> Any:
        if y is None:
            raise InvalidArgumentError(
                f"{type(self).__name__} is told a condition of each image: requires y to be passed, "
                "but the target y is None"
            )
        return y

