"""Sources of images: their facts, their splits, and what is known of each image."""

from __future__ import annotations

import os
import tempfile
import unittest

import numpy as np

import vae_zoo

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (23, 3, 5, 2), dtype=np.uint8)
LABELS = np.array([2, 0, 1, 3])[np.arange(23) % 4]


class SourceTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, "images.npz")
        np.savez(
            cls.path, train=COLOUR[:11], valid=COLOUR[11:16], test=COLOUR[16:], train_labels=LABELS[:11],
            valid_labels=LABELS[11:16], test_labels=LABELS[16:],
        )
        cls.data = vae_zoo.Data(cls.path)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_facts_are_those_of_the_file(self):
        data = self.data
        self.assertEqual(data.image_shape, (3, 5, 2))
        self.assertEqual(data.value_range, "bytes")
        self.assertEqual(data.counts, {"train": 11, "valid": 5, "test": 7})
        self.assertEqual(data.condition_width, 4)
        self.assertEqual(repr(data), "<Data: 3x5x2, bytes; 11 train, 5 valid, 7 test>")

    def test_images_are_those_of_the_split_from_the_first_on(self):
        expected = COLOUR / np.float32(255)
        for asked, place in (
            ({}, slice(0, 11)), ({"split": "valid"}, slice(11, 16)), ({"split": "test"}, slice(16, 23)),
            ({"start": 4}, slice(4, 11)), ({"count": 3}, slice(0, 3)), ({"split": "test", "start": 2, "count": 4}, slice(18, 22)),
        ):
            found = self.data.images(**asked)
            self.assertEqual(found.dtype, np.float32)
            np.testing.assert_allclose(found, expected[place], atol=1e-7)
        np.testing.assert_allclose(self.data.images("valid", 1, 2), expected[12:14], atol=1e-7)
        for start, count in ((0, 12), (11, 1), (-1, 2), (3, 0)):
            with self.assertRaises(vae_zoo.InvalidArgumentError):
                self.data.images("train", start, count)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "split is held-out"):
            self.data.images("held-out")

    def test_conditions_are_one_hot_rows_of_the_labels(self):
        expected = np.eye(4, dtype=np.float32)[LABELS]
        np.testing.assert_array_equal(self.data.conditions(), expected[:11])
        np.testing.assert_array_equal(self.data.conditions("test"), expected[16:])
        np.testing.assert_array_equal(self.data.conditions("valid", start=2), expected[13:16])
        np.testing.assert_array_equal(self.data.conditions("train", 3, 2), expected[3:5])
        path = os.path.join(self.folder.name, "plain.npy")
        np.save(path, COLOUR)
        with self.assertRaisesRegex(vae_zoo.NotFoundError, "neither labels nor conditions"):
            vae_zoo.Data(path).conditions()
        self.assertEqual(vae_zoo.Data(path).condition_width, 0)

    def test_ranges_of_values_are_the_narrowest_that_hold_all(self):
        bits = (COLOUR > 127).astype(np.uint8)
        for images, kind in ((bits, "binary"), (COLOUR, "bytes"), (COLOUR / 256, "unit"), (COLOUR / 8 - 3, "real")):
            path = os.path.join(self.folder.name, "range.npy")
            np.save(path, images.astype(np.float32) if images.dtype == np.float64 else images)
            self.assertEqual(vae_zoo.Data(path).value_range, kind)

    def test_a_range_that_somebody_says_is_that_of_the_model(self):
        def data(images, **keywords):
            model = vae_zoo.GaussianVAE(hidden=(4,), latent=1, epochs=0, batch_size=8, **keywords).fit(images)
            found = model.recipe_["data"]
            return found["range"], found["rule"]

        bits = (COLOUR > 127).astype(np.float32)
        self.assertEqual(data(bits), ("binary", "binary"))
        self.assertEqual(data(bits, value_range="binary"), ("binary", "binary"))
        self.assertEqual(data(bits, value_range="unit")[0], "unit")
        self.assertEqual(data(bits, value_range="real")[0], "real")
        self.assertEqual(data(bits, value_range="bytes"), ("unit", "bytes/255"))
        self.assertEqual(data(COLOUR), ("unit", "bytes/255"))
        for images, kind in ((bits * 0.5, "binary"), (bits * 2, "unit"), (bits * 0.7, "bytes")):
            with self.assertRaises(vae_zoo.DataError):
                data(images, value_range=kind)
        with self.assertRaisesRegex(
            vae_zoo.InvalidArgumentError, "value_range is 'bits', but must be one of auto, binary, unit, real, bytes"
        ):
            data(bits, value_range="bits")

    def test_an_estimator_knows_the_sizes_of_its_images_in_their_order(self):
        model = vae_zoo.GaussianVAE(hidden=(4,), latent=1, epochs=0, batch_size=8)
        for images, shape, made in (
            (COLOUR, (3, 5, 2), (3, 5, 2)), (COLOUR[..., 0], (3, 5, 1), (3, 5)), (self.data, (3, 5, 2), (3, 5, 2)),
        ):
            model.fit(images)
            self.assertEqual((model.image_shape_, model.n_features_in_), (shape, int(np.prod(shape))))
            self.assertEqual(model.sample(4).shape, (4, *made))
        rows = COLOUR.reshape(23, 30)
        model = vae_zoo.GaussianVAE(hidden=(4,), latent=1, epochs=0, batch_size=8, image_shape=(3, 5, 2)).fit(rows)
        self.assertEqual((model.image_shape_, model.n_features_in_), ((3, 5, 2), 30))
        self.assertEqual(model.sample(4).shape, (4, 30))
        np.testing.assert_array_equal(model.transform(rows), model.transform(COLOUR))

    def test_held_out_images_are_measured_and_not_trained_on(self):
        images = (COLOUR > 127).astype(np.float32)

        def fit(**more):
            return vae_zoo.GaussianVAE(
                hidden=(4,), latent=1, epochs=1, batch_size=8, random_state=1, likelihood="bernoulli"
            ).fit(images[:16], **more)

        plain, held = fit(), fit(validation=images[16:])
        for name, values in plain.parameters.items():
            np.testing.assert_array_equal(held.parameters[name], values)
        self.assertNotIn("valid", plain.metrics_)
        self.assertAlmostEqual(held.metrics_["valid"]["elbo"], held.score(images[16:]), delta=1)


if __name__ == "__main__":
    unittest.main()
