#!/usr/bin/env python3
"""Makes mixture-em.json, the reference values of ExpectationMaximizationTests.

    python3 Tests/VAECoreTests/Reference/mixture-em.py

Written with Python 3.11 and scikit-learn 1.9. Points of three overlapping clouds are clustered by their
nearest centre of three; the weights, means and covariances of these clusters, with the ridge, are where
EM begins. scikit-learn's GaussianMixture begins there as well, and is run for as many steps as COUNTS
says. Stored are the mean log-density after each of these and the parameters after the last one.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn.mixture import GaussianMixture

COUNTS = [0, 1, 2, 3, 5, 10, 20, 40]
RIDGE = 1e-6
CENTRES = np.array([[-2.0, 0.0, 0.5], [2.0, 1.0, 0.0], [0.0, -2.0, 1.0]])

warnings.filterwarnings("ignore")
generator = np.random.default_rng(7)
clouds = [
    (60, [-1.5, 0.2, 0.4], [[0.8, 0.5, 0.0], [0.5, 0.9, 0.1], [0.0, 0.1, 0.3]]),
    (45, [1.0, 0.7, 0.0], [[0.5, -0.3, 0.1], [-0.3, 0.6, 0.0], [0.1, 0.0, 0.9]]),
    (35, [0.0, -1.2, 0.9], [[0.4, 0.0, 0.2], [0.0, 0.4, 0.0], [0.2, 0.0, 0.4]]),
]
points = np.concatenate([generator.multivariate_normal(m, c, n) for n, m, c in clouds])
points = points.round(3).astype(np.float32).astype(np.float64)
assigned = ((points[:, None] - CENTRES) ** 2).sum(axis=2).argmin(axis=1)
weights = np.array([(assigned == c).mean() for c in range(3)])
means = np.array([points[assigned == c].mean(axis=0) for c in range(3)])
covariances = np.array([np.cov(points[assigned == c].T, bias=True) for c in range(3)])
covariances += RIDGE * np.eye(3)


def fitted(steps):
    mixture = GaussianMixture(
        3, tol=0, reg_covar=RIDGE, max_iter=max(1, steps), weights_init=weights, means_init=means,
        precisions_init=np.linalg.inv(covariances))
    if steps == 0:
        mixture._initialize(points, np.full((len(points), 3), 1 / 3))
    else:
        mixture.fit(points)
    return mixture


last = fitted(COUNTS[-1])
order = np.argsort(last.means_[:, 0])
document = {
    "points": points.round(3).ravel().tolist(),
    "assigned": assigned.tolist(),
    "ridge": RIDGE,
    "log_likelihoods": [[steps, float(fitted(steps).score(points))] for steps in COUNTS],
    "weights": last.weights_[order].tolist(),
    "means": last.means_[order].ravel().tolist(),
    "covariances": last.covariances_[order].ravel().tolist(),
}
path = pathlib.Path(__file__).with_name("mixture-em.json")
path.write_text(json.dumps(document) + "\n")
