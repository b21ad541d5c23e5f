"""The estimators in scikit-learn's tools; its own checks are in checks_of_scikit_learn.py."""

from __future__ import annotations

import unittest

import numpy as np

import vae_zoo
from support import SMALL, needs, stripes


@needs("sklearn")
class ConventionTests(unittest.TestCase):
    maxDiff = None

    def test_clone_keeps_every_hyper_parameter(self):
        from sklearn.base import clone

        for name, keywords in SMALL.items():
            settings = {"training.beta1": 0.5, **keywords.get("settings", {})}
            estimator = getattr(vae_zoo, name)(**{**keywords, "settings": settings})
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

    def test_a_classifier_of_images_works_in_the_tools_for_classifiers(self):
        from sklearn.base import clone, is_classifier
        from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        images = stripes(120)
        labels = np.where(images.all(axis=1).any(axis=1), "column", "row")
        classifier = vae_zoo.Classifier(
            epochs=8, batch_size=16, width=8, features=8, learning_rate=0.02, shift=0.0
        )
        self.assertTrue(is_classifier(classifier))
        self.assertEqual(clone(classifier).get_params(), classifier.get_params())
        self.assertGreater(cross_val_score(classifier, images, labels, cv=2).mean(), 0.8)
        # As many of each class in each part, which scikit-learn sees to for classifiers alone.
        order = np.argsort(labels)
        found = cross_val_predict(classifier, images[order], labels[order], cv=2)
        self.assertGreater(np.mean(found == labels[order]), 0.8)
        search = GridSearchCV(classifier, {"learning_rate": [1e-9, 0.02]}, cv=2, scoring="accuracy").fit(images, labels)
        self.assertEqual(search.best_params_, {"learning_rate": 0.02})
        self.assertEqual(search.predict(images[:3]).shape, (3,))
        rows = images.reshape(120, 36)
        pipeline = make_pipeline(FunctionTransformer(lambda X: X.reshape(-1, 6, 6)), classifier).fit(rows, labels)
        np.testing.assert_array_equal(pipeline.predict(rows), clone(classifier).fit(images, labels).predict(images))
        self.assertGreater(pipeline.score(rows, labels), 0.8)


if __name__ == "__main__":
    unittest.main()
