#!/usr/bin/env python3
"""Times an update of `perceptual-vae` and of `vqgan` beside the same model in PyTorch.

    steps.py [--python PYTHON] [--rounds 5] [--seconds 8] [--threads 1] [perceptual] [vqgan]

`perceptual`: 64×64×3, batches of 16, the defaults of `perceptual-vae` with the features of VGG-16 with random weights at
relu1_1, relu2_2 and relu3_2. `vqgan`: 32×32×3, batches of 32, the defaults of `vqgan` with the discriminator at work from the
first update. Ours is timed through the Python module, between two calls of a training's callback. PYTHON is an interpreter that has
PyTorch and NumPy; peers are `eager`, `channels-last` (eager) and `compile` (torch.compile, channels last), which needs a C++ compiler.

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
PEERS = ["eager", "channels-last", "compile"]
BATCH = {"perceptual": 16, "vqgan": 32}
SIDE = {"perceptual": 64, "vqgan": 32}
WARM_UP = 5


def medians(times: list[float]) -> str:
    return json.dumps({"median_ms": 1e3 * statistics.median(times), "least_ms": 1e3 * min(times), "updates": len(times)})


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


def ours(workload: str, seconds: float) -> str:
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
        return len(found) >= 8 and time.monotonic() - begin > seconds

    with tempfile.TemporaryDirectory() as folder:
        if workload == "perceptual":
            network = Path(folder, "vgg16.safetensors")
            write_network(network)
            model = vae_zoo.PerceptualVAE(network=str(network), batch_size=batch, epochs=1_000_000)
        else:
            model = vae_zoo.VQGAN(batch_size=batch, epochs=1_000_000, settings={"objective.discriminator_start": 0})
        model.fit(images, callback=note)
    return medians(found)


# MARK: PyTorch


def torch_models():
    import torch
    from torch import nn
    from torch.nn import functional

    sys.path.insert(0, str(ROOT / "Benchmarks"))
    import torch_models as models

    class VGG(nn.Module):
        """relu1_1, relu2_2 and relu3_2."""

        def __init__(self):
            super().__init__()
            sizes = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
            self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in sizes)
            for layer in self.layers:
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.bias)
            self.requires_grad_(False)
            self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
            self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

        def forward(self, x):
            x, found = (x - self.mean) / self.deviation, []
            for number, layer in enumerate(self.layers):
                if number in (2, 4):
                    x = functional.max_pool2d(x, 2)
                x = functional.relu(layer(x))
                if number in (0, 3, 5):
                    found.append(x)
            return found

    def distance(a, b):
        def unit(x):
            return x * torch.rsqrt(x.square().sum(1, keepdim=True) + 1e-10)

        return sum((unit(p) - unit(q)).square().sum(1).mean((1, 2)) for p, q in zip(a, b))

    def block(layer, channels):
        return [layer, nn.BatchNorm2d(channels), nn.LeakyReLU(0.1)]

    class Perceptual(nn.Module):
        def __init__(self):
            super().__init__()
            down, inputs = [], 3
            for outputs in (32, 64, 128):
                down += block(nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), outputs)
                inputs = outputs
            self.down = nn.Sequential(*down)
            self.head, self.entry = nn.Linear(8192, 128), nn.Linear(64, 8192)
            up = []
            for outputs in (64, 32, 32):
                up += block(nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, 1, bias=False), outputs)
                inputs = outputs
            self.up = nn.Sequential(*up, nn.Conv2d(32, 3, 3, padding=1))
            self.log_deviation = nn.Parameter(torch.zeros(()))
            self.network = VGG()

        def forward(self, x):
            mean, log_variance = self.head(self.down(x).flatten(1)).chunk(2, 1)
            z = models.draw(mean, log_variance)
            image = torch.sigmoid(self.up(self.entry(z).view(-1, 128, 8, 8)))
            log_deviation = functional.softplus(self.log_deviation + 6) - 6
            error = (x - image).square().flatten(1).sum(1) * torch.exp(-2 * log_deviation)
            distortion = 0.5 * error + x[0].numel() * (log_deviation + models.LOG_TWO_PI / 2)
            with torch.no_grad():
                wanted = self.network(x)
            features = distance(self.network(image), wanted) * x[0].numel()
            return (distortion + models.standard_divergence(mean, log_variance) + features).mean()

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            spectral = nn.utils.parametrizations.spectral_norm
            layers, inputs = [], 3
            for outputs, stride in ((64, 2), (128, 2), (256, 2), (512, 1)):
                layers += [spectral(nn.Conv2d(inputs, outputs, 4, stride, 1)), nn.LeakyReLU(0.2)]
                inputs = outputs
            self.layers = nn.Sequential(*layers, spectral(nn.Conv2d(512, 1, 4, 1, 1)))

        def forward(self, x):
            return self.layers(2 * x - 1)

    class Generator(models.Quantized):
        """The VQ-VAE, with its image, and absolute differences for squared ones."""

        def forward(self, x):
            points = self.encoder(x)
            flat = points.permute(0, 2, 3, 1).reshape(-1, 64)
            with torch.no_grad():
                codes = (self.vectors.square().sum(1) - 2 * flat @ self.vectors.T).argmin(1)
                self.seen = flat.detach(), codes
            chosen = self.vectors[codes].view(-1, 8, 8, 64).permute(0, 3, 1, 2)
            image = self.decoder(points + (chosen - points).detach())
            error = (x - image).abs().flatten(1).sum(1).mean()
            commitment = 0.25 * 1536 * (points - chosen.detach()).square().mean()
            return image, error, commitment

    return torch, functional, Perceptual, Generator, Discriminator


def theirs(workload: str, peer: str, seconds: float, threads: int) -> str:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch, functional, Perceptual, Generator, Discriminator = torch_models()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layout = torch.contiguous_format if peer == "eager" else torch.channels_last
    side, batch = SIDE[workload], BATCH[workload]
    x = torch.rand(batch, 3, side, side).contiguous(memory_format=layout)
    compiled = torch.compile if peer == "compile" else lambda module: module
    if workload == "perceptual":
        model = Perceptual().to(memory_format=layout)
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-3, fused=True)
        loss_of = compiled(model)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss_of(x).backward()
            optimizer.step()

    else:
        model, discriminator = Generator().to(memory_format=layout), Discriminator().to(memory_format=layout)
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
    times, begin = [], time.monotonic()
    while len(times) < 8 or time.monotonic() - begin < seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return medians(times)


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
                    found[side] = json.loads(done.stdout)["median_ms"]
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
