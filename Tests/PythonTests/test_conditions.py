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
        self.assertEqual(
            [item["class"] for item in measured["elbo_per_class"]], ["ape", "bee", "cat"]
        )

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

    def test_held_out_images_are_measured_with_labels_of_their_own(self):
        held_out = stripes(21, seed=5)
        names, others = (
            np.where(images.all(axis=1).any(axis=1), "column", "row") for images in (IMAGES, held_out)
        )
        model = vae_zoo.ConditionalVAE(**{**SMALL, "epochs": 30, "learning_rate": 0.02, "random_state": 1})
        model.fit(IMAGES, names, validation=(held_out, others))
        found = model.metrics_["valid"]["elbo"]
        self.assertAlmostEqual(found, model.score(held_out, others), delta=1.5)
        wrong = np.where(others == "row", "column", "row")
        self.assertGreater(found, model.score(held_out, wrong) + 2.5)

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
        np.testing.assert_array_equal(loaded.classes_, model.classes_)
        np.testing.assert_array_equal(
            loaded.sample(3, condition="bee")[..., 0], model.sample(3, condition="bee")
        )
        np.testing.assert_array_equal(
            loaded.score_samples(IMAGES, WORDS), model.score_samples(IMAGES, WORDS)
        )

    def test_a_column_of_words_is_labels_and_other_rows_are_no_such(self):
        for y in (WORDS[:, None], WORDS.astype(object)[:, None], [[word] for word in WORDS]):
            np.testing.assert_array_equal(fitted(y).score_samples(IMAGES, y), self.model.score_samples(IMAGES, WORDS))
        pairs = np.stack([WORDS, WORDS], axis=1)
        with self.assertRaisesRegex(ValueError, "y holds rows of .*, which are no numbers"):
            fitted(pairs)
        with self.assertRaisesRegex(ValueError, "y has 3 axes; labels have 1, vectors 2"):
            fitted(np.zeros((60, 2, 2)))
        rows = np.arange(120, dtype=object).reshape(60, 2)
        rows[4, 1] = None
        with self.assertRaisesRegex(ValueError, r"^y\[4\] is None: what is told must be known of every image"):
            fitted(rows)

    def test_names_that_look_nearly_like_numbers_are_words_also_in_a_file(self):
        for names in (["--1", "-1"], ["+1", "1"], ["1", "²"], ["01", "1"]):
            model = fitted(np.array(names)[np.arange(60) % 2])
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "model.safetensors")
                model.save(path)
                self.assertEqual(vae_zoo.VAE.load(path).classes_.tolist(), sorted(names))

    def test_labels_of_bytes_and_truth_values_are_classes_by_their_names(self):
        for values, names in ((WORDS.astype("S3"), [b"ape", b"bee", b"cat"]), (np.arange(60) % 2 == 0, [False, True])):
            model = fitted(values)
            self.assertEqual(model.classes_.tolist(), names)
            stored = model.recipe_["data"]["condition"]["names"]
            self.assertEqual(stored, ["ape", "bee", "cat"] if names[0] == b"ape" else ["False", "True"])
        np.testing.assert_array_equal(
            fitted(WORDS.astype("S3")).score_samples(IMAGES, WORDS), self.model.score_samples(IMAGES, WORDS)
        )

    def test_draws_in_turn_begin_with_the_first_class(self):
        model = self.model
        for count in (1, 2, 4):
            np.testing.assert_array_equal(
                model.sample(count, draw=True), model.sample(count, draw=True, condition=["ape", "bee", "cat", "ape"][:count])
            )

    def test_updates_are_told_each_image_s_own_label(self):
        # Two batches of one call.
        one, two, wrong = (vae_zoo.ConditionalVAE(**SMALL).partial_fit(IMAGES, WORDS) for _ in range(3))
        one.partial_fit(IMAGES[:37], WORDS[:37])
        two.partial_fit(IMAGES[:20], WORDS[:20]).partial_fit(IMAGES[20:37], WORDS[20:37])
        wrong.partial_fit(IMAGES[:20], WORDS[:20]).partial_fit(IMAGES[20:37], WORDS[:17])
        scores = [model.score_samples(IMAGES, WORDS) for model in (one, two, wrong)]
        np.testing.assert_array_equal(scores[0], scores[1])
        self.assertFalse(np.array_equal(scores[0], scores[2]))
        np.testing.assert_array_equal(one.classes_, ["ape", "bee", "cat"])

    def test_updates_are_told(self):
        model = vae_zoo.ConditionalVAE(**SMALL)
        model.partial_fit(IMAGES, WORDS)
        model.partial_fit(IMAGES[:4], WORDS[:4])
        self.assertTrue(np.isfinite(model.bound_.elbo))
        with self.assertRaisesRegex(ValueError, "requires y"):
            model.partial_fit(IMAGES[:4])


class NameTests(unittest.TestCase):
    """What a class is called goes with the model, and labels are known by it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def stored(self, model):
        path = os.path.join(self.folder, "model.safetensors")
        model.save(path)
        return vae_zoo.VAE.load(path)

    def test_classes_come_back_as_they_were_told_and_whole_numbers_as_such(self):
        places = np.arange(60) % 3
        for values, kind in (
            (np.array([7, -30, 500]), "i"), (np.array([2.0, 4.0, 9.0]), "i"),
            (np.array(["7", "x", "y"]), "U"), (np.array(["007", "8", "9"]), "U"),
        ):
            y = values[places]
            model = fitted(y)
            loaded = self.stored(model)
            self.assertEqual(loaded.classes_.dtype.kind, kind)
            np.testing.assert_array_equal(loaded.classes_, np.sort(values))
            np.testing.assert_array_equal(
                loaded.score_samples(IMAGES, y), model.score_samples(IMAGES, y)
            )
            self.assertEqual(loaded.evaluate(IMAGES, y)["elbo"], model.evaluate(IMAGES, y)["elbo"])

    def test_a_run_folder_keeps_them_and_goes_on_with_them_alone(self):
        run = os.path.join(self.folder, "run")
        model = vae_zoo.ConditionalVAE(**SMALL).fit(IMAGES, WORDS, run=run)
        loaded = vae_zoo.VAE.load(run)
        np.testing.assert_array_equal(loaded.classes_, ["ape", "bee", "cat"])
        np.testing.assert_array_equal(
            loaded.score_samples(IMAGES, WORDS), model.score_samples(IMAGES, WORDS)
        )
        other = vae_zoo.ConditionalVAE(**{**SMALL, "epochs": 2})
        with self.assertRaisesRegex(vae_zoo.RecipeError, "data.condition.names"):
            other.fit(IMAGES, np.char.add(WORDS, "s"), run=run, existing_run="resume")
        other.fit(IMAGES, WORDS, run=run, existing_run="resume")
        np.testing.assert_array_equal(other.classes_, ["ape", "bee", "cat"])

    def test_weights_of_another_model_keep_their_classes_or_are_refused(self):
        first = fitted(WORDS)
        path = os.path.join(self.folder, "model.safetensors")
        first.save(path)
        # Two of the three: what they are called decides, not their order among those that are there.
        chosen = WORDS != "bee"
        keywords = {**SMALL, "learning_rate": 1e-9}
        model = vae_zoo.ConditionalVAE(**keywords).fit(
            IMAGES[chosen], WORDS[chosen], from_weights=path
        )
        np.testing.assert_array_equal(model.classes_, ["ape", "bee", "cat"])
        np.testing.assert_allclose(
            model.score_samples(IMAGES, WORDS), first.score_samples(IMAGES, WORDS), rtol=1e-5
        )
        for y in (np.char.add(WORDS, "s"), np.arange(60) % 3):
            with self.assertRaisesRegex(ValueError, "ape"):
                vae_zoo.ConditionalVAE(**SMALL).fit(IMAGES, y, from_weights=path)

    def test_training_goes_on_with_the_classes_that_there_are(self):
        model = fitted(WORDS, warm_start=True)
        model.fit(IMAGES[:2], ["bee", "bee"])
        np.testing.assert_array_equal(model.classes_, ["ape", "bee", "cat"])
        loaded = self.stored(model)
        loaded.warm_start = True
        loaded.fit(IMAGES, WORDS)
        with self.assertRaisesRegex(ValueError, "'dog', which is none of the classes"):
            loaded.fit(IMAGES, ["dog"] * 60)

    def test_a_source_that_numbers_its_classes_calls_them_by_their_numbers(self):
        path = os.path.join(self.folder, "digits.npz")
        np.savez(path, train=IMAGES, train_labels=np.arange(60) % 3)
        source = vae_zoo.Data(path)
        model = vae_zoo.ConditionalVAE(**SMALL).fit(source)
        np.testing.assert_array_equal(model.classes_, [0, 1, 2])
        with self.assertRaisesRegex(ValueError, "a Data source has its own labels; leave out y"):
            vae_zoo.ConditionalVAE(**SMALL).fit(source, WORDS)
        # Also where as many of other names were there before.
        model = fitted(WORDS).fit(source)
        np.testing.assert_array_equal(model.classes_, [0, 1, 2])
        self.assertTrue(np.isfinite(fitted(np.arange(60) % 3).evaluate(source, split="train")["elbo"]))
        with self.assertRaisesRegex(vae_zoo.DataError, "class 0 and 1 and 2.*ape, bee, cat"):
            fitted(WORDS).evaluate(source, split="train")

    def test_labels_that_are_unknown_or_cannot_be_sorted_are_refused_in_one_line(self):
        missing = WORDS.astype(object)
        missing[4] = None
        for y, words in (
            (missing, r"y\[4\] is None"), ([1, "a"] * 30, "cannot be sorted, of the types int, str"),
            ([float("nan"), "a"] * 30, r"y\[0\] is nan"), ([[1], [1, 2]] * 30, "rows of different lengths"),
        ):
            if isinstance(y, list) and not isinstance(y[0], list):
                y = np.array(y, dtype=object)
            with self.assertRaisesRegex(ValueError, words) as found:
                fitted(y)
            self.assertNotIn("\n", str(found.exception))


class MissingTests(unittest.TestCase):
    def test_what_is_not_known_of_an_image_is_refused_whatever_stands_for_it(self):
        times = np.array(["2020-01-01", "NaT"] * 4, dtype="datetime64[D]")

        class Ambiguous:
            def __ne__(self, other):
                return self

            def __bool__(self):
                raise TypeError("boolean value of NA is ambiguous")

        objects = np.array(["a", "b"] * 4, dtype=object)
        objects[3] = Ambiguous()
        for y, words in [
            (np.ma.masked_equal([0, 1] * 4, 1), "y has 4 masked elements"),
            (times, r"y\[1\] is .*known of every image"),
            (objects, r"y\[3\] is .*known of every image"),
            (["p"] * 5 + [float("nan")] + ["q"] * 2, r"y\[5\] is nan.*known of every image"),
        ]:
            with self.assertRaisesRegex(ValueError, words):
                vae_zoo.ConditionalVAE(latent=2, hidden=4, epochs=1).fit(np.zeros((8, 4), "u1"), y)


class RowTests(unittest.TestCase):
    def test_rows_are_of_the_kind_that_the_model_was_made_for(self):
        bits = np.stack([np.arange(60) % 2, np.arange(60) % 3 == 0], axis=1)
        model = fitted(bits)
        scores = model.score_samples(IMAGES, bits)
        for y in (bits.astype(float), bits.astype(bool), bits.astype(object), bits.tolist()):
            np.testing.assert_array_equal(model.score_samples(IMAGES, y), scores)
        model.fit(IMAGES, bits, validation=(IMAGES[:9], bits[:9].astype(float)))
        with self.assertRaisesRegex(ValueError, "other numbers than 0 and 1"):
            model.score_samples(IMAGES, bits * 2)
        model = fitted(bits * 2)
        self.assertEqual(model.recipe_["data"]["condition"]["kind"], "vector")
        model.fit(IMAGES, bits * 0.5, validation=(IMAGES[:9], bits[:9]))

    def test_a_model_that_is_told_no_labels_any_more_has_no_classes(self):
        model = fitted(WORDS)
        self.assertTrue(hasattr(model, "classes_"))
        self.assertFalse(hasattr(model.fit(IMAGES, np.random.default_rng(0).normal(size=(60, 2))), "classes_"))
        self.assertEqual(model.fit(IMAGES, np.arange(60) % 2).classes_.tolist(), [0, 1])

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
