#!/usr/bin/env python3
"""Trains the ladder of `torch_models.py` in PyTorch: the test −ELBO that `ladder-vae` is compared with.

    python Benchmarks/ladder_training.py mnist-static-binarized --seeds 1 2

Adam with rate 10⁻³, batches of 256, no warm-up, one draw per example; the last short batch is left out, and the
statistics of batch normalisation are computed anew over 10,000 training images at the end, as vae-zoo does.
Prints a line for each epoch, with running statistics, and one at the end with the new ones, in nats.
"""

import argparse
import gzip
import os
import time

import numpy as np
import torch

import torch_models

BATCH, TEST_BATCH, CALIBRATION = 256, 500, 10_000


def images(folder, split):
    with gzip.open(os.path.join(folder, f"{split}-images-idx3-ubyte.gz")) as file:
        data = file.read()
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=16).reshape(-1, 784).astype(np.float32))


def measure(model, test):
    model.eval()
    with torch.no_grad():
        losses = [model(test[first:first + TEST_BATCH]).item() for first in range(0, len(test), TEST_BATCH)]
    return float(np.mean(losses))


def calibrate(model, train):
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.reset_running_stats()
            module.momentum = None
    model.train()
    with torch.no_grad():
        for first in range(0, CALIBRATION - BATCH + 1, BATCH):
            model(train[first:first + BATCH])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="a folder of IDX files, compressed")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train, test = images(options.data, "train"), images(options.data, "test")
    for seed in options.seeds:
        torch.manual_seed(seed)
        model = torch_models.Ladder()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        begin = time.time()
        for epoch in range(1, options.epochs + 1):
            model.train()
            order = torch.randperm(len(train))
            for first in range(0, len(train) - BATCH + 1, BATCH):
                optimizer.zero_grad(set_to_none=True)
                loss = model(train[order[first:first + BATCH]])
                loss.backward()
                optimizer.step()
            print(f"seed {seed} epoch {epoch}: test −ELBO {measure(model, test):.2f}, {time.time() - begin:.0f} s", flush=True)
        calibrate(model, train)
        print(f"seed {seed}: test −ELBO {measure(model, test):.2f} with statistics computed anew", flush=True)


if __name__ == "__main__":
    main()
