#!/usr/bin/env python3
"""Writes kl-tiled.safetensors: what diffusers makes of pictures in tiles with the small autoencoders of generate_kl.py.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install torch numpy diffusers safetensors
    /tmp/reference/bin/python Tests/VAEZooTests/Reference/generate_tiles.py

Written with PyTorch 2.15.0 and diffusers 0.42.1. Pictures are [1, height, width, 3] between 0 and 1, latents have their
channels last. Names: FOLDER.HEIGHTxWIDTH.{image,mean,log_variance,decoded}.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent


def last(x):
    return x.permute(0, 2, 3, 1).contiguous()


def main():
    torch.manual_seed(31)
    results = {}
    for name, side, sizes in [
        # Twice as large as a tile and more, one side alone, and tiles at the end that are a place wide.
        ("plain", 8, [(20, 26), (8, 20), (14, 6), (8, 8)]), ("attending", 16, [(40, 28)]),
    ]:
        m = AutoencoderKL.from_pretrained(FOLDER / f"kl-{name}").eval()
        m.enable_tiling()
        m.tile_sample_min_size = side
        m.tile_latent_min_size = side // 2 ** (len(m.config.block_out_channels) - 1)
        for height, width in sizes:
            with torch.no_grad():
                image = torch.rand(1, 3, height, width)
                posterior = m.encode(2 * image - 1).latent_dist
                decoded = m.decode(posterior.mean).sample
            label = f"{name}.{height}x{width}"
            results[f"{label}.image"] = last(image)
            results[f"{label}.mean"] = last(posterior.mean)
            results[f"{label}.log_variance"] = last(posterior.logvar)
            results[f"{label}.decoded"] = last((decoded / 2 + 0.5).clamp(0, 1))
    save_file(results, FOLDER / "kl-tiled.safetensors")


if __name__ == "__main__":
    main()
