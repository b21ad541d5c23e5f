#!/usr/bin/env python3
"""Times an update of `perceptual-vae` and of `vqgan` beside the same model in PyTorch.

    steps.py [--python PYTHON] [--rounds 5] [--seconds 8] [--threads 1] [perceptual] [vqgan]

`perceptual`: 64×64×3, batches of 16, the defaults of `perceptual-vae` with the features of VGG-16 with random weights at
relu1_1, relu2_2 and relu3_2. `vqgan`: 32×32×3, batches of 32, the defaults of `vqgan` with the discriminator at work from the
first update. Ours is timed through the Python module, between two calls of a training's callback. PYTHON is an interpreter that has
PyTorch and NumPy; peers are `eager`, `channels-last` (eager) and `compile` (torch.compile, channels last), which needs a C++ compiler.

Ours fetches a new batch for each update, and the first update of an epoch is left out; a peer has one batch at hand.

Each round runs all sides one after the other, in processes of their own. A ratio divides a peer's median update by ours of the same
round; above 1 the peer takes longer. Needs what `make lib` makes, and a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Benchmarks"))

from peers import measure  # noqa: E402

PEERS = ["eager", "channels-last", "compile"]
BATCH = {"perceptual": 16, "vqgan": 32}
SIDE = {"perceptual": 64, "vqgan": 32}
WARM_UP, LEAST = 5, 8


# MARK: Ours


def write_network(path: Path) -> None:
    """VGG-16's convolutions by torchvision's names, with random weights of variance 2 / inputs."""
    import numpy as np

    random = np.random.default_rng(0)
    channels, places = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512], [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    header, body, inputs = {}, b"", 3
    for place, outputs in zip(places, channels):
        weights = random.standard_normal((outputs, inputs, 3, 3)) * (2 / (9 * inputs)) ** 0.5
        for name, values in (("weight", weights), ("bias", np.zeros(outputs))):
            data = values.astype("<f4").tobytes()
            header[f"features.{place}.{name}"] = {
                "dtype": "F32", "shape": list(values.shape), "data_offsets": [len(body), len(body) + len(data)]}
            body += data
        inputs = outputs
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def ours(workload: str, seconds: float) -> float:
    import numpy as np

    import vae_zoo

    side, batch = SIDE[workload], BATCH[workload]
    images = np.random.default_rng(1).integers(0, 256, (20 * batch, side, side, 3), dtype=np.uint8)
    found: list[float] = []
    last, begin = 0.0, time.monotonic()

    def note(progress: vae_zoo.Progress) -> bool:
        nonlocal last, begin
        now = time.perf_counter()
        if progress.step <= WARM_UP:
            begin = time.monotonic()
        elif not progress.is_epoch_end and last:
            found.append(now - last)
        last = 0.0 if progress.is_epoch_end else now
        return len(found) >= LEAST and time.monotonic() - begin > seconds

    with tempfile.TemporaryDirectory() as folder:
        if workload == "perceptual":
            network = Path(folder, "vgg16.safetensors")
            write_network(network)
            model = vae_zoo.PerceptualVAE(network=str(network), batch_size=batch, epochs=1_000_000)
        else:
            model = vae_zoo.VQGAN(batch_size=batch, epochs=1_000_000, settings={"objective.discriminator_start": 0})
        model.fit(images, callback=note)
    return 1e3 * statistics.median(found)


# MARK: PyTorch


def theirs(workload: str, peer: str, seconds: float, threads: int) -> float:
    import torch
    import torch_models
    from torch.nn import functional

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layout = torch.contiguous_format if peer == "eager" else torch.channels_last
    side, batch = SIDE[workload], BATCH[workload]
    x = torch.rand(batch, 3, side, side).contiguous(memory_format=layout)
    compiled = torch.compile if peer == "compile" else lambda module: module
    if workload == "perceptual":
        model = torch_models.Perceptual().to(memory_format=layout)
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-3, fused=True)
        loss_of = compiled(model)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss_of(x).backward()
            optimizer.step()

    else:
        model, discriminator = (module().to(memory_format=layout) for module in (torch_models.Adversarial, torch_models.Discriminator))
        optimizer = torch.optim.Adam(model.parameters(), 3e-4, fused=True)
        other = torch.optim.Adam(discriminator.parameters(), 3e-4, betas=(0.5, 0.9), fused=True)
        generate, judge = compiled(model), compiled(discriminator)
        last = model.decoder[-1].weight

        def step():
            optimizer.zero_grad(set_to_none=True)
            discriminator.requires_grad_(False)
            image, error, commitment = generate(x)
            judged = -judge(image).mean()
            (ours,) = torch.autograd.grad(error, last, retain_graph=True)
            (adversarial,) = torch.autograd.grad(judged, last, retain_graph=True)
            weight = (ours.norm() / (adversarial.norm() + 1e-4)).clamp(0, 1e4).detach()
            (error + commitment + 0.8 * weight * judged).backward()
            optimizer.step()
            discriminator.requires_grad_(True)
            other.zero_grad(set_to_none=True)
            real, made = functional.relu(1 - judge(x)).mean(), functional.relu(1 + judge(image.detach())).mean()
            (0.5 * (real + made)).backward()
            other.step()
            model.after_update()

    for _ in range(WARM_UP):
        step()
    return statistics.median(measure(step, seconds, LEAST))


# MARK: Rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("workloads", nargs="*", choices=[*BATCH, []])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        (workload,) = options.workloads
        if options.side == "ours":
            print(ours(workload, options.seconds))
        else:
            print(theirs(workload, options.side, options.seconds, options.threads))
        return
    library = os.environ.get("VAE_ZOO_LIBRARY", str(ROOT / ".build" / "release" / "libvae.so"))
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "VAE_ZOO_LIBRARY": library, "PYTHONPATH": str(ROOT / "python")}
    for workload in options.workloads or list(BATCH):
        ratios: dict[str, list[float]] = {}
        own: list[float] = []
        for _ in range(options.rounds):
            found = {}
            for side in ["ours", *PEERS]:
                done = subprocess.run(
                    [options.python, __file__, workload, "--side", side, "--seconds", str(options.seconds), "--threads", str(options.threads)],
                    capture_output=True, text=True, env=environment)
                if done.returncode:
                    print(f"{workload} {side} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                else:
                    found[side] = float(done.stdout)
            if "ours" not in found:
                sys.exit(1)
            own.append(found["ours"])
            for peer in PEERS:
                if peer in found:
                    ratios.setdefault(peer, []).append(found[peer] / found["ours"])
            print(workload, {side: round(value, 1) for side, value in found.items()}, flush=True)
        told = ", ".join(f"{peer} {statistics.median(values):.2f}" for peer, values in ratios.items())
        print(f"{workload}: ours {statistics.median(own):.1f} ms an update; medians of the ratios: {told}")


main()
