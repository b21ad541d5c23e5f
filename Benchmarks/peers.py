#!/usr/bin/env python3
"""Times a reference workload of `vae-zoo bench` in PyTorch or JAX and prints one JSON object with the same keys.

    python3 -m venv /opt/peers
    /opt/peers/bin/pip install torch numpy --index-url https://download.pytorch.org/whl/cpu
    /opt/peers/bin/pip install jax
    /opt/peers/bin/python Benchmarks/peers.py conv --peer compile --threads 2

Peers: `eager`; `compile` (torch.compile, channels last); `channels-last` (eager); `bf16` (torch.compile, channels
last, automatic mixed precision with float32 weights); `jax` (JAX, one jitted step that changes its state in place).
torch.compile needs a C++ compiler. One process times one
workload, so that memory and threads are its own; `Benchmarks/compare` runs all of them in turn with ours.
"""

import argparse
import json
import os
import resource
import statistics
import time

PEERS = ["eager", "compile", "channels-last", "bf16", "jax"]
NAMES = ["mlp", "lvae", "conv", "vqvae", "pixelcnn", "pixelcnn-sample"]


def measure(step, seconds, least):
    """Milliseconds of each step: at least `least` of them and about `seconds` long, as `vae-zoo bench` does."""
    times, begin = [], time.monotonic()
    while len(times) < least or time.monotonic() - begin < seconds:
        start = time.monotonic()
        step()
        times.append((time.monotonic() - start) * 1e3)
    return times


def jax_step(workload, threads):
    """A step of JAX, whose pool has as many threads as the process has processors when it is loaded."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import jax
    import jax_models

    return jax_models.subject(workload), f"JAX {jax.__version__}"


def torch_step(workload, peer, threads):
    # OpenMP reads it when the library is loaded.
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch
    import torch_models

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return torch_models.subject(workload, peer), f"PyTorch {torch.__version__}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("workload", choices=NAMES)
    parser.add_argument("--peer", choices=PEERS, default="eager")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    if options.workload == "pixelcnn-sample" and options.peer != "eager":
        parser.error("pixelcnn-sample runs with --peer eager only")
    if options.peer == "jax":
        step, version = jax_step(options.workload, options.threads)
    else:
        step, version = torch_step(options.workload, options.peer, options.threads)
    # A draw is 784 passes: one is enough.
    is_draw = options.workload == "pixelcnn-sample"
    for _ in range(0 if is_draw else 5):
        step()
    times = measure(step, 0 if is_draw else options.seconds, 1 if is_draw else 30)
    print(json.dumps({
        "workload": options.workload,
        "peer": options.peer,
        "version": version,
        "dtype": "bfloat16" if options.peer == "bf16" else "float32",
        "threads": options.threads,
        "min_ms": round(min(times), 4),
        "median_ms": round(statistics.median(times), 4),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }))


if __name__ == "__main__":
    main()
