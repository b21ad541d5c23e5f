"""Variational autoencoders: train, measure and sample them with one small library and NumPy.

>>> import vae_zoo
>>> model = vae_zoo.BetaVAE(beta=4.0, latent=10).fit(images)  # doctest: +SKIP
>>> latents = model.transform(images)  # doctest: +SKIP

`list_variants` names the variants, `describe` their hyper-parameters. Each is an estimator class by
scikit-learn's conventions, made from the library's description of it; scikit-learn itself is not
needed. Messages of the library go to the logger ``vae_zoo``.
"""

from __future__ import annotations

from typing import Any

from vae_zoo import _library
from vae_zoo._classifier import Classifier
from vae_zoo._communicator import Communicator
from vae_zoo._data import Data
from vae_zoo._errors import (
    BusyError,
    CallbackError,
    CancelledError,
    CommunicationError,
    DataError,
    DivergedError,
    Error,
    ExistsError,
    FileError,
    FormatError,
    InternalError,
    InvalidArgumentError,
    NotFittedError,
    NotFoundError,
    OutOfMemoryError,
    PluginError,
    RecipeError,
    ThreadsError,
    UnsupportedError,
)
from vae_zoo._estimator import VAE, variant_class
from vae_zoo._model import Encoding, Parameters
from vae_zoo._pretrained import (
    DecoderOutput,
    EncoderOutput,
    LatentDistribution,
    PretrainedAutoencoder,
)
from vae_zoo._registry import (
    VariantInfo,
    bench,
    build_info,
    check,
    class_names,
    describe,
    get_limits,
    get_threads,
    list_components,
    list_variants,
    load_plugin,
    metrics,
    recipe,
    set_limits,
    set_threads,
)
from vae_zoo._training import Bound, Progress

__version__: str = _library.library.vae_version().decode()

# The classes of the built-in variants, each made when it is asked for.
_BUILT_IN = {
    name: info.name for name, info in class_names().items() if info.origin == "built-in"
}

__all__ = [
    "VAE",
    *_BUILT_IN,
    "Bound",
    "BusyError",
    "CallbackError",
    "CancelledError",
    "Classifier",
    "CommunicationError",
    "Communicator",
    "Data",
    "DataError",
    "DecoderOutput",
    "DivergedError",
    "EncoderOutput",
    "Encoding",
    "Error",
    "ExistsError",
    "FileError",
    "FormatError",
    "InternalError",
    "InvalidArgumentError",
    "LatentDistribution",
    "NotFittedError",
    "NotFoundError",
    "OutOfMemoryError",
    "Parameters",
    "PluginError",
    "PretrainedAutoencoder",
    "Progress",
    "RecipeError",
    "ThreadsError",
    "UnsupportedError",
    "VariantInfo",
    "__version__",
    "bench",
    "build_info",
    "check",
    "describe",
    "get_limits",
    "get_threads",
    "list_components",
    "list_variants",
    "load_plugin",
    "metrics",
    "recipe",
    "set_limits",
    "set_threads",
]


def __getattr__(name: str) -> Any:
    if name == "plugin":
        # Importing binds it here.
        from importlib import import_module

        return import_module("vae_zoo.plugin")
    variant = _BUILT_IN.get(name)
    if variant is None and not name.startswith("_"):
        # The class of a plug-in's variant, which pickles name.
        info = class_names().get(name)
        variant = None if info is None else info.name
    if variant is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return variant_class(variant)


def __dir__() -> list[str]:
    return sorted([*__all__, "plugin"])
