"""A gaussian-vae and a vq-vae written anew in NumPy, from their files and docs/weights.md alone.

It reads model.safetensors itself, computes rate, distortion and -ELBO of some images, and compares these
with what the library says.
"""

from __future__ import annotations

import json
import os
import tempfile

import numpy as np

import vae_zoo


# ---------------------------------------------------------------------------- the file, the networks


def read(path: str) -> tuple[dict[str, np.ndarray], dict]:
    """The tensors of a safetensors file by name, in float64, and the recipe in its metadata."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    recipe = json.loads(header.pop("__metadata__")["vae_zoo_recipe"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
        tensors[name] = values.astype(np.float64)
    return tensors, recipe


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


ACTIVATIONS = {"relu": lambda x: np.maximum(x, 0), "silu": lambda x: x / (1 + np.exp(-x)), "tanh": np.tanh}


def perceptron(tensors: dict, part: str, x: np.ndarray, activation: str) -> np.ndarray:
    """Hidden layers and head of a part."""
    layer = 0
    while f"{part}.layers.{layer}.weights" in tensors:
        name = f"{part}.layers.{layer}"
        x = ACTIVATIONS[activation](x @ tensors[f"{name}.weights"] + tensors[f"{name}.bias"])
        layer += 1
    return x @ tensors[f"{part}.head.weights"] + tensors[f"{part}.head.bias"]


def encoder(tensors: dict, x: np.ndarray, activation: str) -> np.ndarray:
    x = (x.reshape(len(x), -1) - tensors.get("encoder.input.mean", 0)) * tensors.get("encoder.input.scale", 1)
    return perceptron(tensors, "encoder", x, activation)


# ------------------------------------------------------------------------------------- the two models


def units(tensors: dict, recipe: dict, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and log-variances of q(z|x), and the rate of each image."""
    head = encoder(tensors, x, recipe["encoder"]["activation"])
    mean, log_variance = np.split(head, 2, axis=1)
    log_variance = np.clip(log_variance, -20, 20)
    rate = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1)
    return mean, log_variance, rate


def codes(tensors: dict, recipe: dict, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The numbers of the nearest vectors, these vectors, and the rate, which is that of every image."""
    vectors = tensors["prior.codebook.vectors"]
    count, size = vectors.shape
    points = encoder(tensors, x, recipe["encoder"]["activation"]).reshape(len(x), -1, size)
    distances = ((points[:, :, None, :] - vectors) ** 2).sum(axis=-1)
    nearest = distances.argmin(axis=-1)
    return nearest, vectors[nearest], nearest.shape[1] * np.log(count)


def distortion(tensors: dict, recipe: dict, latents: np.ndarray, x: np.ndarray) -> np.ndarray:
    """-log p(x|z) of each image."""
    parameters = perceptron(
        tensors, "decoder", latents.reshape(len(latents), -1), recipe["decoder"]["activation"])
    x = x.reshape(len(x), -1)
    if recipe["likelihood"]["name"] == "bernoulli":
        return (softplus(parameters) - x * parameters).sum(axis=1)
    assert recipe["likelihood"]["name"] == "gaussian"
    link = recipe["likelihood"]["link"]
    if link == "sigmoid" or (link == "auto" and recipe["data"]["range"] != "real"):
        parameters = 1 / (1 + np.exp(-parameters))
    if "likelihood.variance" in tensors:
        variance = tensors["likelihood.variance"][0]
    elif "likelihood.log_deviation" in tensors:
        variance = np.exp(2 * (softplus(tensors["likelihood.log_deviation"] + 6) - 6))
    else:
        variance = recipe["likelihood"]["sigma"] ** 2
    error = ((x - parameters) ** 2).sum(axis=1)
    return 0.5 * (x.shape[1] * np.log(2 * np.pi * variance) + error / variance)


# ------------------------------------------------------------------------------------- the comparison


def compare(what: str, ours: float, theirs: float) -> None:
    print(f"  {what}: {ours:.4f} from the file, {theirs:.4f} by the library")
    assert abs(ours - theirs) < 1e-3 * max(1, abs(theirs)), what


def gaussian_vae(images: np.ndarray, folder: str, **keywords) -> None:
    model = vae_zoo.GaussianVAE(
        hidden=(32, 16), latent=3, epochs=60, learning_rate=3e-3, batch_size=32, random_state=1,
        **keywords)
    model.fit(images)
    path = os.path.join(folder, "gaussian.safetensors")
    model.save(path)
    tensors, recipe = read(path)
    x = images / 255 if images.dtype == np.uint8 and images.max() > 1 else images.astype(np.float64)
    print(f"gaussian-vae, {recipe['likelihood']['name']}")
    encoding = model.encode(images)
    mean, log_variance, rate = units(tensors, recipe, x)
    np.testing.assert_allclose(mean, encoding.mean, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(np.exp(log_variance), encoding.variance, rtol=1e-3)
    assert rate.mean() > 1, "latents that say nothing would hide mistakes"
    # The bound has one draw for each image: the very one that encode gives with the same seed.
    error = distortion(tensors, recipe, encoding.samples[0].astype(np.float64), x)
    compare("rate", rate.mean(), model.evaluate(images)["rate"])
    compare("−ELBO", (rate + error).mean(), -model.score_samples(images).mean())


def vq_vae(images: np.ndarray, folder: str) -> None:
    model = vae_zoo.VQVAE(
        architecture="mlp", hidden=(32,), codes=8, code_size=4, epochs=20, learning_rate=3e-3,
        batch_size=32, random_state=1)
    model.fit(images)
    path = os.path.join(folder, "codes.safetensors")
    model.save(path)
    tensors, recipe = read(path)
    x = images / 255
    print(f"vq-vae, {recipe['likelihood']['name']}")
    nearest, vectors, rate = codes(tensors, recipe, x)
    np.testing.assert_array_equal(nearest.reshape(len(x), -1), model.transform(images).reshape(len(x), -1))
    error = distortion(tensors, recipe, vectors, x)
    measured = model.evaluate(images)
    compare("rate", rate, measured["rate"])
    compare("distortion", error.mean(), measured["distortion"])
    compare("−ELBO", rate + error.mean(), -measured["elbo"])


def photographs(count: int) -> np.ndarray:
    """Grey images of a gradient each, and noise."""
    random = np.random.default_rng(0)
    slopes = random.normal(0, 0.1, (count, 2, 1, 1))
    places = np.arange(8) - 3.5
    values = 0.6 + slopes[:, 0] * places[:, None] + slopes[:, 1] * places + random.normal(0, 0.02, (count, 8, 8))
    return np.clip(np.round(values * 255), 0, 255).astype(np.uint8)


grey = photographs(200)
with tempfile.TemporaryDirectory() as folder:
    gaussian_vae((grey > 150).astype(np.uint8), folder)
    for sigma in ("learnt", "optimal", 0.1):
        gaussian_vae(grey, folder, sigma=sigma)
    vq_vae(grey, folder)
