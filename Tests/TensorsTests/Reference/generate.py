#!/usr/bin/env python3
"""Makes the reference values that `ReferenceValueTests.swift` compares the engine with.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install jax==0.10.2 numpy==2.4.6 scipy==1.17.1
    /tmp/reference/bin/python Tests/TensorsTests/Reference/generate.py

Written with Python 3.11, JAX 0.10.2, NumPy 2.4.6 and SciPy 1.17.1; takes a few minutes. The JSON
files beside this script are overwritten; the same versions give the same files. Before anything is
written, the formulas that JAX does not bring itself are checked against plain loops, numerical
integration and SciPy's distributions.

Every input is a 32-bit float, every computation runs in 64-bit floats: what the tests find is the
engine's own rounding. Gradients are those of sum(output * cotangent), by JAX's differentiation.
Inputs keep away from kinks and ties, where a derivative is a convention; those have tests of their
own.

A file is an array of cases, one a line:

    {"operation": …, "attributes": {…}, "inputs": [{"shape": […], "values": […]}, …],
     "output": {"shape": […], "values": […]}, "cotangent": […] or null,
     "gradients": [[…] or null, one an input]}

A null gradient marks an input that the operation takes as a constant. Arrays are row-major: images
[batch, height, width, channels], convolution weights [outputs, inputs, height, width], those of a
transposed convolution [inputs, outputs, height, width]. Padding is [top, left, bottom, right].
"""

import json
import os
import zlib
from pathlib import Path

os.environ["JAX_ENABLE_X64"] = "1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
import scipy.integrate
import scipy.signal
import scipy.special
import scipy.stats

FOLDER = Path(__file__).resolve().parent


# --- Cases ------------------------------------------------------------------------------------


class Group:
    """The cases of one file. Each draws its inputs from a generator of its own, seeded with the
    file's name and the case's number in it: what one file gains shifts no other's numbers."""

    def __init__(self, name):
        self.name = name
        self.cases = []
        self.renew()

    def renew(self):
        self.random = np.random.default_rng(zlib.crc32(f"{self.name}.{len(self.cases)}".encode()))

    def normal(self, shape, scale=1.0, shift=0.0):
        """Normal numbers of three decimals, as 32-bit floats."""
        values = self.random.normal(shift, scale, shape)
        return np.float32(np.round(values, 3))

    def uniform(self, shape, low, high):
        return np.float32(np.round(self.random.uniform(low, high, shape), 3))

    def away_from(self, kinks, shape, scale=1.5):
        """Normal numbers none of which is within 0.05 of a kink."""
        values = self.normal(shape, scale)
        for kink in kinks:
            near = np.abs(values - kink) < 0.05
            values = np.where(near, np.float32(kink + 0.1), values)
        return values

    def distinct(self, shape):
        """Numbers in random order with at least 0.05 between any two."""
        count = int(np.prod(shape))
        values = (self.random.permutation(count) - count / 2) * 0.07
        return np.float32(np.round(values + self.random.uniform(0, 0.01, count), 3)).reshape(shape)

    def add(self, operation, function, inputs, attributes=None, constants=()):
        """Computes one case. `constants` are the positions of inputs without a gradient; None makes
        all inputs constants and the case one without gradients."""
        inputs = [np.asarray(value) for value in inputs]
        wide = [
            jnp.asarray(value, jnp.int32 if value.dtype.kind == "i" else jnp.float64)
            for value in inputs
        ]
        gradients, cotangent = [None] * len(inputs), None
        if constants is None:
            output = function(*wide)
        else:
            tracked = [i for i in range(len(inputs)) if i not in constants]

            def of_tracked(*values):
                arguments = list(wide)
                for position, value in zip(tracked, values):
                    arguments[position] = value
                return function(*arguments)

            output, pull_back = jax.vjp(of_tracked, *[wide[i] for i in tracked])
            cotangent = self.normal(output.shape)
            for position, value in zip(tracked, pull_back(jnp.asarray(cotangent, output.dtype))):
                gradients[position] = value
        output = np.asarray(output)
        assert np.isfinite(output).all(), (operation, attributes)
        assert all(g is None or np.isfinite(g).all() for g in gradients), (operation, attributes)
        self.cases.append(
            {
                "operation": operation,
                "attributes": attributes or {},
                "inputs": [tensor(value) for value in inputs],
                "output": tensor(output),
                "cotangent": None if cotangent is None else numbers(cotangent),
                "gradients": [None if g is None else numbers(g) for g in gradients],
            }
        )
        self.renew()

    def write(self):
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in self.cases)
        # Numbers are strings up to here, so that they keep the digits that were chosen for them.
        text = "[\n" + lines.replace('"#', "").replace('#"', "") + "\n]\n"
        json.loads(text)
        (FOLDER / f"{self.name}.json").write_text(text)
        return len(self.cases), len(text)


def tensor(values):
    return {"shape": list(np.shape(values)), "values": numbers(values)}


def numbers(values):
    """Inputs in as few digits as tell 32-bit floats apart; results in eight, ten times finer than a
    32-bit float."""
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return [f"#{int(v)}#" for v in values.ravel()]
    if values.dtype == np.float32:
        return [f"#{shortened(str(v))}#" for v in values.ravel()]
    return [f"#{shortened(f'{v:.8g}')}#" for v in values.ravel()]


def shortened(number):
    number = number.removesuffix(".0")
    return "0" if number == "-0" else number


# --- Formulas ----------------------------------------------------------------------------------

ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": jax.nn.relu,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.1),
    "elu": lambda x: jax.nn.elu(x, 1.0),
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
}


def activation_attributes(name):
    extra = {"leaky_relu": {"slope": 0.1}, "elu": {"alpha": 1.0}}
    return {"activation": name, **extra.get(name, {})}


def convolution(x, weights, bias=None, stride=(1, 1), padding=(0, 0, 0, 0), activation="identity"):
    top, left, bottom, right = padding
    output = jax.lax.conv_general_dilated(
        x, weights, stride, [(top, bottom), (left, right)],
        dimension_numbers=("NHWC", "OIHW", "NHWC"))
    return ACTIVATIONS[activation](output if bias is None else output + bias)


def transposed_convolution(
    x, weights, bias=None, stride=(1, 1), padding=(0, 0, 0, 0), output_padding=(0, 0),
    activation="identity",
):
    """A convolution with the mirrored kernel over the input with stride - 1 zeros between its
    pixels."""
    top, left, bottom, right = padding
    height, width = weights.shape[2:]
    output = jax.lax.conv_general_dilated(
        x, weights[:, :, ::-1, ::-1], (1, 1),
        [
            (height - 1 - top, height - 1 - bottom + output_padding[0]),
            (width - 1 - left, width - 1 - right + output_padding[1]),
        ],
        lhs_dilation=stride, dimension_numbers=("NHWC", "IOHW", "NHWC"))
    return ACTIVATIONS[activation](output if bias is None else output + bias)


def normalized(x, axes, epsilon):
    mean = jnp.mean(x, axes, keepdims=True)
    return (x - mean) / jnp.sqrt(jnp.var(x, axes, keepdims=True) + epsilon)


def batch_normalization(x, scale, shift, epsilon, activation):
    return ACTIVATIONS[activation](normalized(x, tuple(range(x.ndim - 1)), epsilon) * scale + shift)


def batch_normalization_inference(x, scale, shift, mean, variance, epsilon, activation):
    return ACTIVATIONS[activation]((x - mean) / jnp.sqrt(variance + epsilon) * scale + shift)


def group_normalization(x, scale, shift, groups, epsilon, activation):
    split = x.reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    return ACTIVATIONS[activation](
        normalized(split, (1, 3), epsilon).reshape(x.shape) * scale + shift)


def layer_normalization(x, scale, shift, epsilon, activation):
    return ACTIVATIONS[activation](normalized(x, (-1,), epsilon) * scale + shift)


def upsampled(x, y_factor, x_factor):
    return jnp.repeat(jnp.repeat(x, y_factor, axis=1), x_factor, axis=2)


def summed_by_row(terms):
    return terms.reshape(terms.shape[0], -1).sum(1)


def sampled(single, rows):
    """An array of one row per example repeated for every draw, sample by sample."""
    return jnp.tile(single, (rows // single.shape[0],) + (1,) * (single.ndim - 1))


def reparameterization(mean, log_variance, noise):
    rows = noise.shape[0]
    return sampled(mean, rows) + sampled(jnp.sqrt(jnp.exp(log_variance)), rows) * noise


def gaussian_divergence(mean, log_variance, prior_mean, prior_log_variance):
    """log(σp / σq) + (σq² + (μq - μp)²) / 2σp² - ½, with expm1 where the terms cancel."""
    ratio = log_variance - prior_log_variance
    distance = (mean - prior_mean) ** 2 / jnp.exp(prior_log_variance)
    return summed_by_row((jnp.expm1(ratio) - ratio + distance) / 2)


def gaussian_divergence_from_standard(mean, log_variance):
    zero = jnp.zeros_like(mean)
    return gaussian_divergence(mean, log_variance, zero, zero)


def gaussian_log_density(x, mean, log_variance):
    rows = max(x.shape[0], mean.shape[0], log_variance.shape[0])
    return summed_by_row(
        jax.scipy.stats.norm.logpdf(
            sampled(x, rows), sampled(mean, rows), jnp.exp(sampled(log_variance, rows) / 2)))


def bernoulli_log_density(x, logits):
    x = sampled(x, logits.shape[0])
    return summed_by_row(
        x * jax.nn.log_sigmoid(logits) + (1 - x) * jax.nn.log_sigmoid(-logits))


def squared_error(x, mean):
    return summed_by_row((sampled(x, mean.shape[0]) - mean) ** 2)


# --- Checks of the formulas ----------------------------------------------------------------------


def check_formulas():
    random = np.random.default_rng(0)
    check_convolution(random)
    check_transposed_convolution(random)
    check_densities(random)


def check_convolution(random):
    x, weights = random.normal(size=(2, 6, 7, 3)), random.normal(size=(4, 3, 3, 2))
    padded = np.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)))
    expected = np.stack(
        [
            np.stack(
                [
                    sum(
                        scipy.signal.correlate(padded[n, :, :, i], weights[o, i], "valid")
                        for i in range(3))[::2, ::3]
                    for o in range(4)
                ],
                axis=-1)
            for n in range(2)
        ])
    result = convolution(jnp.asarray(x), weights, stride=(2, 3), padding=(1, 0, 2, 1))
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def check_transposed_convolution(random):
    """Every input pixel adds its multiple of the kernel to the output."""
    for padding, output_padding in [((0, 0, 0, 0), (1, 2)), ((1, 0, 2, 1), (1, 0))]:
        x, weights = random.normal(size=(2, 3, 4, 3)), random.normal(size=(3, 5, 4, 3))
        (top, left, bottom, right), (sy, sx) = padding, (2, 3)
        full = np.zeros((2, 2 * sy + 4 + output_padding[0], 3 * sx + 3 + output_padding[1], 5))
        for y in range(3):
            for c in range(4):
                full[:, y * sy:y * sy + 4, c * sx:c * sx + 3] += np.einsum(
                    "ni,iohw->nhwo", x[:, y, c], weights)
        expected = full[:, top:full.shape[1] - bottom, left:full.shape[2] - right]
        result = transposed_convolution(
            jnp.asarray(x), weights, stride=(sy, sx), padding=padding,
            output_padding=output_padding)
        np.testing.assert_allclose(result, expected, rtol=1e-12)


def check_densities(random):
    for mq, lq, mp, lp in random.normal(size=(5, 4)):
        q = scipy.stats.norm(mq, np.exp(lq / 2))
        p = scipy.stats.norm(mp, np.exp(lp / 2))
        integral, _ = scipy.integrate.quad(
            lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mq - 30 * q.std(), mq + 30 * q.std(),
            points=[mq], limit=200)
        column = [jnp.full((1, 1), value) for value in (mq, lq, mp, lp)]
        np.testing.assert_allclose(gaussian_divergence(*column)[0], integral, rtol=1e-8)
        np.testing.assert_allclose(
            gaussian_log_density(column[0], column[2], column[3])[0], p.logpdf(mq), rtol=1e-12)
    for logit in (-3.0, 0.5, 4.0):
        for x in (0, 1):
            np.testing.assert_allclose(
                bernoulli_log_density(jnp.full((1, 1), x), jnp.full((1, 1), logit))[0],
                scipy.stats.bernoulli.logpmf(x, scipy.special.expit(logit)), rtol=1e-12)


# --- Groups ------------------------------------------------------------------------------------

SHAPES = [(1,), (7,), (3, 5), (2, 1, 3, 5), (67,)]


def elementwise():
    group = Group("elementwise")
    everywhere = [-100, -20, -8.5, -2.5, -0.5, -1e-4, 1e-4, 0.5, 2.5, 8.5, 20, 100]
    positive = [1e-30, 1e-6, 0.999, 1.001, 7, 1e6, 1e30]
    functions = {
        "negate": (lambda x: -x, group.normal, everywhere),
        "exp": (jnp.exp, group.normal, [-80, -20, -1e-4, 1e-4, 20, 80]),
        "log": (jnp.log, lambda shape: group.uniform(shape, 0.05, 4), positive),
        "square_root": (jnp.sqrt, lambda shape: group.uniform(shape, 0.05, 4), positive),
        "square": (jnp.square, group.normal, [-1e15, -3, -1e-4, 1e-4, 3, 1e15]),
        "reciprocal": (
            lambda x: 1 / x, lambda shape: group.away_from([0], shape),
            [-1e6, -1, -1e-3, 1e-3, 3, 1e6]),
        "magnitude": (jnp.abs, lambda shape: group.away_from([0], shape), everywhere),
    }
    for name, function in ACTIVATIONS.items():
        if name != "identity":
            functions[name] = (function, lambda shape: group.away_from([0], shape, 2), everywhere)
    for name, (function, draw, extremes) in functions.items():
        attributes = activation_attributes(name) if name in ACTIVATIONS else {}
        operation = "activation" if name in ACTIVATIONS else name
        for shape in SHAPES:
            group.add(operation, function, [draw(shape)], attributes)
        group.add(operation, function, [np.float32(extremes)], attributes)
    for low, high in [(-1.0, 1.0), (-0.5, 2.0)]:
        for shape in SHAPES:
            group.add(
                "clamp", lambda x: jnp.clip(x, low, high), [group.away_from([low, high], shape)],
                {"minimum": low, "maximum": high})
    for scale, shift in [(2.0, 0.0), (-0.75, 3.5)]:
        for shape in SHAPES[:4]:
            group.add(
                "affine", lambda x: scale * x + shift, [group.normal(shape)],
                {"scale": scale, "shift": shift})
    for shape in SHAPES[:4]:
        group.add(
            "is_above", lambda x: (x > 0.25).astype(jnp.float64),
            [group.away_from([0.25], shape)], {"threshold": 0.25}, constants=None)
    return group


def binary():
    group = Group("binary")
    operations = {
        "add": jnp.add, "subtract": jnp.subtract, "multiply": jnp.multiply, "divide": jnp.divide,
        "maximum": jnp.maximum, "minimum": jnp.minimum,
    }
    shapes = [
        ((1,), (1,)), ((7,), (7,)), ((37,), (37,)), ((3, 5), (5,)), ((5,), (3, 5)),
        ((3, 5), (3, 1)), ((3, 1), (1, 5)), ((2, 3, 5), ()), ((), (2, 3)), ((1, 3), (3, 1)),
        ((2, 3, 1, 5), (3, 4, 1)), ((4, 1, 3, 1), (1, 2, 1, 5)), ((1, 1), (2, 1, 3)),
        ((2, 3, 19), (2, 1, 19)),
    ]
    for name, function in operations.items():
        for left, right in shapes:
            a = group.normal(left)
            b = group.away_from([0], right)
            if name in ("maximum", "minimum"):
                # Left on even hundredths, right half-way between: never equal.
                a = np.float32(np.round(a * 50) / 50)
                b = np.float32(np.round(b * 50) / 50 + 0.01)
            group.add(name, function, [a, b])
    return group


def reductions():
    group = Group("reductions")
    functions = {"sum": jnp.sum, "mean": jnp.mean, "maximum": jnp.max}
    axes = [
        ((7,), (0,)), ((1,), (0,)), ((3, 5), (0,)), ((3, 5), (1,)), ((3, 5), (0, 1)),
        ((2, 3, 4, 5), (1,)), ((2, 3, 4, 5), (1, 2)), ((2, 3, 4, 5), (0, 3)),
        ((2, 3, 1, 5), (2,)), ((3, 1), (0,)), ((1, 1, 9), (0, 1, 2)), ((33, 3), (0,)),
        ((3, 67), (-1,)), ((2, 17, 3), (-2,)),
    ]
    for name, function in functions.items():
        for shape, over in axes:
            for keeps in (False, True):
                draw = group.distinct if name == "maximum" else group.normal
                group.add(
                    f"{name}_over_axes", lambda x: function(x, axis=over, keepdims=keeps),
                    [draw(shape)], {"axes": list(over), "keeps_axes": keeps})
    for name in ("sum", "mean"):
        for shape in [(), (1,), (3, 5), (2, 1, 3, 5), (131,)]:
            group.add(name, functions[name], [group.normal(shape)])
    for shape, axis in [
        ((1,), 0), ((7,), 0), ((3, 5), 0), ((3, 5), 1), ((2, 3, 4), 1), ((2, 37), -1),
    ]:
        group.add(
            "index_of_maximum", lambda x: jnp.argmax(x, axis), [group.distinct(shape)],
            {"axis": axis}, constants=None)
    last = [(1,), (5,), (3, 1), (4, 7), (2, 3, 5), (3, 67)]
    functions = {
        "softmax": lambda x: jax.nn.softmax(x, -1),
        "log_softmax": lambda x: jax.nn.log_softmax(x, -1),
        "log_sum_exp": lambda x: jax.scipy.special.logsumexp(x, axis=-1),
    }
    extremes = np.float32(
        [[1000, 999, -1000, 0, 1], [-1000, -1001, -1002, -1000, -1001], [50, -50, 0, 49, 1],
         [1e4, 1e4, -1e4, 0, 9999], [3, 3, 3, 3, 3]])
    for name, function in functions.items():
        for shape in last:
            group.add(name, function, [group.normal(shape, 2)])
        # The gradient of log-sum-exp comes from its rounded output, whose absolute error grows with
        # the logits; a hundred is past the overflow of the exponential all the same.
        group.add(
            name, function, [np.clip(extremes, -100, 100) if name == "log_sum_exp" else extremes])
    return group


def matrix_products():
    group = Group("matrix_products")
    for m, n, k in [
        (1, 1, 1), (1, 7, 3), (5, 1, 4), (3, 5, 1), (7, 5, 9), (17, 18, 19), (2, 33, 16),
    ]:
        for left in (False, True):
            for right in (False, True):
                a = group.normal((k, m) if left else (m, k))
                b = group.normal((n, k) if right else (k, n))
                group.add(
                    "matrix_product",
                    lambda a, b: (a.T if left else a) @ (b.T if right else b), [a, b],
                    {"transposed": left, "right_transposed": right})
    for lead in [(), (3,), (2, 3), (2, 1, 3)]:
        for right in (False, True):
            a = group.normal(lead + (5,))
            b = group.normal((7, 5) if right else (5, 7))
            group.add(
                "matrix_product", lambda a, b: a @ (b.T if right else b), [a, b],
                {"transposed": False, "right_transposed": right})
    return group


def clear_of_kinks(draw, before):
    """Inputs whose sums before an activation are none within 0.01 of zero."""
    for _ in range(1000):
        inputs = draw()
        if np.abs(before(*[np.float64(value) for value in inputs])).min() > 0.01:
            return inputs
    raise AssertionError("no inputs keep clear of the kink")


def dense():
    group = Group("dense")
    for name, function in ACTIVATIONS.items():
        for lead, inputs, outputs in [((1,), 1, 1), ((3,), 5, 7), ((2, 3), 4, 1), ((5,), 3, 17)]:
            values = clear_of_kinks(
                lambda: [
                    group.normal(lead + (inputs,)), group.normal((inputs, outputs)),
                    group.normal((outputs,)),
                ],
                lambda x, w, b: x @ w + b)
            group.add(
                "dense", lambda x, w, b: function(x @ w + b), values, activation_attributes(name))
        values = clear_of_kinks(
            lambda: [group.normal((3, 5)), group.normal((5, 3))], lambda x, w: x @ w)
        group.add("dense", lambda x, w: function(x @ w), values, activation_attributes(name))
        values = clear_of_kinks(
            lambda: [group.normal((2, 3, 5)), group.normal((5,))], lambda x, b: x + b)
        group.add(
            "add_bias", lambda x, b: function(x + b), values, activation_attributes(name))
    group.add(
        "dense", lambda x, w, b: x @ w + b,
        [group.normal((17, 19)), group.normal((19, 18)), group.normal((18,))],
        activation_attributes("identity"))
    return group


# batch, height, width, inputs, outputs, kernel, stride, padding
CONVOLUTIONS = [
    (1, 1, 1, 1, 1, (1, 1), (1, 1), (0, 0, 0, 0)),
    (2, 5, 7, 3, 4, (1, 1), (1, 1), (0, 0, 0, 0)),
    (1, 6, 5, 3, 2, (1, 1), (2, 2), (0, 0, 0, 0)),
    (2, 5, 7, 3, 4, (3, 3), (1, 1), (1, 1, 1, 1)),
    (1, 6, 6, 2, 3, (3, 3), (2, 2), (1, 1, 1, 1)),
    (2, 7, 5, 1, 3, (3, 3), (2, 2), (1, 1, 1, 1)),
    (1, 8, 8, 2, 3, (3, 3), (2, 2), (0, 0, 0, 0)),
    (1, 8, 9, 2, 2, (3, 3), (3, 2), (0, 1, 0, 1)),
    (2, 6, 5, 3, 2, (3, 3), (1, 1), (2, 0, 0, 1)),
    (1, 7, 6, 2, 3, (3, 3), (2, 2), (0, 0, 1, 1)),
    (1, 5, 6, 3, 1, (2, 3), (1, 1), (1, 1, 0, 1)),
    (2, 9, 7, 1, 4, (7, 7), (1, 1), (3, 3, 3, 3)),
    (1, 8, 8, 2, 3, (4, 7), (1, 1), (3, 3, 0, 3)),
    (2, 6, 8, 3, 4, (4, 4), (2, 2), (1, 1, 1, 1)),
    (1, 5, 5, 2, 3, (2, 2), (1, 1), (1, 1, 0, 0)),
    (1, 6, 6, 2, 2, (2, 2), (2, 2), (0, 0, 0, 0)),
    (2, 4, 5, 3, 6, (4, 5), (1, 1), (0, 0, 0, 0)),
    (1, 1, 9, 2, 3, (1, 5), (1, 2), (0, 2, 0, 2)),
    (2, 6, 6, 16, 16, (3, 3), (1, 1), (1, 1, 1, 1)),
    (2, 7, 7, 8, 17, (3, 3), (2, 2), (1, 1, 1, 1)),
]


def add_convolution(group, sizes, activation="identity", has_bias=True):
    batch, height, width, inputs, outputs, kernel, stride, padding = sizes
    options = {"stride": stride, "padding": padding}

    def draw():
        area = inputs * kernel[0] * kernel[1]
        values = [
            group.normal((batch, height, width, inputs)),
            group.normal((outputs, inputs) + kernel, 1 / np.sqrt(area)),
        ]
        return values + ([group.normal((outputs,))] if has_bias else [])

    if activation == "identity":
        values = draw()
    else:
        values = clear_of_kinks(draw, lambda *v: convolution(*v, **options))
    group.add(
        "convolution", lambda *v: convolution(*v, **options, activation=activation), values,
        {**{key: list(value) for key, value in options.items()},
         **activation_attributes(activation)})


def convolutions():
    group = Group("convolutions")
    for position, sizes in enumerate(CONVOLUTIONS):
        add_convolution(group, sizes, has_bias=position % 3 != 1)
    for activation in ACTIVATIONS:
        add_convolution(group, (1, 3, 4, 2, 3, (3, 3), (2, 1), (1, 1, 1, 1)), activation)
    add_convolution(group, (1, 3, 4, 2, 3, (3, 3), (1, 1), (0, 0, 0, 0)), "silu", has_bias=False)
    return group


# batch, height, width, inputs, outputs, kernel, stride, padding, output padding
TRANSPOSED = [
    (1, 1, 1, 1, 1, (1, 1), (1, 1), (0, 0, 0, 0), (0, 0)),
    (2, 3, 5, 3, 4, (1, 1), (1, 1), (0, 0, 0, 0), (0, 0)),
    (1, 3, 4, 3, 2, (3, 3), (1, 1), (1, 1, 1, 1), (0, 0)),
    (2, 3, 4, 2, 3, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1)),
    (1, 4, 3, 3, 2, (3, 3), (2, 2), (1, 1, 1, 1), (0, 0)),
    (1, 3, 3, 2, 3, (3, 3), (2, 2), (1, 1, 1, 1), (1, 0)),
    (1, 3, 2, 2, 1, (3, 3), (2, 2), (0, 0, 0, 0), (1, 1)),
    (2, 4, 3, 3, 4, (4, 4), (2, 2), (1, 1, 1, 1), (0, 0)),
    (1, 3, 3, 1, 2, (2, 2), (2, 2), (0, 0, 0, 0), (0, 0)),
    (1, 3, 4, 2, 3, (5, 5), (2, 2), (2, 2, 2, 2), (1, 1)),
    (1, 3, 4, 2, 3, (4, 3), (3, 2), (0, 1, 1, 0), (2, 1)),
    (2, 1, 1, 5, 3, (4, 4), (1, 1), (0, 0, 0, 0), (0, 0)),
    (1, 2, 3, 2, 2, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1)),
    (1, 2, 2, 2, 3, (7, 7), (1, 1), (3, 3, 3, 3), (0, 0)),
    (2, 3, 3, 16, 8, (4, 4), (2, 2), (1, 1, 1, 1), (0, 0)),
    (2, 4, 4, 17, 8, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1)),
]


def add_transposed_convolution(group, sizes, activation="identity", has_bias=True):
    batch, height, width, inputs, outputs, kernel, stride, padding, output_padding = sizes
    options = {"stride": stride, "padding": padding, "output_padding": output_padding}

    def draw():
        values = [
            group.normal((batch, height, width, inputs)),
            group.normal((inputs, outputs) + kernel, 1 / np.sqrt(inputs * kernel[0])),
        ]
        return values + ([group.normal((outputs,))] if has_bias else [])

    if activation == "identity":
        values = draw()
    else:
        values = clear_of_kinks(draw, lambda *v: transposed_convolution(*v, **options))
    group.add(
        "transposed_convolution",
        lambda *v: transposed_convolution(*v, **options, activation=activation), values,
        {**{key: list(value) for key, value in options.items()},
         **activation_attributes(activation)})


def transposed_convolutions():
    group = Group("transposed_convolutions")
    for position, sizes in enumerate(TRANSPOSED):
        add_transposed_convolution(group, sizes, has_bias=position % 3 != 1)
    for activation in ACTIVATIONS:
        add_transposed_convolution(
            group, (1, 2, 2, 2, 3, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1)), activation)
    return group


def normalizations():
    group = Group("normalizations")
    names = list(ACTIVATIONS)
    # An activation with a kink serves where an accident is unlikely: its inputs are drawn anew
    # until none is near.
    for position, shape in enumerate(
        [(2, 1), (5, 3), (7, 1), (3, 2, 3, 4), (1, 3, 3, 5), (33, 17), (4, 1, 1, 3), (9, 3), (6, 2),
         (7, 5), (3, 2, 2, 3)]):
        activation = names[position % len(names)] if position >= 2 else "identity"
        channels = shape[-1]

        def draw():
            return [
                group.normal(shape, 1.5, 0.5), group.away_from([0], (channels,), 1),
                group.normal((channels,)),
            ]

        def batch(x, scale, shift, activation=activation):
            return batch_normalization(x, scale, shift, 1e-5, activation)

        attributes = {"epsilon": 1e-5, **activation_attributes(activation)}
        values = clear_of_kinks(draw, lambda *v: batch_normalization(*v, 1e-5, "identity"))
        group.add("batch_normalization", batch, values, attributes)

        def inference(x, scale, shift, mean, variance, activation=activation):
            return batch_normalization_inference(
                x, scale, shift, mean, variance, 1e-5, activation)

        values = clear_of_kinks(
            lambda: draw() + [group.normal((channels,)), group.uniform((channels,), 0.1, 3)],
            lambda *v: batch_normalization_inference(*v, 1e-5, "identity"))
        group.add(
            "batch_normalization_inference", inference, values, attributes, constants=(3, 4))
    group.add(
        "batch_normalization", lambda *v: batch_normalization(*v, 1e-3, "identity"),
        [group.normal((17, 3), 1, 30), group.normal((3,)), group.normal((3,))],
        {"epsilon": 1e-3, **activation_attributes("identity")})
    for shape, groups, activation in [
        ((2, 3, 3, 4), 2, "identity"), ((1, 1, 1, 4), 2, "identity"), ((2, 3, 5, 6), 3, "silu"),
        ((3, 5), 1, "gelu"), ((2, 4, 3, 6), 6, "elu"), ((2, 2, 2, 32), 8, "leaky_relu"),
        ((2, 3, 3, 3), 1, "relu"), ((1, 7, 5, 10), 5, "tanh"), ((2, 2, 3, 34), 2, "softplus"),
        ((3, 1, 3, 3), 3, "sigmoid"),
    ]:
        values = clear_of_kinks(
            lambda: [
                group.normal(shape, 1.5, 0.5), group.away_from([0], shape[-1:], 1),
                group.normal(shape[-1:]),
            ],
            lambda *v: group_normalization(*v, groups, 1e-5, "identity"))
        group.add(
            "group_normalization", lambda *v: group_normalization(*v, groups, 1e-5, activation),
            values, {"groups": groups, "epsilon": 1e-5, **activation_attributes(activation)})
    for shape, activation in [
        ((1, 3), "identity"), ((5, 7), "identity"), ((7,), "identity"), ((2, 3, 5), "gelu"),
        ((3, 67), "silu"), ((4, 2), "elu"), ((2, 3, 3), "relu"),
    ]:
        values = clear_of_kinks(
            lambda: [
                group.normal(shape, 1.5, 0.5), group.away_from([0], shape[-1:], 1),
                group.normal(shape[-1:]),
            ],
            lambda *v: layer_normalization(*v, 1e-5, "identity"))
        group.add(
            "layer_normalization", lambda *v: layer_normalization(*v, 1e-5, activation), values,
            {"epsilon": 1e-5, **activation_attributes(activation)})
    for shape, shift in [((1, 3), 0), ((5, 1), 0), ((7, 3), 0), ((2, 3, 5, 4), 0), ((37, 5), 1000)]:
        x = group.normal(shape, 1, shift)
        over = tuple(range(len(shape) - 1))
        group.add("channel_mean", lambda x: jnp.mean(x, over), [x], constants=None)
        group.add("channel_variance", lambda x: jnp.var(x, over), [x], constants=None)
    return group


def movement():
    group = Group("movement")
    for shape, target in [
        ((6,), (2, 3)), ((2, 3, 5), (6, 5)), ((1,), (1, 1, 1)), ((1,), ()), ((3, 4), (12,)),
    ]:
        group.add(
            "reshape", lambda x: x.reshape(target), [group.normal(shape)], {"shape": list(target)})
    for shape in [(1, 1), (3, 5), (2, 3, 1, 5), (4,)]:
        group.add("flatten", lambda x: x.reshape(x.shape[0], -1), [group.normal(shape)])
    for shape, order in [
        ((3,), (0,)), ((3, 5), (1, 0)), ((1, 5), (1, 0)), ((2, 3, 5), (2, 0, 1)),
        ((2, 3, 5), (0, 2, 1)), ((2, 3, 4, 5), (0, 3, 1, 2)), ((2, 3, 4, 5), (0, 2, 3, 1)),
        ((2, 1, 4, 3), (3, 2, 1, 0)), ((19, 17), (1, 0)),
    ]:
        group.add(
            "permute", lambda x: jnp.transpose(x, order), [group.normal(shape)],
            {"order": list(order)})
    for shape in [(1, 1), (3, 5), (17, 1)]:
        group.add("transpose", jnp.transpose, [group.normal(shape)])
    for shapes, axis in [
        ([(3,), (1,), (2,)], 0), ([(2, 3), (4, 3)], 0), ([(2, 3), (2, 1), (2, 5)], 1),
        ([(2, 3, 4, 1), (2, 3, 4, 5)], -1), ([(1, 2, 3), (1, 1, 3)], 1), ([(3, 5)], 1),
    ]:
        group.add(
            "concatenate", lambda *parts: jnp.concatenate(parts, axis),
            [group.normal(shape) for shape in shapes], {"axis": axis})
    for shape, sizes, axis in [
        ((6,), (1, 3, 2), 0), ((3, 5), (2, 3), -1), ((2, 7, 3), (3, 1, 3), 1), ((5, 2), (1, 4), 0),
        ((2, 4), (4,), 1),
    ]:
        bounds = np.cumsum((0,) + sizes)
        for part in range(len(sizes)):
            group.add(
                "split",
                lambda x: jax.lax.slice_in_dim(
                    x, int(bounds[part]), int(bounds[part + 1]), axis=axis % x.ndim),
                [group.normal(shape)], {"sizes": list(sizes), "axis": axis, "part": part})
    for shape, axis, start, stop in [
        ((5,), 0, 1, 4), ((3, 5), 1, 0, 2), ((3, 5), 0, 2, 3), ((2, 3, 5), 1, 1, 3),
        ((2, 3, 5), -1, 4, 5), ((2, 3), 1, 0, 3),
    ]:
        group.add(
            "slice", lambda x: jax.lax.slice_in_dim(x, start, stop, axis=axis % x.ndim),
            [group.normal(shape)], {"axis": axis, "start": start, "stop": stop})
    for shape, axis, before, after in [
        ((3,), 0, 1, 2), ((3, 5), 1, 0, 1), ((2, 3, 5), 1, 2, 0), ((2, 1, 3, 1), 2, 1, 1),
        ((2, 3), -1, 0, 0), ((2, 3, 1), -1, 3, 2),
    ]:
        def pad(x):
            widths = [(0, 0)] * x.ndim
            widths[axis] = (before, after)
            return jnp.pad(x, widths)

        group.add(
            "pad", pad, [group.normal(shape)], {"axis": axis, "before": before, "after": after})
    for entries, row, indices in [
        (5, (3,), (4, 0, 0, 2)), (1, (1,), (0,)), (7, (17,), (6, 6, 6, 1, 3)), (3, (2, 5), (1, 2)),
        (4, (), (3, 1, 1)), (4, (3,), ((0, 3, 1), (1, 1, 2))),
    ]:
        group.add(
            "gather", lambda table, i: table[i],
            [group.normal((entries,) + row), np.int32(indices)], constants=(1,))
    for indices, axis, size in [
        ((2, 0, 1), -1, 4), ((2, 0, 1), 0, 3), (((1, 0), (3, 2)), 1, 5), ((0,), 1, 1),
    ]:
        group.add(
            "one_hot", lambda i: jax.nn.one_hot(i, size, axis=axis, dtype=jnp.float64),
            [np.int32(indices)], {"axis": axis, "size": size}, constants=None)
    for shape, factors in [
        ((1, 1, 1, 1), (2, 2)), ((2, 3, 5, 3), (2, 2)), ((1, 3, 2, 17), (3, 1)),
        ((2, 2, 3, 1), (1, 4)), ((1, 2, 3, 5), (1, 1)),
    ]:
        group.add(
            "upsample_nearest", lambda x: upsampled(x, *factors), [group.normal(shape)],
            {"factors": list(factors)})
    for shape, target in [
        ((1,), (7,)), ((), (2, 3)), ((3, 1), (3, 5)), ((5,), (2, 3, 5)), ((1, 3, 1), (4, 3, 5)),
        ((2, 3), (2, 3)),
    ]:
        group.add(
            "broadcast", lambda x: jnp.broadcast_to(x, target), [group.normal(shape)],
            {"shape": list(target)})
    for shape, times in [((1,), 3), ((3, 5), 2), ((2, 1, 3), 5), ((2, 3), 1)]:
        group.add(
            "tile", lambda x: sampled(x, times * x.shape[0]), [group.normal(shape)],
            {"times": times})
    return group


def variational():
    group = Group("variational")
    shapes = [(1, 1), (3, 5), (2, 1), (1, 7), (5, 17), (2, 3, 2, 3), (1, 67)]
    for shape in shapes:
        for samples in (1, 3):
            group.add(
                "reparameterization", reparameterization,
                [group.normal(shape), group.normal(shape),
                 group.normal((samples * shape[0],) + shape[1:])],
                constants=(2,))
    group.add(
        "reparameterization", reparameterization,
        [np.float32([[3, -3, 0, 1]]), np.float32([[-30, -10, 10, 20]]),
         np.float32([[1.5, -2.5, 0.25, -0.75]])],
        constants=(2,))
    for shape in shapes:
        group.add(
            "gaussian_divergence_from_standard", gaussian_divergence_from_standard,
            [group.normal(shape), group.normal(shape)])
        group.add(
            "gaussian_divergence", gaussian_divergence, [group.normal(shape) for _ in range(4)])
    extremes = [np.float32([[50, -3, 0, 1]]), np.float32([[-20, 10, -8, 6]])]
    collapsed = [
        np.float32([[1e-4, -2e-4, 3e-4, 0]]), np.float32([[1e-3, -2e-3, 1e-4, 5e-4]])]
    for values in (extremes, collapsed):
        group.add(
            "gaussian_divergence_from_standard", gaussian_divergence_from_standard, values)
    group.add(
        "gaussian_divergence", gaussian_divergence,
        extremes + [np.float32([[0, 2, 1, -1]]), np.float32([[3, -6, 8, -4]])])
    group.add(
        "gaussian_divergence", gaussian_divergence,
        collapsed + [np.float32([[2e-4, 0, 1e-4, 0]]), np.float32([[0, 1e-3, 1e-4, -3e-4]])])
    for shape in shapes:
        group.add(
            "gaussian_log_density", gaussian_log_density, [group.normal(shape) for _ in range(3)])
        # Which of value, mean and log-variance were drawn three times an example.
        for drawn in [(0,), (1,), (1, 2), (0, 1, 2)]:
            if len(shape) == 2 and shape[1] > 10:
                continue
            group.add(
                "gaussian_log_density", gaussian_log_density,
                [
                    group.normal((3 * shape[0],) + shape[1:] if i in drawn else shape)
                    for i in range(3)
                ])
    group.add(
        "gaussian_log_density", gaussian_log_density,
        [np.float32([[0.5, 100, -2]]), np.float32([[0.25, 0, -2]]), np.float32([[-12, 10, 5]])])
    for shape in shapes:
        for samples in (1, 3):
            x = np.float32(group.random.integers(0, 2, shape))
            group.add(
                "bernoulli_log_density", bernoulli_log_density,
                [x, group.normal((samples * shape[0],) + shape[1:], 2)], constants=(0,))
        group.add(
            "bernoulli_log_density", bernoulli_log_density,
            [group.uniform(shape, 0, 1), group.normal(shape, 2)], constants=(0,))
    group.add(
        "bernoulli_log_density", bernoulli_log_density,
        [np.float32([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0], [0.25, 1, 0, 0.5]]),
         np.float32([[-100, 100, -30, 30], [-100, 100, -30, 30], [-1e4, 1e4, 20, -20],
                     [88, -89, 17, 1e4]])],
        constants=(0,))
    for shape in shapes:
        for samples in (1, 3):
            group.add(
                "squared_error", squared_error,
                [group.normal(shape), group.normal((samples * shape[0],) + shape[1:])])
    return group


def main():
    check_formulas()
    total = 0
    for make in (
        elementwise, binary, reductions, matrix_products, dense, convolutions,
        transposed_convolutions, normalizations, movement, variational,
    ):
        group = make()
        cases, size = group.write()
        total += size
        print(f"{group.name}.json: {cases} cases, {size / 1e3:.0f} kB")
    print(f"{total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
