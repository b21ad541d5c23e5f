#!/usr/bin/env python3
"""Makes architectures.json, the reference values of NetworkArchitectureTests.

    python3 Tests/VAECoreTests/Reference/architectures.py

Written with Python 3.11 and NumPy 2.4, without torch: each architecture is written out a second time, from
torchvision's `models/vgg.py`, `alexnet.py` and `squeezenet.py`, and computed in 64-bit floats with loops
over the places of a kernel. Weights and images are numbers that follow from their position alone
(`uniform`), the same as in the test, so that nothing large is stored: the weights of a layer are uniform in
±sqrt(6 / inputs of an output), its biases in ±0.1, images in 0...1. Of some layers the shape, the mean, the
mean of squares and a few features are stored.
"""

import json
import pathlib

import numpy as np

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def uniform(start, count):
    """Numbers in 0...1 for the positions start, start + 1, ..., by a 32-bit mixing function."""
    x = (np.arange(start, start + count, dtype=np.uint64) * 2654435761 + 97) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 13
    return ((x >> 8).astype(np.float64) + 0.5) / 2**24


class Weights:
    def __init__(self):
        self.position = 1 << 24

    def layer(self, outputs, inputs, kernel):
        count = outputs * inputs * kernel * kernel
        scale = np.sqrt(6 / (inputs * kernel * kernel))
        values = (2 * uniform(self.position, count) - 1) * scale
        bias = (2 * uniform(self.position + count, outputs) - 1) * 0.1
        self.position += count + outputs
        shape = (outputs, inputs, kernel, kernel)
        return values.astype(np.float32).astype(np.float64).reshape(shape), bias.astype(np.float32).astype(np.float64)


def convolution(x, weights, bias, stride=1, padding=0):
    kernel = weights.shape[2]
    x = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
    height, width = (x.shape[0] - kernel) // stride + 1, (x.shape[1] - kernel) // stride + 1
    y = np.zeros((height, width, weights.shape[0])) + bias
    for i in range(kernel):
        for j in range(kernel):
            part = x[i : i + stride * height : stride, j : j + stride * width : stride][:height, :width]
            y += part @ weights[:, :, i, j].T
    return y


def pool(x, kernel, stride, ceil=False):
    def windows(size):
        if not ceil:
            return (size - kernel) // stride + 1
        count = -((kernel - size) // stride) + 1
        return count - 1 if (count - 1) * stride >= size else count

    height, width = windows(x.shape[0]), windows(x.shape[1])
    return np.array(
        [[x[i * stride : i * stride + kernel, j * stride : j * stride + kernel].max(axis=(0, 1)) for j in range(width)] for i in range(height)]
    )


def relu(x):
    return np.maximum(x, 0)


def vgg(blocks):
    steps = []
    for count, channels in zip(blocks, [64, 128, 256, 512, 512]):
        steps += [("conv", channels, 3, 1, 1), ("relu",)] * count + [("pool", 2, 2, False)]
    return steps


ALEXNET = [
    ("conv", 64, 11, 4, 2), ("relu",), ("pool", 3, 2, False), ("conv", 192, 5, 1, 2), ("relu",), ("pool", 3, 2, False),
    ("conv", 384, 3, 1, 1), ("relu",), ("conv", 256, 3, 1, 1), ("relu",), ("conv", 256, 3, 1, 1), ("relu",),
    ("pool", 3, 2, False),
]
SQUEEZENET = [
    ("conv", 64, 3, 2, 0), ("relu",), ("pool", 3, 2, True), ("fire", 16, 64), ("fire", 16, 64), ("pool", 3, 2, True),
    ("fire", 32, 128), ("fire", 32, 128), ("pool", 3, 2, True), ("fire", 48, 192), ("fire", 48, 192), ("fire", 64, 256),
    ("fire", 64, 256),
]
CASES = [
    ("vgg16", vgg([2, 2, 3, 3, 3]), 33, 32, [3, 15, 30]),
    ("vgg19", vgg([2, 2, 4, 4, 4]), 32, 35, [8, 36]),
    ("alexnet", ALEXNET, 63, 71, [1, 7, 12]),
    ("squeezenet1_1", SQUEEZENET, 40, 35, [2, 5, 12]),
]

cases = []
for name, steps, height, width, taps in CASES:
    weights = Weights()
    image = uniform(0, height * width * 3).astype(np.float32).astype(np.float64).reshape(height, width, 3)
    x = (image - MEAN) / DEVIATION
    layers = []
    for number, step in enumerate(steps):
        if step[0] == "conv":
            x = convolution(x, *weights.layer(step[1], x.shape[2], step[2]), stride=step[3], padding=step[4])
        elif step[0] == "relu":
            x = relu(x)
        elif step[0] == "pool":
            x = pool(x, *step[1:])
        else:
            squeeze = weights.layer(step[1], x.shape[2], 1)
            small, large = weights.layer(step[2], step[1], 1), weights.layer(step[2], step[1], 3)
            inner = relu(convolution(x, *squeeze))
            x = np.concatenate([relu(convolution(inner, *small)), relu(convolution(inner, *large, padding=1))], axis=2)
        if number in taps:
            places = [k * (x.size - 1) // 6 for k in range(7)]
            layers.append({
                "layer": f"features.{number}", "shape": list(x.shape), "mean": x.mean(), "squares": (x**2).mean(),
                "places": places, "values": [float(x.ravel()[place]) for place in places],
            })
    cases.append({"name": name, "height": height, "width": width, "layers": layers})
path = pathlib.Path(__file__).with_name("architectures.json")
path.write_text(json.dumps(cases) + "\n")
