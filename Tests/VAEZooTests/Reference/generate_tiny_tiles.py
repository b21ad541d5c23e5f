#!/usr/bin/env python3
"""Writes tiny-tiled/, a small random AutoencoderTiny of diffusers, and tiny-tiled.safetensors, what it makes of pictures in tiles.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install torch numpy diffusers safetensors
    /tmp/reference/bin/python Tests/VAEZooTests/Reference/generate_tiny_tiles.py

Written with PyTorch 2.15.0 and diffusers 0.42.1, whose tiles need four levels, three colours and four channels of latents. Pictures
are [1, height, width, 3] between 0 and 1, latents have their channels last. Stored are every fourth row and column of a picture,
which are repeated in it, and every fifth of a decoded one. Names: HEIGHTxWIDTH.{image,latents,decoded}.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent


def last(x):
    return x.permute(0, 2, 3, 1).contiguous()


def main():
    torch.manual_seed(37)
    m = AutoencoderTiny(
        encoder_block_out_channels=(4, 4, 4, 4), decoder_block_out_channels=(4, 4, 4, 4),
        num_encoder_blocks=(1, 1, 1, 1), num_decoder_blocks=(1, 1, 1, 1),
    ).eval()
    m.save_pretrained(FOLDER / "tiny-tiled")
    m.enable_tiling()
    m.tile_sample_min_size, m.tile_latent_min_size = 128, 16
    results = {}
    # Several tiles along both sides, of which the last ones are three places wide, along one side alone, and in a picture that is
    # no larger than a tile.
    for height, width in [(136, 248), (240, 64), (120, 128)]:
        with torch.no_grad():
            image = torch.randint(0, 9, (1, 3, height // 4, width // 4)).float().div(8)
            whole = image.repeat_interleave(4, 2).repeat_interleave(4, 3)
            latents = m.encode(2 * whole - 1).latents
            decoded = m.decode(latents).sample
        label = f"{height}x{width}"
        results[f"{label}.image"] = last(image)
        results[f"{label}.latents"] = last(latents)
        results[f"{label}.decoded"] = last((decoded / 2 + 0.5).clamp(0, 1))[:, ::5, ::5].contiguous()
    save_file(results, FOLDER / "tiny-tiled.safetensors")


if __name__ == "__main__":
    main()
