#!/usr/bin/env python3
"""Makes lpips-distance.json, the reference values of NetworkArchitectureTests for LPIPS.

    pip install lpips torchvision
    python3 Tests/VAECoreTests/Reference/lpips-distance.py

Written with Python 3.11, PyTorch 2.13 (CPU), torchvision 0.28 and lpips 0.1.4, in 64-bit floats. The networks of the
package `lpips` get the weights of `architectures.py`, numbers that follow from their position alone, and heads that
follow on, uniform in 0...0.2. Stored are the distance of two images, in colour and in grey, and of its gradient with respect to
the second image the length and a few elements. Images are in 0...1 and are handed to the package as 2 x - 1, the range
that it is made for.

It also loads the weights into torchvision's own models and stops where their features are not those of architectures.json,
which NumPy computed.
"""

import json
import pathlib

import numpy as np
import torch

if not hasattr(torch.ops.torchvision, "nms"):
    # A torchvision that was built for another PyTorch has no operations of its own; its networks need none.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import lpips
import torchvision

HERE = pathlib.Path(__file__).parent


def uniform(start, count):
    """Numbers in 0...1 for the positions start, start + 1, ..., by a 32-bit mixing function."""
    x = (np.arange(start, start + count, dtype=np.uint64) * 2654435761 + 97) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 13
    return ((x >> 8).astype(np.float64) + 0.5) / 2**24


def single(values):
    return values.astype(np.float32).astype(np.float64)


def fill(parameters):
    """Weights and biases of convolutions, in the order of their layers; the position behind them."""
    position = 1 << 24
    for name, parameter in parameters:
        count = parameter.numel()
        if name.endswith("weight"):
            values = (2 * uniform(position, count) - 1) * np.sqrt(6 / (count // parameter.shape[0]))
        else:
            values = (2 * uniform(position, count) - 1) * 0.1
        parameter.data = torch.from_numpy(single(values)).reshape(parameter.shape)
        position += count
    return position


def image(start, height, width, channels=3):
    values = single(uniform(start, height * width * channels)).reshape(1, height, width, channels)
    return torch.from_numpy(values).permute(0, 3, 1, 2).expand(1, 3, height, width)


def check_features():
    for case in json.loads((HERE / "architectures.json").read_text()):
        model = getattr(torchvision.models, case["name"])(weights=None).features.double()
        fill(list(model.named_parameters()))
        mean = torch.tensor([0.485, 0.456, 0.406]).double().reshape(1, 3, 1, 1)
        deviation = torch.tensor([0.229, 0.224, 0.225]).double().reshape(1, 3, 1, 1)
        x = (image(0, case["height"], case["width"]) - mean) / deviation
        wanted = {layer["layer"]: layer for layer in case["layers"]}
        for number, layer in enumerate(model):
            x = layer(x)
            if f"features.{number}" not in wanted:
                continue
            layer = wanted[f"features.{number}"]
            # The next layer is a rectifier that works in place.
            found = x[0].permute(1, 2, 0).detach().numpy().copy()
            assert list(found.shape) == layer["shape"], case["name"]
            np.testing.assert_allclose(found.ravel()[layer["places"]], layer["values"], rtol=1e-5, atol=1e-6)


def distances(name, net, height, width):
    package = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False).double()
    position = fill(list(package.net.named_parameters()))
    for lin in package.lins:
        weights = lin.model[1].weight
        values = single(uniform(position, weights.numel()) * 0.2)
        weights.data = torch.from_numpy(values).reshape(weights.shape)
        position += weights.numel()
    numbers = {}
    for title, channels in (("colour", 3), ("grey", 1)):
        x = image(0, height, width, channels)
        y = image(1 << 20, height, width, channels).contiguous().requires_grad_()
        distance = package(2 * x - 1, 2 * y - 1)
        distance.sum().backward()
        gradient = y.grad[0].permute(1, 2, 0)
        if channels == 1:
            gradient = gradient.sum(dim=2)
        gradient = gradient.numpy().ravel()
        places = [k * (gradient.size - 1) // 4 for k in range(5)]
        numbers[title] = {
            "distance": distance.item(), "length": float(np.sqrt((gradient**2).sum())), "places": places,
            "gradient": [float(gradient[place]) for place in places],
        }
    return {"name": name, "height": height, "width": width, **numbers}


check_features()
cases = [
    distances("vgg16", "vgg", 18, 16), distances("alexnet", "alex", 35, 31),
    distances("squeezenet1_1", "squeeze", 17, 24),
]
(HERE / "lpips-distance.json").write_text(json.dumps(cases) + "\n")
