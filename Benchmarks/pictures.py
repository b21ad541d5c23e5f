#!/usr/bin/env python3
"""Times pictures through Stable Diffusion 1's autoencoder with random weights: this project beside PyTorch and ONNX Runtime,
as far as they are installed.

    PYTHONPATH=python python3 Benchmarks/pictures.py --what decode --size 512 --repeats 5
    PYTHONPATH=python python3 Benchmarks/pictures.py --what encode --programs zoo,torch-channels-last,onnx
    PYTHONPATH=python python3 Benchmarks/pictures.py --model tiny --programs zoo,zoo-bfloat16,torch-channels-last,torch-bfloat16

Each program is a process of its own that loads the model, does the work once, and then again whenever it is told to: one
program after the other, in turns, so that all meet the same machine. For each the median and the least time are printed,
the memory that its process took at most, and the peak signal-to-noise ratio of its picture against that of the first.
zoo and zoo-bfloat16 need the library (VAE_ZOO_LIBRARY or an installed wheel), torch* PyTorch and diffusers, onnx torch, onnx and
onnxruntime. Threads: OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PROGRAMS = ["zoo", "zoo-bfloat16", "torch", "torch-channels-last", "torch-compiled", "torch-bfloat16", "onnx"]
CHANNELS = [128, 256, 512, 512]


# ------------------------------------------------------------------------------------------ random weights


def kl_tensors() -> dict[str, np.ndarray]:
    """Stable Diffusion 1's tensors under the names of diffusers, random."""
    random, tensors = np.random.default_rng(0), {}

    def weights(name: str, *shape: int) -> None:
        scale = np.float32(1.7 / np.prod(shape[1:]) ** 0.5)
        tensors[f"{name}.weight"] = (random.random(shape, dtype=np.float32) * 2 - 1) * scale
        tensors[f"{name}.bias"] = np.zeros(shape[0], np.float32)

    def norm(name: str, channels: int) -> None:
        tensors[f"{name}.weight"] = np.ones(channels, np.float32)
        tensors[f"{name}.bias"] = np.zeros(channels, np.float32)

    def block(name: str, inputs: int, outputs: int) -> None:
        norm(f"{name}.norm1", inputs)
        weights(f"{name}.conv1", outputs, inputs, 3, 3)
        norm(f"{name}.norm2", outputs)
        weights(f"{name}.conv2", outputs, outputs, 3, 3)
        if inputs != outputs:
            weights(f"{name}.conv_shortcut", outputs, inputs, 1, 1)

    def middle(name: str) -> None:
        for number in range(2):
            block(f"{name}.resnets.{number}", 512, 512)
        norm(f"{name}.attentions.0.group_norm", 512)
        for part in ("to_q", "to_k", "to_v", "to_out.0"):
            weights(f"{name}.attentions.0.{part}", 512, 512)

    def levels(name: str, channels: list[int], blocks: int, resampling: str) -> None:
        before = channels[0]
        for level, own in enumerate(channels):
            for number in range(blocks):
                block(f"{name}.{level}.resnets.{number}", before if number == 0 else own, own)
            before = own
            if level < 3:
                weights(f"{name}.{level}.{resampling}.0.conv", own, own, 3, 3)

    weights("encoder.conv_in", 128, 3, 3, 3)
    levels("encoder.down_blocks", CHANNELS, 2, "downsamplers")
    middle("encoder.mid_block")
    norm("encoder.conv_norm_out", 512)
    weights("encoder.conv_out", 8, 512, 3, 3)
    weights("quant_conv", 8, 8, 1, 1)
    weights("post_quant_conv", 4, 4, 1, 1)
    weights("decoder.conv_in", 512, 4, 3, 3)
    middle("decoder.mid_block")
    levels("decoder.up_blocks", CHANNELS[::-1], 3, "upsamplers")
    norm("decoder.conv_norm_out", 128)
    weights("decoder.conv_out", 3, 128, 3, 3)
    return tensors


def tiny_tensors() -> dict[str, np.ndarray]:
    """TAESD's tensors under the names of diffusers, random."""
    random, tensors = np.random.default_rng(0), {}

    def weights(name: str, outputs: int, inputs: int, bias: bool = True) -> None:
        scale = np.float32(1.7 / (9 * inputs) ** 0.5)
        shape = (outputs, inputs, 3, 3)
        tensors[f"{name}.weight"] = (random.random(shape, dtype=np.float32) * 2 - 1) * scale
        if bias:
            tensors[f"{name}.bias"] = np.zeros(outputs, np.float32)

    def block(name: str) -> None:
        for number in (0, 2, 4):
            weights(f"{name}.conv.{number}", 64, 64)

    weights("encoder.layers.0", 64, 3)
    block("encoder.layers.1")
    for start in (2, 6, 10):
        weights(f"encoder.layers.{start}", 64, 64, False)
        for number in range(start + 1, start + 4):
            block(f"encoder.layers.{number}")
    weights("encoder.layers.14", 4, 64)
    weights("decoder.layers.0", 64, 4)
    for start in (2, 7, 12):
        for number in range(start, start + 3):
            block(f"decoder.layers.{number}")
        weights(f"decoder.layers.{start + 4}", 64, 64, False)
    block("decoder.layers.17")
    weights("decoder.layers.18", 3, 64)
    return tensors


CONFIGS = {
    "kl": {
        "_class_name": "AutoencoderKL", "block_out_channels": CHANNELS, "layers_per_block": 2,
        "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
        "norm_num_groups": 32, "latent_channels": 4, "sample_size": 512, "scaling_factor": 0.18215,
    },
    "tiny": {"_class_name": "AutoencoderTiny", "latent_channels": 4, "scaling_factor": 1.0},
}


def write(folder: Path, kind: str) -> None:
    """Writes such a model as diffusers does."""
    tensors = kl_tensors() if kind == "kl" else tiny_tensors()
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {
            "dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes],
        }
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "diffusion_pytorch_model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in tensors.values():
            file.write(values.tobytes())
    (folder / "config.json").write_text(json.dumps(CONFIGS[kind]))


# ------------------------------------------------------------------------------------------------ programs


def zoo(folder: str, kind: str, what: str, precision: str):
    import vae_zoo

    name = "AutoencoderKL" if kind == "kl" else "AutoencoderTiny"
    vae = getattr(vae_zoo, name).from_pretrained(folder).to(precision)
    return (lambda z: vae.decode(z).sample) if what == "decode" else (lambda x: vae.encode(x).latents)


def network(folder: str, kind: str, what: str):
    import diffusers
    import torch

    name = "AutoencoderKL" if kind == "kl" else "AutoencoderTiny"
    vae = getattr(diffusers, name).from_pretrained(folder).eval()

    class Half(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vae = vae

        def forward(self, x):
            if what == "decode":
                return self.vae.decode(x).sample
            found = self.vae.encode(x)
            return found.latents if kind == "tiny" else found.latent_dist.mode()

    return Half()


def torch_program(folder: str, kind: str, what: str, way: str):
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    half = network(folder, kind, what)
    if way != "torch":
        half = half.to(memory_format=torch.channels_last)
    if way == "torch-bfloat16":
        half = half.to(torch.bfloat16)
    run = torch.compile(half) if way == "torch-compiled" else half

    def work(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            given = torch.from_numpy(x)
            if way != "torch":
                given = given.contiguous(memory_format=torch.channels_last)
            if way == "torch-bfloat16":
                given = given.to(torch.bfloat16)
            return run(given).float().numpy()

    return work


def onnx(folder: str, kind: str, what: str, shape: tuple[int, ...]):
    import onnxruntime

    path = Path(folder) / f"{what}-{shape[2]}.onnx"
    if not path.exists():
        # In another process, whose memory is not counted.
        subprocess.run(
            [sys.executable, __file__, "--export", str(path), "--folder", folder, "--model", kind, "--what", what,
             "--shape", json.dumps(shape)], check=True, stdout=subprocess.DEVNULL,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def child(program: str, arguments: argparse.Namespace) -> None:
    """Loads, works once, and then again at each line of the input."""
    x = np.load(arguments.input)
    if program.startswith("zoo"):
        precision = "bfloat16" if program == "zoo-bfloat16" else "float32"
        work = zoo(arguments.folder, arguments.model, arguments.what, precision)
    elif program == "onnx":
        work = onnx(arguments.folder, arguments.model, arguments.what, x.shape)
    else:
        work = torch_program(arguments.folder, arguments.model, arguments.what, program)
    np.save(arguments.output, work(x))
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        work(x)
        taken = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps([taken, peak]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=["decode", "encode"], default="decode")
    parser.add_argument("--model", choices=["kl", "tiny"], default="kl")
    parser.add_argument("--size", type=int, default=512, help="pixels along a side")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--programs", default=",".join(PROGRAMS), help=f"of {', '.join(PROGRAMS)}")
    for hidden in ("--child", "--folder", "--input", "--output", "--export", "--shape"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.export:
        import torch

        example = (torch.zeros(json.loads(arguments.shape)),)
        torch.onnx.export(
            network(arguments.folder, arguments.model, arguments.what), example, arguments.export, input_names=["x"],
            dynamo=False,
        )
        return
    if arguments.child:
        return child(arguments.child, arguments)
    if unknown := [name for name in arguments.programs.split(",") if name not in PROGRAMS]:
        parser.error(f"there is no program {unknown[0]}")
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), arguments)


def measure(folder: Path, arguments: argparse.Namespace) -> None:
    write(folder, arguments.model)
    side = arguments.size // 8 if arguments.what == "decode" else arguments.size
    x = np.random.default_rng(1).standard_normal((1, 4 if arguments.what == "decode" else 3, side, side))
    np.save(folder / "input.npy", x.astype(np.float32).clip(-1, 1))
    running, times, peaks = {}, {}, {}
    for program in arguments.programs.split(","):
        command = [
            sys.executable, __file__, "--child", program, "--folder", str(folder), "--model", arguments.model, "--what",
            arguments.what, "--input", str(folder / "input.npy"), "--output", str(folder / f"{program}.npy"),
        ]
        # A pipe that nobody reads would stop a program that warns much.
        warnings = tempfile.TemporaryFile("w+")
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=warnings, text=True)
        if process.stdout.readline() != "ready\n":
            process.communicate()
            warnings.seek(0)
            lines = warnings.read().strip().splitlines()
            print(f"{program}: left out: {lines[-1] if lines else 'it ended'}", file=sys.stderr)
            continue
        running[program], times[program] = process, []
    for _ in range(arguments.repeats):
        for program, process in running.items():
            process.stdin.write("again\n")
            process.stdin.flush()
            taken, peaks[program] = json.loads(process.stdout.readline())
            times[program].append(taken)
    first = next(iter(running), None)
    for program, process in running.items():
        process.communicate()
        a, b = (np.load(folder / f"{name}.npy").astype(np.float64) for name in (first, program))
        if arguments.what == "decode":
            # PyTorch leaves to others what this project does, to cut pictures to what can be shown.
            a, b = a.clip(-1, 1), b.clip(-1, 1)
        error, reach = np.mean((a - b) ** 2), a.max() - a.min()
        ratio = "" if program == first else f"  PSNR {10 * np.log10(reach**2 / max(error, 1e-30)):.1f} dB"
        print(
            f"{program:20} median {statistics.median(times[program]):7.3f} s  least {min(times[program]):7.3f} s  "
            f"{peaks[program] / 1e6:7.0f} MB{ratio}", flush=True)


if __name__ == "__main__":
    main()
