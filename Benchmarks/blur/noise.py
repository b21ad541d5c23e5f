#!/usr/bin/env python3
"""White noise is sharp, and no cure for blur: what the measures of docs/blur.md say of reconstructions with noise on them.

    noise.py --run RUN --data cifar10.npz --network classifier.safetensors [--count 10000]

Reconstructs the split `valid` with a run of CIFAR-10, adds white noise of several strengths, and prints the sharpness,
the Fréchet distance in the features of a network that `vae-zoo classifier` wrote, and the squared error. It computes all of them
in NumPy from their definitions, so that its first row, without noise, is an independent check of `vae-zoo evaluate` as well.
Needs numpy, scipy and the module vae_zoo.
"""

from __future__ import annotations

import argparse
import json
import struct

import numpy as np
import scipy.linalg
import vae_zoo


def tensors(path: str) -> tuple[dict[str, np.ndarray], dict]:
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    about = json.loads(header.pop("__metadata__")["vae_zoo_network"])
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()
    }, about


def convolution(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    rows = windows.reshape(*x.shape[:3], -1) @ weights.reshape(len(weights), -1).T
    return rows + bias


def features(x: np.ndarray, weights: dict[str, np.ndarray], about: dict) -> np.ndarray:
    x = (x - np.float32(about["input"]["mean"])) / np.float32(about["input"]["deviation"])
    for layer in about["layers"]:
        name = layer.get("name")
        if layer["type"] == "conv":
            x = convolution(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
        elif layer["type"] == "relu":
            x = np.maximum(x, 0)
        elif layer["type"] == "max_pool":
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, x.shape[3]).max((2, 4))
        elif layer["type"] == "flatten":
            x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)  # channels first, as PyTorch flattens
        elif layer["type"] == "dense":
            x = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        if name == about["features"]:
            return x
    raise SystemExit(f"the network has no layer {about['features']}")


def all_features(images: np.ndarray, network: tuple[dict[str, np.ndarray], dict]) -> np.ndarray:
    return np.concatenate([features(images[i : i + 250], *network) for i in range(0, len(images), 250)])


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    a, b = np.float64(a), np.float64(b)
    first, second = np.cov(a.T), np.cov(b.T)
    # The trace of (C₁C₂)^½, by the eigenvalues of C₁C₂: units that are never active make it singular.
    root = np.sqrt(np.maximum(scipy.linalg.eigvals(first @ second).real, 0))
    return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(first + second) - 2 * root.sum())


def high_energy(images: np.ndarray) -> float:
    grey = images.mean(-1, dtype=np.float64)
    power = np.abs(np.fft.fft2(grey - grey.mean((1, 2), keepdims=True))) ** 2
    f = np.fft.fftfreq(grey.shape[1])
    return float(power[:, np.hypot(f[:, None], f[None]) > 0.25].sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--run", "--data", "--network"):
        parser.add_argument(name, required=True)
    parser.add_argument("--count", type=int, default=10000)
    options = parser.parse_args()
    images = np.load(options.data)["valid"][: options.count]
    x = np.float32(images) / 255
    back = np.asarray(vae_zoo.GaussianVAE.load(options.run).reconstruct(images)).reshape(x.shape)
    network = tensors(options.network)
    reference, energy = all_features(x, network), high_energy(x)
    noise = np.random.default_rng(0).standard_normal(x.shape, np.float32)
    print("noise    sharpness  Fréchet distance  PSNR, dB")
    for deviation in (0, 0.02, 0.04, 0.06, 0.08):
        noisy = np.clip(back + np.float32(deviation) * noise, 0, 1) if deviation else back
        error = np.mean((noisy - x) ** 2, axis=(1, 2, 3))
        print(
            f"{deviation:5.2f} {high_energy(noisy) / energy:12.3f} {frechet(all_features(noisy, network), reference):17.2f} "
            f"{np.mean(-10 * np.log10(error)):9.2f}", flush=True)


if __name__ == "__main__":
    main()
