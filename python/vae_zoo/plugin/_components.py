"""What a class of a likelihood, a prior or a variant is written as."""

from __future__ import annotations

from ctypes import POINTER, byref, c_float
from typing import Any, ClassVar, Mapping, Sequence

import numpy as np

from vae_zoo._errors import InvalidArgumentError
from vae_zoo.plugin import _structs, _values
from vae_zoo.plugin._hyperparameters import Declaration
from vae_zoo.plugin._values import Parameter, Value


class Build:
    """What a component is made for, and where it makes its parameters."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer
        self._info = _structs.BuildInfo()
        _values.host.describe_build(pointer, byref(self._info))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images."""
        return self._info.height, self._info.width, self._info.channels

    @property
    def value_range(self) -> str:
        """``"binary"``, ``"unit"`` or ``"real"``."""
        return {1: "binary", 2: "unit", 3: "real"}[self._info.range]

    @property
    def latent_size(self) -> int:
        """Numbers that a decoder receives for an example; 0 for a prior, which decides it."""
        return self._info.latent_size

    @property
    def condition_width(self) -> int:
        """Numbers that `condition` has for an example; 0 for a model of p(x)."""
        return self._info.condition_width

    def parameter(self, name: str, values: Any, *, is_decayed: bool = True) -> Parameter:
        """A trained parameter that begins with given values; its path is the role and the name."""
        array = np.ascontiguousarray(values, dtype=np.float32)
        pointer = _values.host.parameter_from(
            self._pointer,
            name.encode(),
            *_values.axes(array.shape),
            array.ctypes.data_as(POINTER(c_float)),
            0 if is_decayed else 1,
        )
        if not pointer:
            raise InvalidArgumentError(f"the parameter {name} of shape {array.shape} cannot be made")
        return Parameter(pointer)


class _Component:
    """What components have in common: a name, hyper-parameters, and a moment at which they are built."""

    name: ClassVar[str]
    uses_condition: ClassVar[bool] = False
    """Whether its methods ask for `condition`: a model with it is one of p(x|y)."""
    _declared: ClassVar[list[Declaration]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        found: dict[str, Declaration] = {}
        for kind in reversed(cls.__mro__):
            for name, value in vars(kind).items():
                if isinstance(value, Declaration):
                    value.name = name
                    found[name] = value
        cls._declared = list(found.values())

    def build(self, build: Build) -> None:
        """Called once with the hyper-parameters set: makes parameters, or raises ValueError with the reason
        why it cannot serve this model."""


class Likelihood(_Component):
    """p(x|parameters), normalised; `parameters` are what the decoder gives, ``[rows, H, W, numbers]``."""

    is_discrete: ClassVar[bool] = False
    """Whether it is a probability of discrete values, so that bits per dimension follow."""
    noise: ClassVar[str] = "uniform"
    """The random numbers that `sample` receives: ``"uniform"`` in (0, 1) or ``"normal"``."""

    def parameters_per_pixel(self, channels: int) -> int:
        """Numbers that a decoder gives for a pixel with this many channels."""
        return channels

    def noise_per_pixel(self, channels: int) -> int:
        """Random numbers that `sample` needs for a pixel."""
        return channels

    def log_density(self, x: Value, parameters: Value) -> Value:
        """log p(x|parameters) in nats, ``[rows]``, of x ``[rows, H, W, C]``."""
        raise NotImplementedError

    def mean(self, parameters: Value) -> Value:
        """The mean, ``[rows, H, W, C]``."""
        raise NotImplementedError

    def sample(self, parameters: Value, noise: Value) -> Value:
        """A draw, ``[rows, H, W, C]``, as a function of parameters and random numbers."""
        raise NotImplementedError

    # Defined by those that can: parameters of [H, W, numbers] whose distribution has a mean of [H, W, C].
    parameters_with_mean: ClassVar[Any] = None


class Prior(_Component):
    """p(z) of one layer of latent units."""

    def units(self) -> int:
        """The number of latent units."""
        raise NotImplementedError

    def log_density(self, z: Value) -> Value:
        """log p(z) in nats, ``[rows]``, of z ``[rows, units]``."""
        raise NotImplementedError

    def sample(self, temperature: float) -> Value:
        """A draw for each row, ``[rows, units]``; the temperature is a factor of its deviation."""
        raise NotImplementedError

    # Defined by those that can: KL(N(mean, exp(log_variance)) || p) in nats, [rows].
    divergence: ClassVar[Any] = None


class Variant:
    """A whole variant: what it is made of, by the names of components or by classes of this module.

    After `register` it is what every variant is: `vae_zoo.list_variants` names it, and
    ``vae_zoo.VAE("its-name")`` makes an estimator of its class. The first line of its docstring says what
    it is.

    Attributes
    ----------
    name : str
        In kebab-case, and no other variant's.
    reference : str
        The paper it comes from; nothing by default.
    encoder : str
        The component that proposes q(z|x), by default ``"mlp"``.
    prior : str or class
        The component that prices latents, by default ``"standard-normal"``; a subclass of `Prior` is
        registered as well.
    decoder : str
        The component that explains images, by default ``"mlp"``.
    likelihood : str or class
        The component that prices images; a subclass of `Likelihood` is registered as well. By default
        ``"auto"``: ``"bernoulli"`` for binary images, else ``"gaussian"``.
    objective : str
        The component that weighs rate against distortion, by default ``"elbo"``.
    defaults : mapping
        Values by path, such as ``{"prior.latent": 10}``, in place of the components' own.
    shorthands : mapping
        Short names, which become keywords, with the path or the paths that they set.
    """

    name: ClassVar[str]
    reference: ClassVar[str] = ""
    encoder: ClassVar[str] = "mlp"
    prior: ClassVar[str | type[Prior]] = "standard-normal"
    decoder: ClassVar[str] = "mlp"
    likelihood: ClassVar[str | type[Likelihood]] = "auto"
    objective: ClassVar[str] = "elbo"
    defaults: ClassVar[Mapping[str, Any]] = {}
    shorthands: ClassVar[Mapping[str, str | Sequence[str]]] = {}
