"""Autoencoders of latent diffusion by the conventions of diffusers."""

from __future__ import annotations

import operator
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from vae_zoo._arrays import as_array, as_given
from vae_zoo._errors import InvalidArgumentError, remedies_renamed
from vae_zoo._interrupt import PictureComputation, WorkProgress
from vae_zoo._library import Path


# What pictures reach at most, which lie between -1 and 1 but for what resampling and noise add.
_LARGEST_PIXEL = 1.5

# What products may multiply, by the numbers of the library.
_PRECISIONS = ["float32", "bfloat16"]

# What does here what a setting of the library's calls does.
_TILING = "enable_tiling(tile_sample_min_size={})"


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

    latent_dist: LatentDistribution | None
    """The distribution of the latents; None of a model whose latents become codes, which has points."""
    latents: np.ndarray
    """The latents, ``[N, C, rows, columns]``: the means of the distribution, or the points."""


class DecoderOutput(NamedTuple):
    """What ``decode`` gives."""

    sample: np.ndarray
    """Pictures ``[N, C, H, W]`` between -1 and 1."""


class PretrainedAutoencoder:
    """An autoencoder whose latents are a map, used as diffusers' ``AutoencoderKL``, ``AutoencoderTiny`` and
    ``VQModel`` are.

    Pictures are ``[N, C, H, W]`` of any size with numbers between -1 and 1, latents ``[N, C, rows, columns]``. Both may be
    arrays of NumPy, or of PyTorch, JAX and others by DLPack; what comes out are NumPy's, of which
    ``torch.from_dlpack`` makes tensors without copying. The latents are the autoencoder's own: a model that is trained on
    them takes ``(z - config.shift_factor) * config.scaling_factor``, and neither is applied here. A ``VQModel`` gives
    points, which ``decode`` puts to the nearest codes first.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        """The estimator, which can be trained on and saved."""
        prior = estimator.recipe_["prior"]
        self.config = SimpleNamespace(
            in_channels=estimator.image_shape_[2],
            # Of a map of units, or of the vectors of codes; the library says where a model has neither.
            latent_channels=prior.get("latent_channels", prior.get("code_size")),
            scaling_factor=float(prior.get("scaling_factor", 1)),
            shift_factor=float(prior.get("shift_factor", 0)),
        )
        """``scaling_factor``, ``shift_factor``, ``latent_channels`` and ``in_channels``; latents that become codes have
        the factors 1 and 0."""
        self._tile = 0
        self._precision = "float32"

    def enable_tiling(self, use_tiling: bool = True, *, tile_sample_min_size: int = 512) -> None:
        """Takes pictures that are larger than a tile in tiles from now on, where memory is short.

        Tiles overlap by a quarter and are blended, as those of diffusers' ``AutoencoderKL`` are, or by an eighth, as those
        of its ``AutoencoderTiny``. What comes out is not quite that of the whole picture: normalisation over the picture
        and attention see a tile alone.

        Parameters
        ----------
        use_tiling : bool
            Whether to.
        tile_sample_min_size : int
            The side of a tile in pixels, a multiple of four times the pixels of a place of the latents, of
            ``AutoencoderTiny`` of eight times them; diffusers takes the ``sample_size`` of its config where this says 512.
        """
        tile = operator.index(tile_sample_min_size) if use_tiling else 0
        if use_tiling and not 0 < tile < 2**31:
            raise InvalidArgumentError(f"tile_sample_min_size is {tile}, but must be a number of pixels")
        self._tile = tile

    def disable_tiling(self) -> None:
        """Takes pictures whole again."""
        self.enable_tiling(False)

    def to(self, dtype: Any) -> PretrainedAutoencoder:
        """Chooses what products and convolutions multiply from now on.

        Parameters
        ----------
        dtype : str or dtype
            ``"float32"``, or ``"bfloat16"``, which is quicker where the processor has instructions for it, and rounds; an
            error says where it has not. PyTorch's and JAX's dtypes of these names are taken as well. Arrays stay of
            32-bit floats.

        Returns
        -------
        PretrainedAutoencoder
            This autoencoder.
        """
        name = str(getattr(dtype, "__name__", dtype)).removeprefix("torch.")
        if name not in _PRECISIONS:
            raise InvalidArgumentError(f"dtype is {name}, but must be float32 or bfloat16")
        self._precision = name
        return self

    @property
    def dtype(self) -> str:
        """What products and convolutions multiply: ``"float32"`` or ``"bfloat16"``."""
        return self._precision

    @property
    def _computation(self) -> PictureComputation:
        return PictureComputation(self._tile, _PRECISIONS.index(self._precision))

    def encode(self, x: Any, *, progress: WorkProgress | None = None) -> EncoderOutput:
        """The latents of pictures, and their distribution where they have one.

        Parameters
        ----------
        x : array-like
            Pictures ``[N, C, H, W]``, floats between -1 and 1; an `InvalidArgumentError` refuses whole numbers, and numbers
            beyond -1.5 and 1.5. One whose sides are no multiples of the pixels of a place goes on
            below and to the right as it ends.
        progress : callable, optional
            Called with the fraction that is done, layer by layer. A true value stops it, with a `CancelledError`; an
            exception stops it and is raised.
        """
        pictures = _floats(x, "x", "bytes of pictures are x / 127.5 - 1")
        last = _channels_last(pictures, "x", self.config.in_channels)
        if pictures.size and np.isfinite(pictures).all() and np.abs(pictures).max() > _LARGEST_PIXEL:
            raise InvalidArgumentError(
                f"x holds numbers from {pictures.min():g} to {pictures.max():g}, but pictures are between -1 and 1; those up to 255 "
                "become x / 127.5 - 1"
            )
        with remedies_renamed(tile=_TILING):
            found, variance = self.estimator._model.encode_pictures(
                last * np.float32(0.5) + np.float32(0.5), progress, self._computation
            )
        latents = _channels_first(found)
        if variance is None:
            return EncoderOutput(None, latents)
        return EncoderOutput(LatentDistribution(latents, _channels_first(variance)), latents)

    def decode(self, z: Any, *, progress: WorkProgress | None = None) -> DecoderOutput:
        """The pictures of latents.

        Parameters
        ----------
        z : array-like
            Latents ``[N, C, rows, columns]``, the autoencoder's own: of a diffusion model
            ``latents / config.scaling_factor + config.shift_factor``. Bytes (uint8) are those of ``scale_latents``; an
            `InvalidArgumentError` refuses other whole numbers and truth values.
        progress : callable, optional
            As of ``encode``.

        Returns
        -------
        DecoderOutput
            Its ``sample`` is cut to -1 and 1, where diffusers leaves that to what shows the picture.
        """
        array = as_given(z, "z")
        if array.dtype != np.uint8:
            array = _floats(array, "z", "bytes that stand for latents are uint8")
        latents = _channels_last(array, "z", self.config.latent_channels)
        with remedies_renamed(tile=_TILING):
            pictures = self.estimator._model.decode_pictures(latents, progress, self._computation)
        return DecoderOutput(_channels_first(pictures) * 2 - 1)

    def scale_latents(self, x: Any) -> np.ndarray:
        """Latents as numbers between 0 and 1, ``clip(x / 2 m + 1/2, 0, 1)``, as diffusers' ``AutoencoderTiny`` has them.

        ``(255 * scale_latents(z)).round().astype("uint8")`` are bytes, which ``decode`` takes, too.

        Parameters
        ----------
        x : array-like
            Latents ``[N, C, rows, columns]``. What lies beyond -m and m is cut, with m the decoder's ``latent_magnitude``; a
            model without one raises an `InvalidArgumentError`.
        """
        magnitude = self._magnitude
        latents = _floats(x, "x", "unscale_latents(x / 255) are the latents of bytes")
        return np.clip(latents / np.float32(2 * magnitude) + np.float32(0.5), 0, 1)

    def unscale_latents(self, x: Any) -> np.ndarray:
        """What ``scale_latents`` was given, as far as it lay between -m and m.

        Parameters
        ----------
        x : array-like
            Numbers between 0 and 1; those of bytes are ``x / 255``.
        """
        scaled = _floats(x, "x", "bytes are x / 255")
        return (scaled - np.float32(0.5)) * np.float32(2 * self._magnitude)

    @property
    def _magnitude(self) -> float:
        magnitude = self.estimator.recipe_["decoder"].get("latent_magnitude")
        if magnitude is None:
            raise InvalidArgumentError(
                "the latents of this model have no largest magnitude, so bytes cannot stand for them"
            )
        return float(magnitude)

    def save_pretrained(self, folder: Path) -> None:
        """Writes ``config.json`` and the weights as diffusers reads them.

        Parameters
        ----------
        folder : path
            The folder, which is made where there is none. An autoencoder that diffusers does not have raises a
            `RecipeError`; ``estimator.export_weights`` writes other forms.
        """
        # This method has no form that could be another one.
        with remedies_renamed(form='estimator.export_weights(path, "{}")'):
            self.estimator.export_weights(folder, "diffusers")


def _floats(values: Any, name: str, remedy: str) -> np.ndarray:
    """32-bit floats; whole numbers and truth values are refused, for they do not say what they stand for."""
    array = as_given(values, name)
    if array.dtype.kind in "biu":
        raise InvalidArgumentError(
            f"{name} holds {array.dtype}, where floating-point numbers are needed; {remedy}"
        )
    return as_array(array, name).astype(np.float32, copy=False)


def _channels_last(array: np.ndarray, name: str, channels: int | None) -> np.ndarray:
    """A view of pictures or latents, of so many channels where that is known, with the channels last."""
    if array.ndim != 4:
        raise InvalidArgumentError(
            f"{name} has the shape {array.shape}, but pictures and latents are [N, channels, height, width]"
        )
    if channels is not None and array.shape[1] != channels:
        last = f"; as its channels seem to come last, give {name}.transpose(0, 3, 1, 2)"
        raise InvalidArgumentError(
            f"{name} has the shape {array.shape}, but the model takes [N, {channels}, height, width]"
            + (last if array.shape[3] == channels else "")
        )
    return array.transpose(0, 2, 3, 1)


def _channels_first(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
