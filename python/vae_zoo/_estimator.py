"""The estimators, by scikit-learn's conventions but without needing scikit-learn, and the class of each variant."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping, TypeVar

import numpy as np

from vae_zoo import _registry
from vae_zoo._classes import made_class
from vae_zoo._conditions import NONE, Known, first_conditions
from vae_zoo._data import Data, range_code
from vae_zoo._errors import InvalidArgumentError
from vae_zoo._fitting import Fitting
from vae_zoo._inference import Inference
from vae_zoo._latents import Latents
from vae_zoo._interrupt import WorkProgress
from vae_zoo._library import Path, integer, setting_text, shown_path
from vae_zoo._model import Model
from vae_zoo._pretrained import PretrainedAutoencoder
from vae_zoo._settings import history_of, of_model, recipe_keywords
from vae_zoo._tables import described, labels_of, loaded_form

_Self = TypeVar("_Self", bound="VAE")


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


class VAE(Fitting, Inference, metaclass=_Variants):
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

    __slots__ = ()

    _is_factory: ClassVar[bool] = True

    @staticmethod
    def _made(variant: str, **hyperparameters: Any) -> VAE:
        return variant_class(variant)(**hyperparameters)

    def stage(
        self: _Self, name: str, settings: Mapping[str, Any] | None = None, *, X: Any = None, y: Any = None
    ) -> _Self:
        """An estimator of a further stage, such as ``"prior"`` for a trained VQ-VAE, or
        ``"mixture"``, ``"flow"`` or ``"two-stage"`` for a model with one layer of real latents: ``fit`` trains
        its parts alone, on top of what this one has learnt and keeps.

        Parameters
        ----------
        name : str
            The stage.
        settings : mapping, optional
            Hyper-parameters of its parts by their path in the recipe.
        X, y : array-like, or Data and None
            What ``fit`` will be given: for a stage that is told a condition which this model is not, such as
            ``"class-mixture"``.

        Returns
        -------
        VAE
            With the hyper-parameters of this one, and ``warm_start`` set.
        """
        pairs = [(key, setting_text(value)) for key, value in (settings or {}).items()]
        data, classes = self._stage_data(X, y)
        model = self._fitted().stage(name, data, pairs)
        estimator = type(self)(**{**self.get_params(), "warm_start": True})
        estimator._take(model, self._output_shape, of_model(estimator._given()))
        estimator._form = self._form
        estimator.history_ = []
        estimator._know(classes if classes is not None else getattr(self, "classes_", None))
        return estimator

    def _stage_data(self, X: Any, y: Any) -> tuple[Data | None, np.ndarray | None]:
        """Data that say what a further stage is told, and the classes of their labels."""
        if X is None or isinstance(X, Data):
            if y is not None:
                raise InvalidArgumentError("y is known of each example of X, an array; give it as well, or neither")
            return X, None
        columns = None if self._form is None else self._fitted().columns
        rows = self._shaped(self._images(X))
        if y is None and self._form is not None:
            y = labels_of(X, self._form)
        known = Known(NONE) if y is None else first_conditions(y, len(rows), "y")
        data = Data._of_arrays(
            rows, None, range_code(self.value_range), (known.values, None), known.class_names,
            None if columns is None else described(columns),
        )
        return data, known.classes

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
    def load(cls: type[_Self], path: Path, *, checkpoint: str | int = "last") -> _Self:
        """The trained model of a run folder or an exported ``.safetensors`` file.

        Parameters
        ----------
        path : path
            What ``save``, ``fit(run=…)`` or ``vae-zoo train`` has written.
        checkpoint : str or int
            Which checkpoint of a run folder: ``"last"``, ``"best"``, that of the epoch with the best held-out
            bound, or a number of updates.

        Returns
        -------
        VAE
            An estimator of the class of its variant, with the hyper-parameters that the keywords of that
            class stand for, and of a run folder with its history. Its ``random_state``, with which its methods draw, is
            the seed of its training; the command and C draw with 0 where nobody names a seed.
        """
        estimator = cls._of_model(Model.load(path, checkpoint), path)
        estimator.history_ = history_of(path)
        return estimator

    @classmethod
    def _of_model(cls: type[_Self], model: Model, path: Path) -> _Self:
        """The estimator of a model that a path has led to."""
        recipe = model.recipe()
        kind = variant_class(recipe["variant"])
        if not issubclass(kind, cls):
            raise InvalidArgumentError(
                f"{shown_path(path)} holds a model of {recipe['variant']}, not of {cls._variant}"
            )
        estimator: _Self = kind(**recipe_keywords(kind, recipe))
        form = loaded_form(model.columns, recipe["data"].get("label_column"))
        estimator._take(model, _row_shape(model), of_model(estimator._given()))
        estimator._form = form
        estimator.history_ = []
        estimator._know(None)
        return estimator

    @classmethod
    def import_weights(
        cls: type[_Self],
        path: Path,
        *,
        size: int | None = None,
        settings: Mapping[str, Any] | None = None,
        progress: WorkProgress | None = None,
    ) -> _Self:
        """The trained model that weights of another program make, such as Stable Diffusion's autoencoder.

        Parameters
        ----------
        path : path
            A ``.safetensors`` file, or a folder of them with ``config.json`` where there is one. Pickles are never
            read.
        size : int, optional
            The side of the images that the estimator is for; None for what the files say, else 256. `from_pretrained`
            takes pictures of any size.
        settings : mapping, optional
            Hyper-parameters by their path in the recipe, such as ``prior.scaling_factor``, which some files do not
            say.
        progress : callable, optional
            Called with the fraction that is done; -1 while files are read. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised.

        Returns
        -------
        VAE
            An estimator of the class of its variant.
        """
        pairs = [(key, setting_text(value)) for key, value in (settings or {}).items()]
        side = 0 if size is None else integer(size, "size", 1, 32768)
        return cls._of_model(Model.import_weights(path, pairs, side, progress), path)

    def export_weights(self, path: Path, form: str = "diffusers") -> None:
        """Writes the weights as another program reads them, the inverse of `import_weights`.

        Parameters
        ----------
        path : path
            The folder, or for ``"ldm"`` the file, which ends in ``.safetensors``. A folder is made where there is none.
        form : str
            ``"diffusers"``; of an autoencoder-kl or vq-model also ``"ldm"``, of an autoencoder-tiny ``"taesd"``.
        """
        self._fitted().export_weights(path, form)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        transforms = hasattr(self, "transform")
        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=self._needs_y()),
            transformer_tags=TransformerTags(preserves_dtype=[]) if transforms else None,
            classifier_tags=None,
            regressor_tags=None,
            input_tags=InputTags(
                two_d_array=True, three_d_array=True, allow_nan=self._takes_missing()
            ),
        )


class LatentVAE(Latents, VAE):
    """An estimator whose model has latents."""

    __slots__ = ()

    _is_factory: ClassVar[bool] = False

    @classmethod
    def from_pretrained(
        cls,
        path: Path,
        *,
        settings: Mapping[str, Any] | None = None,
        progress: WorkProgress | None = None,
    ) -> PretrainedAutoencoder:
        """Weights of another program, to be used as diffusers' classes of the same name are: pictures of any
        size, ``[N, C, H, W]`` between -1 and 1.

        Parameters
        ----------
        path : path
            What `import_weights` takes.
        settings : mapping, optional
            Hyper-parameters by their path in the recipe, such as ``prior.scaling_factor``.
        progress : callable, optional
            As of `import_weights`.
        """
        return PretrainedAutoencoder(
            cls.import_weights(path, settings=settings, progress=progress)
        )

    def pretrained(self) -> PretrainedAutoencoder:
        """This trained model, to be used as diffusers' classes are; it must be one whose latents are a map."""
        self._fitted()
        return PretrainedAutoencoder(self)


_classes: dict[str, type[VAE]] = {}


def _row_shape(model: Model) -> tuple[int, ...]:
    """The shape of a row that a model which was read gives: that of its images, numbers side by side of a table or of
    rows of numbers."""
    height, width, channels = model.image_shape
    if model.columns:
        return (len(model.columns),)
    return (width,) if height == 1 and channels == 1 else (height, width, channels)


def variant_class(variant: str) -> type[VAE]:
    """The class of a variant, made when it is asked for."""
    if variant not in _classes:
        description = _registry.describe(variant)
        priors = [part["name"] for part in description["parts"] if part["role"] == "prior"]
        _classes[variant] = made_class(description, VAE if priors == ["none"] else LatentVAE)
    return _classes[variant]


def forget(variant: str | None) -> None:
    """Lets the class of a variant be made anew, after its description has changed."""
    _registry.forget_recipes()
    if variant is not None:
        _classes.pop(variant, None)
