"""Classifiers: what they learn and refuse, and models that are measured by them."""

from __future__ import annotations

import copy
import json
import os
import pickle
import tempfile
import unittest

import numpy as np

import vae_zoo
from support import SMALL as MODELS
from support import small_network, stripes
from vae_zoo._interrupt import Watched
from vae_zoo._library import create, library, settings_array, text

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

    def test_given_held_out_images_are_what_the_accuracy_is_of(self):
        train, rest = slice(0, 60), slice(60, 80)
        other = np.where(WORDS[rest] == "row", "column", "row")
        right = vae_zoo.Classifier(**SMALL).fit(IMAGES[train], WORDS[train], validation=(IMAGES[rest], WORDS[rest]))
        wrong = vae_zoo.Classifier(**SMALL).fit(IMAGES[train], WORDS[train], validation=(IMAGES[rest], other))
        for classifier, names in ((right, WORDS[rest]), (wrong, other)):
            record = classifier.record_
            self.assertEqual((record["training_examples"], record["held_out_examples"]), (60, 20))
            self.assertAlmostEqual(record["accuracy"], classifier.score(IMAGES[rest], names), places=6)
        self.assertAlmostEqual(right.record_["accuracy"] + wrong.record_["accuracy"], 1, places=6)
        self.assertNotEqual(right.record_["accuracy"], 0.5)
        # Of one class alone, which is known by its name.
        rows = WORDS == "row"
        some = vae_zoo.Classifier(**SMALL).fit(IMAGES, WORDS, validation=(IMAGES[rows][:7], WORDS[rows][:7]))
        self.assertAlmostEqual(some.record_["accuracy"], some.score(IMAGES[rows][:7], ["row"] * 7), places=6)
        for validation, words in (
            (IMAGES, "a pair of images and their labels"), ((IMAGES, WORDS, WORDS), "a pair"),
            ((IMAGES[:2], ["row", "dot"]), "'dot', which is none of the classes"), ((IMAGES[:2], ["row"]), "inconsistent"),
        ):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, words):
                vae_zoo.Classifier(**SMALL).fit(IMAGES, WORDS, validation=validation)

    def test_probabilities_are_those_of_the_classes_in_their_order(self):
        numbers = np.where(WORDS == "row", -5, 30)
        classifier = vae_zoo.Classifier(**SMALL).fit(IMAGES, numbers)
        self.assertEqual(classifier.classes_.tolist(), [-5, 30])
        found = classifier.predict_proba(IMAGES[:17])
        self.assertEqual((found.shape, found.dtype), ((17, 2), np.float32))
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_array_equal(classifier.predict(IMAGES[:17]), np.where(found[:, 0] > found[:, 1], -5, 30))
        self.assertGreater(found[numbers[:17] == -5, 0].mean(), 0.6)
        self.assertGreater(found[numbers[:17] == 30, 1].mean(), 0.6)
        np.testing.assert_array_equal(classifier.predict_proba(IMAGES[:17, :, :, None]), found)
        self.assertAlmostEqual(
            classifier.score(IMAGES[:17], numbers[:17]), np.mean(classifier.predict(IMAGES[:17]) == numbers[:17]), places=9
        )
        for wrong, words in (([7] * 80, "7, which is none of the classes"), (numbers[:3], "inconsistent numbers")):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, words):
                classifier.score(IMAGES, wrong)
        told = []
        classifier.predict_proba(IMAGES, progress=told.append)
        self.assertEqual(told[0], 0)
        with self.assertRaises(vae_zoo.CancelledError):
            classifier.predict_proba(IMAGES, progress=lambda fraction: True)
        for images in (IMAGES[0], IMAGES[None, ..., None]):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"X has [25] axes; images are \[N, H, W\]"):
                classifier.predict(images)

    def test_settings_and_ranges_reach_the_training(self):
        classifier = vae_zoo.Classifier(value_range="bytes", **{**SMALL, "epochs": 1, "seed": 4, "mirror": True})
        record = classifier.fit(IMAGES, WORDS).record_
        self.assertEqual(record["rule"], "bytes/255")
        wanted = {**SMALL, "epochs": 1, "seed": 4, "mirror": True}
        self.assertEqual({name: record["options"][name] for name in wanted}, wanted)
        self.assertEqual(vae_zoo.Classifier(**{**SMALL, "epochs": 1}).fit(IMAGES, WORDS).record_["rule"], "binary")
        others = {"precision": "float32", "weight_decay": 0.05}
        self.assertEqual(classifier.get_params(), {"value_range": "bytes", **wanted, **others})
        self.assertIs(classifier.set_params(value_range="unit", epochs=2, shift=0.5), classifier)
        self.assertEqual(classifier.get_params(), {"value_range": "unit", **wanted, **others, "epochs": 2, "shift": 0.5})
        record = classifier.fit(IMAGES, WORDS).record_
        self.assertEqual((record["options"]["epochs"], record["options"]["shift"]), (2, 0.5))
        self.assertEqual(classifier.set_params(width=4).get_params()["value_range"], "unit")

    def test_parameters_are_the_settings_of_the_library_with_its_defaults(self):
        data = vae_zoo.Data._of_arrays(IMAGES[..., None], None, 0, (np.arange(80, dtype=np.int32) % 2, None), ["a", "b"])
        with Watched() as options:
            setting = settings_array([("epochs", "1")])
            handle = create(library.vae_classifier_free, library.vae_classifier_train, data._handle, setting, 1, options)
        known = json.loads(text(library.vae_classifier_json, handle))["options"]
        parameters = vae_zoo.Classifier(epochs=1).get_params()
        self.assertEqual(parameters.pop("value_range"), "auto")
        self.assertEqual(parameters, known)
        with self.assertRaisesRegex(TypeError, "epoch"):
            vae_zoo.Classifier(epoch=2)
        with self.assertRaisesRegex(ValueError, "Invalid parameter 'epoch' for estimator Classifier.*epochs"):
            vae_zoo.Classifier().set_params(epoch=2)
        self.assertEqual(repr(vae_zoo.Classifier(epochs=2, width=32)), "Classifier(epochs=2)")

    def test_a_loaded_one_has_the_parameters_that_it_was_trained_with(self):
        classifier = vae_zoo.Classifier(**{**SMALL, "epochs": 1, "seed": 3}).fit(IMAGES, WORDS)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "network.safetensors")
            classifier.save(path)
            loaded = vae_zoo.Classifier.load(path)
        self.assertEqual(loaded.get_params(), classifier.get_params())
        again = vae_zoo.Classifier(**loaded.get_params()).fit(IMAGES, WORDS)
        np.testing.assert_array_equal(again.predict_proba(IMAGES), loaded.predict_proba(IMAGES))

    def test_pickles_and_copies_say_what_the_classifier_says(self):
        classifier = vae_zoo.Classifier(**{**SMALL, "epochs": 1}).fit(IMAGES, WORDS)
        wanted = classifier.predict_proba(IMAGES)
        for other in (pickle.loads(pickle.dumps(classifier)), copy.deepcopy(classifier)):
            np.testing.assert_array_equal(other.predict_proba(IMAGES), wanted)
            np.testing.assert_array_equal(other.classes_, classifier.classes_)
            self.assertEqual((other.record_, other.get_params()), (classifier.record_, classifier.get_params()))
        with self.assertRaises(vae_zoo.NotFittedError):
            pickle.loads(pickle.dumps(vae_zoo.Classifier())).predict(IMAGES)

    def test_images_of_another_shape_than_those_of_fit_are_refused(self):
        classifier = vae_zoo.Classifier(**{**SMALL, "epochs": 1}).fit(IMAGES, WORDS)
        self.assertEqual((classifier.image_shape_, classifier.n_features_in_), ((6, 6, 1), 36))
        with self.assertRaisesRegex(
            vae_zoo.InvalidArgumentError, r"X has 30 features, but Classifier is expecting 36.*\(6, 6, 1\), not \(5, 6, 1\)"
        ):
            classifier.predict(IMAGES[:, :5])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"0 sample\(s\)"):
            classifier.predict(IMAGES[:0])

    def test_a_column_of_labels_is_taken_with_a_warning(self):
        settings = {**SMALL, "epochs": 1}
        flat = vae_zoo.Classifier(**settings).fit(IMAGES, WORDS)
        for labels in (WORDS, np.where(WORDS == "row", 3, 8)):
            with self.assertWarnsRegex(UserWarning, "A column-vector y was passed"):
                column = vae_zoo.Classifier(**settings).fit(IMAGES, labels[:, None])
            with self.assertWarnsRegex(UserWarning, "A column-vector y was passed"):
                self.assertEqual(column.score(IMAGES, labels[:, None]), column.score(IMAGES, labels))
        self.assertEqual(flat.classes_.tolist(), ["column", "row"])

    def test_a_source_brings_its_own_labels(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "stripes.npz")
            numbers = np.where(WORDS == "row", 1, 0)
            np.savez(path, train=IMAGES[:60], train_labels=numbers[:60], test=IMAGES[60:], test_labels=numbers[60:])
            data = vae_zoo.Data(path)
            classifier = vae_zoo.Classifier(**SMALL).fit(data)
        self.assertEqual(classifier.classes_.tolist(), [0, 1])
        self.assertEqual((classifier.record_["training_examples"], classifier.record_["held_out_examples"]), (60, 20))
        for more in ({"y": WORDS}, {"validation": (IMAGES, WORDS)}):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "has its own labels and validation images"):
                vae_zoo.Classifier(**SMALL).fit(data, **more)

    def test_a_training_that_is_stopped_leaves_the_former_classifier(self):
        classifier = vae_zoo.Classifier(**{**SMALL, "epochs": 1}).fit(IMAGES, WORDS)
        before, record = classifier.predict_proba(IMAGES), classifier.record_
        with self.assertRaises(vae_zoo.CancelledError):
            classifier.fit(IMAGES, np.arange(80) % 3, progress=lambda fraction: fraction > 0.3)
        np.testing.assert_array_equal(classifier.predict_proba(IMAGES), before)
        self.assertEqual((classifier.record_, classifier.classes_.tolist()), (record, ["column", "row"]))
        with self.assertRaises(vae_zoo.NotFittedError):
            vae_zoo.Classifier().save("nowhere")

    def test_what_cannot_be_learnt_is_refused(self):
        for y, words in (
            (None, "requires y to be passed"), (np.zeros((80, 2)), "rows of numbers"), (["a"] * 80, "one class, a, but"),
            (np.linspace(0, 1, 80), "Unknown label type: .* not all whole"),
        ):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, words):
                vae_zoo.Classifier(**SMALL).fit(IMAGES, y)
        with self.assertRaisesRegex(vae_zoo.RecipeError, "epochs"):
            vae_zoo.Classifier(epochs=0).fit(IMAGES, WORDS)
        with self.assertRaises(vae_zoo.CancelledError):
            vae_zoo.Classifier(**SMALL).fit(IMAGES, WORDS, progress=lambda fraction: True)
        self.assertEqual(vae_zoo.Classifier(**SMALL).get_params()["width"], 8)


if __name__ == "__main__":
    unittest.main()
