"""What an estimator says and makes by its trained model."""

from __future__ import annotations

from typing import Any, Iterable

import numpy as np

from vae_zoo._data import Data
from vae_zoo._errors import InvalidArgumentError, elements_renamed
from vae_zoo._fitted import FittedModel
from vae_zoo._interrupt import WorkProgress
from vae_zoo._library import Path, flag, integer, real
from vae_zoo._tables import described

_METHODS = ("nll", "elbo", "regret", "ratio", "typicality")

# Importance samples of an image where a method needs some and none are asked for, as elsewhere.
_USUAL_SAMPLES = 16

# Importance samples of an image, at most.
_MOST_SAMPLES = 10_000_000


class Inference(FittedModel):
    """What needs no latents to be seen: reconstructions, samples, scores, measurements."""

    __slots__ = ()

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
        told = self._told(y, X, len(images))
        return self._out(
            self._model.reconstruct(
                images,
                self._method_seed(random_state),
                progress,
                told,
            ),
            told,
            X,
        )

    def sample(
        self,
        n_samples: int = 1,
        *,
        random_state: Any = None,
        temperature: float = 1.0,
        draw: bool = False,
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
        draw : bool
            Draw each image from p(x|z), with its noise, in place of the mean. A draw may leave the range of the
            data.
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
        made = model.sample(count, deviation, seed, progress, told, flag(draw, "draw"))
        return self._out(made, self._in_turn(count) if told is None else told)

    def score_samples(
        self,
        X: Any,
        y: Any = None,
        *,
        samples: int = 0,
        method: str | None = None,
        background: Inference | None = None,
        reference: Any = None,
        group: int | None = None,
        steps: int | None = None,
        random_state: Any = None,
        progress: WorkProgress | None = None,
        communicator: Any = None,
    ) -> np.ndarray:
        """How usual each image is, in nats, lower for what is more unusual: by default log p(x), of a conditional
        model log p(x|y).

        Parameters
        ----------
        X : array-like
            Images.
        y : array-like, optional
            What a conditional model is told of each image, as for ``fit``; others ignore it.
        samples : int
            Importance samples an image, of ``"nll"``, ``"ratio"`` and ``"typicality"``, where 0 stands for 16.
        method : str, optional
            Minus the score that ``vae-zoo score`` has under this name: ``"nll"``, log p(x), importance-weighted;
            ``"elbo"``, the evidence lower bound on it; ``"regret"``, minus the likelihood regret, by how much the bound
            rises where the posterior is optimised for the image alone; ``"ratio"``, log p(x) less that of `background`;
            ``"typicality"``, minus how far the mean of log p(x) over the group of an image is from that over `reference`.
            None is ``"nll"`` where `samples` are given, else ``"elbo"``.
        background : estimator, optional
            A trained model of the same images, of ``"ratio"`` alone.
        reference : array-like or pair, optional
            Images as training saw, best held-out ones, of ``"typicality"`` alone; for a conditional model the pair of
            them and what it is told of each.
        group : int, optional
            How many images in turn are a group, of ``"typicality"`` alone, where None is 10; those left at the end are a
            smaller one.
        steps : int, optional
            Updates of each posterior, of ``"regret"`` alone, where None is 100.
        random_state : int, generator or None
            Of the draws; None for that of the estimator.
        progress : callable, optional
            Called with the fraction that is done, between parts of the work. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised. It may use the model.
        communicator : Communicator or communicator of mpi4py, optional
            What connects this process with others that make the same call, with the same model and images: each looks
            at a part of the images at a time, and all get what one process with as many threads gets.

        Returns
        -------
        ndarray
            ``[N]`` of float32, the precision of the networks. A score depends, up to the rounding of sums, on the image and the seed alone, of
            ``"typicality"`` on the images of its group.
        """
        images = self._images(X)
        count = integer(samples, "samples", 0, _MOST_SAMPLES)
        told = self._told(y, X, len(images))
        seed = self._method_seed(random_state)
        if method is None:
            method = "nll" if count else "elbo"
        if method not in _METHODS:
            raise InvalidArgumentError(
                f"method is {method!r}, which is none of {', '.join(_METHODS)}"
            )
        if (background is None) == (method == "ratio"):
            raise InvalidArgumentError('background belongs to method="ratio", and that needs one')
        if (reference is None) == (method == "typicality"):
            raise InvalidArgumentError(
                'reference belongs to method="typicality", and that needs one: images as training saw, best held-out ones'
            )
        if count and method in ("elbo", "regret"):
            raise InvalidArgumentError(
                f'samples belong to method="nll", "ratio" and "typicality", and it is {method!r}'
            )
        for given, name, owner in ((group, "group", "typicality"), (steps, "steps", "regret")):
            if given is not None and method != owner:
                raise InvalidArgumentError(f'{name} belongs to method="{owner}", and it is {method!r}')
        updates = 0 if steps is None else integer(steps, "steps", 1, 100_000)
        size = 0 if group is None else integer(group, "group", 1, 2**31 - 1)
        if method in ("nll", "elbo") and communicator is None:
            draws = (count or _USUAL_SAMPLES) if method == "nll" else 0
            found = self._model.log_likelihood(images, draws, seed, progress, told)
            return found.astype(np.float32)
        common = None if background is None else background._fitted()
        usual = None if reference is None else self._usual(reference)
        found = self._model.score(
            images, method, common, usual, size, count, updates, seed, progress, told, communicator
        )
        return (-found).astype(np.float32)

    def _usual(self, reference: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Images to compare with, and what a conditional model is told of them."""
        X, y = reference if isinstance(reference, tuple) and len(reference) == 2 else (reference, None)
        images = self._images(X, "reference")
        return images, self._told(y, X, len(images))

    def impute(
        self,
        X: Any,
        y: Any = None,
        *,
        samples: int = 1000,
        draw: bool = False,
        random_state: Any = None,
        progress: WorkProgress | None = None,
        communicator: Any = None,
    ) -> np.ndarray:
        """Images, or rows of a table, with what is missing filled in by what the model expects there, given what is
        known of each; all that is known stays as it is. Means of numbers are means in the units of X; images that are
        known alike get the same means, and each a draw of its own.

        The model must be told which values are missing: a ``MissingVAE``, or another class with
        ``settings={"encoder.name": "masked-mlp"}``.

        Parameters
        ----------
        X : array-like
            Images or rows, with NaN for what is missing.
        y : array-like, optional
            What a conditional model is told of each image, as for ``fit``; others ignore it.
        samples : int
            Draws an image that are weighted by importance.
        draw : bool
            Fill in draws, as scattered as data are and with every `random_state` others, in place of means.
        random_state : int, generator or None
            Of the draws; None for that of the estimator.
        progress : callable, optional
            Called with the fraction that is done, between parts of the work. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised. It may use the model.
        communicator : Communicator or communicator of mpi4py, optional
            What connects this process with others that make the same call, with the same model and images: each looks
            at a part of the images at a time, and all get what one process with as many threads gets.
        """
        images, filled, _, told = self._imputed(X, y, None, samples, draw, random_state, progress, communicator)
        if images.dtype.kind == "f":
            # What is known has the digits that X has.
            filled = np.where(np.isnan(images), filled.reshape(images.shape), images)
        whole = self._out(filled, told, X, keeping=True)
        if self._form is None and isinstance(X, np.ndarray) and X.dtype.kind in "iu" and X.dtype != np.uint8:
            # Nothing is missing among integers, which floats may not hold.
            return X.reshape(whole.shape).copy()
        return whole

    def imputation_error(
        self,
        X: Any,
        truth: Any,
        y: Any = None,
        *,
        samples: int = 1000,
        draw: bool = False,
        random_state: Any = None,
        progress: WorkProgress | None = None,
    ) -> dict[str, Any]:
        """How far what `impute` fills in is from the truth, as ``vae-zoo impute --truth --json`` names it.

        Parameters
        ----------
        X : array-like
            Images or rows, with NaN for what is missing.
        truth : array-like
            The same with the true values.
        y, samples, draw, random_state, progress
            As of `impute`.

        Returns
        -------
        dict
            ``missing``, how many values were; ``effective_draws``; ``rmse``, of tables in standard deviations of their
            columns as the model sees these, of positive columns and counts in those of logarithms, with
            ``rmse_of_means``, that of filling in the columns' means in training; ``wrong_share`` of categories;
            ``columns``, the error of each.
        """
        return self._imputed(X, y, truth, samples, draw, random_state, progress)[2]

    def _imputed(
        self,
        X: Any,
        y: Any,
        truth: Any,
        samples: int,
        draw: bool,
        random_state: Any,
        progress: WorkProgress | None,
        communicator: Any = None,
    ) -> tuple[np.ndarray, np.ndarray, dict[str, Any], np.ndarray | None]:
        images = self._images(X)
        told = self._told(y, X, len(images))
        filled, measured = self._model.impute(
            images,
            integer(samples, "samples", 1, _MOST_SAMPLES),
            flag(draw, "draw"),
            None if truth is None else self._images(truth, "truth"),
            self._method_seed(random_state),
            progress,
            told,
            communicator,
        )
        return images, filled, measured, told

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
        network: Path | None = None,
        network_layer: str | None = None,
        random_state: Any = None,
        progress: WorkProgress | None = None,
        communicator: Any = None,
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
        network : path, optional
            A frozen network to compare images by: a file that `Classifier.save` wrote, or an exported model, whose
            encoder it is.
        network_layer : str, optional
            The layer whose features are compared; None for the one that stands for the image.
        random_state : int, generator or None
            Of the draws; None for that of the estimator, which of a loaded one is the seed of its training. 0 gives the
            numbers of ``vae-zoo evaluate``, whose ``--seed`` names another.
        progress : callable, optional
            Called with the fraction that is done, between parts of the work. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised. It may use the model.
        communicator : Communicator or communicator of mpi4py, optional
            What connects this process with others that make the same call, with the same model and images: each looks
            at a part of the images at a time, and all get what one process with as many threads gets.

        Returns
        -------
        dict
            ``elbo``, ``rate`` and ``distortion`` in nats per example, a ``…_stderr`` beside each, and
            what the variant adds.
        """
        model = self._fitted()
        count = integer(samples, "samples", 0, _MOST_SAMPLES)
        if not isinstance(X, Data):
            images = self._images(X)
            if images.ndim == 2:
                images = images.reshape((images.shape[0], *model.image_shape))
            value_range = self._range_of(images)
            told = self._told(y, X, len(images))
            names = model.class_names if told is not None and told.ndim == 1 else []
            columns = None if self._form is None else described(model.columns)
            X = Data._of_arrays(images, None, value_range, (told, None), names, columns)
            split = "train"
        with elements_renamed(train="X"):
            return model.evaluate(
                X, split, count, self._method_seed(random_state), metrics, progress, network, network_layer,
                communicator,
            )

