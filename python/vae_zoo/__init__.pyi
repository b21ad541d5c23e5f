# Written by scripts/python-stubs from the library's description of its variants.

from typing import Any, Literal, Mapping, Self, Sequence, overload

import numpy as np

from vae_zoo._data import Data as Data
from vae_zoo._estimator import VAE as _VAE
from vae_zoo._estimator import LatentVAE as _LatentVAE
from vae_zoo._training import Bound as Bound
from vae_zoo._errors import BusyError as BusyError
from vae_zoo._errors import CallbackError as CallbackError
from vae_zoo._errors import CancelledError as CancelledError
from vae_zoo._errors import DataError as DataError
from vae_zoo._errors import DivergedError as DivergedError
from vae_zoo._model import Encoding as Encoding
from vae_zoo._errors import Error as Error
from vae_zoo._errors import ExistsError as ExistsError
from vae_zoo._errors import FileError as FileError
from vae_zoo._errors import FormatError as FormatError
from vae_zoo._errors import InternalError as InternalError
from vae_zoo._errors import InvalidArgumentError as InvalidArgumentError
from vae_zoo._errors import NotFittedError as NotFittedError
from vae_zoo._errors import NotFoundError as NotFoundError
from vae_zoo._errors import OutOfMemoryError as OutOfMemoryError
from vae_zoo._model import Parameters as Parameters
from vae_zoo._errors import PluginError as PluginError
from vae_zoo._training import Progress as Progress
from vae_zoo._errors import RecipeError as RecipeError
from vae_zoo._errors import ThreadsError as ThreadsError
from vae_zoo._errors import UnsupportedError as UnsupportedError
from vae_zoo._registry import VariantInfo as VariantInfo
from vae_zoo._registry import bench as bench
from vae_zoo._registry import build_info as build_info
from vae_zoo._registry import check as check
from vae_zoo._registry import describe as describe
from vae_zoo._registry import get_limits as get_limits
from vae_zoo._registry import get_threads as get_threads
from vae_zoo._registry import list_components as list_components
from vae_zoo._registry import list_variants as list_variants
from vae_zoo._registry import load_plugin as load_plugin
from vae_zoo._registry import metrics as metrics
from vae_zoo._registry import recipe as recipe
from vae_zoo._registry import set_limits as set_limits
from vae_zoo._registry import set_threads as set_threads

from vae_zoo import plugin as plugin

__version__: str

_Seed = int | np.random.RandomState | np.random.Generator | None

class VAE(_VAE):
    @overload
    def __new__(cls, variant: Literal["gaussian-vae"], **hyperparameters: Any) -> GaussianVAE: ...
    @overload
    def __new__(cls, variant: Literal["beta-vae"], **hyperparameters: Any) -> BetaVAE: ...
    @overload
    def __new__(cls, variant: Literal["factor-vae"], **hyperparameters: Any) -> FactorVAE: ...
    @overload
    def __new__(cls, variant: Literal["iwae"], **hyperparameters: Any) -> IWAE: ...
    @overload
    def __new__(cls, variant: Literal["flow-vae"], **hyperparameters: Any) -> FlowVAE: ...
    @overload
    def __new__(cls, variant: Literal["ladder-vae"], **hyperparameters: Any) -> LadderVAE: ...
    @overload
    def __new__(cls, variant: Literal["pixelcnn"], **hyperparameters: Any) -> PixelCNN: ...
    @overload
    def __new__(cls, variant: Literal["pixelcnn-vae"], **hyperparameters: Any) -> PixelCNNVAE: ...
    @overload
    def __new__(cls, variant: Literal["vq-vae"], **hyperparameters: Any) -> VQVAE: ...
    @overload
    def __new__(cls, variant: Literal["conditional-vae"], **hyperparameters: Any) -> ConditionalVAE: ...
    @overload
    def __new__(cls, variant: Literal["mixture-prior-vae"], **hyperparameters: Any) -> MixturePriorVAE: ...
    @overload
    def __new__(cls, variant: Literal["vampprior-vae"], **hyperparameters: Any) -> VampPriorVAE: ...
    @overload
    def __new__(cls, variant: str, **hyperparameters: Any) -> VAE: ...
    @overload
    def __new__(cls, **hyperparameters: Any) -> Self: ...

class GaussianVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        hidden: int | Sequence[int] | None = None,
        latent: int = 20,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float = 1.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int | Sequence[int] | None = None,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class BetaVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        hidden: int | Sequence[int] | None = None,
        latent: int = 10,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float = 4.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int | Sequence[int] | None = None,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class FactorVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'factor',
        hidden: int | Sequence[int] | None = None,
        latent: int = 10,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float | None = None,
        warmup_epochs: float | None = None,
        free_bits: float | None = None,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int | Sequence[int] | None = None,
        gamma: float | None = None,
        epochs: int = 10,
        batch_size: int = 64,
        learning_rate: float = 0.0001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class IWAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'importance-weighted',
        hidden: int | Sequence[int] | None = None,
        latent: int = 50,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float | None = None,
        warmup_epochs: float | None = None,
        free_bits: float | None = None,
        capacity: float | None = None,
        importance_samples: int = 5,
        channels: int | Sequence[int] | None = None,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class FlowVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        hidden: int | Sequence[int] = (400,),
        latent: int = 20,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float = 1.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int | Sequence[int] | None = None,
        flow: str = 'iaf',
        flow_context: int = 64,
        flow_hidden: int | Sequence[int] = (320,),
        flow_steps: int = 2,
        reflections: int = 8,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class LadderVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        hidden: int | Sequence[int] = (512, 256, 128, 64, 32),
        latent: int | Sequence[int] | None = None,
        activation: str = 'leaky_relu',
        sigma: float | str | None = None,
        beta: float = 1.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int | Sequence[int] | None = None,
        epochs: int = 10,
        batch_size: int = 256,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class PixelCNN(VAE):
    def __init__(
        self,
        *,
        architecture: str = 'pixelcnn',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        sigma: float | str | None = None,
        beta: float = 1.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int = 32,
        layers: int = 7,
        epochs: int = 10,
        batch_size: int = 64,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class PixelCNNVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'conv',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        hidden: int | Sequence[int] | None = None,
        latent: int = 16,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float = 1.0,
        warmup_epochs: float = 5.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int = 32,
        layers: int = 2,
        epochs: int = 10,
        batch_size: int = 64,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class VQVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'resnet',
        likelihood: str = 'gaussian',
        objective: str = 'elbo',
        hidden: int | Sequence[int] | None = None,
        activation: str | None = None,
        sigma: float | str = 'data',
        beta: float = 1.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        codes: int = 512,
        code_size: int = 64,
        commitment: float = 0.25,
        decay: float = 0.99,
        channels: int | None = None,
        levels: int = 2,
        restart_threshold: float = 0.05,
        update: str = 'ema',
        epochs: int = 10,
        batch_size: int = 32,
        learning_rate: float = 0.0003,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class ConditionalVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        hidden: int | Sequence[int] = (400,),
        latent: int = 20,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float = 1.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int | Sequence[int] | None = None,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class MixturePriorVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        hidden: int | Sequence[int] | None = None,
        latent: int = 20,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float = 1.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int | Sequence[int] | None = None,
        components: int = 100,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...

class VampPriorVAE(VAE, _LatentVAE):
    def __init__(
        self,
        *,
        architecture: str = 'mlp',
        likelihood: str = 'auto',
        objective: str = 'elbo',
        hidden: int | Sequence[int] | None = None,
        latent: int = 40,
        activation: str | None = None,
        sigma: float | str | None = None,
        beta: float = 1.0,
        warmup_epochs: float = 0.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        importance_samples: int | None = None,
        channels: int | Sequence[int] | None = None,
        pseudo_inputs: int = 500,
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        binarize: str = 'none',
        dequantize: str = 'none',
        optimizer: str = 'adam',
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        schedule: str = 'constant',
        schedule_epochs: float = 10.0,
        schedule_factor: float = 0.1,
        warmup_updates: int = 0,
        clip_norm: float = 0.0,
        average_decay: float = 0.0,
        drop_last: bool = True,
        precision: str = 'float32',
        random_state: _Seed = 0,
        image_shape: Sequence[int] | None = None,
        value_range: str = 'auto',
        settings: Mapping[str, Any] | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None: ...
