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
