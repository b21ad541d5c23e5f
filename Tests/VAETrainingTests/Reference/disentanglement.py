#!/usr/bin/env python3
"""Makes disentanglement.json, the reference values of DisentanglementReferenceTests.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    /tmp/reference/bin/python Tests/VAETrainingTests/Reference/disentanglement.py

Written with Python 3.11, NumPy 2.4.6 and scikit-learn 1.9.1; the same versions write the same file.

The representation is neither good nor bad: a unit that knows one factor well, one that knows another
badly, one that mixes two, and one of noise. Votes and entropic scores follow the formulas of
the papers in 64-bit floats. Importances are those of scikit-learn's random forests, one for each
depth, all units at each split.
"""

import json
import pathlib

import numpy as np
from sklearn.ensemble import RandomForestClassifier

VOTES = 200_000
EXAMPLES_PER_VOTE = 64
TREES = 1000
DEPTHS = 12

random = np.random.default_rng(20180213)
sizes = [3, 4, 6]
count = 600
factors = np.stack([random.integers(size, size=count) for size in sizes], axis=1)
spread = factors - (np.array(sizes) - 1) / 2
noise = random.normal(size=(count, 4))
means = np.stack(
    [
        spread[:, 0] + 0.15 * noise[:, 0],
        spread[:, 1] + 1.6 * noise[:, 1],
        0.6 * spread[:, 2] + 0.6 * spread[:, 1] + 0.1 * noise[:, 2],
        noise[:, 3],
    ],
    axis=1,
)
means = np.float64(np.float32(np.round(means, 4)))


def factor_vae_score():
    """The accuracy of the most frequent factor of each unit, of many votes."""
    normalized = means / means.std(axis=0, ddof=1)
    votes = np.zeros((2, means.shape[1], len(sizes)), int)
    for vote in range(VOTES):
        fixed = random.integers(len(sizes))
        value = factors[random.integers(count), fixed]
        group = np.flatnonzero(factors[:, fixed] == value)
        examples = normalized[random.choice(group, EXAMPLES_PER_VOTE)]
        votes[vote % 2, examples.var(axis=0).argmin(), fixed] += 1
    table = votes[0].argmax(axis=1)
    return votes[1][np.arange(len(table)), table].sum() / votes[1].sum()


def concentrations(columns):
    """1 - H of each column, with the logarithm to the base of its length."""
    shares = columns / columns.sum(axis=0)
    logarithms = np.log(shares, where=shares > 0, out=np.zeros_like(shares))
    return 1 + (shares * logarithms).sum(axis=0) / np.log(len(columns))


def importances(depth):
    """For each factor, the importance of each unit."""
    return np.stack(
        [
            RandomForestClassifier(
                TREES, criterion="gini", max_features=None, max_depth=depth, random_state=1
            )
            .fit(np.float32(means), factor)
            .feature_importances_
            for factor in factors.T
        ]
    )


by_depth = [importances(1 + depth) for depth in range(DEPTHS)]
rounded = [np.round(matrix, 6) for matrix in by_depth]
deep = rounded[5]
weights = deep.sum(axis=0) / deep.sum()

reference = {
    "sizes": sizes,
    "combinations": np.ravel_multi_index(factors.T, sizes).tolist(),
    "means": np.round(means, 4).tolist(),
    "factor_vae_score": factor_vae_score(),
    "importances": [matrix.tolist() for matrix in rounded],
    "scores_at_depth_6": {
        "disentanglement": float((weights * concentrations(deep)).sum()),
        "completeness": float(concentrations(deep.T).mean()),
    },
}
path = pathlib.Path(__file__).with_suffix(".json")
lines = [f'"{name}": {json.dumps(value)}' for name, value in reference.items()]
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
