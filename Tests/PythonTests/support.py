"""What the tests share: where things are, small data, and a time limit for processes."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import Any

import numpy as np

# What files of the tests of this process are in.
FOLDER = tempfile.mkdtemp(prefix="vae-zoo-tests-")


@atexit.register
def _remove(owner: int = os.getpid()) -> None:
    if os.getpid() == owner:  # And no child of it.
        shutil.rmtree(FOLDER, ignore_errors=True)


ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def small_network() -> str:
    """The file of a frozen network for grey images: a convolution to one pixel's neighbourhood, with ReLU, and a head of
    LPIPS."""
    description = {
        "input": {"channels": 1},
        "layers": [{"type": "conv", "name": "conv", "padding": 1}, {"type": "relu", "name": "relu1_1"}],
        "heads": ["relu1_1"],
    }
    weights = np.random.default_rng(3).normal(size=(2, 1, 3, 3)).astype("<f4").tobytes()
    head = np.array([0.5, 2], "<f4").tobytes()
    end = len(weights) + len(head)
    header = json.dumps(
        {
            "__metadata__": {"vae_zoo_network": json.dumps(description)},
            "conv.weight": {"dtype": "F32", "shape": [2, 1, 3, 3], "data_offsets": [0, len(weights)]},
            "lin0.model.1.weight": {"dtype": "F32", "shape": [1, 2, 1, 1], "data_offsets": [len(weights), end]},
        }
    ).encode()
    header += b" " * (-len(header) % 8)
    path = os.path.join(FOLDER, "network.safetensors")
    with open(path, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header + weights + head)
    return path


# A small network of every built-in class, as keywords.
SMALL = {
    "GaussianVAE": {"hidden": (8,), "latent": 2},
    "BetaVAE": {"hidden": (8,), "latent": 2},
    "FactorVAE": {"hidden": (8,), "latent": 2, "settings": {"objective.discriminator_hidden": (8,)}},
    "FlowVAE": {"hidden": (8,), "latent": 2, "flow_hidden": (8,), "flow_context": 2},
    "IWAE": {"hidden": (8,), "latent": 2, "importance_samples": 2},
    "MissingVAE": {"hidden": (8,), "latent": 2, "importance_samples": 2},
    "MixturePriorVAE": {"hidden": (8,), "latent": 2, "components": 2},
    "PerceptualVAE": {
        "architecture": "mlp", "hidden": (8,), "latent": 2, "network": small_network(),
        "settings": {"objective.layers": "relu1_1"},
    },
    "VampPriorVAE": {"hidden": (8,), "latent": 2, "settings": {"prior.pseudo_inputs": 2}},
    "LadderVAE": {"hidden": (8, 4), "latent": (3, 2)},
    "PixelCNN": {"layers": 1, "channels": 16},
    "PixelCNNVAE": {"architecture": "mlp", "hidden": (8,), "latent": 2, "layers": 1, "channels": 16},
    "VQVAE": {"architecture": "mlp", "hidden": (8,), "codes": 4, "code_size": 2},
    "ConditionalVAE": {"hidden": (8,), "latent": 2},
    "LogCoshVAE": {"hidden": (8,), "latent": 2},
    "FlowPriorVAE": {"hidden": (8,), "latent": 2, "flow_hidden": (8,), "flow_steps": 2},
    "TwoStageVAE": {"hidden": (8,), "latent": 2},
    "MultiscaleVAE": {"hidden": (8,), "latent": 2},
    "MSSSIMVAE": {"hidden": (8,), "latent": 2, "settings": {"objective.share": 0}},
    "VeryDeepVAE": {
        "latent": (1, 1), "channels": (4,),
        "settings": {"prior.blocks_per_size": (1, 1), "encoder.blocks_per_size": (1, 1)},
    },
    "ProgressiveVAE": {"channels": (4,), "latent": 2},
    "AutoencoderTiny": {"architecture": "mlp", "hidden": (8,), "latent_channels": 2},
    "AutoencoderKL": {"architecture": "mlp", "hidden": (8,), "latent_channels": 2},
    "VAEGAN": {
        "architecture": "mlp", "hidden": (8,), "latent": 2,
        "settings": {"objective.discriminator_channels": (2,)},
    },
    "VQGAN": {
        "architecture": "mlp", "hidden": (8,), "codes": 4, "code_size": 2,
        "network": small_network(),
        "settings": {
            "objective.comparison": "lpips", "objective.discriminator_channels": (2,), "objective.discriminator_start": 1,
        },
    },
    "WAEGAN": {
        "architecture": "mlp", "hidden": (8,), "latent": 2,
        "settings": {"objective.discriminator_hidden": (8,)},
    },
    "AdversarialAutoencoder": {
        "hidden": (8,), "latent": 2, "settings": {"objective.discriminator_hidden": (8,)},
    },
    "VQModel": {"architecture": "mlp", "hidden": (8,), "codes": 4, "code_size": 2},
}


def importable(name: str) -> bool:
    """Whether a module can be imported, found without importing it here."""
    from importlib.util import find_spec

    return find_spec(name) is not None


def needs(*names: str) -> Any:
    """Skips a test where a module that it is about is not installed, and says which."""
    missing = [name for name in names if not importable(name)]
    return unittest.skipIf(missing, f"{', '.join(missing)} cannot be imported")


def stripes(count: int, seed: int = 0, size: int = 6) -> np.ndarray:
    """Binary images with a stripe each, ``[count, size, size]`` of uint8."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, size, size), dtype=np.uint8)
    places, is_column = random.integers(0, size, count), random.integers(0, 2, count)
    for image, place, column in zip(images, places, is_column):
        if column:
            image[:, place] = 1
        else:
            image[place] = 1
    return images


def run_python(program: str, *arguments: str, limit: float = 120, **environment: str) -> str:
    """The output of a program in an interpreter of its own; an error, or a lapse of time, fails."""
    import vae_zoo

    path = os.path.dirname(os.path.dirname(vae_zoo.__file__))
    completed = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=limit,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
    if completed.returncode:
        raise AssertionError(f"status {completed.returncode}: {completed.stderr}")
    return completed.stdout
