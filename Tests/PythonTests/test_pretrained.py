"""Autoencoders that other programs have stored, by the conventions of diffusers."""

from __future__ import annotations

import importlib.util
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

import vae_zoo
from support import ROOT, SMALL, stripes
from vae_zoo import _model

REFERENCE = Path(ROOT, "Tests", "VAEZooTests", "Reference")


def tensors(path: Path) -> dict[str, np.ndarray]:
    """The float32 tensors of a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    return {
        name: np.frombuffer(data, "<f4", (last - first) // 4, start + first).reshape(entry["shape"])
        for name, entry in json.loads(data[8:start]).items()
        if name != "__metadata__"
        for first, last in [entry["data_offsets"]]
    }


def first(array: np.ndarray) -> np.ndarray:
    """Channels first."""
    return array.transpose(0, 3, 1, 2)


class PretrainedTests(unittest.TestCase):
    def test_latents_and_pictures_are_those_of_diffusers(self):
        stored = tensors(REFERENCE / "kl.safetensors")
        for name in ("plain", "bare", "attending"):
            with self.subTest(name):
                vae = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / f"kl-{name}")
                posterior = vae.encode(2 * first(stored[f"{name}.image"]) - 1).latent_dist
                mean = first(stored[f"{name}.mean"])
                np.testing.assert_allclose(posterior.mode(), mean, atol=2e-5)
                np.testing.assert_allclose(
                    posterior.logvar, first(stored[f"{name}.log_variance"]), atol=1e-4
                )
                np.testing.assert_allclose(
                    vae.decode(mean).sample, 2 * first(stored[f"{name}.decoded"]) - 1, atol=4e-5
                )
        bare = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-bare")
        self.assertEqual((bare.config.scaling_factor, bare.config.shift_factor), (0.3611, 0.1159))

    def test_pictures_in_tiles_are_those_of_diffusers(self):
        stored = tensors(REFERENCE / "kl-tiled.safetensors")
        vae = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-plain")
        image = 2 * first(stored["plain.20x26.image"]) - 1
        mean = first(stored["plain.20x26.mean"])
        vae.enable_tiling(tile_sample_min_size=8)
        np.testing.assert_allclose(vae.encode(image).latents, mean, atol=2e-5)
        expected = 2 * first(stored["plain.20x26.decoded"]) - 1
        np.testing.assert_allclose(vae.decode(mean).sample, expected, atol=4e-5)
        vae.disable_tiling()
        self.assertGreater(np.abs(vae.decode(mean).sample - expected).max(), 1e-3)
        vae.enable_tiling(tile_sample_min_size=12)
        with self.assertRaisesRegex(vae_zoo.RecipeError, r"multiple of 8, such as enable_tiling\(tile_sample_min_size=\d+\)"):
            vae.decode(mean)

    def test_bfloat16_gives_nearly_the_same_picture_or_says_why_not(self):
        stored = tensors(REFERENCE / "kl.safetensors")
        vae = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-plain")
        mean = first(stored["plain.mean"])
        exact = vae.decode(mean).sample
        self.assertEqual(vae.to("bfloat16").dtype, "bfloat16")
        try:
            rounded = vae.decode(mean).sample
        except vae_zoo.RecipeError as error:
            self.assertIn("bfloat16", str(error))
        else:
            self.assertTrue(1e-5 < np.abs(rounded - exact).max() < 0.2)
        np.testing.assert_array_equal(vae.to("float32").decode(mean).sample, exact)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "float16"):
            vae.to("float16")

    def test_bytes_stand_for_the_latents_of_a_tiny_autoencoder(self):
        vae = vae_zoo.AutoencoderTiny.from_pretrained(REFERENCE / "tiny-diffusers")
        z = np.random.default_rng(2).uniform(-4, 4, (1, 3, 2, 4)).astype(np.float32)
        data = (255 * vae.scale_latents(z)).round().astype(np.uint8)
        kept = vae.unscale_latents(data / np.float32(255))
        np.testing.assert_allclose(kept, z.clip(-3, 3), atol=3.01 / 255)
        np.testing.assert_allclose(vae.decode(data).sample, vae.decode(kept).sample, atol=1e-5)
        kl = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-plain")
        for call in (kl.scale_latents, kl.decode):
            with self.assertRaisesRegex(vae_zoo.Error, "no largest magnitude"):
                call(np.zeros((1, 4, 2, 2), dtype=np.uint8 if call == kl.decode else np.float32))

    def test_a_model_with_codes_gives_the_points_and_pictures_of_diffusers(self):
        stored = tensors(REFERENCE / "vq.safetensors")
        vae = vae_zoo.VQModel.from_pretrained(REFERENCE / "vq-plain")
        self.assertEqual((vae.config.latent_channels, vae.config.scaling_factor, vae.config.shift_factor), (3, 1, 0))
        found = vae.encode(2 * first(stored["plain.image"]) - 1)
        self.assertIsNone(found.latent_dist)
        np.testing.assert_allclose(found.latents, first(stored["plain.latents"]), atol=2e-5)
        np.testing.assert_allclose(
            vae.decode(found.latents).sample, 2 * first(stored["plain.decoded"]) - 1, atol=4e-5
        )

    def test_the_library_says_where_a_model_takes_one_size_alone(self):
        for name in ("GaussianVAE", "VQVAE"):
            model = getattr(vae_zoo, name)(epochs=1, batch_size=8, **SMALL[name]).fit(stripes(16))
            with self.subTest(name), self.assertRaisesRegex(vae_zoo.DataError, "images of one size"):
                model.pretrained().encode(np.zeros((1, 1, 6, 6), dtype=np.float32))

    def test_pictures_of_any_size_and_several_at_once_are_taken(self):
        vae = vae_zoo.AutoencoderTiny.from_pretrained(REFERENCE / "tiny-diffusers")
        pictures = np.random.default_rng(1).uniform(-1, 1, (2, 3, 9, 14)).astype(np.float32)
        latents = vae.encode(pictures).latents
        self.assertEqual(latents.shape, (2, 3, 3, 4))
        np.testing.assert_allclose(vae.encode(pictures[1:]).latents, latents[1:], atol=1e-6)
        self.assertEqual(vae.decode(latents).sample.shape, (2, 3, 12, 16))
        draw = vae.encode(pictures).latent_dist.sample(3)
        self.assertTrue(0 < np.abs(draw - latents).max() < 0.1)

    def test_draws_have_the_deviation_of_the_distribution(self):
        vae = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-plain")
        found = vae.encode(np.zeros((1, 3, 8, 8), dtype=np.float32)).latent_dist
        mean, var = (np.full((1, 1, 100, 200), value, dtype=np.float32) for value in (3, 4))
        draw = type(found)(mean, var).sample(0)
        self.assertEqual((draw.shape, draw.dtype), (mean.shape, np.float32))
        self.assertAlmostEqual(float(draw.mean()), 3, delta=0.1)
        self.assertAlmostEqual(float(draw.std()), 2, delta=0.05)

    def test_what_is_known_of_a_model_is_in_its_config(self):
        for kind, folder, expected in (
            ("AutoencoderKL", "kl-plain", (3, 4, 0.18215, 0)), ("AutoencoderTiny", "tiny-diffusers", (3, 3, 0.75, 0.125)),
            ("VQModel", "vq-plain", (3, 3, 1, 0)),
        ):
            config = getattr(vae_zoo, kind).from_pretrained(REFERENCE / folder).config
            self.assertEqual(
                (config.in_channels, config.latent_channels, config.scaling_factor, config.shift_factor), expected
            )

    def test_tiles_and_precisions_are_those_of_both_directions_until_others_are_chosen(self):
        vae = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-plain")
        seen = []

        def noting(direction, result):
            def method(self, values, progress=None, computation=None):
                seen.append((direction, computation.tile, computation.precision))
                return result

            return mock.patch.object(_model.Model, f"{direction}_pictures", method)

        maps = np.zeros((1, 2, 2, 4), np.float32)
        with noting("encode", (maps, maps + 1)), noting("decode", maps[..., :3]):
            for change in (
                lambda: None, vae.enable_tiling, lambda: vae.enable_tiling(tile_sample_min_size=96), lambda: vae.to("bfloat16"),
                lambda: vae.enable_tiling(False, tile_sample_min_size=96), lambda: vae.to(np.float32),
                lambda: vae.enable_tiling(True, tile_sample_min_size=np.int64(64)), vae.disable_tiling,
                lambda: vae.to("torch.bfloat16"),
            ):
                change()
                vae.encode(np.zeros((1, 3, 8, 8)))
                vae.decode(np.zeros((1, 4, 2, 2)))
        self.assertEqual([item[0] for item in seen], ["encode", "decode"] * 9)
        expected = [(0, 0), (512, 0), (96, 0), (96, 1), (0, 1), (0, 0), (64, 0), (0, 0), (0, 1)]
        self.assertEqual([item[1:] for item in seen], [pair for pair in expected for _ in range(2)])
        self.assertEqual(vae.dtype, "bfloat16")
        for size in (0, -8, 2**31):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"tile_sample_min_size is {size}, but must be"):
                vae.enable_tiling(tile_sample_min_size=size)
        with self.assertRaises(TypeError):
            vae.enable_tiling(tile_sample_min_size=64.0)

    def test_pictures_go_in_from_minus_one_to_one_with_channels_first_and_come_out_so(self):
        vae = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-plain")
        given, seen = {}, {}

        def encode(self, pictures, progress=None, computation=None):
            seen["pictures"] = pictures.copy()
            return given["mean"], given["variance"]

        def decode(self, latents, progress=None, computation=None):
            seen["latents"] = latents.copy()
            return given["decoded"]

        random = np.random.default_rng(0)
        pictures, latents = random.uniform(-1, 1, (2, 3, 4, 5)), random.normal(size=(2, 4, 2, 3))
        given["mean"], given["variance"] = random.normal(size=(2, 2, 3, 4)), random.random((2, 2, 3, 4)) + 0.5
        given["decoded"] = random.random((2, 4, 5, 3))
        with mock.patch.object(_model.Model, "encode_pictures", encode), mock.patch.object(_model.Model, "decode_pictures", decode):
            found, decoded = vae.encode(pictures), vae.decode(latents)
        np.testing.assert_allclose(seen["pictures"], (pictures.transpose(0, 2, 3, 1) + 1) / 2, atol=1e-6)
        np.testing.assert_allclose(seen["latents"], latents.transpose(0, 2, 3, 1), atol=1e-6)
        np.testing.assert_allclose(decoded.sample, given["decoded"].transpose(0, 3, 1, 2) * 2 - 1, atol=1e-6)
        mean, variance = (given[name].transpose(0, 3, 1, 2) for name in ("mean", "variance"))
        distribution = found.latent_dist
        np.testing.assert_array_equal(found.latents, mean)
        np.testing.assert_array_equal(distribution.mode(), mean)
        np.testing.assert_array_equal(distribution.var, variance)
        np.testing.assert_allclose(distribution.std**2, variance)
        np.testing.assert_allclose(np.exp(distribution.logvar), variance)
        draw = distribution.sample(7)
        noise = np.random.default_rng(7).standard_normal(mean.shape, dtype=np.float32)
        np.testing.assert_allclose(draw, mean + np.sqrt(variance) * noise, rtol=1e-6)
        np.testing.assert_array_equal(distribution.sample(np.random.default_rng(7)), draw)
        self.assertFalse(np.array_equal(distribution.sample(), distribution.sample()))

    def test_scaled_latents_lie_between_zero_and_one_and_what_is_beyond_is_cut(self):
        vae = vae_zoo.AutoencoderTiny.from_pretrained(REFERENCE / "tiny-diffusers")
        self.assertEqual(vae.estimator.recipe_["decoder"]["latent_magnitude"], 3)
        given = np.array([[[[-7.0, -3, -1.5, 0, 0.6, 3, 3.5]]]])
        np.testing.assert_allclose(vae.scale_latents(given), [[[[0, 0, 0.25, 0.5, 0.6, 1, 1]]]], atol=1e-6)
        scaled = np.array([[[[0, 0.25, 0.5, 0.6, 1.0]]]])
        np.testing.assert_allclose(vae.unscale_latents(scaled), [[[[-3, -1.5, 0, 0.6, 3]]]], atol=1e-6)

    def test_progress_is_told_layer_by_layer_of_both_directions(self):
        vae = vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-plain")
        for call in (
            lambda progress: vae.encode(np.zeros((1, 3, 8, 8)), progress=progress),
            lambda progress: vae.decode(np.zeros((1, 4, 4, 4)), progress=progress),
        ):
            told = []
            call(told.append)
            self.assertGreater(len(told), 3)
            self.assertEqual(told, sorted(told))
            with self.assertRaises(vae_zoo.CancelledError):
                call(lambda fraction: fraction > 0)

    def test_what_is_saved_has_the_same_weights(self):
        for name, kind in [("kl-plain", "AutoencoderKL"), ("tiny-diffusers", "AutoencoderTiny")]:
            vae = vae_zoo.VAE.import_weights(REFERENCE / name, size=8).pretrained()
            self.assertEqual(type(vae.estimator).__name__, kind)
            with tempfile.TemporaryDirectory() as folder:
                vae.save_pretrained(folder)
                again = getattr(vae_zoo, kind).from_pretrained(folder)
                self.assertEqual(json.loads((Path(folder) / "config.json").read_text())["_class_name"], kind)
            for path, values in vae.estimator.parameters.items():
                if not path.startswith("likelihood."):
                    np.testing.assert_array_equal(again.estimator.parameters[path], values, path)

    def test_faults_are_errors_that_say_what_is_wrong(self):
        vae = vae_zoo.AutoencoderTiny.from_pretrained(REFERENCE / "tiny-diffusers")
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "AutoencoderKL|autoencoder-kl"):
            vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "tiny-diffusers")
        with self.assertRaisesRegex(vae_zoo.RecipeError, "prior.scaling_factor"):
            vae_zoo.AutoencoderKL.from_pretrained(REFERENCE / "kl-checkpoint")
        with self.assertRaisesRegex(vae_zoo.NotFoundError, "nothing"):
            vae_zoo.AutoencoderKL.from_pretrained("nothing")
        kl = vae_zoo.AutoencoderKL.import_weights(REFERENCE / "kl-plain", size=4)
        with self.assertRaisesRegex(vae_zoo.DataError, "32-bit floats"):
            kl.pretrained().decode(np.full((1, 4, 2, 2), 3e38, dtype=np.float32))
        with self.assertRaisesRegex(vae_zoo.DataError, "32-bit floats"):
            kl.decode([np.full((1, 16), 3e38, dtype=np.float32)])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"\(1, 4, 2, 2\), but the model takes \[N, 3, "):
            vae.decode(np.zeros((1, 4, 2, 2), dtype=np.float32))
        with self.assertRaisesRegex(vae_zoo.CancelledError, ""):
            vae.decode(np.zeros((1, 3, 2, 2), dtype=np.float32), progress=lambda fraction: fraction > 0.3)

    def test_numbers_that_do_not_say_what_they_stand_for_are_refused(self):
        vae = vae_zoo.AutoencoderTiny.from_pretrained(REFERENCE / "tiny-diffusers")
        ones = np.ones((1, 3, 4, 4))
        for kind in ("int32", "int8", "bool", "uint16"):
            for call in (vae.encode, vae.decode, vae.scale_latents, vae.unscale_latents):
                with self.subTest(kind, call=call.__name__), self.assertRaisesRegex(vae_zoo.InvalidArgumentError, kind):
                    call(ones.astype(kind))
        for call, remedy in [
            (vae.encode, "x / 127.5 - 1"), (vae.scale_latents, r"unscale_latents\(x / 255\)"), (vae.unscale_latents, "x / 255"),
        ]:
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, remedy):
                call(ones.astype(np.uint8))
        vae.encode(ones * 1.5)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "from 0 to 255, but pictures are between -1 and 1"):
            vae.encode(np.linspace(0, 255, 48).reshape(1, 3, 4, 4))
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"\(1, 16, 16, 3\).* channels seem to come last"):
            vae.encode(np.zeros((1, 16, 16, 3)))

    def test_a_form_that_diffusers_does_not_have_is_named_by_its_call(self):
        vae = vae_zoo.AutoencoderTiny.from_pretrained(REFERENCE / "tiny-raw")
        with self.assertRaisesRegex(vae_zoo.RecipeError, r'estimator\.export_weights\(path, "taesd"\)'):
            vae.save_pretrained("nowhere")
        self.assertFalse(Path("nowhere").exists())

    @unittest.skipUnless(importlib.util.find_spec("torch"), "PyTorch is not installed")
    def test_tensors_of_pytorch_go_in_and_come_out(self):
        import torch

        vae = vae_zoo.AutoencoderTiny.from_pretrained(REFERENCE / "tiny-diffusers")
        pictures = torch.zeros(1, 3, 8, 8)
        latents = torch.from_dlpack(vae.encode(pictures).latents)
        self.assertEqual(tuple(vae.decode(latents).sample.shape), (1, 3, 8, 8))


if __name__ == "__main__":
    unittest.main()
