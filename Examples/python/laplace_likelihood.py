"""A likelihood written in Python, as functions over values with gradients: Laplace distributions.

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


plugin.register(Laplace)

data = vae_zoo.Data("shapes:32")
random = np.random.default_rng(0)
images = data.images("train", count=3000)
images = images + random.laplace(scale=0.1, size=images.shape).astype(np.float32)

for likelihood in ("gaussian", "laplace"):
    model = vae_zoo.GaussianVAE(likelihood=likelihood, hidden=(128,), latent=10, epochs=6)
    model.fit(images[:2500], validation=images[2500:])
    bound = model.metrics_["valid"]["elbo"]
    print(f"{likelihood}: {bound:.0f} nats an image")
    if likelihood == "laplace":
        scale = float(np.exp(model.parameters["likelihood.log_scale"][0]))
        print(f"learnt scale {scale:.3f}; the noise has 0.1")
        assert bound > gaussian, "the noise is Laplace's"
    gaussian = bound
