#!/usr/bin/env python3
"""Makes conditional-coupling.json, the reference values of ConditionalCouplingTests.

    python3 Tests/VAECoreTests/Reference/conditional-coupling.py

Written with Python 3.11 and NumPy 2.4: the flow of Dinh et al. 2017 (equations 7 and 8) with a chessboard of three
dimensions as mask, and the noise of bytes of Ho et al. 2019 (equation 4), computed in 64-bit floats with loops over the
places of a kernel, one image at a time. Every number of a network follows from its place, 0.15 sin(0.7 i + k) for the i-th
number of the k-th array, in the order in which the model lists its parameters; images, decoder outputs and uniform numbers
likewise, so that nothing but results is stored.
"""

import json
import pathlib

import numpy as np

HEIGHT, WIDTH, CHANNELS, FEATURES, HIDDEN, STEPS, NOISE_STEPS = 3, 4, 2, 1, 3, 2, 2


class Numbers:
    """Arrays in the order of a model's parameters."""

    def __init__(self):
        self.arrays = 0

    def take(self, *shape):
        count = int(np.prod(shape)) if shape else 1
        values = 0.15 * np.sin(0.7 * np.arange(count) + self.arrays)
        self.arrays += 1
        return values.reshape(shape)


def convolution(x, weights, bias):
    kernel = weights.shape[2]
    x = np.pad(x, ((kernel // 2,) * 2, (kernel // 2,) * 2, (0, 0)))
    y = np.zeros((x.shape[0] - kernel + 1, x.shape[1] - kernel + 1, weights.shape[0])) + bias
    for i in range(kernel):
        for j in range(kernel):
            y += x[i : i + y.shape[0], j : j + y.shape[1]] @ weights[:, :, i, j].T
    return y


def elu(x):
    return np.where(x > 0, x, np.expm1(x))


class Network:
    """A convolution, a residual block with activations before its convolutions, and a convolution after an activation."""

    def __init__(self, numbers, inputs, outputs):
        layer = lambda a, b: (numbers.take(b, a, 3, 3), numbers.take(b))
        self.entry = layer(inputs, HIDDEN)
        self.first, self.second = layer(HIDDEN, HIDDEN), layer(HIDDEN, HIDDEN)
        self.exit = layer(HIDDEN, outputs)

    def hidden(self, x):
        x = convolution(x, *self.entry)
        return elu(x + convolution(elu(convolution(elu(x), *self.first)), *self.second))

    def __call__(self, x):
        return convolution(self.hidden(x), *self.exit)


class Coupling:
    def __init__(self, numbers, step, conditions):
        self.network = Network(numbers, CHANNELS + conditions, 2 * CHANNELS)
        self.bound = numbers.take(CHANNELS)
        place = np.add.outer(np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)), np.arange(CHANNELS))
        self.kept = (place + step) % 2 == 0

    def __call__(self, x, h):
        output = self.network(np.concatenate([np.where(self.kept, x, 0), h], axis=2))
        s = np.where(self.kept, 0, np.tanh(output[..., :CHANNELS]) * self.bound)
        t = np.where(self.kept, 0, output[..., CHANNELS:])
        return x * np.exp(s) + t, s.sum()


class Noise:
    """q(u|x)."""

    def __init__(self, numbers):
        self.network = Network(numbers, CHANNELS, 2 * CHANNELS)
        self.bound = numbers.take(CHANNELS)
        self.couplings = [Coupling(numbers, step, HIDDEN) for step in range(NOISE_STEPS)]

    def __call__(self, uniform, x):
        log_logistic = lambda values: -(np.logaddexp(0, values) + np.logaddexp(0, -values)).sum()
        h = self.network.hidden(x - 0.5)
        output = convolution(h, *self.network.exit)
        scale, shift = np.tanh(output[..., :CHANNELS]) * self.bound, output[..., CHANNELS:]
        noise = np.log(uniform) - np.log1p(-uniform)
        value, density = noise * np.exp(scale) + shift, log_logistic(noise) - scale.sum()
        for coupling in self.couplings:
            value, determinant = coupling(value, h)
            density -= determinant
        return 1 / (1 + np.exp(-value)), density - log_logistic(value)


def place(shape, factor):
    """Numbers between -1 and 1 that follow from their place."""
    return np.sin(factor * np.arange(int(np.prod(shape)))).reshape(shape)


def main():
    numbers = Numbers()
    raw, bound = numbers.take(), numbers.take(CHANNELS)
    log_sigma = np.logaddexp(0, raw + 6) - 6
    couplings = [Coupling(numbers, step, 2 * CHANNELS + FEATURES) for step in range(STEPS)]
    noise = Noise(numbers)
    shape = (2, HEIGHT, WIDTH, CHANNELS)
    parameters = place((2, HEIGHT, WIDTH, 2 * CHANNELS + FEATURES), 0.9)
    levels = np.floor(128 + 127 * place(shape, 1.3))
    uniform = 0.5 + 0.49 * place(shape, 2.1)

    def density(points, given):
        deviation = np.tanh(given[..., CHANNELS : 2 * CHANNELS]) * bound + log_sigma
        value, total = (points - given[..., :CHANNELS]) * np.exp(-deviation), -deviation.sum()
        for coupling in couplings:
            value, determinant = coupling(value, given)
            total += determinant
        return total - 0.5 * (value**2 + np.log(2 * np.pi)).sum()

    densities, noises, bounds = [], [], []
    for row in range(2):
        densities.append(density(place(shape, 1.3)[row], parameters[row]))
        u, log_noise = noise(uniform[row], levels[row] / 255)
        noises.append(log_noise)
        bounds.append(density((levels[row] + u) / 256, parameters[row]) - log_noise - u.size * np.log(256))
    result = {"arrays": numbers.arrays, "densities": densities, "noises": noises, "bounds": bounds}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result, indent=1) + "\n")


main()
