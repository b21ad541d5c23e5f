"""Measures what `import vae_zoo` and creating a model add to a Python process that has NumPy.

    start.py [ROUNDS]

The median over rounds of the difference between two whole processes, one after the other; and of the time
that the processor spent on them, which other programs disturb less.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

EMPTY = "import numpy"
MODEL = """
import numpy
import vae_zoo
from vae_zoo import _data, _model
data = _data.Data._of_arrays(numpy.zeros((1, 784), dtype=numpy.float32), None, 1)
_model.Model.make("beta-vae", vae_zoo.BetaVAE(beta=4.0)._given(), data)
"""


def measure(program: str) -> tuple[float, float]:
    """Milliseconds of a process by the clock, and of the processor."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", program], check=True,
        env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT / "python"))},
    )
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall * 1e3, spent * 1e3


def main(rounds: int) -> None:
    measure(MODEL)
    pairs = [(measure(EMPTY), measure(MODEL)) for _ in range(rounds)]
    for index, what in enumerate(("clock", "processor")):
        found = [model[index] - empty[index] for empty, model in pairs]
        print(
            f"{what}: {statistics.median(found):.1f} ms, least {min(found):.1f}, most {max(found):.1f}"
            f"; load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 21)
