"""Trains a VAE on the built-in shapes, scores it, and keeps samples and model.

    train_and_score.py [EPOCHS]

Writes samples.npy and model.safetensors.
"""

import sys

import numpy as np

import vae_zoo

data = vae_zoo.Data("shapes:32")
print(data)
model = vae_zoo.BetaVAE(beta=1.0, latent=10, hidden=(256,), epochs=int(sys.argv[1]) if sys.argv[1:] else 3)


def report(progress):
    if progress.is_epoch_end:
        held_out = progress.valid or progress.train
        print(f"epoch {progress.epoch}: elbo {held_out.elbo:.2f} nats")


model.fit(data, callback=report)

images = data.images("test", count=500)
print(f"log p(x) of {len(images)} test images: {model.score_samples(images, samples=50).mean():.2f} nats")
measured = model.evaluate(data)
print(f"rate {measured['rate']:.2f}, distortion {measured['distortion']:.2f} nats per image")

latents = model.transform(images)
print(f"latents {latents.shape}, decoded {model.inverse_transform(latents).shape}")
np.save("samples.npy", model.sample(16))

model.save("model.safetensors")
loaded = vae_zoo.VAE.load("model.safetensors")
assert np.array_equal(loaded.transform(images), latents)
print(f"loaded {loaded}")
