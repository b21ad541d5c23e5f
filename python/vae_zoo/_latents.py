"""What estimators have whose model has latents: they transform."""

from __future__ import annotations

import sys
from typing import Any, Sequence, TypeVar

import numpy as np

from vae_zoo._arrays import unmasked
from vae_zoo._errors import InvalidArgumentError
from vae_zoo._fitting import Fitting
from vae_zoo._interrupt import WorkProgress
from vae_zoo._model import Encoding
from vae_zoo._tables import is_frame

_Self = TypeVar("_Self", bound="Latents")


class Latents(Fitting):
    """``transform``, ``encode``, and the way back."""

    __slots__ = ()

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        """``fit``, then ``transform``, of the same images.

        Parameters
        ----------
        X : array-like
            Images.
        y : array-like, optional
            What a conditional variant is told of each image; others ignore it.
        **fit_params
            What ``fit`` takes besides.
        """
        self.fit(X, y, **fit_params)
        return self.transform(X, y)

    def transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Images as latents, a row each.

        Parameters
        ----------
        X : array-like
            Images.
        y : array-like, optional
            What a conditional model is told of each image, as for ``fit``; others ignore it.

        Returns
        -------
        ndarray
            The mean of q(z|x) as float32; the numbers of the codes as int32 where latents are codes; a draw where it
            has no mean, as after a flow; and for a hierarchy a draw of all its layers, the one nearest to the data first.
        """
        images = self._images(X)
        model, seed = self._model, self._method_seed(None)
        kind = "codes" if model.code_count else "mean"
        told = self._told(y, X, len(images))
        found = model.encode(images, seed, [kind], condition=told)
        latents = found.codes if model.code_count else found.mean
        if latents is None:
            layers = model.encode(images, seed, ["samples"], condition=told).samples
            latents = np.concatenate([layer.reshape(len(layer), -1) for layer in layers], axis=1)
        return self._framed(latents.reshape(len(latents), -1), X)

    def inverse_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """The mean images of latents, rows as ``transform`` gives them.

        Parameters
        ----------
        X : array-like
            Latents.
        y : array-like, optional
            What a conditional model is told of each row, as for ``fit``; others ignore it.
        """
        model = self._fitted()
        rows = np.asarray(unmasked(X, "X"))
        if rows.ndim < 2:
            raise InvalidArgumentError(
                f"Expected 2D array of latents, got {rows.ndim}D array instead. Reshape your data "
                "using array.reshape(1, -1) if it contains a single sample."
            )
        shapes = model.layer_shapes()
        if model.code_count:
            if rows.dtype.kind == "f" and np.array_equal(rows, np.rint(rows)):
                rows = rows.astype(np.int64)
            shapes = [shape[:-1] for shape in shapes]
        rows = rows.reshape(len(rows), -1)
        sizes = [int(np.prod(shape)) for shape in shapes]
        if rows.shape[1] != sum(sizes):
            raise InvalidArgumentError(
                f"X has {rows.shape[1]} latents a row, but this {type(self).__name__} has {sum(sizes)}"
            )
        ends = np.cumsum(sizes)
        layers = [
            rows[:, end - size : end].reshape((len(rows), *shape))
            for shape, size, end in zip(shapes, sizes, ends)
        ]
        made = self.decode(layers, y)
        if is_frame(made) and is_frame(X):
            made.index = X.index
        return made

    def encode(
        self,
        X: Any,
        y: Any = None,
        *,
        random_state: Any = None,
        progress: WorkProgress | None = None,
        communicator: Any = None,
    ) -> Encoding:
        """All that the encoder says about images.

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
        communicator : Communicator or communicator of mpi4py, optional
            What connects this process with others that make the same call, with the same model and images: each looks
            at a part of the images at a time, and all get what one process with as many threads gets.
        """
        seed = self._method_seed(random_state)
        images = self._images(X)
        told = self._told(y, X, len(images))
        return self._fitted().encode(images, seed, progress=progress, condition=told, communicator=communicator)

    def decode(
        self,
        latents: Sequence[Any],
        y: Any = None,
        *,
        random_state: Any = None,
        progress: WorkProgress | None = None,
    ) -> np.ndarray:
        """The mean images of latents; draws where the decoder is autoregressive.

        Parameters
        ----------
        latents : sequence of array-like
            The tensor of each stochastic layer, the one nearest to the data first, as the ``samples`` of
            ``encode``; for codes their numbers or their vectors.
        y : label or array-like, optional
            What a conditional model is told of each row, or of all; others ignore it.
        random_state : int, generator or None
            Of the draws; None for that of the estimator.
        progress : callable, optional
            Called with the fraction that is done, between parts of the work. A true value stops it, with a
            `CancelledError`; an exception stops it and is raised. It may use the model.
        """
        model = self._fitted()
        told = self._condition(y, None)
        seed = self._method_seed(random_state)
        return self._out(model.decode(list(latents), seed, progress, told), told)

    def set_output(self: _Self, *, transform: str | None = None) -> _Self:
        """Chooses what ``transform`` and ``fit_transform`` give, by scikit-learn's convention.

        Parameters
        ----------
        transform : str, optional
            ``"default"`` for arrays, ``"pandas"`` or ``"polars"`` for a data frame with the names of
            ``get_feature_names_out``, or None to leave the choice as it is.
        """
        if transform is None:
            return self
        if transform not in ("default", "pandas", "polars"):
            raise InvalidArgumentError(
                f"transform is {transform!r}, but must be one of default, pandas, polars"
            )
        # Where scikit-learn's clone looks for it.
        self._sklearn_output_config = {"transform": transform}
        return self

    def _framed(self, latents: np.ndarray, X: Any) -> Any:
        """Latents in the container that was chosen, here or for all of scikit-learn."""
        chosen = self.__dict__.get("_sklearn_output_config", {}).get("transform")
        if chosen is None and "sklearn" in sys.modules:
            chosen = sys.modules["sklearn"].get_config()["transform_output"]
        if chosen == "pandas":
            import pandas

            return pandas.DataFrame(
                latents, index=getattr(X, "index", None), columns=self.get_feature_names_out()
            )
        if chosen == "polars":
            import polars

            return polars.DataFrame(latents, schema=list(self.get_feature_names_out()), orient="row")
        return latents

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that ``transform`` gives.

        Parameters
        ----------
        input_features : ignored
            For scikit-learn.
        """
        shapes = self._fitted().layer_shapes()
        if self._model.code_count:
            shapes = [shape[:-1] for shape in shapes]
        name = type(self).__name__.lower()
        count = sum(int(np.prod(shape)) for shape in shapes)
        return np.asarray([f"{name}{number}" for number in range(count)], dtype=object)
