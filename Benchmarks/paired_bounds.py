#!/usr/bin/env python3
"""The difference of two models' bounds on the same test images, with its paired standard error.

    paired_bounds.py RUN1 RUN2 --data SOURCE [--split test] [--samples 0] [--seed 0]

Scores every image of a split with both models (`score_samples` of the Python package; a conditional model is told what is
known of each image) and prints both means, the mean of bound 2 minus bound 1, and the standard error of that mean. It is
paired: what makes an image hard for both models cancels, so that the error is far smaller than those of the two means.
Run from anywhere with PYTHONPATH=python and VAE_ZOO_LIBRARY=…/libvae.so, or with the package installed.
"""

from __future__ import annotations

import argparse

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs=2, metavar="RUN")
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--samples", type=int, default=0, help="importance samples; 0 for the bound")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    import vae_zoo

    data = vae_zoo.Data(options.data)
    images = data.images(options.split)
    scores = []
    for run in options.runs:
        model = vae_zoo.VAE.load(run)
        told = model.recipe_["data"].get("condition")
        y = data.conditions(options.split) if told else None
        found = model.score_samples(
            images, y, samples=options.samples, random_state=options.seed
        ).astype(np.float64)
        scores.append(found)
        quantity = "log p(x|y)" if told else "log p(x)"
        error = found.std(ddof=1) / np.sqrt(len(found))
        print(f"{run}: {found.mean():.3f} ± {error:.3f} nats, a bound on {quantity}")
    difference = scores[1] - scores[0]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    print(
        f"second − first: {difference.mean():.3f} ± {error:.3f} nats "
        f"({difference.mean() / error:.1f} paired standard errors, {len(difference)} images)"
    )


if __name__ == "__main__":
    main()
