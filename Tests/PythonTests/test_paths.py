"""Paths: text, bytes and objects that stand for them; names need be no UTF-8."""

from __future__ import annotations

import os
import pathlib
import tempfile
import unittest

import numpy as np

import vae_zoo
from support import stripes

IMAGES = stripes(64, size=8)
SMALL = {"hidden": (8,), "latent": 2, "epochs": 1, "batch_size": 16}


class PathTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.fsencode(folder.name)

    def test_names_that_are_no_utf8_are_those_of_the_files(self):
        name = self.folder + b"/caf\xe9"
        model = vae_zoo.VAE("gaussian-vae", **SMALL).fit(IMAGES, run=name)
        model.save(name + b".safetensors")
        np.savez(os.fsdecode(name + b".npz"), train=IMAGES)
        self.assertEqual(
            sorted(os.listdir(self.folder)), [b"caf\xe9", b"caf\xe9.npz", b"caf\xe9.safetensors"]
        )
        # The same name in each of its forms.
        for path in (name, os.fsdecode(name), pathlib.Path(os.fsdecode(name))):
            for ending in ("", ".safetensors"):
                whole = path + ending.encode() if isinstance(path, bytes) else f"{path}{ending}"
                loaded = vae_zoo.VAE.load(whole)
                np.testing.assert_array_equal(
                    loaded.transform(IMAGES[:4]), model.transform(IMAGES[:4])
                )
        self.assertEqual(vae_zoo.Data(name + b".npz").counts["train"], 64)

    def test_messages_show_bytes_of_no_text_by_their_numbers(self):
        with self.assertRaisesRegex(vae_zoo.NotFoundError, r"n\\xe9ant"):
            vae_zoo.VAE.load(self.folder + b"/n\xe9ant")

    def test_an_empty_path_is_called_empty(self):
        model = vae_zoo.VAE("gaussian-vae", **SMALL).fit(IMAGES)
        classifier = vae_zoo.Classifier(epochs=1, width=2, features=2).fit(IMAGES, np.arange(64) % 2)
        for empty in ("", b""):
            for name, call in (
                ("path", lambda: model.save(empty)), ("path", lambda: vae_zoo.VAE.load(empty)),
                ("path", lambda: classifier.save(empty)), ("path", lambda: vae_zoo.check(empty)),
                ("path", lambda: vae_zoo.load_plugin(empty)), ("path", lambda: vae_zoo.VAE.import_weights(empty)),
                ("source", lambda: vae_zoo.Data(empty)), ("run", lambda: model.fit(IMAGES, run=empty)),
                ("from_weights", lambda: model.fit(IMAGES, from_weights=empty)),
                ("network", lambda: model.evaluate(IMAGES, network=empty)),
            ):
                with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"^{name} is empty; name"):
                    call()

    def test_paths_in_answers_are_names_that_exist(self):
        # The last bytes are those of a character by which the library's texts spell a byte.
        for name in (b"n\xe9", b"\xff\xfe", b"\xf4\x8f\x9e\x80\x80", b"plain"):
            folder = os.path.join(self.folder, name)
            os.mkdir(folder)
            path, network, data = (
                os.path.join(folder, name + ending) for ending in (b".safetensors", b"-c.safetensors", b".npz")
            )
            labels = np.arange(64) % 2
            np.savez(os.fsdecode(data), train=IMAGES, train_labels=labels)
            classifier = vae_zoo.Classifier(epochs=1, width=2, features=2).fit(vae_zoo.Data(data))
            self.assertEqual(classifier.record_["data"], os.fsdecode(data))
            classifier.save(network)
            model = vae_zoo.VAE("gaussian-vae", **SMALL).fit(IMAGES)
            model.save(path)
            report = vae_zoo.check(path)
            self.assertEqual([report["path"], report["files"][0]["path"]], [os.fsdecode(path)] * 2)
            found = model.evaluate(IMAGES, metrics=["frechet_distance"], network=network)
            self.assertEqual(found["network"]["path"], os.fsdecode(network))
            seen = vae_zoo.PerceptualVAE(
                network=os.fsdecode(network), architecture="mlp", settings={"objective.layers": "relu1_1"}, **SMALL
            ).fit(IMAGES)
            self.assertEqual(seen.recipe_["objective"]["network"], os.fsdecode(network))
            seen.save(path)
            loaded = vae_zoo.VAE.load(path)
            self.assertEqual(loaded.network, os.fsdecode(network))
            self.assertTrue(os.path.exists(loaded.fit(IMAGES).recipe_["objective"]["network"]))


class SeedTests(unittest.TestCase):
    def test_a_loaded_estimator_draws_with_the_seed_of_its_training(self):
        model = vae_zoo.VAE("gaussian-vae", **SMALL, random_state=5).fit(IMAGES)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            loaded = vae_zoo.VAE.load(path)
        self.assertEqual(loaded.random_state, 5)
        found = [loaded.evaluate(IMAGES, random_state=seed)["elbo"] for seed in (None, 5, 0)]
        self.assertEqual(found[0], found[1])
        self.assertNotEqual(found[0], found[2])
        self.assertEqual(loaded.set_params(random_state=0).evaluate(IMAGES)["elbo"], found[2])


class FromWeightsTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "model.safetensors")
        self.first = vae_zoo.VAE("gaussian-vae", **SMALL).fit(IMAGES)
        self.first.save(self.file)

    def test_fit_begins_with_the_weights_of_a_file(self):
        settings = {**SMALL, "beta": 4.0, "random_state": 7}
        model = vae_zoo.VAE("gaussian-vae", **settings).fit(IMAGES, epochs=0, from_weights=self.file)
        for name, values in self.first.parameters.items():
            np.testing.assert_array_equal(model.parameters[name], values, name)

    def test_a_tensor_that_does_not_fit_is_named(self):
        other = vae_zoo.VAE("gaussian-vae", **{**SMALL, "latent": 3})
        with self.assertRaisesRegex(vae_zoo.DataError, "of shape"):
            other.fit(IMAGES, from_weights=self.file)

    def test_weights_of_another_model_do_not_go_with_a_warm_start(self):
        model = vae_zoo.VAE("gaussian-vae", **SMALL, warm_start=True).fit(IMAGES)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "from_weights"):
            model.fit(IMAGES, from_weights=self.file)


if __name__ == "__main__":
    unittest.main()
