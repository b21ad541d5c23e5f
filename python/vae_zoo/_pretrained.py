"""Autoencoders of latent diffusion by the conventions of diffusers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from vae_zoo._arrays import as_array
from vae_zoo._errors import InvalidArgumentError
from vae_zoo._interrupt import WorkProgress
from vae_zoo._library import Path


class LatentDistribution:
    """What the encoder says about pictures: a Gaussian for each latent, ``[N, C, rows, columns]``."""

    def __init__(self, mean: np.ndarray, var: np.ndarray) -> None:
        self.mean = mean
        """The means."""
        self.var = var
        """The variances."""

    @property
    def std(self) -> np.ndarray:
        """The standard deviations."""
        return np.sqrt(self.var)

    @property
    def logvar(self) -> np.ndarray:
        """The logarithms of the variances."""
        return np.log(self.var)

    def mode(self) -> np.ndarray:
        """The likeliest latents, which are the means."""
        return self.mean

    def sample(self, generator: Any = None) -> np.ndarray:
        """Latents drawn from it.

        Parameters
        ----------
        generator : int, numpy generator or None
            Of the draws; None for others every time.
        """
        noise = np.random.default_rng(generator).standard_normal(self.mean.shape, dtype=np.float32)
        return self.mean + self.std * noise


class EncoderOutput(NamedTuple):
    """What ``encode`` gives."""

    latent_dist: LatentDistribution
    """The distribution of the latents."""

    @property
    def latents(self) -> np.ndarray:
        """The means of the latents, as diffusers' autoencoders without a distribution give them."""
        return self.latent_dist.mode()


class DecoderOutput(NamedTuple):
    """What ``decode`` gives."""

    sample: np.ndarray
    """Pictures ``[N, C, H, W]`` between -1 and 1."""


class PretrainedAutoencoder:
    """An autoencoder whose latents are a map, used as diffusers' ``AutoencoderKL`` and ``AutoencoderTiny`` are.

    Pictures are ``[N, C, H, W]`` of any size with numbers between -1 and 1, latents ``[N, C, rows, columns]``. Both may be
    arrays of NumPy, or of PyTorch, JAX and others by DLPack; what comes out are NumPy's, of which
    ``torch.from_dlpack`` makes tensors without copying. The latents are the autoencoder's own: a model that is trained on
    them takes ``(z - config.shift_factor) * config.scaling_factor``, and neither is applied here.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        """The estimator, which can be trained on and saved."""
        prior = estimator.recipe_["prior"]
        if "levels" not in prior or "latent_channels" not in prior:
            raise InvalidArgumentError(
                f"{type(estimator).__name__} is a model for images of one size; pictures of any size need latents that "
                "are a map, as those of AutoencoderKL are"
            )
        self.config = SimpleNamespace(
            in_channels=estimator.image_shape_[2],
            latent_channels=prior["latent_channels"],
            scaling_factor=float(prior["scaling_factor"]),
            shift_factor=float(prior["shift_factor"]),
        )
        """``scaling_factor``, ``shift_factor``, ``latent_channels`` and ``in_channels``."""

    def encode(self, x: Any, *, progress: WorkProgress | None = None) -> EncoderOutput:
        """The distribution of the latents of pictures.

        Parameters
        ----------
        x : array-like
            Pictures ``[N, C, H, W]`` between -1 and 1. One whose sides are no multiples of the pixels of a place goes on
            below and to the right as it ends.
        progress : callable, optional
            Called with the fraction that is done, layer by layer. A true value stops it, with a `CancelledError`; an
            exception stops it and is raised.
        """
        pictures = _floats(x, "x")
        found = self.estimator._model.encode_pictures(
            _channels_last(pictures * np.float32(0.5) + np.float32(0.5), "x"), progress
        )
        mean, var = (_channels_first(array) for array in found)
        return EncoderOutput(LatentDistribution(mean, var))

    def decode(self, z: Any, *, progress: WorkProgress | None = None) -> DecoderOutput:
        """The pictures of latents.

        Parameters
        ----------
        z : array-like
            Latents ``[N, C, rows, columns]``, the autoencoder's own: of a diffusion model
            ``latents / config.scaling_factor + config.shift_factor``.
        progress : callable, optional
            As of ``encode``.

        Returns
        -------
        DecoderOutput
            Its ``sample`` is cut to -1 and 1, where diffusers leaves that to what shows the picture.
        """
        latents = _channels_last(_floats(z, "z"), "z")
        pictures = self.estimator._model.decode_pictures(latents, progress)
        return DecoderOutput(_channels_first(pictures) * 2 - 1)

    def save_pretrained(self, folder: Path) -> None:
        """Writes ``config.json`` and the weights as diffusers reads them.

        Parameters
        ----------
        folder : path
            The folder, which is made where there is none.
        """
        self.estimator.export_weights(folder, "diffusers")


def _floats(values: Any, name: str) -> np.ndarray:
    array = as_array(values, name)
    if array.dtype == np.uint8:
        raise InvalidArgumentError(f"{name} holds bytes, where floating-point numbers are needed")
    return array.astype(np.float32, copy=False)


def _channels_last(array: np.ndarray, name: str) -> np.ndarray:
    """A view of pictures or latents with the channels last."""
    if array.ndim != 4:
        raise InvalidArgumentError(
            f"{name} has the shape {array.shape}, but pictures and latents are [N, channels, height, width]"
        )
    return array.transpose(0, 2, 3, 1)


def _channels_first(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
