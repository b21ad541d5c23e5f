"""Arguments that cannot be meant: refused in the words of Python, never taken for something else."""

from __future__ import annotations

import os
import pathlib
import tempfile
import unittest

import numpy as np

import vae_zoo
from support import stripes
from vae_zoo import _library

IMAGES = stripes(40)


def _small(**keywords):
    return vae_zoo.GaussianVAE(
        **{"hidden": (8,), "latent": 2, "epochs": 1, "batch_size": 20, **keywords}
    )


class NumberTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = _small().fit(IMAGES)

    def test_numbers_beyond_the_range_of_c_are_refused_and_not_wrapped(self):
        model, data = self.model, vae_zoo.Data("shapes:32")
        threads = vae_zoo.get_threads()
        for name, call in (
            ("samples is 4294967296", lambda: model.score_samples(IMAGES, samples=2**32)),
            ("samples is 4294967299", lambda: model.score_samples(IMAGES, samples=2**32 + 3)),
            ("samples is 4294967296", lambda: model.evaluate(IMAGES, samples=2**32)),
            ("samples is -1", lambda: model.score_samples(IMAGES, samples=-1)),
            ("n_samples is 1180591620717411303424", lambda: model.sample(2**70)),
            ("n_samples is 0", lambda: model.sample(0)),
            ("count is 8589934593", lambda: vae_zoo.set_threads(2**33 + 1)),
            ("start is 18446744073709551616", lambda: data.images("train", 2**64, 2)),
            ("count is 18446744073709551618", lambda: data.images("train", 0, 2**64 + 2)),
            ("random_state is 18446744073709551616", lambda: model.sample(1, random_state=2**64)),
        ):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"^{name}, but must be in"):
                call()
        self.assertEqual(vae_zoo.get_threads(), threads)

    def test_what_is_no_whole_number_is_refused_naming_the_argument(self):
        model, data = self.model, vae_zoo.Data("shapes:32")
        for name, call in (
            ("n_samples is 2.7", lambda: model.sample(2.7)),
            ("n_samples is 'x'", lambda: model.sample("x")),
            ("samples is 3.0", lambda: model.score_samples(IMAGES, samples=3.0)),
            ("samples is None", lambda: model.evaluate(IMAGES, samples=None)),
            ("count is 'x'", lambda: vae_zoo.set_threads("x")),
            ("start is 0.5", lambda: data.images("train", 0.5)),
            ("image_shape is 6.5",
             lambda: _small(image_shape=(6.5, 6)).fit(IMAGES.reshape(40, 36))),
        ):
            with self.assertRaisesRegex(TypeError, f"^{name}, but must be a whole number$"):
                call()
        with self.assertRaisesRegex(TypeError, "^temperature is '1', but must be a number$"):
            model.sample(1, temperature="1")

    def test_whole_numbers_of_every_kind_are_taken(self):
        expected = self.model.sample(3, random_state=5)
        for kind in (np.int32, np.uint8, np.int64):
            np.testing.assert_array_equal(
                self.model.sample(kind(3), random_state=kind(5), temperature=np.float32(1)), expected
            )


class WordTests(unittest.TestCase):
    def test_messages_name_what_python_calls_by_its_name_in_python(self):
        with tempfile.TemporaryDirectory() as folder:
            run = os.path.join(folder, "run")
            _small().fit(IMAGES, run=run)
            with self.assertRaisesRegex(vae_zoo.ExistsError, "existing_run=.?resume") as caught:
                _small().fit(IMAGES, run=run)
            self.assertNotRegex(str(caught.exception), "VAE_|vae_|--")
            with self.assertRaises(vae_zoo.RecipeError) as caught:
                _small(latent=3).fit(IMAGES, run=run, existing_run="resume")
            self.assertNotRegex(str(caught.exception), "VAE_|vae_|--")

    def test_a_path_that_is_called_as_something_in_c_is_quoted_as_it_is(self):
        with tempfile.TemporaryDirectory() as folder:
            former = os.getcwd()
            os.chdir(folder)
            try:
                _small().fit(IMAGES, run="VAE_RUN_RESUME")
                with self.assertRaisesRegex(vae_zoo.ExistsError, "in VAE_RUN_RESUME: it exists"):
                    _small().fit(IMAGES, run="VAE_RUN_RESUME")
            finally:
                os.chdir(former)
        for path in ("/tmp/VAE_RUN_REPLACE/x", "vae_load_plugin.so"):
            self.assertEqual(_library._in_python(f"cannot open {path}: no", ()), f"cannot open {path}: no")
        told = _library._in_python("choose VAE_RUN_RESUME or VAE_RUN_REPLACE", ())
        self.assertEqual(told, 'choose existing_run="resume" or existing_run="replace"')

    def test_images_are_called_by_their_argument(self):
        images = IMAGES.astype(np.float32)
        for words, X, validation in (
            ("^validation has images of 1x30x1, but X has", images.reshape(40, 36), np.zeros((5, 30))),
            (r"^every value of validation is NaN", images, images * np.nan),
            (r"^X\[0, 0, 0\] is inf", np.full_like(images, np.inf), None),
            ("^X and validation are not both", images, IMAGES),
        ):
            with self.assertRaisesRegex(vae_zoo.DataError, words):
                _small().fit(X, validation=validation)
        rows = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
        fitted = vae_zoo.GaussianVAE(latent=2, epochs=1).fit(rows)
        rows[19, 2] = np.inf
        for method in (vae_zoo.GaussianVAE(latent=2, epochs=1).fit, fitted.transform, fitted.reconstruct, fitted.score):
            with self.assertRaisesRegex(vae_zoo.DataError, r"^X\[19, 2\]"):
                method(rows)
        with self.assertRaisesRegex(vae_zoo.DataError, "^X has values between 0 and 1"):
            _small().fit(images).evaluate(images / 2)

    def test_a_parameter_that_is_not_there_is_a_key_error_and_get_gives_the_default(self):
        parameters = _small().fit(IMAGES).parameters
        self.assertIsNone(parameters.get("nope"))
        self.assertEqual(parameters.get("nope", 3), 3)
        self.assertIsNone(parameters.get(7))
        with self.assertRaises(KeyError) as caught:
            parameters["decoder.head.bia"]
        self.assertIsInstance(caught.exception, vae_zoo.NotFoundError)
        self.assertRegex(
            str(caught.exception), r"^the model has no .* decoder\.head\.bia; similar ones: decoder\.head\.bias"
        )
        with self.assertRaises(KeyError):
            parameters["nope"] = np.zeros(3)

    def test_paths_are_texts_bytes_or_path_objects(self):
        model = _small().fit(IMAGES)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "modèle.safetensors")
            for given in (path, os.fsencode(path), pathlib.Path(path)):
                model.save(given)
                loaded = vae_zoo.VAE.load(given)
                np.testing.assert_array_equal(loaded.transform(IMAGES), model.transform(IMAGES))
                os.remove(path)
            np.save(os.path.join(folder, "images.npy"), IMAGES)
            data = vae_zoo.Data(os.fsencode(os.path.join(folder, "images.npy")))
            self.assertEqual(data.image_shape, (6, 6, 1))
            _small().fit(IMAGES, run=os.fsencode(os.path.join(folder, "run")))
            self.assertTrue(os.path.isdir(os.path.join(folder, "run")))
        for name, call in (
            ("path", lambda: model.save(3)), ("path", lambda: vae_zoo.VAE.load(None)),
            ("source", lambda: vae_zoo.Data(3)), ("path", lambda: vae_zoo.load_plugin(3)),
            ("run", lambda: model.fit(IMAGES, run=3)),
        ):
            with self.assertRaisesRegex(TypeError, f"^{name} is .*, but must be a path"):
                call()

    def test_what_is_no_mapping_shape_or_function_is_refused_by_its_name(self):
        for name, call in (
            ("columns", lambda: _small().fit(IMAGES, columns="real")),
            ("columns", lambda: _small().fit(IMAGES, columns=["a"])),
            ("callback", lambda: _small().fit(IMAGES, callback=3)),
            ("image_shape", lambda: _small(image_shape=6).fit(IMAGES.reshape(40, 36))),
        ):
            with self.assertRaisesRegex(TypeError, f"^{name} is .*, but must be "):
                call()

    def test_an_empty_class_name_is_said_of_y(self):
        y = np.array(["", "x", "y"])[np.arange(40) % 3]
        model = vae_zoo.ConditionalVAE(hidden=(8,), latent=2, epochs=1, batch_size=20)
        with self.assertRaises(vae_zoo.Error) as caught:
            model.fit(IMAGES, y)
        self.assertRegex(str(caught.exception), r"\by have an empty name")
        self.assertNotIn("options", str(caught.exception))

    def test_a_call_that_lacks_its_name_says_what_to_give(self):
        for call in (vae_zoo.VAE, lambda: vae_zoo.VAE("beta-vae", 4), lambda: vae_zoo.VAE(beta=4)):
            with self.assertRaisesRegex(TypeError, "VAE takes the name of a variant, such as"):
                call()
        with self.assertRaisesRegex(TypeError, "variant is 3"):
            vae_zoo.VAE(3)


if __name__ == "__main__":
    unittest.main()
