"""Finds images of another kind by their likelihood: a VAE's best-known use.

Trains on images of shapes, then asks for the likelihood of new ones and of others with as much ink in other
places: each shape in two halves that do not fit. The share of pairs in which the foreign image is the less
likely one is the area under the ROC curve.
"""

import numpy as np

import vae_zoo

data = vae_zoo.Data("shapes:32")
known = data.images("test", count=300)
random = np.random.default_rng(1)
halves = known[random.permutation(len(known))]
foreign = np.concatenate([known[:, ::2], halves[:, 1::2]], axis=1)

model = vae_zoo.GaussianVAE(hidden=(256,), latent=10, epochs=5).fit(data.images("train", count=10000))
likely, unlikely = (model.score_samples(images, samples=20) for images in (known, foreign))
area = (likely[:, None] > unlikely[None, :]).mean()
print(f"log p(x) in nats: known {likely.mean():.1f}, foreign {unlikely.mean():.1f}")
# Hanley & McNeil (1982), with as many images of both kinds.
spread = area / (2 - area) + 2 * area**2 / (1 + area) - 2 * area**2
error = np.sqrt((area * (1 - area) + (len(known) - 1) * spread) / (len(known) * len(foreign)))
print(f"area under the ROC curve: {area:.3f} ± {error:.3f}")
assert area > 0.9, "the foreign images should be less likely"

# Plain images are often the more likely ones, whatever the model was trained on. How much better the posterior could
# be than the one that the encoder has learnt tells of them in another way: docs/anomalies.md compares the two.
empty = np.zeros_like(known)
for method in ("nll", "regret"):
    usual, unusual = (model.score_samples(images, method=method) for images in (known, empty))
    print(f"{method}: known {usual.mean():.1f}, empty {unusual.mean():.1f}")
