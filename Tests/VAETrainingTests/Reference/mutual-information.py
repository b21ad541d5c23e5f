#!/usr/bin/env python3
"""Makes mutual-information.json, the reference values of MutualInformationReferenceTests.

    python3 Tests/VAETrainingTests/Reference/mutual-information.py

Written with Python 3.11 and NumPy 2.4.6. Every unit's posterior is a Gaussian, so that a unit given a
factor's value is a mixture of Gaussians. Its mutual information with the factor is integrated by the
trapezoidal rule on a grid finer than the narrowest of them, in 64-bit floats, and so is the standard
deviation of the integrand under the mixture, from which the error of a mean over draws follows.
"""

import json
import pathlib

import numpy as np

random = np.random.default_rng(20180214)
sizes = [2, 5]
count = 120
# The second factor is not uniform, and depends on the first.
first = random.integers(2, size=count)
second = np.minimum(random.integers(4, size=count) + first * random.integers(2, size=count), 4)
factors = np.stack([first, second], axis=1)
means = np.stack(
    [
        1.2 * first + 0.3 * random.normal(size=count),
        0.7 * second + 0.5 * first + 0.2 * random.normal(size=count),
        random.normal(size=count),
        np.zeros(count),
    ],
    axis=1,
)
variances = np.stack(
    [
        random.uniform(0.05, 0.3, count),
        random.uniform(0.02, 0.8, count) ** 2,
        random.uniform(0.5, 1, count),
        np.ones(count),
    ],
    axis=1,
)
means = np.float64(np.float32(np.round(means, 4)))
variances = np.float64(np.float32(np.round(variances, 4)))


def densities(z, unit, examples):
    """The mean density of some examples' posteriors at each z."""
    mean, variance = means[examples, unit], variances[examples, unit]
    exponents = -((z[:, None] - mean) ** 2) / (2 * variance)
    return (np.exp(exponents) / np.sqrt(2 * np.pi * variance)).mean(axis=1)


def information(unit, factor):
    """I(z; v) in nats, and the standard deviation of log q(z|v) - log q(z) under both."""
    deviations = np.sqrt(variances[:, unit])
    low = (means[:, unit] - 12 * deviations).min()
    high = (means[:, unit] + 12 * deviations).max()
    z = np.linspace(low, high, 1 + int(np.ceil((high - low) / deviations.min() * 20)))
    everything = densities(z, unit, np.arange(count))
    total, squares = 0.0, 0.0
    for value in range(sizes[factor]):
        examples = np.flatnonzero(factors[:, factor] == value)
        given = densities(z, unit, examples)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(given > 0, np.log(given) - np.log(everything), 0)
        total += len(examples) / count * np.trapezoid(given * ratio, z)
        squares += len(examples) / count * np.trapezoid(given * ratio**2, z)
    return total, np.sqrt(max(0, squares - total**2))


def entropy(factor):
    shares = np.bincount(factors[:, factor], minlength=sizes[factor]) / count
    return -(shares[shares > 0] * np.log(shares[shares > 0])).sum()


pairs = [[information(unit, factor) for unit in range(4)] for factor in range(2)]
gaps = []
for factor in range(2):
    ordered = sorted((pair[0] for pair in pairs[factor]), reverse=True)
    gaps.append((ordered[0] - ordered[1]) / entropy(factor))

reference = {
    "sizes": sizes,
    "combinations": np.ravel_multi_index(factors.T, sizes).tolist(),
    "means": np.round(means, 4).tolist(),
    "variances": np.round(variances, 4).tolist(),
    "information": [[pair[0] for pair in row] for row in pairs],
    "deviations": [[pair[1] for pair in row] for row in pairs],
    "gaps": gaps,
}
path = pathlib.Path(__file__).with_suffix(".json")
lines = [f'"{name}": {json.dumps(value)}' for name, value in reference.items()]
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
