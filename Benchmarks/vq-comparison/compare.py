#!/usr/bin/env python3
"""Trains the same VQ-VAE with vae-zoo and with PyTorch, and compares reconstruction error and perplexity.

    python3 -m venv /tmp/torch
    /tmp/torch/bin/pip install torch numpy safetensors
    make build
    swift run -c release --package-path Examples/swift export-images shapes-color /tmp/shapes-color
    /tmp/torch/bin/python Benchmarks/vq-comparison/compare.py --images /tmp/shapes-color --seeds 1 2 3
    /tmp/torch/bin/python Benchmarks/vq-comparison/compare.py --idx fashion-mnist --seeds 1 2 3

Both sides get the same images, network, initial weights (those that vae-zoo begins with), start of the
codebook (k-means on the encoder's output for the first images), Adam, batch size, number of updates, moving
averages and variance of the density; each has an order of its own. Codes never begin anew on either side.

Prints a line for each seed and side, and the ratios of the means: error is the mean squared error of the test
images over the variance of the training pixels; perplexity is that of the codes of all test images.
"""

import argparse
import gzip
import json
import math
import os
import subprocess
import tempfile
import time

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

BATCH, STEPS_AN_EPOCH, EPOCHS = 32, 1667, 3
RATE, DECAY, COMMITMENT, SMOOTHING = 3e-4, 0.99, 0.25, 1e-5
CODES, SIZE = 512, 64
START_IMAGES = 2048


def idx_images(folder, split):
    path = os.path.join(folder, f"{split}-images-idx3-ubyte.gz")
    with gzip.open(path) as file:
        data = file.read()
    count, height, width = np.frombuffer(data, ">u4", 4)[1:]
    return np.frombuffer(data, np.uint8, offset=16).reshape(count, height, width, 1)


def exported_images(prefix, split):
    return np.load(f"{prefix}-{split}.npy", mmap_mode="r")


def chosen(images, count):
    """Some images as bytes, drawn without regard to their order."""
    rows = np.sort(np.random.default_rng(0).permutation(len(images))[:count])
    part = images[rows]
    return part if part.dtype == np.uint8 else np.round(part * 255).astype(np.uint8)


class Residual(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.first = nn.Conv2d(channels, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        return x + self.second(functional.relu(self.first(functional.relu(x))))


class VQVAE(nn.Module):
    def __init__(self, channels, variance, exact):
        super().__init__()
        self.variance = variance
        self.exact = exact
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1), Residual(128, 32), Residual(128, 32), nn.ReLU(),
            nn.Conv2d(128, SIZE, 1))
        self.decoder = nn.Sequential(
            nn.Conv2d(SIZE, 128, 3, padding=1), Residual(128, 32), Residual(128, 32), nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, channels, 4, 2, 1))
        self.register_buffer("vectors", torch.zeros(CODES, SIZE))
        self.register_buffer("counts", torch.ones(CODES))
        self.register_buffer("sums", torch.zeros(CODES, SIZE))

    def load_start(self, weights):
        """The initial weights of vae-zoo, whose layers have the same shapes in the same order, and what it takes off images."""
        self.mean = float(weights.pop("encoder.input.mean", 0.0))
        for part, prefixes in ((self.encoder, ["encoder."]), (self.decoder, ["decoder.layers.", "decoder.head."])):
            names = [name for prefix in prefixes
                     for name in sorted((n for n in weights if n.startswith(prefix)), key=layer_order)]
            pairs = [layer for layer in part.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]
            values = iter(names)
            for layer in pairs:
                for parameter in (layer.bias, layer.weight):
                    name = next(values)
                    assert weights[name].shape == parameter.shape, (name, weights[name].shape, parameter.shape)
                    parameter.data.copy_(weights[name])
            assert next(values, None) is None

    def nearest(self, points):
        flat = points.permute(0, 2, 3, 1).reshape(-1, SIZE)
        return flat, self.distances(flat).argmin(1)

    def distances(self, flat):
        """Squared distances to all vectors, less a constant for each row.

        In float32 vectors that lie close together and far from zero cannot be told apart by this formula,
        so that another code than the nearest is chosen now and then. In float64 they can.
        """
        vectors = self.vectors
        if self.exact:
            flat, vectors = flat.double(), vectors.double()
        return vectors.square().sum(1) - 2 * flat @ vectors.T

    def start_codebook(self, images, generator):
        with torch.no_grad():
            flat = self.encoder(images - self.mean).permute(0, 2, 3, 1).reshape(-1, SIZE)
            flat = flat[torch.randperm(len(flat), generator=generator)[:8192]]
            centres = flat[torch.randint(len(flat), (1,), generator=generator)]
            distance = (flat - centres).square().sum(1)
            while len(centres) < CODES:
                choice = flat[torch.multinomial(distance, 1, generator=generator)]
                centres = torch.cat([centres, choice])
                distance = torch.minimum(distance, (flat - choice).square().sum(1))
            for _ in range(10):
                ends = (flat.double(), centres.double()) if self.exact else (flat, centres)
                codes = torch.cdist(*ends).argmin(1)
                one_hot = functional.one_hot(codes, CODES).float()
                counts = one_hot.sum(0)
                means = (one_hot.T @ flat) / counts.clamp(min=1)[:, None]
                centres = torch.where(counts[:, None] > 0, means, centres)
            self.vectors.copy_(centres)
            per_batch = BATCH * images.shape[2] // 4 * (images.shape[3] // 4)
            self.counts.copy_(counts.clamp(min=1) * per_batch / len(flat))
            self.sums.copy_(self.vectors * self.counts[:, None])

    def forward(self, x):
        points = self.encoder(x - self.mean)
        flat, codes = self.nearest(points)
        chosen = self.vectors[codes].reshape(points.shape[0], points.shape[2], points.shape[3], SIZE)
        chosen = chosen.permute(0, 3, 1, 2)
        mean = self.decoder(points + (chosen - points).detach())
        half = x[0].numel() / 2
        distortion = (x - mean).square().sum((1, 2, 3)).mean() / (2 * self.variance)
        commitment = COMMITMENT * half * (points - chosen.detach()).square().mean()
        return distortion + commitment, mean, flat.detach(), codes

    def average(self, flat, codes):
        one_hot = functional.one_hot(codes, CODES).float()
        self.counts.mul_(DECAY).add_(one_hot.sum(0), alpha=1 - DECAY)
        self.sums.mul_(DECAY).add_(one_hot.T @ flat, alpha=1 - DECAY)
        total = self.counts.sum()
        smoothed = (self.counts + SMOOTHING) / (total + CODES * SMOOTHING) * total
        self.vectors.copy_(self.sums / smoothed[:, None])


def layer_order(name):
    pieces = name.split(".")
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in pieces]


def as_input(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def perplexity(counts):
    share = counts / counts.sum()
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def pytorch(train, test, weights, seed, steps, variance, exact):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = VQVAE(train.shape[3], variance, exact)
    model.load_start(weights)
    start = as_input(train[torch.randperm(len(train), generator=generator)[:START_IMAGES].numpy()])
    model.decoder[-1].bias.data.copy_(start.mean((0, 2, 3)))
    model.start_codebook(start, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    begin = time.time()
    order, done = [], 0
    while done < steps:
        if len(order) < BATCH:
            order = torch.randperm(len(train), generator=generator).tolist()
        batch, order = order[:BATCH], order[BATCH:]
        loss, _, flat, codes = model(as_input(train[batch]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            model.average(flat, codes)
        done += 1
    seconds = time.time() - begin
    error, counts = 0.0, np.zeros(CODES)
    with torch.no_grad():
        for first in range(0, len(test), 500):
            x = as_input(test[first:first + 500])
            _, mean, _, codes = model(x)
            error += float((x - mean).square().double().sum())
            counts += np.bincount(codes.numpy(), minlength=CODES)
    return {"error": error / test.size / variance, "perplexity": perplexity(counts), "seconds": seconds}


def vae_zoo(command, data, seed, epochs, folder, elements, threads):
    run = os.path.join(folder, f"run-{epochs}-{seed}")
    settings = ["--set", "prior.restart_threshold=0", "--set", "likelihood=gaussian", "--set", "sigma=data",
                "--set", "likelihood.link=identity"]
    begin = time.time()
    subprocess.run(
        [command, "train", "vq-vae", "--data", data, "--out", run, "--epochs", str(epochs), "--seed", str(seed),
         "--batch-size", str(BATCH), "--learning-rate", str(RATE), "--threads", str(threads), *settings],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.time() - begin
    weights = load_file(os.path.join(run, "model.safetensors"))
    if epochs == 0:
        return weights
    measured = json.loads(subprocess.run(
        [command, "evaluate", run, "--data", data, "--json"], check=True, capture_output=True).stdout)
    variance = float(weights["likelihood.variance"])
    constant = elements / 2 * math.log(2 * math.pi * variance)
    return {"error": (measured["distortion"] - constant) * 2 / elements,
            "perplexity": measured["codebook_perplexity"], "seconds": seconds, "variance": variance}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", default=".build/release/vae-zoo", help="the command")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--idx", help="a folder of IDX files")
    source.add_argument("--images", help="what export-images wrote: PREFIX-train.npy and PREFIX-test.npy")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of {STEPS_AN_EPOCH} updates each")
    parser.add_argument(
        "--exact-distances", action="store_true", help="PyTorch chooses codes by distances in float64, as exact as ours")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    if options.idx:
        train, test = idx_images(options.idx, "train"), idx_images(options.idx, "t10k")
    else:
        train, test = (exported_images(options.images, split) for split in ("train", "test"))
    train, test = chosen(train, BATCH * STEPS_AN_EPOCH), chosen(test, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "images.npz")
        np.savez(data, train=train, test=test)
        sides = {"vae-zoo": [], "PyTorch": []}
        for seed in options.seeds:
            start = vae_zoo(options.zoo, data, seed, 0, folder, test[0].size, options.threads)
            ours = vae_zoo(options.zoo, data, seed, options.epochs, folder, test[0].size, options.threads)
            theirs = pytorch(
                train, test, start, seed, options.epochs * STEPS_AN_EPOCH, ours["variance"],
                options.exact_distances)
            for side, result in (("vae-zoo", ours), ("PyTorch", theirs)):
                sides[side].append(result)
                print(json.dumps({"seed": seed, "side": side, **result}), flush=True)
    for measure in ("error", "perplexity"):
        ours, theirs = (np.mean([r[measure] for r in sides[side]]) for side in ("vae-zoo", "PyTorch"))
        print(f"mean {measure}: vae-zoo {ours:.5g}, PyTorch {theirs:.5g}, ratio {ours / theirs:.3f}")


if __name__ == "__main__":
    main()
