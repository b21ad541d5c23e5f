"""A variant written in Python: its likelihood, Laplace distributions, as functions over values with gradients.

A Gaussian likelihood prices a pixel that it misses by the square of the distance, and so blurs edges. A
Laplace distribution prices it by the distance alone.
"""

import math

import numpy as np

import vae_zoo
from vae_zoo import plugin


class Laplace(plugin.Likelihood):
    """Laplace distributions with one scale, which is learnt."""

    name = "laplace"
    start = plugin.Number(0.2, least=1e-3, most=10.0, help="scale at the start of training")

    def build(self, build):
        self.log_scale = build.parameter("log_scale", [math.log(self.start)], is_decayed=False)

    def log_density(self, x, parameters):
        scale = self.log_scale.exp()
        return (-abs(x - parameters) / scale - self.log_scale - math.log(2)).row_sums()

    def mean(self, parameters):
        return parameters

    def sample(self, parameters, noise):
        centred = noise - 0.5
        return parameters - self.log_scale.exp() * centred.sign() * (1 - 2 * abs(centred)).log()

    def parameters_with_mean(self, mean):
        return mean


class LaplaceVAE(plugin.Variant):
    """A VAE for images with outliers: a Laplace likelihood and few latents."""

    name = "laplace-vae"
    likelihood = Laplace
    defaults = {"prior.latent": 10, "encoder.hidden": (128,), "decoder.hidden": (128,)}
    shorthands = {"latent": "prior.latent", "hidden": ("encoder.hidden", "decoder.hidden")}


plugin.register(LaplaceVAE)
assert "laplace-vae" in [variant.name for variant in vae_zoo.list_variants()]

data = vae_zoo.Data("shapes:32")
random = np.random.default_rng(0)
images = data.images("train", count=3000)
images = images + random.laplace(scale=0.1, size=images.shape).astype(np.float32)

models = {
    "gaussian-vae": vae_zoo.VAE("gaussian-vae", likelihood="gaussian", hidden=(128,), latent=10, epochs=6),
    "laplace-vae": vae_zoo.VAE("laplace-vae", epochs=6),
}
for name, model in models.items():
    model.fit(images[:2500], validation=images[2500:])
    print(f"{name}: {model.metrics_['valid']['elbo']:.0f} nats per image")
gaussian, laplace = (model.metrics_["valid"]["elbo"] for model in models.values())
assert laplace > gaussian, "the noise is Laplace's"
scale = float(np.exp(models["laplace-vae"].parameters["likelihood.log_scale"][0]))
print(f"learnt scale {scale:.3f}; the noise has 0.1")
