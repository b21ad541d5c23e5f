#!/usr/bin/env python3
"""Makes the small TAESDs that the tests of imports read, with what PyTorch and diffusers make of a picture.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install torch numpy diffusers safetensors
    /tmp/reference/bin/python Tests/VAEZooTests/Reference/generate_tiny.py

Written with PyTorch 2.15.0 and diffusers 0.42.1. Weights are random.

tiny-diffusers/   a folder as `AutoencoderTiny.save_pretrained` writes it: config.json and
                  diffusion_pytorch_model.safetensors (F32)
tiny-raw/         encoder.safetensors (F16) and decoder.safetensors (BF16) with TAESD's raw names, with
                  the branch of FLUX.2's tiny autoencoder in the blocks at the latents' size
tiny.safetensors  what was computed: for "diffusers" and "raw" each NAME.latents [1, h, w, c] and
                  NAME.decoded [1, H, W, 3], clamped to 0…1, of image.whole, and NAME.odd.latents of
                  image.odd, which went on below and to the right as it ends first
"""

from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

torch.manual_seed(21)
FOLDER = Path(__file__).resolve().parent


def conv(inputs, outputs, **options):
    return nn.Conv2d(inputs, outputs, 3, padding=1, **options)


class Block(nn.Module):
    """TAESD's block, with FLUX.2's branch where `mixing` says so (taesd.py of both projects)."""

    def __init__(self, n, mixing=None):
        super().__init__()
        self.conv = nn.Sequential(conv(n, n), nn.ReLU(), conv(n, n), nn.ReLU(), conv(n, n))
        self.pool = None
        if mixing:
            self.pool = nn.Sequential(
                nn.Conv2d(n, mixing, 1, bias=False), nn.GroupNorm(4, mixing), nn.ReLU(),
                nn.Conv2d(mixing, n, 1, bias=False))

    def forward(self, x):
        if self.pool is not None:
            x = x + self.pool(x)
        return F.relu(self.conv(x) + x)


class Clamp(nn.Module):
    def forward(self, x):
        return torch.tanh(x / 3) * 3


def encoder(n, z, mixing):
    return nn.Sequential(
        conv(3, n), Block(n), conv(n, n, stride=2, bias=False), Block(n), Block(n),
        conv(n, n, stride=2, bias=False), Block(n, mixing), conv(n, z))


def decoder(n, z, mixing):
    return nn.Sequential(
        Clamp(), conv(z, n), nn.ReLU(), Block(n, mixing), Block(n, mixing),
        nn.Upsample(scale_factor=2), conv(n, n, bias=False), Block(n),
        nn.Upsample(scale_factor=2), conv(n, n, bias=False), Block(n), conv(n, 3))


def rounded(module, dtype):
    """Random weights that a 16-bit type holds exactly, so that both compute with the same."""
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn_like(p) * 0.02)
            p.copy_(p.to(dtype).float())
    return module


def last(x):
    return x.permute(0, 2, 3, 1).contiguous()


def extended(x, factor=4):
    height, width = -x.shape[2] % factor, -x.shape[3] % factor
    return F.pad(x, (0, width, 0, height), mode="replicate")


results = {}
whole, odd = torch.rand(1, 3, 8, 12), torch.rand(1, 3, 7, 9)
results["image.whole"], results["image.odd"] = last(whole), last(odd)

with torch.no_grad():
    model = AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8), decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 2, 1), num_decoder_blocks=(2, 1, 1), latent_channels=3,
        scaling_factor=0.75, shift_factor=0.125)
    rounded(model, torch.float32)
    model.save_pretrained(FOLDER / "tiny-diffusers")
    z = model.encode(2 * whole - 1).latents
    results["diffusers.latents"] = last(z)
    results["diffusers.decoded"] = last((model.decode(z).sample / 2 + 0.5).clamp(0, 1))
    results["diffusers.odd.latents"] = last(model.encode(2 * extended(odd) - 1).latents)

    (FOLDER / "tiny-raw").mkdir(exist_ok=True)
    halves = {}
    for name, half, dtype in [
        ("encoder", encoder(8, 5, 16), torch.float16), ("decoder", decoder(8, 5, 16), torch.bfloat16)
    ]:
        halves[name] = rounded(half, dtype)
        weights = {k: v.to(dtype).contiguous() for k, v in half.state_dict().items()}
        save_file(weights, FOLDER / "tiny-raw" / f"{name}.safetensors")
    z = halves["encoder"](whole)
    results["raw.latents"] = last(z)
    results["raw.decoded"] = last(halves["decoder"](z).clamp(0, 1))
    results["raw.odd.latents"] = last(halves["encoder"](extended(odd)))

save_file({k: v.contiguous() for k, v in results.items()}, FOLDER / "tiny.safetensors")
