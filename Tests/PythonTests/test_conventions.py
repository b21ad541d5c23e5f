"""The estimators against scikit-learn's own checks, and in its tools."""

from __future__ import annotations

import unittest
import warnings

import numpy as np

import vae_zoo
from support import needs, stripes

# Why a check of scikit-learn's is not met, by name of the check.
_DRAWS = (
    "the bound is estimated with draws, and the draws of an example follow from the seed and its place "
    "in the array, so that the same call gives the same bits"
)
_EXCEPTIONS = {
    "check_methods_sample_order_invariance": _DRAWS,
    "check_methods_subset_invariance": _DRAWS,
}
# Variants whose likelihood is exact, or whose latents are not drawn.
_EXACT = ("PixelCNN", "VQVAE")

# Small networks: the checks train each estimator some hundred times.
_SMALL = {
    "GaussianVAE": {"hidden": (8,), "latent": 2},
    "BetaVAE": {"hidden": (8,), "latent": 2},
    "IWAE": {"hidden": (8,), "latent": 2, "importance_samples": 2},
    "LadderVAE": {"hidden": (8, 4), "latent": (3, 2)},
    "PixelCNN": {"layers": 1, "channels": 16},
    "PixelCNNVAE": {"architecture": "mlp", "hidden": (8,), "latent": 2, "layers": 1, "channels": 16},
    "VQVAE": {"architecture": "mlp", "hidden": (8,), "codes": 4, "code_size": 2},
}


def _repeated(kind: type) -> type:
    """A class that makes images of 2x2 equal pixels of rows of numbers, since it needs neighbours."""

    class Repeated(kind):
        __slots__ = ()

        def _shaped(self, images):
            count, features = images.shape
            return np.broadcast_to(images[:, None, None, :], (count, 2, 2, features))

        def _images(self, X):
            return self._shaped(super()._images(X))

    Repeated.__name__ = Repeated.__qualname__ = kind.__name__ + "Repeated"
    Repeated.__module__ = __name__
    globals()[Repeated.__name__] = Repeated  # Where pickle looks for it.
    return Repeated


@needs("sklearn")
class ConventionTests(unittest.TestCase):
    maxDiff = None

    def test_every_class_passes_the_checks_of_scikit_learn_but_for_those_with_a_reason(self):
        from sklearn.utils.estimator_checks import check_estimator

        for name, keywords in _SMALL.items():
            kind = getattr(vae_zoo, name)
            if name.startswith("PixelCNN"):
                kind = _repeated(kind)
            excepted = {} if name in _EXACT else _EXCEPTIONS
            with self.subTest(name), warnings.catch_warnings():
                # Of not inheriting from BaseEstimator, which importing the module would need.
                warnings.simplefilter("ignore")
                results = check_estimator(
                    kind(epochs=1, **keywords),
                    expected_failed_checks=excepted,
                    on_skip=None,
                    on_fail=None,
                )
            self.assertGreater(len(results), 35)
            failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
            self.assertEqual(failed, {}, name)
            met = [r["check_name"] for r in results if r["status"] == "passed"]
            self.assertEqual([check for check in met if check in excepted], [], f"{name}: needless")

    def test_clone_keeps_every_hyper_parameter(self):
        from sklearn.base import clone

        for name, keywords in _SMALL.items():
            estimator = getattr(vae_zoo, name)(settings={"training.beta1": 0.5}, **keywords)
            self.assertEqual(clone(estimator).get_params(), estimator.get_params())

    def test_grid_search_prefers_the_model_that_explains_more(self):
        from sklearn.model_selection import GridSearchCV

        images = stripes(200).reshape(200, -1)
        search = GridSearchCV(
            vae_zoo.GaussianVAE(hidden=(32,), latent=4, batch_size=20, learning_rate=3e-3),
            {"epochs": [1, 30]},
            cv=2,
        ).fit(images)
        self.assertEqual(search.best_params_, {"epochs": 30})
        self.assertGreater(search.best_score_, -36 * np.log(2))
        self.assertEqual(search.best_estimator_.transform(images).shape, (200, 4))

    def test_a_model_works_inside_a_pipeline(self):
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline

        images = stripes(300)
        is_column = images[:, 0].sum(axis=1) == 1
        pipeline = make_pipeline(
            vae_zoo.GaussianVAE(
                hidden=(64,), latent=6, epochs=60, batch_size=30, learning_rate=3e-3,
                image_shape=(6, 6),
            ),
            KNeighborsClassifier(),
        )
        rows = images.reshape(300, -1)
        pipeline.fit(rows[:200], is_column[:200])
        self.assertGreater(pipeline.score(rows[200:], is_column[200:]), 0.8)
        self.assertEqual(list(pipeline[:-1].get_feature_names_out())[0], "gaussianvae0")

    def test_an_untrained_model_raises_the_error_of_scikit_learn(self):
        from sklearn.exceptions import NotFittedError

        with self.assertRaisesRegex(NotFittedError, "BetaVAE has not been trained") as caught:
            vae_zoo.BetaVAE().sample(1)
        self.assertIsInstance(caught.exception, vae_zoo.NotFittedError)


if __name__ == "__main__":
    unittest.main()
