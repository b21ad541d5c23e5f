#!/usr/bin/env python3
"""Makes the small autoencoders of latent diffusion that the tests of imports read, with what diffusers makes
of a picture.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install torch numpy diffusers safetensors
    /tmp/reference/bin/python Tests/VAEZooTests/Reference/generate_kl.py

Written with PyTorch 2.15.0 and diffusers 0.42.1. Weights are random.

kl-plain/         as `AutoencoderKL.save_pretrained` writes it: attention in the middle, both latent
                  convolutions (F32)
kl-bare/          no attention, no latent convolutions, 16 bits, scaling and shift
kl-attending/     attention after every block of the deepest level, three levels, other numbers of blocks
kl-checkpoint/    the weights of kl-plain with latent diffusion's names under first_stage_model., among
                  tensors of other networks
kl.safetensors    for each folder NAME.mean, NAME.log_variance [1, h, w, c] and NAME.decoded [1, H, W, 3]
                  between 0 and 1, of NAME.image; NAME.odd.mean of NAME.odd.image, which went on below and
                  to the right as it ends first
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent
PLAIN, ATTENDING = ("DownEncoderBlock2D", "UpDecoderBlock2D"), (
    "AttnDownEncoderBlock2D", "AttnUpDecoderBlock2D")


def last(x):
    return x.permute(0, 2, 3, 1).contiguous()


def model(channels, blocks=1, attending=(), dtype=torch.float32, **options):
    types = [[(ATTENDING if level in attending else PLAIN)[side] for level in range(len(channels))]
             for side in range(2)]
    made = AutoencoderKL(
        block_out_channels=channels, layers_per_block=blocks, down_block_types=tuple(types[0]),
        up_block_types=tuple(reversed(types[1])), norm_num_groups=2, **options)
    with torch.no_grad():
        for p in made.parameters():
            # Norms and biases that are not one and zero; in values that the type of the file holds.
            p.add_(torch.randn_like(p) * 0.05)
            p.copy_(p.to(dtype).float())
    return made.eval()


def extended(x, factor):
    return F.pad(x, (0, -x.shape[3] % factor, 0, -x.shape[2] % factor), mode="replicate")


def ldm_name(name, levels):
    """The same tensor under latent diffusion's name (the table of diffusers' convert scripts, reversed)."""
    for a, b in [
        ("mid_block.resnets.0.", "mid.block_1."), ("mid_block.resnets.1.", "mid.block_2."),
        ("mid_block.attentions.0.", "mid.attn_1."), ("conv_norm_out", "norm_out"),
        (".resnets.", ".block."), (".attentions.", ".attn."), ("conv_shortcut", "nin_shortcut"),
        (".downsamplers.0.conv", ".downsample.conv"), (".upsamplers.0.conv", ".upsample.conv"),
        ("down_blocks.", "down."), ("to_out.0", "proj_out"), ("to_q", "q"), ("to_k", "k"),
        ("to_v", "v"), ("group_norm", "norm"),
    ]:
        name = name.replace(a, b)
    if "up_blocks." in name:
        head, rest = name.split("up_blocks.")
        number, rest = rest.split(".", 1)
        name = f"{head}up.{levels - 1 - int(number)}.{rest}"
    return name


def ldm(weights, levels):
    renamed = {}
    for name, w in weights.items():
        new = ldm_name(name, levels)
        if ".attn" in new and w.dim() == 2:
            w = w[:, :, None, None]
        renamed[f"first_stage_model.{new}"] = w.contiguous()
    return renamed


results = {}


def compute(name, m, height, width):
    factor = 2 ** (len(m.config.block_out_channels) - 1)
    with torch.no_grad():
        image, odd = torch.rand(1, 3, height, width), torch.rand(1, 3, height - 1, width + 1)
        posterior = m.encode(2 * image - 1).latent_dist
        results[f"{name}.image"], results[f"{name}.odd.image"] = last(image), last(odd)
        results[f"{name}.mean"] = last(posterior.mean)
        results[f"{name}.log_variance"] = last(posterior.logvar)
        results[f"{name}.decoded"] = last((m.decode(posterior.mean).sample / 2 + 0.5).clamp(0, 1))
        results[f"{name}.odd.mean"] = last(
            m.encode(2 * extended(odd, factor) - 1).latent_dist.mean)


def main():
    torch.manual_seed(22)
    plain = model((4, 8), latent_channels=4)
    plain.save_pretrained(FOLDER / "kl-plain")
    compute("plain", plain, 8, 12)

    bare = model(
        (6, 4), dtype=torch.bfloat16, latent_channels=3, mid_block_add_attention=False,
        use_quant_conv=False, use_post_quant_conv=False, scaling_factor=0.3611, shift_factor=0.1159,
        sample_size=16)
    compute("bare", bare, 4, 6)
    bare.to(torch.bfloat16).save_pretrained(FOLDER / "kl-bare")

    attending = model((2, 4, 6), blocks=2, attending=(2,), latent_channels=2)
    attending.save_pretrained(FOLDER / "kl-attending")
    compute("attending", attending, 16, 8)

    (FOLDER / "kl-checkpoint").mkdir(exist_ok=True)
    other = {
        "model.diffusion_model.input_blocks.0.0.weight": torch.zeros(2, 3),
        "cond_stage_model.transformer.weight": torch.zeros(1),
        "first_stage_model.loss.logvar": torch.zeros(1),
    }
    save_file(
        ldm(plain.state_dict(), 2) | other, FOLDER / "kl-checkpoint" / "model.safetensors")
    save_file({k: v.contiguous() for k, v in results.items()}, FOLDER / "kl.safetensors")


if __name__ == "__main__":
    main()
