"""A model of the library: a thin layer over the ``vae_model_…`` functions."""

from __future__ import annotations

import ctypes
import difflib
from ctypes import byref
from typing import Any, Iterable, Iterator, MutableMapping, NamedTuple, Sequence

import numpy as np

from vae_zoo._arrays import as_numbers, from_library, optional_view, view
from vae_zoo._conditions import KINDS, LABEL
from vae_zoo._data import Data
from vae_zoo._errors import MissingParameterError, NotFoundError, elements_renamed, renamed
from vae_zoo._interrupt import PictureComputation, Watched, WorkProgress
from vae_zoo._library import EvaluationOptions, Handle, ImputationOptions, ModelInfo, ModelOptions, Path
from vae_zoo._library import ScoreOptions, training_messages
from vae_zoo._library import Setting
from vae_zoo._library import Tensor, from_json, call, create, encoded, encoded_path, library
from vae_zoo._library import settings_array, text
from vae_zoo._tables import usual_value

_MEAN, _VARIANCE, _CODES, _SAMPLE = 1, 2, 3, 4
_FLOAT32 = 1


class Encoding(NamedTuple):
    """What an encoder says about images."""

    mean: np.ndarray | None
    """The mean of q(z|x), ``[N, units]``; None where the posterior has none."""
    variance: np.ndarray | None
    """The variance of q(z|x), ``[N, units]``; None where the posterior has none."""
    codes: np.ndarray | None
    """The numbers of the codes, ``[N, height, width]`` of int32; None for other latents."""
    samples: list[np.ndarray]
    """A draw of each stochastic layer, the one nearest to the data first."""


class Parameters(MutableMapping[str, np.ndarray]):
    """Parameters and buffers of a model by name, such as ``"decoder.head.bias"``.

    Reading gives a read-only array of the present values, setting replaces them; both are refused
    with ``BusyError`` while another thread trains the model. Names cannot be added or removed.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._names = model.tensor_names()

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise self._missing(name)
        array = from_library(
            create(
                library.vae_array_free,
                library.vae_model_get_tensor,
                self._model.handle,
                encoded(name, "name"),
            )
        )
        array.flags.writeable = False
        return array

    def __setitem__(self, name: str, values: Any) -> None:
        if name not in self._names:
            raise self._missing(name)
        tensor = view(as_numbers(values, name))
        call(
            library.vae_model_set_tensor, self._model.handle, encoded(name, "name"), byref(tensor)
        )

    def _missing(self, name: object) -> MissingParameterError:
        near = difflib.get_close_matches(str(name), self._names, n=3)
        hint = f"; similar ones: {', '.join(near)}" if near else "; list(parameters) gives the names"
        return MissingParameterError(f"the model has no parameter or buffer {name}{hint}")

    def __delitem__(self, name: str) -> None:
        raise TypeError("parameters cannot be removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __repr__(self) -> str:
        return f"<Parameters: {len(self)} tensors>"


class Model:
    """A model with its weights."""

    def __init__(self, handle: Handle, is_read: bool = True) -> None:
        self.handle = handle
        # Whether its recipe has been read, in which all settings of training are chosen ones.
        self.is_read = is_read
        info = ModelInfo()
        call(library.vae_model_describe, handle, byref(info))
        self.image_shape: tuple[int, int, int] = (info.height, info.width, info.channels)
        self.range: int = info.range
        self.parameter_count: int = info.parameter_count
        self.tensor_count: int = info.tensor_count
        self.latent_layers: int = info.latent_layers
        self.code_count: int = info.code_count
        self.condition: str = KINDS[info.condition]
        self.condition_width: int = info.condition_width
        # What the classes are called that it is told.
        self.class_names: list[str] = []
        data = self.recipe()["data"]
        # What the columns are of a model of a table; empty for others.
        self.columns: list[dict[str, Any]] = data.get("columns", [])
        if self.condition == LABEL:
            numbers = [str(number) for number in range(self.condition_width)]
            self.class_names = data["condition"].get("names", numbers)

    @classmethod
    def make(
        cls,
        variant: str,
        settings: list[tuple[str, str]],
        data: Data,
        from_weights: Path | None = None,
    ) -> Model:
        """A model for some data, with fresh weights or with those of a run or exported file."""
        options = ModelOptions(
            variant=encoded(variant, "variant"),
            settings=ctypes.cast(settings_array(settings), ctypes.POINTER(Setting)),
            setting_count=len(settings),
            data=data._handle._as_parameter_,
            from_weights=None if from_weights is None else encoded_path(from_weights, "from_weights"),
        )
        return cls(
            create(library.vae_model_free, library.vae_model_create, byref(options)), is_read=False
        )

    def stage(self, name: str, data: Data | None, settings: list[tuple[str, str]]) -> Model:
        """The model of a further stage, with the weights of this one."""
        return Model(
            create(
                library.vae_model_free,
                library.vae_model_create_stage_on,
                self.handle,
                encoded(name, "stage"),
                None if data is None else data._handle,
                settings_array(settings),
                len(settings),
            ),
            is_read=self.is_read,
        )

    @classmethod
    def load(cls, path: Path, checkpoint: str | int = "last") -> Model:
        name = encoded_path(path, "path")
        with Watched(checkpoint=encoded(str(checkpoint), "checkpoint")) as options:
            handle = create(library.vae_model_free, library.vae_model_load_with, name, options)
        return cls(handle)

    @classmethod
    def load_bytes(cls, data: bytes) -> Model:
        return cls(create(library.vae_model_free, library.vae_model_load_memory, data, len(data)))

    @classmethod
    def import_weights(
        cls, path: Path, settings: list[tuple[str, str]], size: int, progress: WorkProgress | None
    ) -> Model:
        """The model that weights of another program make."""
        name = encoded_path(path, "path")
        pairs = settings_array(settings)
        with Watched(progress) as options:
            return cls(
                create(
                    library.vae_model_free, library.vae_model_import, name, size, pairs,
                    len(settings), options,
                )
            )

    def export_weights(self, path: Path, form: str) -> None:
        call(
            library.vae_model_export, self.handle, encoded_path(path, "path"),
            encoded(form, "form"),
        )

    def save(self, path: Path) -> None:
        call(library.vae_model_save, self.handle, encoded_path(path, "path"))

    def save_bytes(self) -> bytes:
        array = create(library.vae_array_free, library.vae_model_save_memory, self.handle)
        return from_library(array).tobytes()

    def recipe(self) -> dict[str, Any]:
        return from_json(library.vae_model_recipe_json, self.handle)

    def tensor_names(self) -> list[str]:
        return [
            text(library.vae_model_tensor_name, self.handle, index)
            for index in range(self.tensor_count)
        ]

    # ---------------------------------------------------------------------------------- inference

    def encode(
        self,
        images: np.ndarray,
        seed: int,
        parts: Sequence[str] = Encoding._fields,
        progress: WorkProgress | None = None,
        condition: np.ndarray | None = None,
        communicator: Any = None,
    ) -> Encoding:
        """What the encoder says about images; of it only the parts that are asked for."""
        tensor, told = view(images), optional_view(condition)
        with elements_renamed(images="X"), Watched(progress, told, communicator=communicator) as options:
            encoding = create(
                library.vae_encoding_free,
                library.vae_encode_with,
                self.handle,
                byref(tensor),
                seed,
                options,
            )

        def part(number: int, layer: int = 0) -> np.ndarray | None:
            return self._part(encoding, number, layer)

        samples = []
        if "samples" in parts:
            found = [part(_SAMPLE, layer) for layer in range(self.latent_layers)]
            samples = [array for array in found if array is not None]
        return Encoding(
            mean=part(_MEAN) if "mean" in parts else None,
            variance=part(_VARIANCE) if "variance" in parts else None,
            codes=part(_CODES) if "codes" in parts else None,
            samples=samples,
        )

    @staticmethod
    def _part(encoding: Handle, number: int, layer: int = 0) -> np.ndarray | None:
        try:
            return from_library(
                create(library.vae_array_free, library.vae_encoding_get, encoding, number, layer)
            )
        except NotFoundError:
            return None

    def encode_pictures(
        self,
        pictures: np.ndarray,
        progress: WorkProgress | None = None,
        computation: PictureComputation | None = None,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Means and variances of the latents of pictures of any size, channels last; points that become codes have
        no variances."""
        tensor = view(pictures)
        with Watched(progress, pictures=computation) as options:
            encoding = create(
                library.vae_encoding_free, library.vae_encode_pictures, self.handle, byref(tensor),
                0, 0, options,
            )
        means = create(library.vae_array_free, library.vae_encoding_get, encoding, _MEAN, 0)
        return from_library(means), self._part(encoding, _VARIANCE)

    def decode_pictures(
        self,
        latents: np.ndarray,
        progress: WorkProgress | None = None,
        computation: PictureComputation | None = None,
    ) -> np.ndarray:
        """The pictures of such latents, between 0 and 1."""
        tensor = view(latents)
        with Watched(progress, pictures=computation) as options:
            return self._array(
                library.vae_decode_pictures, byref(tensor), 0, 0, 0, _FLOAT32, options
            )

    def decode(
        self,
        latents: Sequence[np.ndarray],
        seed: int,
        progress: WorkProgress | None = None,
        condition: np.ndarray | None = None,
    ) -> np.ndarray:
        views = [view(as_numbers(layer, f"latents[{i}]")) for i, layer in enumerate(latents)]
        pointers = (ctypes.POINTER(Tensor) * len(views))(*map(ctypes.pointer, views))
        with Watched(progress, optional_view(condition)) as options:
            return self._array(library.vae_decode_with, pointers, len(views), seed, options)

    def reconstruct(
        self,
        images: np.ndarray,
        seed: int,
        progress: WorkProgress | None = None,
        condition: np.ndarray | None = None,
    ) -> np.ndarray:
        tensor, told = view(images), optional_view(condition)
        with elements_renamed(images="X"), Watched(progress, told) as options:
            return self._array(library.vae_reconstruct_with, byref(tensor), seed, options)

    def sample(
        self,
        count: int,
        temperature: float,
        seed: int,
        progress: WorkProgress | None = None,
        condition: np.ndarray | None = None,
        draw: bool = False,
    ) -> np.ndarray:
        with Watched(progress, optional_view(condition), draw=draw) as options:
            return self._array(library.vae_sample_with, count, temperature, seed, options)

    def log_likelihood(
        self,
        images: np.ndarray,
        samples: int,
        seed: int,
        progress: WorkProgress | None = None,
        condition: np.ndarray | None = None,
    ) -> np.ndarray:
        tensor = view(images)
        told = optional_view(condition)
        with elements_renamed(images="X"), Watched(progress, told) as options:
            return self._array(
                library.vae_log_likelihood_with, byref(tensor), samples, seed, options
            )

    def score(
        self,
        images: np.ndarray,
        method: str,
        background: Model | None,
        reference: tuple[np.ndarray, np.ndarray | None] | None,
        group: int,
        samples: int,
        steps: int,
        seed: int,
        progress: WorkProgress | None = None,
        condition: np.ndarray | None = None,
        communicator: Any = None,
    ) -> np.ndarray:
        tensor = view(images)
        usual, usually = (None, None) if reference is None else map(optional_view, reference)
        told = optional_view(condition)
        asked = ScoreOptions(
            method=encoded(method, "method"),
            background=None if background is None else background.handle._as_parameter_,
            importance_samples=samples,
            steps=steps,
            group=group,
            seed=seed,
        )
        if usual is not None:
            asked.reference = ctypes.pointer(usual)
        if usually is not None:
            asked.reference_condition = ctypes.pointer(usually)
        with elements_renamed(images="X"), Watched(progress, told, communicator=communicator) as options:
            return self._array(library.vae_score, byref(tensor), byref(asked), options)

    def impute(
        self,
        images: np.ndarray,
        samples: int,
        draw: bool,
        truth: np.ndarray | None,
        seed: int,
        progress: WorkProgress | None = None,
        condition: np.ndarray | None = None,
        communicator: Any = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Images with what is missing filled in, and what was measured."""
        tensor, true_values = view(images), optional_view(truth)
        asked = ImputationOptions(importance_samples=samples, seed=seed)
        if true_values is not None:
            asked.truth = ctypes.pointer(true_values)
        told = optional_view(condition)
        filled, metrics = ctypes.c_void_p(), ctypes.c_void_p()
        with elements_renamed(images="X"), renamed(importance_samples="samples"), training_messages():
            with Watched(progress, told, draw=draw, communicator=communicator) as options:
                call(
                    library.vae_impute, self.handle, byref(tensor), byref(asked), options,
                    byref(filled), byref(metrics),
                )
        array = Handle(filled, library.vae_array_free)
        found = Handle(metrics, library.vae_metrics_free)
        return from_library(array), from_json(library.vae_metrics_json, found)

    def evaluate(
        self,
        data: Data,
        split: str,
        samples: int,
        seed: int,
        metrics: Iterable[str] | None = None,
        progress: WorkProgress | None = None,
        network: Path | None = None,
        network_layer: str | None = None,
        communicator: Any = None,
    ) -> dict[str, Any]:
        names = None
        if metrics is not None:
            given = [metrics] if isinstance(metrics, str) else list(metrics)
            for place, name in enumerate(given):
                if not isinstance(name, str):
                    raise TypeError(f"metrics[{place}] is {name!r}, but metrics are told by their names, texts")
            names = encoded(",".join(given), "metrics")
        wanted = EvaluationOptions(
            importance_samples=samples,
            split=encoded(split, "split"),
            seed=seed,
            metrics=names,
            network=None if network is None else encoded_path(network, "network"),
            network_layer=None if network_layer is None else encoded(network_layer, "network_layer"),
        )
        # What the library calls images that come as arrays.
        watched = Watched(progress, communicator=communicator)
        with renamed(memory="X", importance_samples="samples"), watched as options:
            found = create(
                library.vae_metrics_free,
                library.vae_evaluate_with,
                self.handle,
                data._handle,
                byref(wanted),
                options,
            )
        return from_json(library.vae_metrics_json, found)

    def _array(self, function: Any, *arguments: Any) -> np.ndarray:
        return from_library(create(library.vae_array_free, function, self.handle, *arguments))

    def layer_shapes(self) -> list[tuple[int, ...]]:
        """The shape of an example's draw of each stochastic layer."""
        blank = np.zeros((1, *self.image_shape), dtype=np.float64)
        if self.columns:
            blank[0, 0, :, 0] = [usual_value(column) for column in self.columns]
        told = None
        if self.condition:
            told = np.zeros((1, self.condition_width), dtype=np.float32)
            told[0, 0] = 1  # Of labels the first class.
        found = self.encode(blank, 0, ["samples"], condition=told)
        return [layer.shape[1:] for layer in found.samples]
