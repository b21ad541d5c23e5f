"""The estimators' common part, by scikit-learn's conventions but without needing scikit-learn."""

from __future__ import annotations

import os
import threading
from typing import Any, Callable, ClassVar, Iterable, Mapping, Sequence, TypeVar

import numpy as np

from vae_zoo import _errors
from vae_zoo._arrays import as_array
from vae_zoo._conditions import conditions, first_conditions, listens
from vae_zoo._data import RANGES, Data, range_code
from vae_zoo._errors import BusyError, InvalidArgumentError, RecipeError, elements_renamed
from vae_zoo._interrupt import WorkProgress
from vae_zoo._library import Path, integer, real, setting_text, shown_path
from vae_zoo._model import Model, Parameters
from vae_zoo._registry import recipe
from vae_zoo._settings import column_names, history_of, of_model, recipe_keywords, same, seed_of
from vae_zoo._training import Callback, Trainer, Updates

_Self = TypeVar("_Self", bound="VAE")

_BYTE_RANGES = (RANGES["binary"], RANGES["bytes"])

# Importance samples of an image, at most.
_MOST_SAMPLES = 10_000_000


class _Variants(type):
    """Lets ``VAE("beta-vae", beta=4)`` make a ``BetaVAE(beta=4)``."""

    _made: Any

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        if cls.__dict__.get("_is_factory", False):
            if len(arguments) + ("variant" in keywords) != 1:
                raise TypeError(
                    'VAE takes the name of a variant, such as VAE("beta-vae", beta=4), and keywords; '
                    "list_variants() names the variants"
                )
            return cls._made(*arguments, **keywords)
        return super().__call__(*arguments, **keywords)

    @property
    def __signature__(cls) -> Any:
        """What calling the class takes, for ``help`` and ``inspect.signature``."""
        import inspect

        if cls.__dict__.get("_is_factory", False):
            return inspect.signature(cls._made)
        parameters = list(inspect.signature(getattr(cls, "__init__")).parameters.values())
        return inspect.Signature(parameters[1:])


class VAE(metaclass=_Variants):
    """A variational autoencoder by name: ``VAE("beta-vae", beta=4)`` is ``BetaVAE(beta=4)``.

    All estimators are instances of this class. Images are ``[N, D]``, ``[N, H, W]`` or
    ``[N, H, W, C]``; what comes out has the shape of what ``fit`` was given. Likelihoods are in nats,
    with all constants.

    Parameters
    ----------
    variant : str
        The name of a variant, as ``list_variants`` gives it.
    **hyperparameters
        What the class of the variant takes.
    """

    __slots__ = ("__dict__", "__weakref__", "_training", "_updates")

    _is_factory: ClassVar[bool] = True
    # Of each variant's class.
    _variant: ClassVar[str]
    _keywords: ClassVar[dict[str, Any]]  # hyper-parameters with their defaults in the signature
    _paths: ClassVar[dict[str, str]]  # the setting that a keyword stands for; empty for none
    _reach: ClassVar[dict[str, list[str]]]  # what keywords set in the variant's own recipe

    # Keywords that every class has beside its hyper-parameters.
    random_state: Any
    image_shape: Sequence[int] | None
    value_range: str
    settings: Mapping[str, Any] | None
    warm_start: bool
    verbose: bool

    _model: Model
    _made_of: dict[str, str] | None  # the settings that the model was made with
    _trained_with: frozenset[str]  # the settings of training that its recipe has by now, by their paths
    _training: threading.Lock
    _updates: Updates | None  # the trainer of partial_fit, which lives between its calls

    @staticmethod
    def _made(variant: str, **hyperparameters: Any) -> VAE:
        from vae_zoo._classes import variant_class

        return variant_class(variant)(**hyperparameters)

    def __new__(cls, *arguments: Any, **keywords: Any) -> VAE:
        estimator = super().__new__(cls)
        # Not in __dict__, which belongs to hyper-parameters and to what fit has found.
        estimator._training = threading.Lock()
        estimator._updates = None
        return estimator

    # ---------------------------------------------------------------------------- hyper-parameters

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return sorted(cls._keywords)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The hyper-parameters by name.

        Parameters
        ----------
        deep : bool
            Changes nothing: there are no estimators inside of this one.
        """
        return {name: getattr(self, name) for name in self._get_param_names()}

    def set_params(self: _Self, **params: Any) -> _Self:
        """Sets hyper-parameters, which count from the next ``fit`` on."""
        for name in params:
            if name not in self._keywords:
                known = ", ".join(self._get_param_names())
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {known}."
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def _given(self) -> list[tuple[str, str]]:
        """What differs from the defaults, as the library takes it, without the seed."""
        settings = []
        for name, default in self._keywords.items():
            path = self._paths.get(name, name)
            value = getattr(self, name)
            if not path or value is None or same(value, default):
                continue
            settings.append((path, setting_text(value)))
        if self.settings is not None:
            if not isinstance(self.settings, Mapping):
                raise RecipeError(f"settings is {self.settings!r}, but must be a mapping or None")
            settings += [(str(key), setting_text(value)) for key, value in self.settings.items()]
        return settings

    def _method_seed(self, random_state: Any) -> int:
        return seed_of(self.random_state if random_state is None else random_state)

    # ------------------------------------------------------------------------------------ training

    def fit(
        self: _Self,
        X: Any,
        y: Any = None,
        *,
        validation: Any = None,
        epochs: int | None = None,
        callback: Callback | None = None,
        run: Path | None = None,
        existing_run: str = "refuse",
        checkpoint_dir: Path | None = None,
        from_weights: Path | None = None,
    ) -> _Self:
        """Trains the model.

        Ctrl-C stops at the next update and raises KeyboardInterrupt; an exception in the callback stops as
        well and is raised. Either way the model holds what it has learnt so far and can be used.

        Parameters
        ----------
        X : array-like or Data
            Images, ``[N, D]``, ``[N, H, W]`` or ``[N, H, W, C]``: NumPy's, or anything that speaks
            DLPack. float32, float64 and uint8 are used in place, and so must not change meanwhile;
            other numbers are converted.
        y : array-like, optional
            What a conditional variant is told of each image: labels ``[N]`` of any type, whose values
            become ``classes_``; attributes, rows ``[N, n]`` of truth values; or vectors, rows of floats.
            Other variants ignore it.
        validation : array-like, optional
            Held-out images, measured after every epoch; of a conditional variant a pair of images and
            their ``y``.
        epochs : int, optional
            Passes over the data, in place of the hyper-parameter.
        callback : callable, optional
            Called with a `Progress` after every update and again at the end of an epoch. A true value
            stops the training. It may use the model, but not change it.
        run : path, optional
            A folder for metrics and checkpoints, from which training can be resumed.
        existing_run : str
            Where that folder exists: ``"refuse"``, ``"resume"`` or ``"replace"``.
        checkpoint_dir : path, optional
            A folder, such as one of a scratch disk, in which a new one for the checkpoints of this run
            is made. To resume such a run it is named again.
        from_weights : path, optional
            A run folder, or a file that ``save`` wrote, whose weights take the place of fresh ones. Its
            settings of training, objective and data may be others; a tensor that does not fit is named.

        Returns
        -------
        self
        """
        self._exclusively(
            lambda: self._fit(
                X, y, validation, epochs, callback, run, existing_run, checkpoint_dir, from_weights
            )
        )
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        validation: Any,
        epochs: int | None,
        callback: Callback | None,
        run: Path | None,
        existing_run: str,
        checkpoint_dir: Path | None,
        from_weights: Path | None,
    ) -> None:
        settings = self._given()
        made_of = of_model(settings)
        settings.append(("training.seed", str(seed_of(self.random_state))))
        if epochs is not None:
            settings.append(("training.epochs", setting_text(epochs)))
        if isinstance(X, Data):
            if validation is not None:
                raise InvalidArgumentError("a Data source has its own validation images")
            data, names = X, None
            output_shape: tuple[int, ...] = X.image_shape
        goes_on = self.warm_start and self.__sklearn_is_fitted__()
        told = self._listens(settings)
        classes = getattr(self, "classes_", None) if goes_on else None
        if not isinstance(X, Data):
            images = self._checked(X, "X")
            output_shape, names = images.shape[1:], column_names(X)
            held_out, held_out_y = None, None
            if validation is not None:
                if told:
                    validation, held_out_y = self._pair(validation)
                held_out = self._shaped(self._checked(validation, "validation"))
            condition, held_out_condition = None, None
            if told:
                if goes_on:
                    condition = self._condition(y, len(images))
                else:
                    condition, classes = first_conditions(self._needed(y), len(images), "y")
                if held_out is not None:
                    kind = {1: "label", 2: "vector"}[condition.ndim]
                    held_out_condition = conditions(
                        held_out_y, len(held_out), "validation", kind, classes
                    )
            data = Data._of_arrays(
                self._shaped(images),
                held_out,
                range_code(self.value_range),
                (condition, held_out_condition),
            )
        if goes_on and from_weights is not None:
            raise InvalidArgumentError(
                "from_weights begins with the weights of another model, and warm_start=True goes on with "
                "the present ones; choose one"
            )
        if goes_on:
            settings += self._put_back(settings)
        present = self._model.recipe()["training"] if goes_on else self._keywords
        wanted = dict(settings).get("training.batch_size", str(present["batch_size"]))
        count = data.counts["train"]
        if wanted.isdigit() and int(wanted) > count:
            settings.append(("training.batch_size", str(count)))
        training = [pair for pair in settings if pair[0].startswith("training.")]
        if goes_on:
            self._check_same_model(made_of, "warm_start=False")
        with elements_renamed(train="X", test="validation"):
            model = (
                self._model if goes_on else Model.make(self._variant, settings, data, from_weights)
            )
            trainer = Trainer(model, data, training, run, existing_run, checkpoint_dir)
        # Of a resumed run that of the epochs before.
        resumed = run if existing_run == "resume" else None
        history = [] if resumed is None else history_of(resumed)
        # Before training, so that an interrupted one leaves a model to use.
        self._take(model, output_shape, self._made_of if goes_on else made_of)
        self._trained_with |= {path for path, _ in training}
        self.history_ = history
        self._know(classes)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        trainer.fit(history, callback, bool(self.verbose))

    def _put_back(self, settings: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The defaults of what an earlier training was told and this one is not: the recipe of the model
        still has the earlier values."""
        from vae_zoo._classes import own_recipe

        own, given = own_recipe(self._variant)["training"], dict(settings)
        missing = sorted(path for path in self._trained_with if path not in given)
        names = [(path, path.partition(".")[2]) for path in missing]
        return [(path, setting_text(own[name])) for path, name in names if name in own]

    def _check_same_model(self, wanted: dict[str, str], remedy: str) -> None:
        """Refuses hyper-parameters that only a model with fresh weights could follow."""
        made_of = self._made_of
        if made_of is None or wanted == made_of:
            return
        present, new = (recipe(self._variant, dict(given)) for given in (made_of, wanted))
        for part in present:
            if part == "training" or not isinstance(present[part], dict):
                continue
            for name, value in new[part].items():
                if present[part].get(name, value) != value:
                    raise RecipeError(
                        f"{part}.{name} is {present[part][name]} in the present model, which cannot "
                        f"become {value}; make a new one with {remedy}"
                    )

    def _listens(self, settings: list[tuple[str, str]]) -> bool:
        """Whether the model that settings make, or that there is, is told a condition."""
        if self.warm_start and self.__sklearn_is_fitted__():
            return bool(self._model.condition)
        # What chooses parts; other values may need data to be judged.
        parts = {
            name: value for name, value in settings
            if name in ("architecture", "likelihood") or name.endswith(".name")
        }
        return listens(recipe(self._variant, parts))

    def _needs_y(self) -> bool:
        """Whether ``fit`` needs y; not where its hyper-parameters would be refused."""
        try:
            return self._listens(self._given())
        except (Error, TypeError):
            return False

    def _needed(self, y: Any) -> Any:
        if y is None:
            raise InvalidArgumentError(
                f"{type(self).__name__} is told a condition of each image: requires y to be passed, "
                "but the target y is None"
            )
        return y

    def _pair(self, validation: Any) -> tuple[Any, Any]:
        if not isinstance(validation, tuple) or len(validation) != 2:
            raise InvalidArgumentError(
                f"{type(self).__name__} is told a condition of each image: validation must be a pair, "
                "(images, y)"
            )
        return validation

    def _know(self, classes: np.ndarray | None) -> None:
        """Keeps the classes of labels; a model that is told none has none."""
        if self._model.condition != "label":
            vars(self).pop("classes_", None)
            return
        if classes is None:
            names = self._model.recipe()["data"]["condition"].get("names")
            width = self._model.condition_width
            classes = np.arange(width) if names is None else np.array(names)
        self.classes_ = classes

    def _condition(self, y: Any, count: int | None, name: str = "y") -> np.ndarray | None:
        """What the trained model is told of `count` images, or of all draws; None for a model of p(x)."""
        model = self._fitted()
        if not model.condition:
            return None
        classes = getattr(self, "classes_", None)
        return conditions(self._needed(y), count, name, model.condition, classes)

    def partial_fit(self: _Self, X: Any, y: Any = None) -> _Self:
        """Makes updates on images as they come, one for each ``batch_size`` of them, in their order.

        The first call makes the model, from the shape and the values of its images: state
        ``value_range`` where these are not like all others. Later calls, and calls after ``fit`` or
        ``load``, train on. The state of the optimizer lives from call to call, until another method
        trains, a hyper-parameter of training changes or the estimator is pickled. Schedules and
        warm-ups count the updates of the first call as an epoch; ``epochs``, ``validation`` and
        ``average_decay`` belong to ``fit``, and ``history_`` gets no entry.

        Parameters
        ----------
        X : array-like
            Images, as for ``fit``, in any number.
        y : array-like, optional
            What a conditional variant is told of each, as for ``fit``: the first call must have every
            class.

        Returns
        -------
        self
        """
        self._exclusively(lambda: self._update(X, y))
        return self

    def _exclusively(self, train: Callable[[], None]) -> None:
        if not self._training.acquire(blocking=False):
            raise BusyError(
                "another thread or a callback's own training is fitting this estimator; wait until "
                "it returns"
            )
        try:
            train()
        finally:
            self._training.release()

    def _update(self, X: Any, y: Any) -> None:
        if isinstance(X, Data):
            raise InvalidArgumentError("partial_fit takes images; fit takes a Data source")
        settings = self._given()
        is_fitted = self.__sklearn_is_fitted__()
        images = self._images(X) if is_fitted else self._checked(X, "X")
        shaped = images if is_fitted else self._shaped(images)
        if shaped.ndim == 2:
            shape = self.image_shape_ if is_fitted else (1, images.shape[1], 1)
            shaped = shaped.reshape((len(shaped), *shape))
        classes = getattr(self, "classes_", None)
        condition = None
        if is_fitted:
            self._check_same_model(of_model(settings), "fit")
            settings += self._put_back(settings)
            condition = self._condition(y, len(images))
        elif self._listens(settings):
            condition, classes = first_conditions(self._needed(y), len(images), "y")
        training = [pair for pair in settings if pair[0].startswith("training.")]
        if "training.batch_size" not in dict(training):
            training.append(("training.batch_size", setting_text(getattr(self, "batch_size"))))
        updates = self._updates
        if updates is None or updates.settings != training:
            seed = ("training.seed", str(seed_of(self.random_state)))
            data = Data._of_arrays(
                np.array(shaped), None, range_code(self.value_range), (condition, None)
            )
            with elements_renamed(train="X"):
                made_of = [*settings, seed]
                model = self._model if is_fitted else Model.make(self._variant, made_of, data)
                updates = Updates(model, data, training, seed)
            if not is_fitted:
                self._take(model, images.shape[1:], of_model(settings))
                self.history_ = []
                self._know(classes)
                names = column_names(X)
                if names is not None:
                    self.feature_names_in_ = names
            self._updates = updates
            self._trained_with |= {path for path, _ in training}
        for start in range(0, len(shaped), updates.batch_size):
            part = slice(start, start + updates.batch_size)
            told = None if condition is None else condition[part]
            self.bound_ = updates.make(shaped[part], told)

    def _take(
        self, model: Model, output_shape: tuple[int, ...], made_of: dict[str, str] | None
    ) -> None:
        self._model = model
        self._made_of = made_of
        self._trained_with = frozenset(path for path, _ in self._given() if path.startswith("training."))
        self._updates = None
        self._output_shape = tuple(output_shape)
        self.image_shape_ = model.image_shape
        self.n_features_in_ = int(np.prod(output_shape))

    # -------------------------------------------------------------------------------------- images

    def _checked(self, X: Any, name: str) -> np.ndarray:
        """Images as an array of two to four axes with something in it."""
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
        shape = tuple(images.shape)
        if shape[0] == 0:
            raise InvalidArgumentError(
                f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required."
            )
        if 0 in shape:
            raise InvalidArgumentError(
                f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required."
            )
        return images

    def _shaped(self, images: np.ndarray) -> np.ndarray:
        """Rows of numbers as images of `image_shape`, without copying."""
        if self.image_shape is None or images.ndim != 2:
            return images
        shape = tuple(integer(size, "image_shape") for size in self.image_shape)
        if len(shape) not in (2, 3) or int(np.prod(shape)) != images.shape[1]:
            raise InvalidArgumentError(
                f"image_shape is {self.image_shape!r}, which is not that of rows of "
                f"{images.shape[1]} numbers"
            )
        return images.reshape((images.shape[0], *shape))

    def _images(self, X: Any) -> np.ndarray:
        """Images for the trained model."""
        self._fitted()
        names = getattr(self, "feature_names_in_", None)
        found = column_names(X)
        if names is not None and found is not None and list(names) != list(found):
            raise InvalidArgumentError(
                "The feature names should match those that were passed during fit."
            )
        images = self._checked(X, "X")
        if images.ndim == 2 and images.shape[1] != self.n_features_in_:
            raise InvalidArgumentError(
                f"X has {images.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return images

    def _fitted(self) -> Model:
        if not self.__sklearn_is_fitted__():
            raise _errors.not_fitted(self)
        return self._model

    def _out(self, images: np.ndarray) -> np.ndarray:
        return images.reshape((images.shape[0], *self._output_shape))

    # ------------------------------------------------------------------------------------ the model

    def reconstruct(
        self,
        X: Any,
        y: Any = None,
        *,
        random_state: Any = None,
        progress: WorkProgress | None = None,
    ) -> np.ndarray:
        """Images through the latents and back.

        Parameters
        ----------
        X : array-like
            Images.
        y : array-like, optional
            What a conditional model is told of each image, as for ``fit``; others ignore it.
        random_state : int, generator or None
            Of the draws; None for that of the estimator.
        progress : callable, optional
            Called with the fraction that is done, between parts of the work. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised. It may use the model.
        """
        images = self._images(X)
        return self._out(
            self._model.reconstruct(
                images,
                self._method_seed(random_state),
                progress,
                self._condition(y, len(images)),
            )
        )

    def sample(
        self,
        n_samples: int = 1,
        *,
        random_state: Any = None,
        temperature: float = 1.0,
        condition: Any = None,
        progress: WorkProgress | None = None,
    ) -> np.ndarray:
        """Mean images of draws from the prior.

        Parameters
        ----------
        n_samples : int
            How many.
        random_state : int, generator or None
            Of the draws; None for that of the estimator.
        temperature : float
            A factor of the prior's deviation, 0 to 1000.
        condition : label or array-like, optional
            What a conditional model is told: one of ``classes_``, a row of attributes or numbers, or one
            for each image. Where it is None, a model that is told a label takes its classes in turn.
        progress : callable, optional
            Called with the fraction that is done, between parts of the work. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised. It may use the model.
        """
        model = self._fitted()
        count = integer(n_samples, "n_samples", 1, 2**31 - 1)
        deviation = real(temperature, "temperature")
        seed = self._method_seed(random_state)
        told = None
        if condition is not None:
            if not model.condition:
                raise InvalidArgumentError(
                    "condition is given to a model of p(x), which is told none; leave it out"
                )
            told = self._condition(condition, None, "condition")
        return self._out(model.sample(count, deviation, seed, progress, told))

    def score_samples(
        self,
        X: Any,
        y: Any = None,
        *,
        samples: int = 0,
        random_state: Any = None,
        progress: WorkProgress | None = None,
    ) -> np.ndarray:
        """log p(x) of each image in nats; of a conditional model log p(x|y).

        Parameters
        ----------
        X : array-like
            Images.
        y : array-like, optional
            What a conditional model is told of each image, as for ``fit``; others ignore it.
        samples : int
            Importance samples an image; 0 for the evidence lower bound.
        random_state : int, generator or None
            Of the draws; None for that of the estimator.
        progress : callable, optional
            Called with the fraction that is done, between parts of the work. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised. It may use the model.

        Returns
        -------
        ndarray
            ``[N]`` of float32, the precision of the networks. A score depends on the image and the seed alone.
        """
        images = self._images(X)
        count = integer(samples, "samples", 0, _MOST_SAMPLES)
        told = self._condition(y, len(images))
        seed = self._method_seed(random_state)
        found = self._model.log_likelihood(images, count, seed, progress, told)
        return found.astype(np.float32)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean evidence lower bound of images in nats, for model selection.

        Parameters
        ----------
        X : array-like
            Images.
        y : array-like, optional
            What a conditional model is told of each image, as for ``fit``; others ignore it.
        """
        return float(np.mean(self.score_samples(X, y), dtype=np.float64))

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        split: str = "test",
        samples: int = 0,
        metrics: Iterable[str] | None = None,
        random_state: Any = None,
        progress: WorkProgress | None = None,
    ) -> dict[str, Any]:
        """Everything that is measured, as ``vae-zoo evaluate --json`` names it.

        Parameters
        ----------
        X : array-like or Data
            Images, or a source of which a split is measured.
        y : array-like, optional
            What a conditional model is told of each image, as for ``fit``; others ignore it.
        split : str
            The split of a source: ``"train"``, ``"valid"`` or ``"test"``.
        samples : int
            Importance samples an image for ``nll``; 0 for the bound alone.
        metrics : iterable of str, optional
            What to measure alone, by the names that `metrics` lists; None for all that the model and the images
            allow.
        random_state : int, generator or None
            Of the draws; None for that of the estimator.
        progress : callable, optional
            Called with the fraction that is done, between parts of the work. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised. It may use the model.

        Returns
        -------
        dict
            ``elbo``, ``rate`` and ``distortion`` in nats an example, a ``…_stderr`` beside each, and
            what the variant adds.
        """
        model = self._fitted()
        count = integer(samples, "samples", 0, _MOST_SAMPLES)
        if not isinstance(X, Data):
            images = self._images(X)
            if images.ndim == 2:
                images = images.reshape((images.shape[0], *model.image_shape))
            # Bytes mean what they meant in training, also where these few are all 0 and 1.
            is_byte = images.dtype == np.uint8
            value_range = RANGES["auto"]
            if is_byte:
                value_range = model.range if model.range in _BYTE_RANGES else RANGES["bytes"]
            told = self._condition(y, len(images))
            X, split = Data._of_arrays(images, None, value_range, (told, None)), "train"
        with elements_renamed(train="X"):
            return model.evaluate(
                X, split, count, self._method_seed(random_state), metrics, progress
            )

    def stage(self: _Self, name: str, settings: Mapping[str, Any] | None = None) -> _Self:
        """An estimator of a further stage, such as ``"prior"`` for a trained VQ-VAE or
        ``"mixture"`` for a model with one layer of real latents: ``fit`` trains its parts alone, on
        top of what this one has learnt and keeps.

        Parameters
        ----------
        name : str
            The stage.
        settings : mapping, optional
            Hyper-parameters of its parts by their path in the recipe.

        Returns
        -------
        VAE
            With the hyper-parameters of this one, and ``warm_start`` set.
        """
        pairs = [(key, setting_text(value)) for key, value in (settings or {}).items()]
        model = self._fitted().stage(name, pairs)
        estimator = type(self)(**{**self.get_params(), "warm_start": True})
        estimator._take(model, self._output_shape, of_model(estimator._given()))
        estimator.history_ = []
        estimator._know(getattr(self, "classes_", None))
        return estimator

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

    # --------------------------------------------------------------------------------------- files

    def save(self, path: Path) -> None:
        """Writes weights and recipe into one ``.safetensors`` file, which appears whole or not at all.

        Parameters
        ----------
        path : path
            The file, which is replaced where it exists; the new one has its mode. Where the path is a
            link, this is done to the file that it leads to.
        """
        self._fitted().save(path)

    @classmethod
    def load(cls: type[_Self], path: Path) -> _Self:
        """The trained model of a run folder or an exported ``.safetensors`` file.

        Parameters
        ----------
        path : path
            What ``save``, ``fit(run=…)`` or ``vae-zoo train`` has written.

        Returns
        -------
        VAE
            An estimator of the class of its variant, with the hyper-parameters that the keywords of that
            class stand for, and of a run folder with its history.
        """
        from vae_zoo._classes import variant_class

        model = Model.load(path)
        recipe = model.recipe()
        kind = variant_class(recipe["variant"])
        if not issubclass(kind, cls):
            raise InvalidArgumentError(
                f"{shown_path(path)} holds a {recipe['variant']}, not a {cls._variant}"
            )
        estimator: _Self = kind(**recipe_keywords(kind, recipe))
        estimator._take(model, model.image_shape, of_model(estimator._given()))
        estimator.history_ = history_of(path)
        estimator._know(None)
        return estimator

    # --------------------------------------------------------------------------------- conventions

    def __sklearn_is_fitted__(self) -> bool:
        return "_model" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        transforms = hasattr(self, "transform")
        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=self._needs_y()),
            transformer_tags=TransformerTags(preserves_dtype=[]) if transforms else None,
            classifier_tags=None,
            regressor_tags=None,
            input_tags=InputTags(two_d_array=True, three_d_array=True),
        )

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
            state.setdefault("_trained_with", frozenset())
        self.__dict__.update(state)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        given = [
            f"{name}={getattr(self, name, None)!r}"
            for name, default in self._keywords.items()
            if not same(getattr(self, name, None), default)
        ]
        line = f"{type(self).__name__}({', '.join(given)})"
        return line if len(line) <= N_CHAR_MAX else line[: N_CHAR_MAX - 1] + "…"
