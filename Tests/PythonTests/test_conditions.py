"""Models that are told something of each image: labels of any type, attributes, vectors."""

from __future__ import annotations

import os
import pickle
import tempfile
import unittest

import numpy as np

import vae_zoo
from support import stripes
from vae_zoo import plugin

IMAGES = stripes(60)
WORDS = np.array(["ape", "bee", "cat"])[np.arange(60) % 3]
SMALL = {"hidden": (8,), "latent": 2, "epochs": 1, "batch_size": 20}


def fitted(y, **keywords):
    return vae_zoo.ConditionalVAE(**{**SMALL, **keywords}).fit(IMAGES, y)


class LabelTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = fitted(WORDS)

    def test_labels_of_any_type_are_classes(self):
        np.testing.assert_array_equal(self.model.classes_, ["ape", "bee", "cat"])
        condition = self.model.recipe_["data"]["condition"]
        self.assertEqual((condition["kind"], condition["width"]), ("label", 3))
        scores = self.model.score_samples(IMAGES, WORDS)
        for y in (
            np.arange(60) % 3, 10 * (np.arange(60) % 3) - 10, (np.arange(60) % 3).astype(float),
            WORDS.astype(object), list(WORDS),
        ):
            other = fitted(y)
            self.assertEqual(len(other.classes_), 3)
            np.testing.assert_array_equal(other.score_samples(IMAGES, y), scores)

    def test_every_method_is_told_and_the_condition_matters(self):
        model, other = self.model, np.roll(WORDS, 1)
        for say in (model.transform, model.reconstruct, model.score_samples):
            first = say(IMAGES, WORDS)
            self.assertEqual(len(first), 60)
            self.assertFalse(np.array_equal(first, say(IMAGES, other)))
            # One image at a time is told its own.
            np.testing.assert_allclose(
                say(IMAGES[7:8], WORDS[7:8])[0], first[7], rtol=1e-4, atol=1e-4
            )
        latents = model.transform(IMAGES, WORDS)
        np.testing.assert_allclose(
            model.inverse_transform(latents, WORDS), model.decode([latents], WORDS)
        )
        np.testing.assert_array_equal(model.encode(IMAGES, WORDS).mean, latents)
        self.assertAlmostEqual(
            model.score(IMAGES, WORDS), model.score_samples(IMAGES, WORDS).mean(), 4
        )
        measured = model.evaluate(IMAGES, WORDS)
        self.assertEqual(measured["bound_on"], "log p(x|y)")
        self.assertEqual([item["class"] for item in measured["elbo_per_class"]], ["0", "1", "2"])

    def test_samples_are_of_what_is_asked_for_or_of_the_classes_in_turn(self):
        model = self.model
        turn = model.sample(6)
        np.testing.assert_array_equal(turn, model.sample(6, condition=list(model.classes_) * 2))
        bees = model.sample(6, condition="bee")
        np.testing.assert_array_equal(bees[1::3], turn[1::3])
        self.assertFalse(np.array_equal(bees[0], turn[0]))
        mixed = model.sample(1, condition=np.array([[0.5, 0.5, 0.0]]))
        self.assertTrue(np.isfinite(mixed).all())

    def test_what_is_not_known_is_refused(self):
        model = self.model
        for call in (
            lambda: vae_zoo.ConditionalVAE(**SMALL).fit(IMAGES),
            lambda: model.transform(IMAGES),
            lambda: model.score_samples(IMAGES),
            lambda: model.decode([np.zeros((1, 2))]),
            lambda: model.evaluate(IMAGES),
        ):
            with self.assertRaisesRegex(ValueError, "requires y to be passed"):
                call()
        with self.assertRaisesRegex(ValueError, "'dog', which is none of the classes"):
            model.sample(1, condition="dog")
        with self.assertRaisesRegex(ValueError, "inconsistent numbers of samples"):
            model.transform(IMAGES, WORDS[:5])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "a model of p"):
            vae_zoo.GaussianVAE(**SMALL).fit(IMAGES).sample(1, condition=1)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "must be a pair"):
            vae_zoo.ConditionalVAE(**SMALL).fit(IMAGES, WORDS, validation=IMAGES)

    def test_other_variants_ignore_y(self):
        model = vae_zoo.GaussianVAE(**SMALL).fit(IMAGES, WORDS)
        self.assertFalse(hasattr(model, "classes_"))
        np.testing.assert_array_equal(
            model.score_samples(IMAGES, WORDS), model.score_samples(IMAGES)
        )

    def test_any_variant_is_told_whose_networks_listen(self):
        model = vae_zoo.BetaVAE(architecture="conditional-mlp", **SMALL).fit(IMAGES, WORDS)
        self.assertEqual(model.sample(2, condition="cat").shape, (2, 6, 6))

    def test_validation_has_its_own_labels(self):
        model = fitted(WORDS)
        model.fit(IMAGES, WORDS, validation=(IMAGES[:9], WORDS[:9]))
        self.assertIn("valid", str(model.history_[-1]))

    def test_files_and_pickles_keep_what_the_model_is_told(self):
        model = self.model
        copied = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(copied.sample(3), model.sample(3))
        np.testing.assert_array_equal(copied.classes_, model.classes_)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            loaded = vae_zoo.VAE.load(path)
        self.assertIsInstance(loaded, vae_zoo.ConditionalVAE)
        np.testing.assert_array_equal(loaded.classes_, [0, 1, 2])
        np.testing.assert_array_equal(
            loaded.sample(3, condition=1)[..., 0], model.sample(3, condition="bee")
        )

    def test_updates_are_told(self):
        model = vae_zoo.ConditionalVAE(**SMALL)
        model.partial_fit(IMAGES, WORDS)
        model.partial_fit(IMAGES[:4], WORDS[:4])
        self.assertTrue(np.isfinite(model.bound_.elbo))
        with self.assertRaisesRegex(ValueError, "requires y"):
            model.partial_fit(IMAGES[:4])


class RowTests(unittest.TestCase):
    def test_rows_of_truth_values_are_attributes_and_rows_of_floats_vectors(self):
        random = np.random.default_rng(0)
        for y, kind, one in (
            (random.random((60, 3)) < 0.5, "attributes", [True, False, True]),
            (random.normal(size=(60, 2)), "vector", [0.5, -1.0]),
            (random.normal(size=60), "vector", [0.25]),
            # Whole numbers are attributes where all of them are 0 or 1, and not where some are.
            (random.integers(0, 2, (60, 3)), "attributes", [1, 0, 1]),
            (random.integers(0, 4, (60, 3)), "vector", [0, 3, 1]),
        ):
            model = fitted(y)
            self.assertEqual(model.recipe_["data"]["condition"]["kind"], kind)
            self.assertFalse(hasattr(model, "classes_"))
            self.assertTrue(np.isfinite(model.score_samples(IMAGES, y)).all())
            self.assertEqual(model.sample(2, condition=one).shape, (2, 6, 6))
            with self.assertRaises(vae_zoo.Error):
                model.sample(2)
        with self.assertRaisesRegex(ValueError, "NaN"):
            fitted(np.full(60, np.nan))


class ClassPrior(plugin.Prior):
    """A normal distribution for each class."""

    name = "class-normal"
    uses_condition = True

    def build(self, build):
        self.means = build.parameter("means", np.zeros((build.condition_width, 2)))

    def units(self):
        return 2

    def log_density(self, z):
        error = z - plugin.condition() @ self.means
        return (-0.5 * error**2 - 0.5 * np.log(2 * np.pi)).row_sums()

    def sample(self, temperature):
        return plugin.condition() @ self.means + plugin.normal("noise", 2) * temperature


class PluginTests(unittest.TestCase):
    def test_a_prior_of_python_is_told_the_condition(self):
        plugin.register(ClassPrior)
        keywords = {**SMALL, "settings": {"prior.name": "class-normal"}}
        del keywords["latent"]
        model = vae_zoo.GaussianVAE(**keywords).fit(IMAGES, WORDS)
        self.assertEqual(model.recipe_["data"]["condition"]["width"], 3)
        model.parameters["prior.means"] = np.array([[9.0, 9], [0, 0], [-9, -9]])
        apes, bees = (model.sample(3, condition=name) for name in ("ape", "bee"))
        self.assertFalse(np.allclose(apes, bees))
        with self.assertRaisesRegex(ValueError, "requires y"):
            vae_zoo.GaussianVAE(**keywords).fit(IMAGES)


if __name__ == "__main__":
    unittest.main()
