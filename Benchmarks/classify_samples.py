#!/usr/bin/env python3
"""Whether a conditional model's samples of each label are of that label, and as varied as the data.

    classify_samples.py --run RUN --data FOLDER [--zoo vae-zoo] [--count 500] [--seed 0]

Trains scikit-learn's perceptron (256 hidden units, early stopping) on the training images of a folder of IDX files,
draws `count` samples for each label with `vae-zoo sample --condition label=K --out FILE.npy`, and prints for each label the share that
is classified as it, and the variance within the class of the samples and of the data: the sum over pixels of the
variance, which for grey images in 0 to 1 is the mean squared distance from the class's mean image.

The samples are the means of p(x|z, y), so that their variance has none of the likelihood's own noise. Needs NumPy and
scikit-learn.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile

import numpy as np


def idx(folder: str, name: str) -> np.ndarray:
    """The array of an IDX file, as it is or compressed, in a folder or torchvision's below it."""
    for place in (folder, os.path.join(folder, "MNIST", "raw")):
        for ending, reader in (("", open), (".gz", gzip.open)):
            path = os.path.join(place, name + ending)
            if os.path.exists(path):
                with reader(path, "rb") as file:
                    head = file.read(4)
                    sizes = [int.from_bytes(file.read(4), "big") for _ in range(head[3])]
                    return np.frombuffer(file.read(), dtype=np.uint8).reshape(sizes)
    sys.exit(f"{folder} has no {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, help="a run folder of conditional-vae, or an exported model")
    parser.add_argument("--data", required=True, help="a folder of IDX files")
    parser.add_argument("--zoo", default="vae-zoo", help="the command")
    parser.add_argument("--count", type=int, default=500, help="samples of each label")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    from sklearn.neural_network import MLPClassifier

    images = idx(options.data, "train-images-idx3-ubyte")
    images = images.reshape(len(images), -1).astype(np.float32) / 255
    labels = idx(options.data, "train-labels-idx1-ubyte")
    classifier = MLPClassifier((256,), early_stopping=True, max_iter=30, random_state=options.seed)
    classifier.fit(images, labels)
    test = idx(options.data, "t10k-images-idx3-ubyte")
    test_labels = idx(options.data, "t10k-labels-idx1-ubyte")
    accuracy = classifier.score(test.reshape(len(test), -1) / np.float32(255), test_labels)
    print(f"the classifier is right on {accuracy:.1%} of the test images")

    def within(rows: np.ndarray) -> float:
        return float(rows.var(axis=0, dtype=np.float64).sum())

    print("label  classified as it  variance of samples  of the data  ratio")
    right, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        for label in np.unique(labels):
            path = os.path.join(folder, f"{label}.npy")
            subprocess.run(
                [
                    options.zoo, "sample", options.run, "--condition", f"label={label}",
                    "--count", str(options.count), "--seed", str(options.seed), "--out", path,
                ],
                check=True, stderr=subprocess.DEVNULL,
            )
            samples = np.load(path).reshape(options.count, -1).astype(np.float32)
            share = float(np.mean(classifier.predict(samples) == label))
            own, wanted = within(samples), within(images[labels == label])
            right.append(share)
            ratios.append(own / wanted)
            print(f"{label:5}  {share:16.0%}  {own:19.2f}  {wanted:11.2f}  {ratios[-1]:5.2f}")
    print(f"  all  {np.mean(right):16.1%}  smallest ratio of variances {min(ratios):.2f}")


if __name__ == "__main__":
    main()
