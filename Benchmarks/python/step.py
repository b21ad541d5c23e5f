"""Compares a training step of the workload `mlp` through C and through Python with `vae-zoo bench mlp`.

    step.py [ROUNDS]

Through C a step is measured twice: on one batch of the caller's, as the benchmark does, and in a fit, where
examples are shuffled and gathered besides; through Python in a fit with a callback.

Each round runs all one after the other, in processes of their own, with the threads that
OMP_NUM_THREADS says; a ratio is of times of the same round, and the median of the ratios is what counts: of
each round's median step, and of its least, which other programs disturb less. Needs what `make build lib`
makes, and clang.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS, WARM_UP = 400, 20


def step_in_python() -> tuple[float, float]:
    """The median and the least of the milliseconds between two calls of the callback."""
    import numpy as np

    import vae_zoo

    images = (np.random.default_rng(1).random((20 * 128, 28, 28)) < 0.13).astype(np.float32)
    found: list[float] = []
    last = 0.0

    def note(progress: vae_zoo.Progress) -> bool:
        nonlocal last
        now = time.perf_counter()
        if not progress.is_epoch_end and last and progress.step > WARM_UP:
            found.append(now - last)
        last = 0.0 if progress.is_epoch_end else now
        return len(found) == STEPS

    vae_zoo.GaussianVAE(epochs=1_000_000).fit(images, callback=note)
    return statistics.median(found) * 1e3, min(found) * 1e3


def run(*command: object, **environment: str) -> str:
    return subprocess.run(
        [str(word) for word in command],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    ).stdout


def main(rounds: int) -> None:
    built = ROOT / ".build" / "release"
    library = Path(os.environ.get("VAE_ZOO_LIBRARY", built / "libvae.so"))
    if not (built / "vae-zoo").exists() or not library.exists():
        sys.exit("step.py: build first, with: make build lib")
    ratios: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "step")
        (Path(folder) / "libvae.so.1").symlink_to(library.resolve())
        run(
            "clang", "-std=c11", "-O2", f"-I{ROOT / 'include'}", ROOT / "Benchmarks" / "c" / "step.c",
            library, f"-Wl,-rpath,{folder}", "-o", program,
        )
        for number in range(rounds):
            bench = json.loads(run(built / "vae-zoo", "bench", "mlp", "--json"))[0]
            in_python = run(
                sys.executable, __file__, "--step",
                PYTHONPATH=str(ROOT / "python"), VAE_ZOO_LIBRARY=str(library),
            )
            shown = f"round {number + 1}: bench {bench['median_ms']:.3f} ms, least {bench['min_ms']:.3f}"
            measured = {
                "C, one batch": run(program, STEPS, "batch"),
                "C, fit": run(program, STEPS, "fit"),
                "Python, fit": in_python,
            }
            for name, output in measured.items():
                median, least = map(float, output.split())
                shown += f"; {name} {median:.3f} ms, least {least:.3f}"
                ratios.setdefault((name, "median"), []).append(median / bench["median_ms"])
                ratios.setdefault((name, "least"), []).append(least / bench["min_ms"])
            print(shown, flush=True)
    load = os.getloadavg()[0]
    for (name, what), found in ratios.items():
        spread = f"{min(found) - 1:+.1%} to {max(found) - 1:+.1%}"
        middle = f"{statistics.median(found) - 1:+.1%}"
        print(f"{name}, {what}: {middle} against bench ({spread}), load {load:.1f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--step"]:
        print(*step_in_python())
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 9)
