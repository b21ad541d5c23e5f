"""Trained models: every variant's results, files, pickles, parameters."""

from __future__ import annotations

import copy
import json
import os
import pickle
import tempfile
import unittest

import numpy as np

import vae_zoo
from support import stripes

IMAGES = stripes(64, size=8)
_SMALL = {
    "gaussian-vae": {"hidden": (8,), "latent": 2},
    "beta-vae": {"hidden": (8,), "latent": 2, "beta": 2.0},
    "factor-vae": {
        "hidden": (8,), "latent": 2, "gamma": 2.0, "settings": {"objective.discriminator_hidden": (16, 16)},
    },
    "flow-vae": {"hidden": (8,), "latent": 2, "flow_hidden": (8,), "flow_context": 3},
    "iwae": {"hidden": (8,), "latent": 2, "importance_samples": 3},
    "missing-vae": {"hidden": (8,), "latent": 2, "importance_samples": 3},
    "mixture-prior-vae": {"hidden": (8,), "latent": 2, "components": 3},
    "vampprior-vae": {"hidden": (8,), "latent": 2, "settings": {"prior.pseudo_inputs": 3}},
    "ladder-vae": {"hidden": (8, 4), "latent": (3, 2)},
    "log-cosh-vae": {"hidden": (8,), "latent": 2},
    "flow-prior-vae": {"hidden": (8,), "latent": 2, "flow_hidden": (8,), "flow_steps": 2},
    "two-stage-vae": {"hidden": (8,), "latent": 2},
    "multiscale-vae": {"hidden": (8,), "latent": 2},
    "ms-ssim-vae": {"hidden": (8,), "latent": 2, "settings": {"objective.share": 0}},
    "very-deep-vae": {
        "latent": (1, 1), "channels": (4,),
        "settings": {"prior.blocks_per_size": (1, 1), "encoder.blocks_per_size": (1, 1)},
    },
    "progressive-vae": {"channels": (4,), "latent": 2},
    "pixelcnn": {"layers": 1, "channels": 8},
    "pixelcnn-vae": {"layers": 1, "channels": 8, "latent": 2},
    "autoencoder-tiny": {"latent_channels": 2, "settings": {"encoder.channels": 8, "decoder.channels": 8}},
    "autoencoder-kl": {
        "latent_channels": 2, "norm_groups": 2,
        "settings": {"encoder.level_channels": (4, 4, 4, 4), "decoder.level_channels": (4, 4, 4, 4)},
    },
    "vq-vae": {"codes": 8, "code_size": 4, "settings": {"encoder.channels": 8, "decoder.channels": 8}},
    "vae-gan": {"channels": (4, 4), "latent": 2, "settings": {"objective.discriminator_channels": (4,)}},
    "vqgan": {
        "codes": 8, "code_size": 4,
        "settings": {
            "encoder.channels": 8, "decoder.channels": 8, "objective.discriminator_channels": (4,),
            "objective.discriminator_start": 2,
        },
    },
    "wae-gan": {"channels": (4, 4), "latent": 2, "settings": {"objective.discriminator_hidden": (8,)}},
    "adversarial-autoencoder": {
        "hidden": (8,), "latent": 2, "settings": {"objective.discriminator_hidden": (8,)},
    },
    "vq-model": {
        "codes": 8, "code_size": 4, "norm_groups": 2,
        "settings": {"encoder.level_channels": (4, 4, 4), "decoder.level_channels": (4, 4, 4)},
    },
}


def _trained(variant: str, **keywords):
    keywords = {**_SMALL[variant], "epochs": 1, "batch_size": 16, **keywords}
    return vae_zoo.VAE(variant, **keywords).fit(IMAGES)


class VariantTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.models = {variant: _trained(variant) for variant in _SMALL}

    def test_there_is_a_class_for_every_variant(self):
        names = [v.name for v in vae_zoo.list_variants() if v.origin == "built-in"]
        # What needs y is in test_conditions.py, what needs a network in test_classifier.py.
        self.assertEqual(set(names), {*_SMALL, "conditional-vae", "perceptual-vae"})
        self.assertEqual(set(vae_zoo._BUILT_IN.values()), set(names))
        for name, variant in vae_zoo._BUILT_IN.items():
            self.assertIs(getattr(vae_zoo, name), type(vae_zoo.VAE(variant)))
            self.assertEqual(getattr(vae_zoo, name).__name__, name)
        with self.assertRaisesRegex(vae_zoo.RecipeError, "beta-vae"):
            vae_zoo.VAE("no-vae")
        with self.assertRaisesRegex(AttributeError, "NoVAE"):
            vae_zoo.NoVAE

    def test_every_variant_trains_measures_samples_and_reconstructs(self):
        for variant, model in self.models.items():
            with self.subTest(variant):
                self.assertEqual(model.sample(3).shape, (3, 8, 8))
                self.assertEqual(model.reconstruct(IMAGES[:5]).shape, (5, 8, 8))
                bounds = model.score_samples(IMAGES)
                self.assertEqual(bounds.shape, (64,))
                measured = model.evaluate(IMAGES, samples=20)
                self.assertEqual(measured["variant"], variant)
                self.assertAlmostEqual(
                    measured["elbo"], -(measured["rate"] + measured["distortion"]), 3
                )
                # Scores draw by what an image is, an evaluation by where it stands; some draw nothing.
                drawn = 0 if variant in ("pixelcnn", "vq-vae", "vqgan", "vq-model") else 4
                self.assertAlmostEqual(
                    bounds.mean(), measured["elbo"], delta=1e-3 + drawn * measured["elbo_stderr"]
                )
                self.assertAlmostEqual(
                    -model.score_samples(IMAGES, samples=20).mean(), measured["nll"],
                    delta=1e-3 + drawn * measured["nll_stderr"],
                )
                self.assertEqual(model.recipe_["variant"], variant)
                self.assertEqual(len(model.history_), 1)

    def test_what_is_said_of_an_image_depends_on_the_image_alone(self):
        for variant, model in self.models.items():
            with self.subTest(variant):
                order = np.array([5, 9, 5, 0, 63, 5])
                says = [model.score_samples, model.reconstruct, getattr(model, "transform", None)]
                for say in filter(None, says):
                    whole, some = say(IMAGES), say(IMAGES[order])
                    np.testing.assert_allclose(some, whole[order], rtol=1e-4, atol=1e-4)
                    np.testing.assert_array_equal(some[0], some[2])
                    for other in (IMAGES.astype(np.float64), np.asfortranarray(IMAGES), IMAGES[::-1].copy()[::-1]):
                        np.testing.assert_array_equal(say(other), whole)

    def test_latents_are_means_codes_or_draws_of_all_layers(self):
        shapes = {
            "gaussian-vae": (64, 2), "beta-vae": (64, 2), "factor-vae": (64, 2), "iwae": (64, 2),
            "flow-vae": (64, 2), "mixture-prior-vae": (64, 2), "vampprior-vae": (64, 2),
            "ladder-vae": (64, 5), "pixelcnn-vae": (64, 2), "vq-vae": (64, 4),
        }
        for variant, shape in shapes.items():
            model = self.models[variant]
            latents = model.transform(IMAGES)
            self.assertEqual(latents.shape, shape, variant)
            self.assertEqual(len(model.get_feature_names_out()), shape[1])
            self.assertEqual(model.inverse_transform(latents[:3]).shape, (3, 8, 8))
        self.assertEqual(self.models["vq-vae"].transform(IMAGES).dtype, np.int32)
        for name in ("transform", "inverse_transform", "encode"):
            self.assertFalse(hasattr(self.models["pixelcnn"], name), "it has no latents")

    def test_decoding_what_was_encoded_reconstructs(self):
        model = self.models["gaussian-vae"]
        encoding = model.encode(IMAGES)
        np.testing.assert_array_equal(encoding.mean, model.transform(IMAGES))
        self.assertTrue((encoding.variance > 0).all())
        self.assertIsNone(encoding.codes)
        np.testing.assert_allclose(
            model.decode([encoding.mean]), model.inverse_transform(model.transform(IMAGES)), rtol=1e-6
        )
        ladder = self.models["ladder-vae"]
        layers = ladder.encode(IMAGES).samples
        self.assertEqual([layer.shape for layer in layers], [(64, 3), (64, 2)])
        np.testing.assert_allclose(
            ladder.decode(layers), ladder.inverse_transform(ladder.transform(IMAGES)), rtol=1e-6
        )
        vq = self.models["vq-vae"]
        found = vq.encode(IMAGES)
        self.assertEqual(found.codes.shape, (64, 2, 2))
        expected = vq.decode([found.codes])
        np.testing.assert_allclose(vq.decode(found.samples), expected, rtol=1e-5)
        np.testing.assert_allclose(vq.decode([found.codes.astype(np.int64)]), expected, rtol=1e-6)
        np.testing.assert_allclose(vq.inverse_transform(vq.transform(IMAGES)), expected, rtol=1e-6)
        np.testing.assert_allclose(vq.reconstruct(IMAGES), expected, rtol=1e-5)

    def test_wrong_latents_are_refused_with_what_the_model_has(self):
        model = self.models["gaussian-vae"]
        with self.assertRaisesRegex(ValueError, "3 latents a row.*has 2"):
            model.inverse_transform(np.zeros((1, 3)))
        with self.assertRaisesRegex(ValueError, "1D array"):
            model.inverse_transform(np.zeros(2))
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "finite"):
            model.decode([np.full((1, 2), np.inf)])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "code 8"):
            self.models["vq-vae"].inverse_transform(np.full((1, 4), 8))

    def test_seeds_choose_draws(self):
        model = self.models["gaussian-vae"]
        first = model.sample(4, random_state=1)
        np.testing.assert_array_equal(first, model.sample(4, random_state=1))
        self.assertFalse(np.array_equal(first, model.sample(4, random_state=2)))
        cold = model.sample(4, temperature=0)
        np.testing.assert_array_equal(cold[0], cold[1])
        with self.assertRaisesRegex(ValueError, "temperature"):
            model.sample(4, temperature=-1)
        with self.assertRaisesRegex(ValueError, "n_samples"):
            model.sample(0)

    def test_samples_are_draws_of_the_likelihood_where_they_are_asked_for(self):
        model = self.models["gaussian-vae"]
        means = model.sample(50, random_state=1)
        draws = model.sample(50, random_state=1, draw=True)
        self.assertEqual(set(draws.ravel()), {0, 1})
        np.testing.assert_array_equal(draws, model.sample(50, random_state=1, draw=True))
        self.assertLess(abs((draws - means).mean()), 0.05)
        self.assertGreater((draws - means).std(), 0.05)
        with self.assertRaisesRegex(TypeError, "draw is 'yes'"):
            model.sample(1, draw="yes")

    def test_a_further_stage_trains_its_parts_alone(self):
        model = self.models["vq-vae"]
        stage = model.stage("prior", {"prior.layers": 1, "prior.channels": 8})
        before = {name: stage.parameters[name] for name in stage.parameters}
        first = stage.evaluate(IMAGES)
        stage.fit(IMAGES, epochs=20)
        changed = {n for n in before if not np.array_equal(before[n], stage.parameters[n])}
        self.assertTrue(changed)
        self.assertTrue(all(name.startswith("prior.network.") for name in changed), changed)
        last = stage.evaluate(IMAGES)
        self.assertLess(last["rate"], first["rate"])
        self.assertAlmostEqual(last["distortion"], model.evaluate(IMAGES)["distortion"], 3)
        with self.assertRaises(vae_zoo.RecipeError):
            self.models["iwae"].stage("prior")

    def test_a_mixture_is_fitted_to_draws_of_the_posteriors(self):
        model = self.models["gaussian-vae"]
        stage = model.stage("mixture", {"prior.components": 2})
        before = {name: stage.parameters[name] for name in stage.parameters}
        stage.fit(IMAGES, epochs=1)
        changed = {n for n in before if not np.array_equal(before[n], stage.parameters[n])}
        self.assertEqual({name.split(".")[0] for name in changed}, {"prior"})
        first, last = model.evaluate(IMAGES), stage.evaluate(IMAGES)
        self.assertAlmostEqual(last["distortion"], first["distortion"], 3)
        self.assertNotEqual(last["rate"], first["rate"])
        self.assertEqual(stage.sample(3).shape, model.sample(3).shape)

    def test_a_mixture_for_each_class_is_told_the_labels_that_the_model_was_not(self):
        model = self.models["gaussian-vae"]
        labels = np.array(["even", "odd"])[np.arange(len(IMAGES)) % 2]
        with self.assertRaises(vae_zoo.Error):
            model.stage("class-mixture")
        stage = model.stage("class-mixture", {"prior.components": 1}, X=IMAGES, y=labels)
        np.testing.assert_array_equal(stage.classes_, ["even", "odd"])
        stage.fit(IMAGES, labels, epochs=1)
        drawn = [stage.sample(2, condition=name, random_state=1) for name in ("even", "odd")]
        self.assertEqual(drawn[0].shape, model.sample(2).shape)
        self.assertFalse(np.array_equal(*drawn))
        self.assertEqual(model.stage("mixture", X=IMAGES).recipe_["stages"][-1]["name"], "mixture")
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "y is known of each example of X"):
            model.stage("class-mixture", y=labels)

    def test_a_decoder_is_trained_on_for_latents_that_stay(self):
        model = self.models["gaussian-vae"]
        stage = model.stage("decoder", {"objective.name": "elbo"})
        before = {name: stage.parameters[name] for name in stage.parameters}
        for name, values in before.items():
            np.testing.assert_array_equal(values, model.parameters[name])
        stage.fit(IMAGES, epochs=1)
        changed = {n for n in before if not np.array_equal(before[n], stage.parameters[n])}
        self.assertEqual({name.split(".")[0] for name in changed}, {"decoder"})
        np.testing.assert_array_equal(stage.encode(IMAGES).mean, model.encode(IMAGES).mean)

    def test_priors_that_stages_train_on_latents_change_the_rate_alone(self):
        model = self.models["gaussian-vae"]
        for name, settings in (("flow", {"prior.flow": "realnvp"}), ("two-stage", {"prior.stage_hidden": (8,)})):
            stage = model.stage(name, settings)
            stage.fit(IMAGES, epochs=2)
            first, last = model.evaluate(IMAGES), stage.evaluate(IMAGES)
            self.assertAlmostEqual(last["distortion"], first["distortion"], 3)
            self.assertNotEqual(last["rate"], first["rate"])
            self.assertEqual(stage.sample(3).shape, model.sample(3).shape)

    # ------------------------------------------------------------------------------------- files

    def test_a_saved_model_is_the_same_model(self):
        with tempfile.TemporaryDirectory() as folder:
            for variant, model in self.models.items():
                path = os.path.join(folder, f"{variant}.safetensors")
                model.save(path)
                loaded = vae_zoo.VAE.load(path)
                self.assertIs(type(loaded), type(model))
                np.testing.assert_array_equal(loaded.score_samples(IMAGES), model.score_samples(IMAGES))
                self.assertEqual(loaded.sample(2).shape, (2, 8, 8, 1))
                self.assertEqual(loaded.recipe_, model.recipe_)
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "a model of vq-vae, not of iwae"):
                vae_zoo.IWAE.load(os.path.join(folder, "vq-vae.safetensors"))

    def test_a_loaded_model_s_hyper_parameters_make_it_anew(self):
        models = [*self.models.values()]
        models.append(
            _trained(
                "gaussian-vae", architecture="conv", hidden=None, channels=(4, 8),
                likelihood="gaussian", sigma=0.5, random_state=7, optimizer="adamw",
                weight_decay=0.1, clip_norm=3.0,
            )
        )
        models.append(
            _trained("beta-vae", objective="capacity", beta=4.0, capacity=2.0)
        )
        with tempfile.TemporaryDirectory() as folder:
            for model in models:
                path = os.path.join(folder, "model.safetensors")
                model.save(path)
                loaded = vae_zoo.VAE.load(path)
                again = type(loaded)(**loaded.get_params()).fit(IMAGES)
                self.assertEqual(again.recipe_, model.recipe_)
                for name, values in model.parameters.items():
                    np.testing.assert_array_equal(again.parameters[name], values)

    def test_damaged_and_missing_files_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            with self.assertRaises(vae_zoo.NotFoundError):
                vae_zoo.VAE.load(path)
            self.models["gaussian-vae"].save(path)
            with open(path, "rb") as file:
                content = file.read()
            with open(path, "wb") as file:
                file.write(content[:-10])
            with self.assertRaises(vae_zoo.FormatError):
                vae_zoo.VAE.load(path)
            with self.assertRaises(OSError):
                self.models["gaussian-vae"].save(os.path.join(folder, "none", "model.safetensors"))
            with self.assertRaisesRegex(ValueError, "NUL"):
                vae_zoo.VAE.load("model\0.safetensors")

    def test_pickles_and_copies_hold_the_model(self):
        for variant, model in self.models.items():
            for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
                np.testing.assert_array_equal(twin.score_samples(IMAGES), model.score_samples(IMAGES))
                self.assertEqual(twin.sample(1).shape, (1, 8, 8), variant)
                self.assertEqual(twin.history_, model.history_)
                self.assertEqual(twin.get_params(), model.get_params())
        fresh = pickle.loads(pickle.dumps(vae_zoo.BetaVAE(beta=7.0)))
        self.assertEqual(repr(fresh), "BetaVAE(beta=7.0)")
        with self.assertRaises(vae_zoo.NotFittedError):
            fresh.sample(1)

    def test_a_loaded_model_is_shown_by_its_short_names(self):
        model = _trained("beta-vae", random_state=3)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            loaded = vae_zoo.VAE.load(path).get_params()
        self.assertNotIn("training.seed", loaded["settings"] or {})
        expected = {**model.get_params(), "likelihood": "bernoulli"}
        self.assertEqual({**loaded, "settings": None}, expected)

    # -------------------------------------------------------------------------------- parameters

    def test_parameters_are_read_and_set_by_name(self):
        model = _trained("gaussian-vae")
        parameters = model.parameters
        # What the encoder does to its input is given and not trained.
        trained = [name for name in parameters if not name.startswith("encoder.input.")]
        self.assertEqual(model.parameter_count, sum(parameters[name].size for name in trained))
        bias = parameters["decoder.head.bias"]
        self.assertFalse(bias.flags.writeable)
        before = model.decode([np.zeros((1, 2))])
        for values in (bias + 1, (bias + 1).astype(np.float64), (bias + 1).tolist()):
            parameters["decoder.head.bias"] = values
            np.testing.assert_allclose(parameters["decoder.head.bias"], bias + 1, rtol=1e-6)
        after = model.decode([np.zeros((1, 2))])
        np.testing.assert_allclose(np.log(after / (1 - after)), np.log(before / (1 - before)) + 1, rtol=1e-3)
        with self.assertRaisesRegex(vae_zoo.NotFoundError, "decoder.nothing"):
            parameters["decoder.nothing"]
        with self.assertRaisesRegex(ValueError, "shape"):
            parameters["decoder.head.bias"] = np.zeros(3)
        with self.assertRaisesRegex(ValueError, "finite"):
            parameters["decoder.head.bias"] = np.full(64, np.nan)
        with self.assertRaises(TypeError):
            del parameters["decoder.head.bias"]
        self.assertIn("decoder.head.bias", parameters)
        self.assertEqual(len(parameters), len(list(parameters)))

    def test_check_tells_what_is_sound_and_what_is_damaged(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            self.models["gaussian-vae"].save(path)
            report = vae_zoo.check(path)
            self.assertTrue(report["sound"])
            self.assertEqual([file["state"] for file in report["files"]], ["sound"])
            # As a program that knows no checksums may write it.
            with open(path, "rb") as file:
                length = int.from_bytes(file.read(8), "little")
                header, data = json.loads(file.read(length)), bytearray(file.read())
            metadata = header["__metadata__"]
            for member in ("vae_zoo_format", "vae_zoo_checksum", "vae_zoo_tensors"):
                del metadata[member]
            name = "decoder.head.bias"
            start, end = header[name]["data_offsets"]
            data[start : start + 4] = np.float32(np.nan).tobytes()
            text = json.dumps(header).encode()
            with open(os.path.join(folder, "broken.safetensors"), "wb") as file:
                file.write(len(text).to_bytes(8, "little") + text + data)
            report = vae_zoo.check(os.path.join(folder, "broken.safetensors"))
            self.assertEqual((report["sound"], report["damaged"], report["unusable"]), (False, 0, 1))
            self.assertIn(
                f'1 NaN of the {(end - start) // 4} numbers of tensor "{name}"', report["files"][0]["fault"])
            with open(path, "r+b") as file:
                file.seek(-1, os.SEEK_END)
                byte = file.read(1)
                file.seek(-1, os.SEEK_END)
                file.write(bytes([byte[0] ^ 1]))
            report = vae_zoo.check(os.fsencode(path))
            self.assertFalse(report["sound"])
            self.assertEqual(report["damaged"], 1)
            self.assertIn("tensor", report["files"][0]["fault"])
            with self.assertRaises(vae_zoo.FormatError):
                vae_zoo.VAE.load(path)
            with self.assertRaises(vae_zoo.NotFoundError):
                vae_zoo.check(os.path.join(folder, "none"))


class MetricTests(unittest.TestCase):
    def test_what_is_listed_can_be_asked_for_by_name(self):
        listed = {metric["name"]: metric for metric in vae_zoo.metrics()}
        keys = {"name", "unit", "direction", "needs", "numbers", "standard_error", "help"}
        self.assertEqual({frozenset(metric) for metric in listed.values()}, {frozenset(keys)})
        described = vae_zoo.describe("gaussian-vae")["metrics"]
        self.assertLess(set(described), set(listed))
        self.assertNotIn("codebook_usage", described)
        model = _trained("gaussian-vae")
        everything = model.evaluate(IMAGES, samples=2)
        for name in described:
            if {"factors", "network", "classifier", "heads", "windows"} & {*listed[name]["needs"]}:
                continue
            samples = 2 if name in ("nll", "bits_per_dim") else 0
            found = model.evaluate(IMAGES, metrics=[name], samples=samples)
            self.assertLess({"variant", "split", "examples"}, set(found))
            # Those of pictures are measured where they are asked for alone.
            if name not in ("psnr", "ssim", "ms_ssim", "sharpness"):
                self.assertLess(set(found), set(everything))
            self.assertTrue(all(key.startswith(name) for key in list(found)[3:]), found)
        both = model.evaluate(IMAGES, metrics=("rate", "elbo"))
        self.assertEqual(list(both)[3:], ["elbo", "elbo_stderr", "rate", "rate_stderr"])
        self.assertEqual(model.evaluate(IMAGES, metrics="rate,elbo"), both)

    def test_what_cannot_be_measured_is_said(self):
        model = _trained("gaussian-vae")
        with self.assertRaisesRegex(vae_zoo.NotFoundError, "did you mean elbo"):
            model.evaluate(IMAGES, metrics=["elbow"])
        with self.assertRaisesRegex(vae_zoo.NotFoundError, "no metric is named"):
            model.evaluate(IMAGES, metrics=[])
        with self.assertRaisesRegex(vae_zoo.Error, "is empty"):
            model.evaluate(IMAGES, metrics=["rate", ""])
        with self.assertRaisesRegex(TypeError, r"metrics\[1\] is 3"):
            model.evaluate(IMAGES, metrics=["rate", 3])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"nll needs draws.* give samples\b"):
            model.evaluate(IMAGES, metrics=["nll"])
        with self.assertRaisesRegex(vae_zoo.DataError, "mig needs the generating factors"):
            model.evaluate(IMAGES, metrics=["mig"])


class RegistryTests(unittest.TestCase):
    def test_what_the_library_describes_is_what_classes_take(self):
        import inspect

        for name, variant in vae_zoo._BUILT_IN.items():
            kind, description = getattr(vae_zoo, name), vae_zoo.describe(variant)
            signature = inspect.signature(kind)
            self.assertEqual(list(signature.parameters), list(kind._keywords))
            for parameter in signature.parameters.values():
                self.assertIs(parameter.kind, parameter.KEYWORD_ONLY)
                self.assertIn(f"\n{parameter.name} : ", kind.__doc__)
            for keyword in description["keywords"]:
                default = signature.parameters[keyword["name"]].default
                expected = keyword["default"]
                self.assertEqual(list(default) if isinstance(default, tuple) else default, expected)
            self.assertEqual(kind().get_params(), kind._keywords)
            self.assertIn(description["summary"], kind.__doc__)
        self.assertEqual(inspect.signature(vae_zoo.BetaVAE).parameters["beta"].default, 4)
        self.assertEqual(inspect.signature(vae_zoo.BetaVAE).parameters["latent"].default, 10)
        self.assertIsNone(inspect.signature(vae_zoo.LadderVAE).parameters["latent"].default)
        self.assertEqual(list(inspect.signature(vae_zoo.VAE).parameters), ["variant", "hyperparameters"])

    def test_recipes_and_components_are_those_of_the_library(self):
        settings = {"latent": 7, "encoder.hidden": [3, 4], "training.drop_last": False}
        found = vae_zoo.recipe("beta-vae", settings)
        self.assertEqual(found["prior"]["latent"], 7)
        self.assertEqual(found["encoder"]["hidden"], [3, 4])
        self.assertIs(found["training"]["drop_last"], False)
        names = [component["name"] for component in vae_zoo.list_components("likelihood")]
        self.assertIn("bernoulli", names)
        with self.assertRaisesRegex(ValueError, "encoder, prior"):
            vae_zoo.list_components("driver")
        self.assertEqual(vae_zoo.build_info()["version"], vae_zoo.__version__)

    def test_limits_are_set_for_the_process(self):
        before = vae_zoo.get_limits()
        try:
            vae_zoo.set_limits(picture_bytes=1000, archive_members=5)
            self.assertEqual(
                vae_zoo.get_limits(), {**before, "picture_bytes": 1000, "archive_members": 5}
            )
            with self.assertRaisesRegex(ValueError, "inflated_bytes"):
                vae_zoo.set_limits(pixels=1)
            with self.assertRaisesRegex(ValueError, "inflation_ratio must be in 1…1032"):
                vae_zoo.set_limits(inflation_ratio=0)
            with self.assertRaisesRegex(TypeError, "picture_bytes is 'x'"):
                vae_zoo.set_limits(picture_bytes="x")
        finally:
            vae_zoo.set_limits(**before)

    def test_an_archive_that_inflates_too_much_is_refused_until_the_limit_is_raised(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "zeros.npz")
            np.savez_compressed(path, train=np.zeros((2**16 + 1, 64, 64), "u1"))
            before = vae_zoo.get_limits()
            try:
                with self.assertRaisesRegex(vae_zoo.DataError, "the limit inflation_ratio=10"):
                    vae_zoo.Data(path)
                vae_zoo.set_limits(inflation_ratio=1032)
                self.assertEqual(vae_zoo.Data(path).counts["train"], 2**16 + 1)
            finally:
                vae_zoo.set_limits(**before)

    def test_messages_show_what_a_terminal_would_obey(self):
        shown = r"\\u\{1b\}\[31m\\u\{202e\}\\u\{9b\}"
        with self.assertRaisesRegex(vae_zoo.NotFoundError, shown):
            vae_zoo.Data("/none/\x1b[31m\u202e\x9b")
        with self.assertRaisesRegex(vae_zoo.DataError, shown):
            raise vae_zoo.DataError("of Python's own: \x1b[31m\u202e\x9b")

    def test_threads_are_set_for_the_process(self):
        before = vae_zoo.get_threads()
        try:
            vae_zoo.set_threads(1)
            self.assertEqual(vae_zoo.get_threads(), 1)
            with self.assertRaises(ValueError):
                vae_zoo.set_threads(0)
        finally:
            vae_zoo.set_threads(before)

    def test_an_unknown_workload_is_refused_naming_those_there_are(self):
        with self.assertRaisesRegex(vae_zoo.NotFoundError, "mlp"):
            vae_zoo.bench("nothing")


if __name__ == "__main__":
    unittest.main()
