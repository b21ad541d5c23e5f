#!/usr/bin/env python3
"""Makes dequantization.json, the reference values of DequantizationTests.

    python3 Tests/VAETrainingTests/Reference/dequantization.py

Written with Python 3.11 and NumPy 2.4.6. A Gaussian with a fixed mean and standard deviation prices
bytes. Of each byte two numbers are integrated over its cell by Gauss-Legendre quadrature, in 64-bit
floats: the mean of -log2 p((b + u) / 256) + 8 over u in 0...1, which is what dequantization measures,
and -log2 of the probability of the cell, the length of the best code for the byte under the Gaussian.
"""

import json
import pathlib

import numpy as np

CASES = [(0.25, 0.1), (0.5, 0.02), (0.7, 0.004)]

nodes, weights = np.polynomial.legendre.leggauss(64)
u, weights = (nodes + 1) / 2, weights / 2


def log_density(x, mean, deviation):
    return -((x - mean) ** 2) / (2 * deviation**2) - np.log(deviation * np.sqrt(2 * np.pi))


cases = []
for mean, deviation in CASES:
    measured, exact, spread = [], [], []
    # Up to a dozen bytes that the Gaussian does not call impossible.
    near = [byte for byte in range(256) if abs((byte + 0.5) / 256 - mean) < 6 * deviation]
    chosen = near[:: max(1, len(near) // 12)]
    for byte in chosen:
        logs = log_density((byte + u) / 256, mean, deviation)
        bits = 8 - logs / np.log(2)
        measured.append((weights * bits).sum())
        spread.append(np.sqrt(max(0, (weights * bits**2).sum() - measured[-1] ** 2)))
        largest = logs.max()
        cell = largest + np.log((weights * np.exp(logs - largest)).sum()) - np.log(256)
        exact.append(-cell / np.log(2))
    cases.append(
        {
            "mean": mean,
            "deviation": deviation,
            "bytes": chosen,
            "bits": measured,
            "spread": spread,
            "exact": exact,
        }
    )

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
