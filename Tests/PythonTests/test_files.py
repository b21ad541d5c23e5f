"""Runs, checkpoints and files of weights, and estimators of further stages."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from pathlib import Path

import numpy as np

import vae_zoo
from support import ROOT, stripes

IMAGES = stripes(60)
REFERENCE = Path(ROOT, "Tests", "VAEZooTests", "Reference")


def _small(**keywords):
    return vae_zoo.GaussianVAE(
        **{"hidden": (8,), "latent": 2, "epochs": 1, "batch_size": 20, "random_state": 3, **keywords}
    )


def _weights(model) -> dict:
    return {name: values.tobytes() for name, values in model.parameters.items()}


class FolderTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.run = os.path.join(folder.name, "run")


class CheckpointTests(FolderTests):
    def test_of_a_run_the_last_the_best_or_a_numbered_checkpoint_is_loaded(self):
        # Of black images the bound falls while white ones are learnt.
        white, black = np.ones((60, 6, 6), np.uint8), np.zeros((20, 6, 6), np.uint8)
        white[:, 0], black[:, 0] = 0, 1
        model = _small(learning_rate=0.05).fit(white, validation=black, epochs=4, run=self.run)
        bounds = [record["valid"]["elbo"] for record in model.history_]
        self.assertEqual(int(np.argmax(bounds)), 0)
        after = {epochs: _small(learning_rate=0.05).fit(white, epochs=epochs) for epochs in (1, 3, 4)}
        for checkpoint, epochs in (("last", 4), ("best", 1), (3, 1), (9, 3), ("9", 3), (12, 4)):
            loaded = vae_zoo.VAE.load(self.run, checkpoint=checkpoint)
            self.assertEqual(_weights(loaded), _weights(after[epochs]), checkpoint)
        self.assertEqual(_weights(vae_zoo.VAE.load(self.run)), _weights(after[4]))
        with self.assertRaisesRegex(vae_zoo.NotFoundError, "no checkpoint of step 5"):
            vae_zoo.VAE.load(self.run, checkpoint=5)
        with self.assertRaises(vae_zoo.Error):
            vae_zoo.VAE.load(self.run, checkpoint="first")

    def test_a_run_that_is_replaced_begins_anew(self):
        first = _small(epochs=2, random_state=5).fit(IMAGES, run=self.run)
        with self.assertRaises(vae_zoo.ExistsError):
            _small().fit(IMAGES, run=self.run, existing_run="refuse")
        self.assertEqual(_weights(vae_zoo.VAE.load(self.run)), _weights(first))
        second = _small(epochs=1).fit(IMAGES, run=self.run, existing_run="replace")
        self.assertEqual(_weights(second), _weights(_small(epochs=1).fit(IMAGES)))
        self.assertEqual([record["epoch"] for record in second.history_], [1])
        loaded = vae_zoo.VAE.load(self.run)
        self.assertEqual((_weights(loaded), loaded.history_), (_weights(second), second.history_))
        with self.assertRaisesRegex(
            vae_zoo.InvalidArgumentError, "existing_run is 'keep', but must be one of refuse, resume, replace"
        ):
            _small().fit(IMAGES, run=self.run, existing_run="keep")

    def test_a_run_is_resumed_from_where_it_was_interrupted(self):
        _small(epochs=4).fit(IMAGES, run=self.run, callback=lambda told: told.epoch == 2 and told.is_epoch_end)
        heard = []
        resumed = _small(epochs=4).fit(IMAGES, run=self.run, existing_run="resume", callback=heard.append)
        self.assertEqual([(told.step, told.epoch) for told in heard if not told.is_epoch_end],
                         [(7, 3), (8, 3), (9, 3), (10, 4), (11, 4), (12, 4)])
        self.assertEqual({told.total_steps for told in heard}, {12})
        self.assertEqual([record["step"] for record in resumed.history_], [3, 6, 9, 12])


class StageTests(FolderTests):
    def test_a_stage_has_the_hyper_parameters_and_the_form_of_the_model_before_it(self):
        images = IMAGES.reshape(60, 36)
        model = _small(image_shape=(6, 6), verbose=False, learning_rate=0.002).fit(images)
        stage = model.stage("mixture", {"prior.components": 2})
        self.assertEqual(stage.get_params(), {**model.get_params(), "warm_start": True})
        self.assertFalse(model.warm_start)
        self.assertEqual((stage.history_, stage.metrics_), ([], {}))
        self.assertEqual((stage.image_shape_, stage.n_features_in_), ((6, 6, 1), 36))
        self.assertEqual(stage.sample(2).shape, (2, 36))
        self.assertEqual(stage.recipe_["prior"]["components"], 2)
        self.assertEqual([item["name"] for item in stage.recipe_["stages"]], ["model", "mixture"])
        with self.assertRaises(vae_zoo.NotFittedError):
            _small().stage("mixture")

    def test_a_stage_of_a_conditional_model_keeps_its_classes(self):
        words = np.array(["ape", "bee", "cat"])[np.arange(60) % 3]
        model = vae_zoo.ConditionalVAE(hidden=(8,), latent=2, epochs=1, batch_size=20).fit(IMAGES, words)
        stage = model.stage("mixture", {"prior.components": 2})
        np.testing.assert_array_equal(stage.classes_, ["ape", "bee", "cat"])
        np.testing.assert_array_equal(stage.transform(IMAGES, words), model.transform(IMAGES, words))

    def test_a_stage_may_be_told_the_labels_of_a_source(self):
        path = os.path.join(self.folder, "digits.npz")
        np.savez(path, train=IMAGES, train_labels=np.arange(60) % 4)
        stage = _small().fit(IMAGES).stage("class-mixture", {"prior.components": 1}, X=vae_zoo.Data(path))
        np.testing.assert_array_equal(stage.classes_, [0, 1, 2, 3])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "y is known of each example of X"):
            _small().fit(IMAGES).stage("class-mixture", X=vae_zoo.Data(path), y=np.arange(60))

    def test_a_stage_of_a_model_of_a_table_gives_rows_of_it(self):
        rows = np.empty(60, [("a", "f8"), ("b", "U1")])
        rows["a"], rows["b"] = np.random.default_rng(0).normal(7, 2, 60).round(1), np.array(["x", "y"])[np.arange(60) % 2]
        model = _small().fit(rows)
        stage = model.stage("mixture", {"prior.components": 2})
        self.assertEqual(stage.sample(3).dtype.names, ("a", "b"))
        told = model.stage("class-mixture", {"prior.components": 1}, X=rows, y=rows["b"])
        np.testing.assert_array_equal(told.classes_, ["x", "y"])
        self.assertEqual(told.fit(rows, rows["b"], epochs=1).sample(3, condition="y").dtype.names, ("a", "b"))


class WeightTests(FolderTests):
    def test_weights_of_another_program_are_for_images_of_the_size_that_is_asked_for(self):
        for size, expected in ((8, (8, 8, 3)), (np.int64(24), (24, 24, 3))):
            model = vae_zoo.VAE.import_weights(REFERENCE / "kl-plain", size=size)
            self.assertEqual(model.image_shape_, expected)
            self.assertEqual(model.sample(1).shape, (1, *expected))
        said = json.loads((REFERENCE / "kl-plain" / "config.json").read_text())["sample_size"]
        self.assertEqual(vae_zoo.VAE.import_weights(REFERENCE / "kl-plain").image_shape_, (said, said, 3))
        for size in (0, 32769):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"size is {size}, but must be in 1...32768"):
                vae_zoo.VAE.import_weights(REFERENCE / "kl-plain", size=size)

    def test_what_files_do_not_say_is_set_by_its_path(self):
        settings = {"prior.scaling_factor": 0.25, "prior.shift_factor": -0.5, "norm_groups": 2}
        vae = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-checkpoint", settings=settings)
        self.assertEqual((vae.config.scaling_factor, vae.config.shift_factor), (0.25, -0.5))
        self.assertEqual(vae.config.in_channels, 3)
        model = vae_zoo.VAE.import_weights(REFERENCE / "kl-checkpoint", size=8, settings=settings)
        self.assertEqual(model.recipe_["prior"]["scaling_factor"], 0.25)
        self.assertEqual(model.history_, [])

    def test_progress_of_an_import_is_minus_one_while_files_are_read_and_then_a_fraction(self):
        told = []
        vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-plain", progress=told.append)
        reading = [fraction for fraction in told if fraction == -1]
        self.assertTrue(reading)
        self.assertEqual(told[: len(reading)], reading)
        rest = told[len(reading):]
        self.assertTrue(rest and rest == sorted(rest) and 0 <= rest[0] and rest[-1] <= 1)
        with self.assertRaises(vae_zoo.CancelledError):
            vae_zoo.VAE.import_weights(REFERENCE / "kl-plain", size=8, progress=lambda fraction: fraction == -1)

    def test_weights_are_written_in_the_form_that_is_asked_for(self):
        settings = {"prior.scaling_factor": 0.25, "norm_groups": 2}
        for name, form, target in (
            ("kl-plain", "ldm", "model.safetensors"), ("kl-plain", "diffusers", "kl"), ("tiny-raw", "taesd", "tiny"),
        ):
            model = vae_zoo.VAE.import_weights(REFERENCE / name, size=8)
            path = os.path.join(self.folder, target)
            model.export_weights(path, form)
            self.assertEqual(os.path.isdir(path), form != "ldm")
            again = vae_zoo.VAE.import_weights(path, size=8, settings=settings if form == "ldm" else None)
            for tensor, values in model.parameters.items():
                if not tensor.startswith("likelihood."):
                    np.testing.assert_array_equal(again.parameters[tensor], values, tensor)
        with self.assertRaisesRegex(vae_zoo.Error, "diffusers"):
            model.export_weights(path, "onnx")
        # Without a form it is that of diffusers.
        plain = vae_zoo.VAE.import_weights(REFERENCE / "kl-plain", size=8)
        plain.export_weights(os.path.join(self.folder, "usual"))
        self.assertTrue(os.path.exists(os.path.join(self.folder, "usual", "config.json")))


class ShapeTests(FolderTests):
    def test_a_loaded_model_gives_rows_in_the_shape_that_its_estimator_gave(self):
        table = np.random.default_rng(3).normal(size=(60, 4))
        for rows in (table, IMAGES[:60].reshape(60, -1), IMAGES[:60]):
            model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, epochs=1, batch_size=20).fit(rows)
            path = os.path.join(self.folder, "model.safetensors")
            model.save(path)
            loaded = vae_zoo.VAE.load(path)
            shape = (5, *rows.shape[1:])
            if rows.ndim == 3:
                self.assertEqual(loaded.image_shape_, (*shape[1:], 1))
                shape = (*shape, 1)  # An image's channels are known, whether they were written is not.
            self.assertEqual(loaded.sample(5).shape, shape)
            self.assertEqual(loaded.reconstruct(rows[:5]).shape, shape)
            self.assertEqual(loaded.inverse_transform(loaded.transform(rows[:5])).shape, shape)


class UpdateTests(unittest.TestCase):
    def test_fitting_on_arrays_forgets_the_names_of_columns(self):
        class Frame(np.ndarray):
            """Numbers with names of columns, as pixels of a frame have them."""

            columns = [f"pixel{number}" for number in range(36)]

        images = IMAGES.reshape(60, 36)
        named = images.view(Frame)
        model = _small(value_range="binary").fit(named)
        self.assertEqual(model.feature_names_in_[7], "pixel7")
        self.assertFalse(hasattr(model.fit(images), "feature_names_in_"))
        self.assertEqual(_small(value_range="binary").partial_fit(named).feature_names_in_[35], "pixel35")

    def test_a_source_has_its_own_labels_columns_and_held_out_images(self):
        data = vae_zoo.Data("shapes:32")
        for more, words in (
            ({"validation": IMAGES}, "a Data source has its own validation images"),
            ({"columns": {}}, "columns is for a DataFrame or an array"),
        ):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, words):
                _small().fit(data, **more)

    def test_a_refused_training_leaves_the_model_as_it_was(self):
        model = _small(warm_start=True).fit(IMAGES)
        before, history, recipe = _weights(model), model.history_, model.recipe_
        for X, more in ((IMAGES * 2, {}), (IMAGES, {"epochs": -1}), (IMAGES, {"checkpoint_dir": "/tmp"})):
            with self.assertRaises(vae_zoo.Error):
                model.fit(X, **more)
        self.assertEqual((_weights(model), model.history_, model.recipe_), (before, history, recipe))


if __name__ == "__main__":
    unittest.main()
