#!/usr/bin/env python3
"""Makes the reference values of CategoricalLikelihoodTests and DiscretizedLogisticMixtureTests.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/reference/bin/python Tests/VAECoreTests/Reference/likelihoods.py

Written with Python 3.11, NumPy 2.4.6 and SciPy 1.17.1. The Swift literals that it prints stand in
the tests; the same versions print the same.

Densities come from SciPy's distributions in 64-bit floats: the mass of a bin is a difference of the
logistic distribution function, on the side where that is small, and is compared with the integral
of the density. Gradients are five-point finite differences of those densities. Inputs are 32-bit
floats of three digits.
"""

import numpy as np
import scipy.integrate
import scipy.special
import scipy.stats

random = np.random.default_rng(20170119)


def rounded(values):
    """Numbers of three significant digits, as 32-bit floats."""
    return np.array([np.float32(f"{v:.3g}") for v in np.ravel(values)])


def bin_mass(level, centre, scale):
    """The probability of the bin of a level under one logistic distribution."""
    x = 2 * level / 255 - 1
    lower = -np.inf if level == 0 else x - 1 / 255
    upper = np.inf if level == 255 else x + 1 / 255
    law = scipy.stats.logistic(centre, scale)
    mass = (law.sf(lower) - law.sf(upper) if x > centre else law.cdf(upper) - law.cdf(lower))
    if np.isfinite(lower) and np.isfinite(upper):
        integral, _ = scipy.integrate.quad(law.pdf, lower, upper, epsabs=0, epsrel=1e-11)
        np.testing.assert_allclose(mass, integral, rtol=1e-9)
    return mass


def mixture_log_density(levels, parameters, channels, components):
    """log p of one pixel (Salimans et al. 2017, section 2)."""
    pairs = channels * (channels - 1) // 2
    cut = np.cumsum([components, channels * components, channels * components])
    logits, means, log_scales, coefficients = np.split(parameters, cut)
    weights = scipy.special.softmax(logits)
    means = means.reshape(channels, components)
    scales = np.exp(np.maximum(log_scales.reshape(channels, components), -7))
    coefficients = np.tanh(coefficients.reshape(pairs, components))
    x = 2 * np.asarray(levels) / 255 - 1
    total = 0
    for m in range(components):
        product = weights[m]
        pair = 0
        for i in range(channels):
            centre = means[i, m]
            for j in range(i):
                centre += coefficients[pair, m] * x[j]
                pair += 1
            product *= bin_mass(levels[i], centre, scales[i, m])
        total += product
    return np.log(total)


def differences(function, point, step=1e-3):
    """The gradient by five-point differences."""
    gradient = np.zeros(len(point))
    for k in range(len(point)):
        def at(offset):
            moved = point.copy()
            moved[k] += offset
            return function(moved)
        gradient[k] = (8 * (at(step) - at(-step)) - at(2 * step) + at(-2 * step)) / (12 * step)
    return gradient


def swift(values, digits):
    """A Swift array."""
    return "[" + ", ".join(f"{v:.{digits}g}" for v in values) + "]"


print("// DiscretizedLogisticMixtureTests")
for channels, components, pixels in [
    (1, 1, [[0], [100], [255]]),
    (1, 3, [[0], [7], [255]]),
    (2, 2, [[0, 255], [130, 90]]),
    (3, 2, [[20, 0, 255], [128, 131, 90]]),
]:
    pairs = channels * (channels - 1) // 2
    for levels in pixels:
        parameters = rounded(np.concatenate([
            random.normal(0, 1, components), random.uniform(-1, 1, channels * components),
            random.uniform(-4, 0, channels * components), random.normal(0, 1, pairs * components)]))
        parameters = parameters.astype(np.float64)
        def density(point):
            return mixture_log_density(levels, point, channels, components)
        print(f"Case(\n  channels: {channels}, components: {components}, levels: {levels},")
        print(f"  parameters: {swift(parameters, 3)},")
        print(f"  logDensity: {density(parameters):.9g},")
        print(f"  gradients: {swift(differences(density, parameters), 7)}),")

print("// CategoricalLikelihoodTests")
logits = rounded(random.normal(0, 2, 2 * 5)).astype(np.float64)
print(f"logits: {swift(logits, 3)},")
for levels in [[0, 4], [3, 1]]:
    def density(point):
        return sum(
            scipy.special.log_softmax(row)[level] for row, level in zip(point.reshape(2, 5), levels))
    print(f"levels: {levels}, logDensity: {density(logits):.9g},")
    print(f"gradients: {swift(differences(density, logits), 7)}")
