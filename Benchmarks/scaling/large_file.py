#!/usr/bin/env python3
"""The peak memory of a training on a small and on a large file, which is not read into memory.

    large_file.py [--zoo vae-zoo] [--folder /tmp] [--small 0.2] [--large 20] [--dtype uint8]

Makes files `.npy` of so many GB with images of 64×64×3, of which the first hold numbers and the others are a hole that takes no place on
the disk, trains one epoch on each, and prints the most memory that each took (the same as VmHWM). Ends with status 1 where the large
one took 300 MB more. Peak memory does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

SHAPE = (64, 64, 3)


def make(path: str, gigabytes: float, dtype: np.dtype) -> int:
    """Writes a file with a hole; gives its number of images."""
    count = int(gigabytes * 1e9) // (int(np.prod(SHAPE)) * dtype.itemsize)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (100, *SHAPE))
    with open(path, "wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count, *SHAPE)}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        file.write((images if dtype.kind == "u" else images / 255).astype(dtype).tobytes())
        file.truncate(start + count * int(np.prod(SHAPE)) * dtype.itemsize)
    return count


def peak(words: list[str]) -> tuple[float, float]:
    """The most memory of a process in MB, and the seconds that it took."""
    start = time.monotonic()
    process = subprocess.Popen(words)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)}: status {status}")
    return usage.ru_maxrss / 1024, time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", default="vae-zoo")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--small", type=float, default=0.2)
    parser.add_argument("--large", type=float, default=20)
    parser.add_argument("--dtype", default="uint8", choices=["uint8", "float32"])
    options = parser.parse_args()

    peaks = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for gigabytes in (options.small, options.large):
            path = os.path.join(folder, f"{gigabytes}.npy")
            count = make(path, gigabytes, np.dtype(options.dtype))
            megabytes, seconds = peak(
                [
                    options.zoo, "train", "gaussian-vae", "--data", path, "--out", path + ".run", "--epochs", "1",
                    "--batch-size", "256", "--set", "hidden=8", "--set", "latent=2", "--no-records",
                ]
            )
            peaks.append(megabytes)
            print(f"{gigabytes:g} GB, {count} images: {megabytes:.0f} MB at most, {seconds:.0f} s", flush=True)
            os.remove(path)
    print(f"the large one took {peaks[1] - peaks[0]:+.0f} MB")
    sys.exit(peaks[1] - peaks[0] > 300)


if __name__ == "__main__":
    main()
