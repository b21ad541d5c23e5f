#!/usr/bin/env python3
"""Makes image_layers.json: what PyTorch makes of the layers that autoencoders of images are built of.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install torch numpy
    /tmp/reference/bin/python Tests/NeuralNetworksTests/Reference/generate_image_layers.py

Each case has a "layer" with its "settings", an "input" and the "weights" by the paths of the Swift
module, and the "output"; arrays are {"shape", "values"}, images [batch, height, width, channels].
Everything is computed in 64-bit floats from 32-bit inputs, and written with nine digits.

The residual block and the attention are those of diffusers' AutoencoderKL, written out here in
PyTorch's own functions: GroupNorm, SiLU, convolutions, softmax of Q Kᵀ / sqrt(channels).
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)


def random(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).float().double()


def array(tensor):
    return {"shape": list(tensor.shape), "values": [float(f"{v:.9g}") for v in tensor.flatten()]}


def channels_last(x):
    return x.permute(0, 2, 3, 1).contiguous()


def case(layer, settings, x, weights, y):
    return {
        "layer": layer, "settings": settings, "input": array(channels_last(x)),
        "weights": {path: array(w) for path, w in weights.items()},
        "output": array(channels_last(y)),
    }


def convolution(weights, path, inputs, outputs, kernel):
    weights[f"{path}.weights"] = random(outputs, inputs, kernel, kernel, scale=0.3)
    weights[f"{path}.bias"] = random(outputs, scale=0.3)


def norm(weights, path, channels):
    weights[f"{path}.scale"] = 1 + random(channels, scale=0.3)
    weights[f"{path}.shift"] = random(channels, scale=0.3)


def residual(inputs, outputs, groups, epsilon, height, width):
    weights = {}
    convolution(weights, "first", inputs, outputs, 3)
    convolution(weights, "second", outputs, outputs, 3)
    norm(weights, "normalization0", inputs)
    norm(weights, "normalization1", outputs)
    if inputs != outputs:
        convolution(weights, "shortcut", inputs, outputs, 1)
    x = random(2, inputs, height, width)

    def half(h, name, number):
        h = F.group_norm(
            h, groups, weights[f"normalization{number}.scale"],
            weights[f"normalization{number}.shift"], epsilon)
        return F.conv2d(
            F.silu(h), weights[f"{name}.weights"], weights[f"{name}.bias"], padding=1)

    h = half(half(x, "first", 0), "second", 1)
    s = x
    if inputs != outputs:
        s = F.conv2d(x, weights["shortcut.weights"], weights["shortcut.bias"])
    settings = {"channels": inputs, "outputs": outputs, "groups": groups, "epsilon": epsilon}
    return case("residual", settings, x, weights, s + h)


def attention(channels, groups, epsilon, height, width):
    weights = {}
    norm(weights, "normalization", channels)
    for name in ["query", "key", "value", "output"]:
        convolution(weights, name, channels, channels, 1)
    x = random(2, channels, height, width)
    h = F.group_norm(
        x, groups, weights["normalization.scale"], weights["normalization.shift"], epsilon)
    rows = h.flatten(2).transpose(1, 2)

    def linear(name, rows):
        return rows @ weights[f"{name}.weights"][:, :, 0, 0].T + weights[f"{name}.bias"]

    q, k, v = (linear(name, rows) for name in ["query", "key", "value"])
    mixed = torch.softmax(q @ k.transpose(1, 2) / channels**0.5, dim=-1) @ v
    y = x + linear("output", mixed).transpose(1, 2).reshape(x.shape)
    settings = {"channels": channels, "groups": groups, "epsilon": epsilon}
    return case("attention", settings, x, weights, y)


def downsampling(inputs, outputs, height, width):
    """Diffusers' Downsample2D with padding 0: a row below and a column to the right."""
    weights = {
        "weights": random(outputs, inputs, 3, 3, scale=0.3), "bias": random(outputs, scale=0.3)
    }
    x = random(1, inputs, height, width)
    y = F.conv2d(F.pad(x, (0, 1, 0, 1)), weights["weights"], weights["bias"], stride=2)
    return case("downsampling", {"channels": inputs, "outputs": outputs}, x, weights, y)


def upsampling(mode, factor, height, width):
    x = random(2, 3, height, width)
    extra = {} if mode == "nearest" else {"align_corners": False}
    y = F.interpolate(x, scale_factor=factor, mode=mode, **extra)
    return case(mode, {"channels": 3, "factor": factor}, x, {}, y)


def clamp(magnitude):
    x = random(1, 2, 3, 3, scale=4)
    settings = {"channels": 2, "magnitude": magnitude}
    return case("clamp", settings, x, {}, magnitude * torch.tanh(x / magnitude))


cases = [
    residual(4, 4, 2, 1e-6, 3, 5), residual(4, 6, 2, 1e-6, 1, 4), residual(6, 2, 1, 1e-5, 4, 3),
    attention(4, 2, 1e-6, 3, 5), attention(8, 4, 1e-5, 1, 1), attention(6, 3, 1e-6, 4, 4),
    downsampling(3, 4, 6, 8), downsampling(2, 3, 5, 7), downsampling(2, 2, 2, 3),
    upsampling("nearest", 2, 3, 2), upsampling("nearest", 3, 1, 4),
    upsampling("bilinear", 2, 3, 4), upsampling("bilinear", 3, 2, 1),
    upsampling("bilinear", 4, 1, 5), clamp(3.0), clamp(0.5),
]
path = Path(__file__).resolve().parent / "image_layers.json"
path.write_text(json.dumps(cases, separators=(",", ":")).replace('},{"layer"', '},\n{"layer"') + "\n")
