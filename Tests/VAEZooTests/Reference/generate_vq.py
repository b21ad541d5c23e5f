#!/usr/bin/env python3
"""Makes the small VQModels that the tests of imports read, with what diffusers makes of a picture.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install torch numpy diffusers safetensors
    /tmp/reference/bin/python Tests/VAEZooTests/Reference/generate_vq.py

Written with PyTorch 2.15.0 and diffusers 0.42.1. Weights are random.

vq-plain/         as `VQModel.save_pretrained` writes it: 6 codes of 3 numbers (F32)
vq-checkpoint/    the same weights with the names of taming and latent diffusion under first_stage_model.,
                  with attention in the deepest level
vq.safetensors    for each folder NAME.latents [1, h, w, c], not quantised, and NAME.decoded [1, H, W, 3]
                  between 0 and 1 of the quantised latents, of NAME.image
"""

from pathlib import Path

import torch
from diffusers import VQModel
from safetensors.torch import save_file

from generate_kl import ATTENDING, FOLDER, PLAIN, last, ldm

torch.manual_seed(23)


def model(attending=()):
    types = [[(ATTENDING if level in attending else PLAIN)[side] for level in range(2)] for side in range(2)]
    made = VQModel(
        block_out_channels=(4, 6), down_block_types=tuple(types[0]), up_block_types=tuple(reversed(types[1])),
        norm_num_groups=2, latent_channels=3, num_vq_embeddings=6)
    with torch.no_grad():
        for p in made.parameters():
            p.add_(torch.randn_like(p) * 0.05)
        # Codes among which the latents choose.
        made.quantize.embedding.weight.copy_(torch.randn(6, 3) * 0.5)
    return made.eval()


results = {}


def compute(name, m):
    with torch.no_grad():
        image = torch.rand(1, 3, 6, 8)
        latents = m.encode(2 * image - 1).latents
        results[f"{name}.image"], results[f"{name}.latents"] = last(image), last(latents)
        results[f"{name}.decoded"] = last((m.decode(latents).sample / 2 + 0.5).clamp(0, 1))


plain = model()
plain.save_pretrained(FOLDER / "vq-plain")
compute("plain", plain)
attending = model((1,))
compute("attending", attending)
(FOLDER / "vq-checkpoint").mkdir(exist_ok=True)
save_file(ldm(attending.state_dict(), 2), FOLDER / "vq-checkpoint" / "model.safetensors")
save_file({k: v.contiguous() for k, v in results.items()}, FOLDER / "vq.safetensors")
