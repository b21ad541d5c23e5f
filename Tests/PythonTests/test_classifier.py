"""Classifiers: what they learn and refuse, and models that are measured by them."""

from __future__ import annotations

import os
import tempfile
import unittest

import numpy as np

import vae_zoo
from support import SMALL as MODELS
from support import small_network, stripes

IMAGES = stripes(80)
# Whether the stripe is a column.
WORDS = np.where(IMAGES.all(axis=1).any(axis=1), "column", "row")
SMALL = {"epochs": 8, "batch_size": 16, "width": 8, "features": 8, "learning_rate": 0.02, "shift": 0.0}


class ClassifierTests(unittest.TestCase):
    def test_it_learns_predicts_and_comes_back_from_its_file(self):
        classifier = vae_zoo.Classifier(**SMALL)
        with self.assertRaises(vae_zoo.NotFittedError):
            classifier.predict(IMAGES)
        fractions = []
        classifier.fit(IMAGES, WORDS, progress=fractions.append)
        self.assertEqual((fractions[0], fractions[-1]), (0, 1))
        np.testing.assert_array_equal(classifier.classes_, ["column", "row"])
        self.assertGreater(classifier.score(IMAGES, WORDS), 0.9)
        self.assertEqual(classifier.record_["held_out_examples"], 8)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "network.safetensors")
            classifier.save(path)
            other = vae_zoo.Classifier.load(path)
            np.testing.assert_array_equal(other.predict_proba(IMAGES), classifier.predict_proba(IMAGES))
            np.testing.assert_array_equal(other.predict(IMAGES), classifier.predict(IMAGES))
            self.assertEqual(other.record_, classifier.record_)
            model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, epochs=1).fit(IMAGES)
            found = model.evaluate(IMAGES, metrics=["frechet_distance"], network=path)
            self.assertGreater(found["frechet_distance"]["samples"], 0)
            self.assertEqual(found["network"]["layers"], ["features"])
            with self.assertRaisesRegex(vae_zoo.FormatError, "no layer"):
                model.evaluate(IMAGES, network=path, network_layer="x")
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "heads of LPIPS"):
                model.evaluate(IMAGES, metrics=["lpips"], network=path)

    def test_reconstructions_are_compared_by_the_heads_of_a_network(self):
        model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, epochs=1).fit(IMAGES)
        found = model.evaluate(IMAGES, metrics=["lpips"], network=small_network())
        self.assertGreater(found["lpips"], 0)
        self.assertGreater(found["lpips_stderr"], 0)

    def test_a_network_trains_a_model_whose_reconstructions_it_finds_nearer(self):
        distances = []
        for epochs in (1, 40):
            model = vae_zoo.PerceptualVAE(
                **MODELS["PerceptualVAE"], epochs=epochs, batch_size=16, learning_rate=0.01, random_state=2, feature_weight=5
            ).fit(IMAGES)
            found = model.evaluate(IMAGES, metrics=["feature_distance"], network=small_network(), network_layer="relu1_1")
            distances.append(found["feature_distance"])
        self.assertLess(distances[1], 0.9 * distances[0])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            loaded = vae_zoo.VAE.load(path)
            self.assertIs(type(loaded), type(model))
            np.testing.assert_array_equal(loaded.score_samples(IMAGES), model.score_samples(IMAGES))

    def test_what_cannot_be_learnt_is_refused(self):
        for y, words in ((None, "give y"), (np.zeros((80, 2)), "labels"), (["a"] * 80, "class a")):
            with self.assertRaisesRegex((vae_zoo.DataError, vae_zoo.InvalidArgumentError), words):
                vae_zoo.Classifier(**SMALL).fit(IMAGES, y)
        with self.assertRaisesRegex(vae_zoo.RecipeError, "did you mean epochs"):
            vae_zoo.Classifier(epoch=2).fit(IMAGES, WORDS)
        with self.assertRaises(vae_zoo.CancelledError):
            vae_zoo.Classifier(**SMALL).fit(IMAGES, WORDS, progress=lambda fraction: True)
        self.assertEqual(vae_zoo.Classifier(**SMALL).get_params()["width"], 8)


if __name__ == "__main__":
    unittest.main()
