"""Chooses the latents and their weight with scikit-learn's grid search, by the bound on held-out images."""

from sklearn.model_selection import GridSearchCV

import vae_zoo

images = vae_zoo.Data("shapes:32").images("train", count=2000)
search = GridSearchCV(
    vae_zoo.BetaVAE(hidden=(128,), epochs=4, image_shape=(32, 32)),
    {"latent": [2, 10], "beta": [1.0, 8.0]},
    cv=2,
)
search.fit(images.reshape(len(images), -1))
for parameters, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
    print(f"{parameters}: {score:.1f} nats per image")
print(f"best: {search.best_params_}")
assert search.best_params_["beta"] == 1.0, "a weight above one cannot tighten the bound"
