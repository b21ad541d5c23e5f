"""What methods of components compute with: values with a record that gradients follow."""

from __future__ import annotations

import threading
from ctypes import POINTER, c_float, c_int64, c_void_p
from typing import Any, Callable, Sequence

import numpy as np

from vae_zoo._library import integer


class _Here(threading.local):
    """The pass that runs on this thread."""

    current: int | None = None


here = _Here()
# The functions of the library, once something is registered.
host: Any = None


def _call(name: str, *arguments: Any) -> Value:
    if here.current is None:
        raise RuntimeError("values can be computed with inside of a component's methods only")
    return Value(getattr(host, name)(here.current, *arguments))


def axes(shape: Sequence[int]) -> tuple[Any, int]:
    return (c_int64 * len(shape))(*(integer(size, "a size of an axis") for size in shape)), len(shape)


def pointer(x: Any) -> int | None:
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
        rank = host.shape(here.current, self._pointer, sizes)
        return tuple(sizes[:rank])

    def numpy(self) -> np.ndarray:
        """A copy of the numbers, through which no gradient flows."""
        shape = self.shape
        data = host.data(here.current, self._pointer)
        count = int(np.prod(shape, dtype=np.int64))
        return np.array(data[:count] if data else [], dtype=np.float32).reshape(shape if data else 0)

    def __neg__(self) -> Value:
        return _call("negate", self._pointer)

    def __abs__(self) -> Value:
        return _call("abs", self._pointer)

    def __add__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, 1.0, other)
        return _call("add", self._pointer, pointer(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, 1.0, -other)
        return _call("subtract", self._pointer, pointer(other))

    def __rsub__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, -1.0, other)
        return _call("subtract", pointer(other), self._pointer)

    def __mul__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, other, 0.0)
        return _call("multiply", self._pointer, pointer(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("scale", self._pointer, 1 / other, 0.0)
        return _call("divide", self._pointer, pointer(other))

    def __rtruediv__(self, other: Any) -> Value:
        if _is_number(other):
            return _call("reciprocal", self._pointer) * other
        return _call("divide", pointer(other), self._pointer)

    def __pow__(self, power: int) -> Value:
        if power != 2:
            raise ValueError("values can be raised to the power of 2 only; use exp and log for others")
        return _call("square", self._pointer)

    def __matmul__(self, other: Any) -> Value:
        return _call("matmul", self._pointer, pointer(other), 0, 0)

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
        return _call("maximum", self._pointer, pointer(other))

    def minimum(self, other: Any) -> Value:
        """The smaller of two, element by element."""
        return _call("minimum", self._pointer, pointer(other))

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
        return _call("reshape", self._pointer, *axes(shape))

    def broadcast(self, *shape: int) -> Value:
        """Read with a larger shape."""
        return _call("broadcast", self._pointer, *axes(shape))

    def slice(self, axis: int, first: int, count: int) -> Value:
        """`count` elements of an axis from `first` on."""
        place = (integer(axis, "axis"), integer(first, "first"), integer(count, "count"))
        return _call("slice", self._pointer, *place)


def constant(numbers: Any) -> Value:
    """Given numbers as a value."""
    array = np.ascontiguousarray(numbers, dtype=np.float32)
    data = array.ctypes.data_as(POINTER(c_float))
    return _call("constant", data, *axes(array.shape))


def full(number: float, *shape: int) -> Value:
    """One number everywhere."""
    return _call("full", number, *axes(shape))


def condition() -> Value:
    """What the model is told of each row beside the data, ``[rows, condition_width]``: of a label a one-hot row.

    For components with ``uses_condition``.
    """
    return _call("condition")


def normal(stream: str, *shape: int) -> Value:
    """Standard normal numbers ``[rows, *shape]``, from the stream of this name."""
    return _call("normal", stream.encode(), *axes(shape))


def uniform(stream: str, *shape: int) -> Value:
    """Uniform numbers in (0, 1), ``[rows, *shape]``, from the stream of this name."""
    return _call("uniform", stream.encode(), *axes(shape))


def concatenate(values: Sequence[Any], axis: int) -> Value:
    """Values joined along an axis."""
    pointers = [pointer(value) for value in values]
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
