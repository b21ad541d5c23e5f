#!/usr/bin/env python3
"""One model asked by several threads at once, each of which computes with one thread: rows a second beside one thread's.

    PYTHONPATH=python OMP_NUM_THREADS=1 python3 Benchmarks/threads.py --rounds 7

Each round times one, two and four threads in turn over the same rows; the ratios are those of a round. Every thread's latents
must be those of one thread, bit for bit.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import vae_zoo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=8, help="calls that are divided among the threads")
    arguments = parser.parse_args()
    images = np.random.default_rng(0).random((2048, 28, 28), dtype=np.float32)
    model = vae_zoo.GaussianVAE(epochs=1, architecture="conv", random_state=1).fit(images[:256])
    expected = model.transform(images)

    def call(_: int) -> bool:
        return bool(np.array_equal(model.transform(images), expected))

    ratios: dict[int, list[float]] = {2: [], 4: []}
    for _ in range(arguments.rounds):
        taken = {}
        for threads in (1, 2, 4):
            with ThreadPoolExecutor(threads) as pool:
                start = time.perf_counter()
                assert all(pool.map(call, range(arguments.calls))), f"{threads} threads gave other bits"
                taken[threads] = time.perf_counter() - start
        for threads in ratios:
            ratios[threads].append(taken[1] / taken[threads])
    for threads, found in ratios.items():
        print(
            f"{threads} threads: {statistics.median(found):.2f} times as fast as one, "
            f"{min(found):.2f} to {max(found):.2f}, the same bits")


if __name__ == "__main__":
    main()
