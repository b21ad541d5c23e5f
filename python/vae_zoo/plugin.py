"""Likelihoods, priors and variants written in Python, as functions over values with gradients.

>>> import math
>>> from vae_zoo import plugin
>>> class Laplace(plugin.Likelihood):
...     '''Laplace distributions of a fixed scale.'''
...     name = "laplace"
...     scale = plugin.Number(0.1, least=1e-3, most=10.0, help="scale of every number")
...     def log_density(self, x, parameters):
...         return (-(abs(x - parameters) / self.scale) - math.log(2 * self.scale)).row_sums()
...     def mean(self, parameters):
...         return parameters
...     def sample(self, parameters, noise):
...         centred = noise - 0.5
...         return parameters - self.scale * centred.sign() * (1 - 2 * abs(centred)).log()
>>> plugin.register(Laplace)
>>> model = vae_zoo.GaussianVAE(likelihood="laplace", settings={"likelihood.scale": 0.2})

The library calls these functions; what they compute with values is recorded, so that gradients flow through
it and none has to be written. ``include/vae_plugin.h`` documents the operations.
"""

from __future__ import annotations

import ctypes
import threading
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_double, c_float, c_int32, c_int64
from ctypes import c_uint32, c_uint64, c_void_p
from types import SimpleNamespace
from typing import Any, Callable, ClassVar, Mapping, Sequence

import numpy as np

from vae_zoo import _library
from vae_zoo._errors import InvalidArgumentError
from vae_zoo._library import encoded, integer, real, setting_text

__all__ = [
    "Build", "Choice", "Flag", "Integer", "Likelihood", "Number", "Parameter", "Prior", "Value",
    "Variant", "concatenate", "constant", "full", "normal", "register", "uniform",
]

ABI_VERSION = 1

# --------------------------------------------------------------------------------------------- structs


class _Hyperparameter(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("type", c_int32),
        ("name", c_char_p),
        ("help", c_char_p),
        ("default_integer", c_int64),
        ("minimum_integer", c_int64),
        ("maximum_integer", c_int64),
        ("default_number", c_double),
        ("minimum_number", c_double),
        ("maximum_number", c_double),
        ("default_text", c_char_p),
        ("choices", POINTER(c_char_p)),
        ("choice_count", c_uint64),
        ("default_values", POINTER(c_int64)),
        ("default_count", c_uint64),
        ("minimum_count", c_uint64),
        ("maximum_count", c_uint64),
    ]


class _Argument(_library.Struct):
    _fields_ = [
        ("type", c_int32),
        ("reserved", c_int32),
        ("integer", c_int64),
        ("number", c_double),
        ("text", c_char_p),
        ("values", POINTER(c_int64)),
        ("count", c_uint64),
    ]


class _BuildInfo(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("range", c_int32),
        ("height", c_int64),
        ("width", c_int64),
        ("channels", c_int64),
        ("latents", c_int32),
        ("stacks_layers", c_int32),
        ("latent_size", c_int64),
        ("grid_height", c_int64),
        ("grid_width", c_int64),
        ("vector_size", c_int64),
        ("code_count", c_int64),
        ("parameters_per_pixel", c_int64),
    ]


_P = c_void_p  # a build, a pass, a value, a parameter
_SHAPE = (POINTER(c_int64), c_int64)

# The functions of the host by name, in order: what they return, and what they take.
_HOST: dict[str, tuple[Any, ...]] = {
    "fail": (None, _P, c_char_p),
    "fail_data": (None, _P, c_char_p),
    "describe_build": (None, _P, POINTER(_BuildInfo)),
    "user_data": (_P, _P),
    "parameter": (_P, _P, c_char_p, *_SHAPE, c_int32, c_double, c_uint32),
    "parameter_from": (_P, _P, c_char_p, *_SHAPE, POINTER(c_float), c_uint32),
    "closure": (_P, _P, c_int32, POINTER(c_int32), c_uint64, _P, _P),
    "fail_pass": (None, _P, c_char_p),
    "describe_pass": (None, _P, _P),
    "shape": (c_int64, _P, _P, POINTER(c_int64)),
    "data": (POINTER(c_float), _P, _P),
    "use": (_P, _P, _P),
    "assign": (None, _P, _P, _P),
    "log_term": (None, _P, c_char_p, _P),
    "constant": (_P, _P, POINTER(c_float), *_SHAPE),
    "full": (_P, _P, c_float, *_SHAPE),
    "normal": (_P, _P, c_char_p, *_SHAPE),
    "uniform": (_P, _P, c_char_p, *_SHAPE),
    **dict.fromkeys(
        [
            "negate", "exp", "log", "sqrt", "square", "reciprocal", "abs", "sigmoid", "tanh",
            "softplus", "sin", "cos", "erf", "lgamma",
        ],
        (_P, _P, _P),
    ),
    "activate": (_P, _P, _P, c_int32, c_float),
    "scale": (_P, _P, _P, c_float, c_float),
    "clamp": (_P, _P, _P, c_float, c_float),
    "above": (_P, _P, _P, c_float),
    "stop_gradient": (_P, _P, _P),
    **dict.fromkeys(
        ["add", "subtract", "multiply", "divide", "maximum", "minimum"], (_P, _P, _P, _P)
    ),
    **dict.fromkeys(["sum", "mean", "largest"], (_P, _P, _P, c_int64, c_int32)),
    **dict.fromkeys(
        ["row_sums", "total", "average", "log_sum_exp", "softmax", "log_softmax"], (_P, _P, _P)
    ),
    "reshape": (_P, _P, _P, *_SHAPE),
    "broadcast": (_P, _P, _P, *_SHAPE),
    "permute": (_P, _P, _P, POINTER(c_int64)),
    "slice": (_P, _P, _P, c_int64, c_int64, c_int64),
    "concatenate": (_P, _P, POINTER(_P), c_uint64, c_int64),
    "pad": (_P, _P, _P, c_int64, c_int64, c_int64),
    "upsample": (_P, _P, _P, c_int64, c_int64),
    "matmul": (_P, _P, _P, _P, c_int32, c_int32),
    "dense": (_P, _P, _P, _P, _P, c_int32, c_float),
    "convolution": (_P, _P, _P, _P, _P, _P, c_int32, c_float),
    "transposed_convolution": (_P, _P, _P, _P, _P, _P, c_int32, c_float),
    "group_norm": (_P, _P, _P, c_int64, _P, _P),
    "layer_norm": (_P, _P, _P, _P, _P),
    "gaussian_log_density": (_P, _P, _P, _P, _P),
    "gaussian_divergence": (_P, _P, _P, _P),
    "bernoulli_log_density": (_P, _P, _P, _P),
    "custom": (_P, _P, _P, POINTER(_P), c_uint64, *_SHAPE, _P),
}


class _Host(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("abi_version", c_uint32),
        *((name, CFUNCTYPE(*types)) for name, types in _HOST.items()),
    ]


_UNARY = CFUNCTYPE(_P, _P, _P, _P)
_BINARY = CFUNCTYPE(_P, _P, _P, _P, _P)
_COUNT = CFUNCTYPE(c_int64, _P, c_int64)


class _LikelihoodTable(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("is_discrete", c_int32),
        ("couples_channels", c_int32),
        ("noise", c_int32),
        ("parameters_per_pixel", _COUNT),
        ("noise_per_pixel", _COUNT),
        ("log_density", _BINARY),
        ("mean", _UNARY),
        ("sample", _BINARY),
        ("parameters_with_mean", _UNARY),
    ]


class _PriorTable(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("units", CFUNCTYPE(c_int64, _P)),
        ("log_density", _UNARY),
        ("sample", CFUNCTYPE(_P, _P, _P, c_float)),
        ("divergence", _BINARY),
    ]


_CREATE = CFUNCTYPE(_P, _P, POINTER(_Argument), c_uint64, _P)
_DESTROY = CFUNCTYPE(None, _P)


class _Component(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char_p),
        ("summary", c_char_p),
        ("hyperparameters", POINTER(_Hyperparameter)),
        ("hyperparameter_count", c_uint64),
        ("make", _P),
        ("create", _CREATE),
        ("user_data", _P),
        ("destroy", _DESTROY),
        ("prepare", _P),
        ("after_update", _P),
        ("encoder", _P),
        ("prior", POINTER(_PriorTable)),
        ("decoder", _P),
        ("likelihood", POINTER(_LikelihoodTable)),
        ("objective", _P),
    ]


class _VariantDefault(_library.Struct):
    _fields_ = [("path", c_char_p), ("value", c_char_p)]


class _VariantShorthand(_library.Struct):
    _fields_ = [("name", c_char_p), ("path", c_char_p)]


class _Variant(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char_p),
        ("summary", c_char_p),
        ("reference", c_char_p),
        ("encoder", c_char_p),
        ("prior", c_char_p),
        ("decoder", c_char_p),
        ("likelihood", c_char_p),
        ("objective", c_char_p),
        ("defaults", POINTER(_VariantDefault)),
        ("default_count", c_uint64),
        ("shorthands", POINTER(_VariantShorthand)),
        ("shorthand_count", c_uint64),
    ]


class _Plugin(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("abi_version", c_uint32),
        ("name", c_char_p),
        ("version", c_char_p),
        ("summary", c_char_p),
        ("components", POINTER(_Component)),
        ("component_count", c_uint64),
        ("variants", POINTER(_Variant)),
        ("variant_count", c_uint64),
    ]


# Structs by their names in C.
STRUCTS: dict[str, type[_library.Struct]] = {
    "vae_hyperparameter": _Hyperparameter,
    "vae_argument": _Argument,
    "vae_build_info": _BuildInfo,
    "vae_host": _Host,
    "vae_likelihood": _LikelihoodTable,
    "vae_prior": _PriorTable,
    "vae_component": _Component,
    "vae_variant_default": _VariantDefault,
    "vae_variant_shorthand": _VariantShorthand,
    "vae_variant": _Variant,
    "vae_plugin": _Plugin,
}


# ---------------------------------------------------------------------------------------------- values


class _Here(threading.local):
    """The pass that runs on this thread."""

    current: int | None = None


_here = _Here()
_host: Any = None


def _call(name: str, *arguments: Any) -> Value:
    if _here.current is None:
        raise RuntimeError("values can be computed with inside of a component's methods only")
    return Value(getattr(_host, name)(_here.current, *arguments))


def _axes(shape: Sequence[int]) -> tuple[Any, int]:
    return (c_int64 * len(shape))(*(integer(size, "a size of an axis") for size in shape)), len(shape)


def _pointer(x: Any) -> int | None:
    return _value(x)._pointer


def _value(x: Any) -> Value:
    if isinstance(x, Value):
        return x
    if isinstance(x, Parameter):
        return x.value
    return constant(x)


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float)) or (isinstance(x, np.generic) and x.ndim == 0)


class Value:
    """Numbers within a call of a method, with the record that gradients follow.

    Values are float32 with rows as their first axis. They work with numbers, NumPy arrays, parameters and
    each other by NumPy's rules of broadcasting, and are valid until the method returns.
    """

    __slots__ = ("_pointer",)
    __array_ufunc__ = None  # NumPy's operators leave the work to this class.

    def __init__(self, pointer: int | None) -> None:
        self._pointer = pointer

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        sizes = (c_int64 * 8)()
        rank = _host.shape(_here.current, self._pointer, sizes)
        return tuple(sizes[:rank])

    def numpy(self) -> np.ndarray:
        """A copy of the numbers, through which no gradient flows."""
        shape = self.shape
        data = _host.data(_here.current, self._pointer)
        count = int(np.prod(shape, dtype=np.int64))
        return np.array(data[:count] if data else [], dtype=np.float32).reshape(shape if data else 0)

    def __neg__(self) -> Value:
        return _call("negate", self._pointer)

    def __abs__(self) -> Value:
        return _call("abs", self._pointer)

    def __add__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, 1.0, other)
        return _call("add", self._pointer, _pointer(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, 1.0, -other)
        return _call("subtract", self._pointer, _pointer(other))

    def __rsub__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, -1.0, other)
        return _call("subtract", _pointer(other), self._pointer)

    def __mul__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, other, 0.0)
        return _call("multiply", self._pointer, _pointer(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, 1 / other, 0.0)
        return _call("divide", self._pointer, _pointer(other))

    def __rtruediv__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("reciprocal", self._pointer) * other
        return _call("divide", _pointer(other), self._pointer)

    def __pow__(self, power: int) -> Value:
        if power != 2:
            raise ValueError("values can be raised to the power of 2 only; use exp and log for others")
        return _call("square", self._pointer)

    def __matmul__(self, other: Any) -> Value:
        return _call("matmul", self._pointer, _pointer(other), 0, 0)

    def exp(self) -> Value:
        """The exponential."""
        return _call("exp", self._pointer)

    def log(self) -> Value:
        """The natural logarithm."""
        return _call("log", self._pointer)

    def sqrt(self) -> Value:
        """The square root."""
        return _call("sqrt", self._pointer)

    def sigmoid(self) -> Value:
        """1 / (1 + exp(-x))."""
        return _call("sigmoid", self._pointer)

    def tanh(self) -> Value:
        """The hyperbolic tangent."""
        return _call("tanh", self._pointer)

    def softplus(self) -> Value:
        """log(1 + exp(x)), without overflow."""
        return _call("softplus", self._pointer)

    def erf(self) -> Value:
        """The error function."""
        return _call("erf", self._pointer)

    def lgamma(self) -> Value:
        """log |gamma(x)|."""
        return _call("lgamma", self._pointer)

    def sign(self) -> Value:
        """1 above zero, else -1; no gradient flows."""
        return _call("above", self._pointer, 0.0) * 2 - 1

    def above(self, threshold: float) -> Value:
        """1 above a threshold, else 0; no gradient flows."""
        return _call("above", self._pointer, threshold)

    def clamp(self, least: float, most: float) -> Value:
        """Limited to a range; the derivative outside is zero."""
        return _call("clamp", self._pointer, least, most)

    def maximum(self, other: Any) -> Value:
        """The larger of two, element by element."""
        return _call("maximum", self._pointer, _pointer(other))

    def minimum(self, other: Any) -> Value:
        """The smaller of two, element by element."""
        return _call("minimum", self._pointer, _pointer(other))

    def stop_gradient(self) -> Value:
        """The same numbers, through which no gradient flows."""
        return _call("stop_gradient", self._pointer)

    def sum(self, axis: int, keepdims: bool = False) -> Value:
        """The sum along an axis."""
        return _call("sum", self._pointer, integer(axis, "axis"), int(keepdims))

    def mean(self, axis: int, keepdims: bool = False) -> Value:
        """The mean along an axis."""
        return _call("mean", self._pointer, integer(axis, "axis"), int(keepdims))

    def max(self, axis: int, keepdims: bool = False) -> Value:
        """The largest along an axis."""
        return _call("largest", self._pointer, integer(axis, "axis"), int(keepdims))

    def row_sums(self) -> Value:
        """The sum of each row: what densities return."""
        return _call("row_sums", self._pointer)

    def log_sum_exp(self) -> Value:
        """log sum exp over the last axis, which it takes away."""
        return _call("log_sum_exp", self._pointer)

    def softmax(self) -> Value:
        """The softmax over the last axis."""
        return _call("softmax", self._pointer)

    def log_softmax(self) -> Value:
        """x - log sum exp over the last axis."""
        return _call("log_softmax", self._pointer)

    def reshape(self, *shape: int) -> Value:
        """The same elements in another shape; one size may be -1."""
        return _call("reshape", self._pointer, *_axes(shape))

    def broadcast(self, *shape: int) -> Value:
        """Read with a larger shape."""
        return _call("broadcast", self._pointer, *_axes(shape))

    def slice(self, axis: int, first: int, count: int) -> Value:
        """`count` elements of an axis from `first` on."""
        place = (integer(axis, "axis"), integer(first, "first"), integer(count, "count"))
        return _call("slice", self._pointer, *place)


def constant(numbers: Any) -> Value:
    """Given numbers as a value."""
    array = np.ascontiguousarray(numbers, dtype=np.float32)
    data = array.ctypes.data_as(POINTER(c_float))
    return _call("constant", data, *_axes(array.shape))


def full(number: float, *shape: int) -> Value:
    """One number everywhere."""
    return _call("full", number, *_axes(shape))


def normal(stream: str, *shape: int) -> Value:
    """Standard normal numbers ``[rows, *shape]``, from the stream of this name."""
    return _call("normal", stream.encode(), *_axes(shape))


def uniform(stream: str, *shape: int) -> Value:
    """Uniform numbers in (0, 1), ``[rows, *shape]``, from the stream of this name."""
    return _call("uniform", stream.encode(), *_axes(shape))


def concatenate(values: Sequence[Any], axis: int) -> Value:
    """Values joined along an axis."""
    pointers = [_pointer(value) for value in values]
    return _call("concatenate", (c_void_p * len(pointers))(*pointers), len(pointers), integer(axis, "axis"))


class Parameter:
    """Trained numbers of a component, made by `Build.parameter`; in methods they work as values do."""

    __slots__ = ("_pointer",)
    __array_ufunc__ = None

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    @property
    def value(self) -> Value:
        """The numbers at this moment, within a method."""
        return _call("use", self._pointer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.value, name)


def _through_value(name: str) -> Callable[..., Value]:
    def operator(self: Parameter, *arguments: Any) -> Value:
        return getattr(self.value, name)(*arguments)

    return operator


for _operator in (
    "neg", "abs", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "matmul",
):
    setattr(Parameter, f"__{_operator}__", _through_value(f"__{_operator}__"))


# ------------------------------------------------------------------------------------ hyper-parameters


class _Declaration:
    """A hyper-parameter: a class attribute of a component that declares it, a value of an object."""

    name: str

    def __init__(self, help: str, **fields: Any) -> None:
        self.help = help
        self._fields = fields
        self._kept: list[Any] = []

    def _struct(self) -> _Hyperparameter:
        return _Hyperparameter(name=self.name.encode(), help=self.help.encode(), **self._fields)

    def _read(self, argument: _Argument) -> Any:
        raise NotImplementedError


class Integer(_Declaration):
    """A whole number with its default and range."""

    def __init__(self, default: int, *, least: int, most: int, help: str) -> None:
        super().__init__(
            help,
            type=2,
            default_integer=integer(default, "default"),
            minimum_integer=integer(least, "least"),
            maximum_integer=integer(most, "most"),
        )

    def _read(self, argument: _Argument) -> int:
        return argument.integer


class Number(_Declaration):
    """A real number with its default and range."""

    def __init__(self, default: float, *, least: float, most: float, help: str) -> None:
        super().__init__(
            help,
            type=5,
            default_number=real(default, "default"),
            minimum_number=real(least, "least"),
            maximum_number=real(most, "most"),
        )

    def _read(self, argument: _Argument) -> float:
        return argument.number


class Flag(_Declaration):
    """Yes or no."""

    def __init__(self, default: bool, *, help: str) -> None:
        super().__init__(help, type=6, default_integer=int(default))

    def _read(self, argument: _Argument) -> bool:
        return bool(argument.integer)


class Choice(_Declaration):
    """One of some words, the first by default."""

    def __init__(self, *words: str, help: str) -> None:
        choices = (c_char_p * len(words))(*(word.encode() for word in words))
        super().__init__(help, type=7, choices=choices, choice_count=len(words))

    def _read(self, argument: _Argument) -> str:
        return argument.text.decode()


# ------------------------------------------------------------------------------------------ components


class Build:
    """What a component is made for, and where it makes its parameters."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer
        self._info = _BuildInfo()
        _host.describe_build(pointer, byref(self._info))

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

    def parameter(self, name: str, values: Any, *, is_decayed: bool = True) -> Parameter:
        """A trained parameter that begins with given values; its path is the role and the name."""
        array = np.ascontiguousarray(values, dtype=np.float32)
        pointer = _host.parameter_from(
            self._pointer,
            name.encode(),
            *_axes(array.shape),
            array.ctypes.data_as(POINTER(c_float)),
            0 if is_decayed else 1,
        )
        if not pointer:
            raise InvalidArgumentError(f"the parameter {name} of shape {array.shape} cannot be made")
        return Parameter(pointer)


class _Base:
    """What components have in common: a name, hyper-parameters, and a moment at which they are built."""

    name: ClassVar[str]
    _declared: ClassVar[list[_Declaration]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        found: dict[str, _Declaration] = {}
        for kind in reversed(cls.__mro__):
            for name, value in vars(kind).items():
                if isinstance(value, _Declaration):
                    value.name = name
                    found[name] = value
        cls._declared = list(found.values())

    def build(self, build: Build) -> None:
        """Called once with the hyper-parameters set: makes parameters, or raises ValueError with the reason
        why it cannot serve this model."""


class Likelihood(_Base):
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


class Prior(_Base):
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


# Objects that the library holds, by the number that it knows them by.
_objects: dict[int, _Base] = {}
_numbers = iter(range(1, 2**62))
# What registrations made, which the library keeps pointers to.
_kept: list[Any] = []


def _failed(error: BaseException, place: str) -> bytes:
    """The line for the library; the exception itself becomes the cause of the one that follows."""
    _library.causes[threading.get_ident()] = error
    text = f"{place}: {type(error).__name__}: {error}"
    return text.replace("\n", " ").replace("\0", " ").encode(errors="replace")


def _method(kind: type, function: Any, name: str, values: int) -> Any:
    """A method for the library, whose last `values` arguments are values."""

    def body(number: int, handle: int, *arguments: Any) -> int | None:
        former, _here.current = _here.current, handle
        try:
            split = len(arguments) - values
            given = [*arguments[:split], *(Value(pointer) for pointer in arguments[split:])]
            return _pointer(getattr(_objects[number], name)(*given))
        except BaseException as error:
            _host.fail_pass(handle, _failed(error, f"{kind.__name__}.{name}"))
            return None
        finally:
            _here.current = former

    return function(body)


def _count(kind: type, name: str) -> Any:
    def body(number: int, channels: int) -> int:
        try:
            return integer(getattr(_objects[number], name)(channels), name, 0)
        except BaseException as error:
            _failed(error, f"{kind.__name__}.{name}")
            return 0

    return _COUNT(body)


def _likelihood_table(kind: type[Likelihood]) -> _LikelihoodTable:
    table = _LikelihoodTable(
        is_discrete=int(kind.is_discrete),
        noise={"uniform": 0, "normal": 1}[kind.noise],
        parameters_per_pixel=_count(kind, "parameters_per_pixel"),
        noise_per_pixel=_count(kind, "noise_per_pixel"),
        log_density=_method(kind, _BINARY, "log_density", 2),
        mean=_method(kind, _UNARY, "mean", 1),
        sample=_method(kind, _BINARY, "sample", 2),
    )
    if kind.parameters_with_mean is not None:
        table.parameters_with_mean = _method(kind, _UNARY, "parameters_with_mean", 1)
    return table


def _prior_table(kind: type[Prior]) -> _PriorTable:
    def units(number: int) -> int:
        try:
            return integer(_objects[number].units(), "units", 0)  # type: ignore[attr-defined]
        except BaseException as error:
            _failed(error, f"{kind.__name__}.units")
            return 0

    sample_type = dict(_PriorTable._fields_)["sample"]
    table = _PriorTable(
        units=dict(_PriorTable._fields_)["units"](units),
        log_density=_method(kind, _UNARY, "log_density", 1),
        sample=_method(kind, sample_type, "sample", 0),
    )
    if kind.divergence is not None:
        table.divergence = _method(kind, _BINARY, "divergence", 2)
    return table


def _creator(kind: type[_Base]) -> Any:
    def body(build: int, arguments: Any, count: int, _: Any) -> int | None:
        try:
            made = kind()
            for index, declaration in enumerate(kind._declared):
                setattr(made, declaration.name, declaration._read(arguments[index]))
            made.build(Build(build))
            number = next(_numbers)
            _objects[number] = made
            return number
        except BaseException as error:
            _host.fail(build, _failed(error, kind.__name__))
            return None

    return _CREATE(body)


def register(component: type[_Base] | type[Variant]) -> None:
    """Makes a likelihood, a prior or a variant known to the library by its name, from then on.

    Parameters
    ----------
    component : class
        A subclass of `Likelihood`, `Prior` or `Variant` with a ``name`` in kebab-case and a docstring,
        whose first line says what it is. A class of the same name replaces the former one, while models
        that exist keep it.
    """
    if not isinstance(component, type) or not issubclass(component, (Likelihood, Prior, Variant)):
        raise TypeError(
            f"register takes a subclass of Likelihood, Prior or Variant, but was given {component!r}"
        )
    summary = (component.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    if not getattr(component, "name", "") or not summary:
        raise InvalidArgumentError(f"{component.__name__} needs a name and a docstring")
    if issubclass(component, Variant):
        _register_variant(component, summary)
    else:
        _register_component(component, summary)


def _register_component(component: type[_Base], summary: str) -> None:
    from vae_zoo import _classes

    declared = [declaration._struct() for declaration in component._declared]
    structs = (_Hyperparameter * len(declared))(*declared)
    described = _Component(
        name=encoded(component.name, "name"),
        summary=summary.encode(),
        hyperparameters=ctypes.cast(structs, POINTER(_Hyperparameter)),
        hyperparameter_count=len(declared),
        create=_creator(component),
        destroy=_DESTROY(lambda number: _objects.pop(number, None) and None),
    )
    if issubclass(component, Likelihood):
        described.likelihood = ctypes.pointer(_likelihood_table(component))
    elif issubclass(component, Prior):
        described.prior = ctypes.pointer(_prior_table(component))
    role = "likelihood" if issubclass(component, Likelihood) else "prior"
    _register(
        f"{role}-{component.name}",
        summary,
        (component, structs, declared, described),
        components=ctypes.pointer(described),
        component_count=1,
    )
    _classes.forget(None)


def _register_variant(variant: type[Variant], summary: str) -> None:
    from vae_zoo import _classes

    parts = {}
    for role in ("encoder", "prior", "decoder", "likelihood", "objective"):
        part = getattr(variant, role)
        if isinstance(part, type):
            base = {"prior": Prior, "likelihood": Likelihood}.get(role)
            if base is None or not issubclass(part, base):
                raise TypeError(f"{variant.__name__}.{role} is {part!r}, which cannot be that")
            register(part)
            part = part.name
        parts[role] = encoded(part, role)
    if parts["likelihood"] == b"auto":
        parts["likelihood"] = None
    defaults = [
        _VariantDefault(path=encoded(path, "a path"), value=encoded(setting_text(value), path))
        for path, value in variant.defaults.items()
    ]
    shorthands = [
        _VariantShorthand(name=encoded(name, "a short name"), path=encoded(path, name))
        for name, paths in variant.shorthands.items()
        for path in ([paths] if isinstance(paths, str) else paths)
    ]
    described = _Variant(
        name=encoded(variant.name, "name"),
        summary=summary.encode(),
        reference=encoded(variant.reference, "reference"),
        defaults=(_VariantDefault * len(defaults))(*defaults),
        default_count=len(defaults),
        shorthands=(_VariantShorthand * len(shorthands))(*shorthands),
        shorthand_count=len(shorthands),
        **parts,
    )
    _register(
        f"variant-{variant.name}",
        summary,
        (described,),
        variants=ctypes.pointer(described),
        variant_count=1,
    )
    _classes.forget(variant.name)


def _register(name: str, summary: str, kept: tuple[Any, ...], **brought: Any) -> None:
    """Hands over a plug-in that brings something, which is kept as long as the process."""
    origin = f"python-{name}".encode()
    plugin = _Plugin(
        abi_version=ABI_VERSION, name=origin, version=b"1.0", summary=summary.encode(), **brought
    )

    def entry(host: int) -> int:
        global _host
        table = _Host.from_address(host)
        _host = SimpleNamespace(**{name: getattr(table, name) for name in _HOST})
        return ctypes.addressof(plugin)

    called = _library.PLUGIN_ENTRY(entry)
    _kept.append((kept, plugin, called))
    _library.call(_library.library.vae_register_plugin, called, origin)
