#!/usr/bin/env python3
"""The pictures of docs/blur.md: a row of images of a split, and below it a row for each run.

    strips.py --data cifar10.npz --out blur.png RUN…                reconstructions of the images of the first row
    strips.py --data cifar10.npz --out samples.png --samples RUN…   samples

Runs are folders or exported models. Needs numpy and the module vae_zoo.
"""

from __future__ import annotations

import argparse
import struct
import zlib

import numpy as np
import vae_zoo

SCALE, GAP = 2, 2


def row(images: np.ndarray) -> np.ndarray:
    """Images `[N, height, width, channels]` between 0 and 1 side by side, `[height, width, 3]` bytes."""
    images = np.clip(images, 0, 1).repeat(SCALE, axis=1).repeat(SCALE, axis=2)
    images = np.rint(255 * np.broadcast_to(images, (*images.shape[:3], 3))).astype(np.uint8)
    return np.concatenate(list(np.pad(images, ((0, 0), (GAP, 0), (GAP, 0), (0, 0)), constant_values=255)), axis=1)


def write_png(path: str, pixels: np.ndarray) -> None:
    height, width, _ = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    with open(path, "wb") as file:
        file.write(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="valid")
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", action="store_true")
    options = parser.parse_args()
    with np.load(options.data) as archive:
        stored = archive[options.split]
    chosen = np.random.default_rng(options.seed).choice(len(stored), options.count, replace=False)
    images = stored[chosen] / np.float32(255)
    rows = [row(images)]
    for path in options.runs:
        model = vae_zoo.VAE.load(path)
        rows.append(
            row(model.sample(options.count, random_state=options.seed) if options.samples else model.reconstruct(stored[chosen])))
    write_png(options.out, np.concatenate(rows))


main()
