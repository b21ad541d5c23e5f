#!/usr/bin/env python3
"""How near missing-vae comes to values that were taken out of a table, beside the columns' means and scikit-learn.

    imputation.py [--vae-zoo COMMAND] [--masks 5] [--missing 0.5] [--epochs N] [--set name=value ...]

The table is scikit-learn's breast cancer data, 569 rows of 30 columns. Of each mask half of the cells, chosen at random, are
taken out; every method is given the rest and fills in the table. The error is the root of the mean squared error of
these cells, in standard deviations that the columns of the whole table have. Needs scikit-learn and NumPy.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer


def by_model(torn: np.ndarray, folder: Path, given: argparse.Namespace, seed: int) -> np.ndarray:
    """The table as missing-vae fills it in, trained on what is left of it."""
    data, run, whole = folder / "torn.npy", folder / f"run-{seed}", folder / "whole.npy"
    np.save(data, torn.astype(np.float32))
    train = [given.vae_zoo, "train", "missing-vae", "--data", str(data), "--out", str(run), "--force"]
    train += ["--seed", str(seed), "--threads", "1"]
    if given.epochs is not None:
        train += ["--epochs", str(given.epochs)]
    for setting in given.set:
        train += ["--set", setting]
    impute = [given.vae_zoo, "impute", str(run), "--data", str(data), "--out", str(whole), "--threads", "1"]
    impute += ["--importance-samples", str(given.importance_samples)]
    for command in (train, impute):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr}")
    return np.load(whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vae-zoo", default=".build/release/vae-zoo", help="the command")
    parser.add_argument("--masks", type=int, default=5, help="how many masks")
    parser.add_argument("--missing", type=float, default=0.5, help="the share of cells taken out")
    parser.add_argument("--epochs", type=int, help="passes over the table")
    parser.add_argument("--importance-samples", type=int, default=1000, help="draws a row")
    parser.add_argument("--set", action="append", default=[], help="a setting of missing-vae")
    given = parser.parse_args()
    table = load_breast_cancer().data
    scales = table.std(axis=0)
    errors: dict[str, list[float]] = {"means": [], "IterativeImputer": [], "missing-vae": []}
    with tempfile.TemporaryDirectory() as folder:
        for mask in range(given.masks):
            is_missing = np.random.default_rng(mask).random(table.shape) < given.missing
            torn = np.where(is_missing, np.nan, table)
            filled = {
                "means": SimpleImputer().fit_transform(torn),
                "IterativeImputer": IterativeImputer(max_iter=30, random_state=mask).fit_transform(torn),
                "missing-vae": by_model(torn, Path(folder), given, mask),
            }
            for name, values in filled.items():
                squares = ((values - table) / scales)[is_missing] ** 2
                errors[name].append(float(np.sqrt(squares.mean())))
            print(f"mask {mask}: " + ", ".join(f"{name} {found[-1]:.4f}" for name, found in errors.items()), flush=True)
    means, iterative, own = (np.array(found) for found in errors.values())
    for name, found in errors.items():
        print(f"{name}: {np.mean(found):.4f} ± {np.std(found) / np.sqrt(len(found)):.4f}")
    print(f"missing-vae / means {own.mean() / means.mean():.3f}, / IterativeImputer {own.mean() / iterative.mean():.3f}")


if __name__ == "__main__":
    main()
