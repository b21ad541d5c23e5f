#!/usr/bin/env python3
"""The training step of a workload by several processes of one thread beside one process of as many threads, on one machine.

    ranks.py [WORKLOAD] [--zoo vae-zoo] [--launcher "mpiexec -np 2"] [--ranks 2] [--rounds 5] [--json FILE]

Both sides of a round run right after each other, and compute the same batch; the table has the median step of each, and the speed
of the processes: the step of the one process divided by theirs. Open MPI wants
`--launcher "mpirun --bind-to none --allow-run-as-root --oversubscribe -np 2"`. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess


def median(words: list[str], environment: dict[str, str]) -> float:
    """The median step that a run of bench prints, in milliseconds."""
    completed = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    return json.loads(completed.stdout)[0]["median_ms"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", nargs="?", default="conv")
    parser.add_argument("--zoo", default="vae-zoo")
    parser.add_argument("--launcher", default="mpiexec -np 2")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    options = parser.parse_args()

    launcher = shlex.split(options.launcher)
    environment = dict(os.environ)
    # A package of PyPI has the library beside its launcher, where no loader looks for it.
    folder = os.path.join(os.path.dirname(os.path.dirname(shutil.which(launcher[0]) or "")), "lib")
    for name in ("libmpi.so.40", "libmpi.so.12"):
        if os.path.exists(os.path.join(folder, name)):
            environment.setdefault("VAE_MPI_LIBRARY", os.path.join(folder, name))

    def words(threads: int) -> list[str]:
        return [options.zoo, "bench", options.workload, "--json", "--threads", str(threads)]

    rounds = []
    print(f"{options.workload}: ms of 1 × {options.ranks} threads, of {options.ranks} × 1 thread, speed")
    for _ in range(options.rounds):
        alone = median(words(options.ranks), environment)
        together = median([*launcher, *words(1)], environment)
        rounds.append({"one_process_ms": alone, "processes_ms": together, "speed": alone / together})
        print(f"{alone:.2f}  {together:.2f}  {alone / together:.3f}", flush=True)
    print(f"median speed {statistics.median(one['speed'] for one in rounds):.3f}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"workload": options.workload, "ranks": options.ranks, "rounds": rounds}, file, indent=2)


if __name__ == "__main__":
    main()
