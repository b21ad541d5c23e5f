"""Writes frechet.json: sets of vectors with the Fréchet distance of Gaussians with their moments, by SciPy's square root of
matrices (scipy.linalg.sqrtm) and numpy.cov, as pytorch-fid computes it."""

import json
import os

import numpy as np
from scipy.linalg import sqrtm


def distance(a, b):
    covariances = [np.cov(x, rowvar=False).reshape(x.shape[1], -1) for x in (a, b)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    shift = a.mean(0) - b.mean(0)
    return float(shift @ shift + np.trace(covariances[0] + covariances[1] - 2 * root))


def item(random, count, size, rank):
    sets = []
    for number in range(2):
        x = random.normal(size=(count + number, rank)) @ random.normal(size=(rank, size))
        sets.append(np.float32(x + 3 + number).round(4).astype(np.float32).astype(np.float64))
    return {"a": sets[0].tolist(), "b": sets[1].tolist(), "distance": distance(*sets)}


random = np.random.default_rng(5)
items = [item(random, 20, 4, 4), item(random, 30, 6, 6), item(random, 12, 3, 3)]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "frechet.json"), "w") as file:
    json.dump(items, file)
