"""What goes in and what comes out: types, shapes, addresses."""

from __future__ import annotations

import gc
import logging
import re
import unittest
from unittest import mock

import numpy as np

import vae_zoo
from support import needs, stripes
from vae_zoo import _arrays, _data, _model


def _small(**keywords):
    return vae_zoo.GaussianVAE(hidden=(8,), latent=2, epochs=1, batch_size=10, **keywords)


class _Addresses:
    """Records the memory that the library is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __enter__(self):
        def view(array):
            tensor = _arrays.view(array)
            self.seen.append((tensor.data, tensor.dtype))
            return tensor

        self._patches = [mock.patch.object(_data, "view", view), mock.patch.object(_model, "view", view)]
        for patch in self._patches:
            patch.start()
        return self.seen

    def __exit__(self, *exception):
        for patch in self._patches:
            patch.stop()


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


class InputTests(unittest.TestCase):
    def test_bytes_of_another_type_are_refused_by_every_method_with_what_to_do(self):
        images = np.random.default_rng(0).integers(0, 256, (30, 6, 6), dtype=np.uint8)
        settings = {"hidden": (8,), "latent": 2, "epochs": 1}
        model = vae_zoo.GaussianVAE(**settings).fit(images)
        floats = vae_zoo.GaussianVAE(**settings, value_range="unit").fit(images / 256)
        classifier = vae_zoo.Classifier(epochs=1).fit(images, np.arange(30) % 2)
        advice = r"X holds whole numbers from 0 to 255 that .*; give bytes, by numpy\.asarray\(X, numpy\.uint8\), or divide"
        for given in (images.astype("i8"), images.astype("f4"), images.tolist()):
            calls = [
                model.transform, model.encode, model.reconstruct, model.score_samples, model.score, model.evaluate,
                model.partial_fit, floats.transform, classifier.predict,
                vae_zoo.GaussianVAE(**settings, value_range="bytes").fit,
                vae_zoo.GaussianVAE(**settings, value_range="unit").partial_fit,
            ]
            for call in calls:
                with self.assertRaisesRegex(vae_zoo.DataError, advice):
                    call(given)
            with self.assertRaisesRegex(vae_zoo.DataError, r"reference holds .* numpy\.asarray\(reference, numpy\.uint8\)"):
                model.score_samples(images, method="typicality", reference=given)
            np.testing.assert_array_equal(model.transform(np.asarray(given, np.uint8)), model.transform(images))
        missing = vae_zoo.MissingVAE(**settings).fit(images)
        holes = images.astype(float)
        holes[0, 0, 0] = np.nan
        with self.assertRaisesRegex(vae_zoo.DataError, "must lie between 0 and 1; divide them by 255"):
            missing.impute(holes)
        # Neither what a model of real values takes, nor other numbers, are taken for bytes.
        real = vae_zoo.GaussianVAE(**settings).fit(images * 1.0)
        self.assertEqual(real.transform(images.astype("i8")).shape, (30, 2))
        for other in (images - 1.0, images * 2.0, images / 2):
            with self.assertRaises(vae_zoo.DataError) as caught:
                model.transform(other)
            self.assertNotIn("numpy.asarray", str(caught.exception))

    def test_no_byte_is_copied_to_hand_a_numpy_batch_in(self):
        for kind in (np.float32, np.float64, np.uint8):
            images = stripes(40).astype(kind)
            rows = images.reshape(40, -1)
            with _Addresses() as seen:
                model = _small().fit(images)
                model.score_samples(images)
                model.transform(rows)
                model.reconstruct(images[10:])
                model.evaluate(rows)
                model.score_samples(images[::-1])
            first = _address(images)
            row = images.strides[0]
            wanted = [first, first, first, first + 10 * row, first, first + 39 * row]
            self.assertEqual([address for address, _ in seen], wanted, kind)

    def test_the_library_reads_the_caller_s_memory_when_it_draws_a_batch(self):
        images = stripes(5).astype(np.float32)
        data = vae_zoo.Data._of_arrays(images, None, 0)
        images[2] = 0.25
        self.assertTrue((data.images("train", 2, 1) == 0.25).all())
        self.assertEqual(data.images("train").shape, (5, 6, 6, 1))

    @needs("torch")
    def test_no_byte_is_copied_to_hand_a_torch_batch_in(self):
        import torch

        images = torch.from_numpy(stripes(40).astype(np.float32)).clone()
        with _Addresses() as seen:
            model = _small().fit(images)
            model.score_samples(images[5:])
        self.assertEqual([address for address, _ in seen], [images.data_ptr(), images[5:].data_ptr()])
        with self.assertRaisesRegex(vae_zoo.UnsupportedError, "gradient|detach"):
            model.transform(images.requires_grad_())

    def test_types_that_numpy_lacks_are_refused_with_what_to_do(self):
        class Tensor:
            """A tensor as PyTorch and JAX show it."""

            def __init__(self, kind):
                self.dtype = kind

            def __dlpack__(self, **_):
                raise BufferError("no such type")

        for kind in ("torch.bfloat16", "bfloat16", "torch.float8_e4m3fn"):
            with self.assertRaisesRegex(
                vae_zoo.UnsupportedError, f"^X holds {kind.split('.')[-1]}.*convert it to float32"
            ):
                _small().fit(Tensor(kind))

    @needs("torch")
    def test_bfloat16_of_torch_is_refused_with_what_to_do(self):
        import torch

        images = torch.from_numpy(stripes(40).astype(np.float32))
        with self.assertRaisesRegex(vae_zoo.UnsupportedError, "convert it to float32"):
            _small().fit(images.bfloat16())
        _small().fit(images.bfloat16().float())

    @needs("jax")
    def test_bfloat16_of_jax_is_refused_with_what_to_do(self):
        import jax.numpy

        images = jax.numpy.asarray(stripes(40), dtype="bfloat16")
        with self.assertRaisesRegex(vae_zoo.UnsupportedError, "convert it to float32"):
            _small().fit(images)

    def test_strided_arrays_mean_what_they_mean_in_numpy(self):
        images = stripes(40).astype(np.float32)
        model = _small().fit(images)
        wide = np.zeros((40, 12, 12), dtype=np.float32)
        wide[:, ::2, 1::2] = images
        planes = np.asfortranarray(images)
        expected = model.transform(images)
        for other in (wide[:, ::2, 1::2], planes, images.transpose(0, 2, 1).copy().transpose(0, 2, 1)):
            np.testing.assert_array_equal(model.transform(other), expected)
        unaligned = np.zeros(40 * 36 * 4 + 1, dtype=np.uint8)[1:].view(np.float32).reshape(40, 6, 6)
        unaligned[:] = images
        np.testing.assert_array_equal(model.transform(unaligned), expected)
        packed = np.zeros(40, dtype=[("tag", "u1"), ("image", "f4", (6, 6))])
        packed["image"] = images
        np.testing.assert_array_equal(model.transform(packed["image"]), expected)

    def test_other_numbers_are_converted_as_numpy_would(self):
        images = stripes(40)
        model = _small().fit(images)
        expected = model.transform(images)
        swapped = images.astype(">f4")
        for other in (images.astype(bool), images.astype(np.int64), images.astype(np.float16), swapped):
            np.testing.assert_array_equal(model.transform(other), expected, str(other.dtype))
        np.testing.assert_array_equal(model.transform(images.tolist()), expected)

    def test_bytes_are_divided_by_255_unless_all_are_zero_or_one(self):
        images = stripes(40)
        self.assertEqual(_small().fit(images).recipe_["data"]["range"], "binary")
        # Of 0 and 255 the range is the narrowest that holds them divided, as the header says.
        divided = _small().fit(images * 255)
        found = divided.recipe_["data"]
        self.assertEqual((found["range"], found["rule"]), ("binary", "binary/255"))
        np.testing.assert_array_equal(
            divided.transform(images * 255), divided.transform(images.astype(np.float32))
        )
        with self.assertRaisesRegex(vae_zoo.DataError, "the model takes (binary|zeros and ones)"):
            divided.transform(images)
        with self.assertRaisesRegex(vae_zoo.DataError, "rule binary/255"):
            divided.evaluate(images)
        grey = images * 255
        grey[0, 0, 0] = 128
        model = _small().fit(grey)
        found = model.recipe_["data"]
        self.assertEqual((found["range"], found["rule"]), ("unit", "bytes/255"))
        # Bytes that happen to be 0 and 1 keep the meaning that bytes had in training.
        dark = model.evaluate(images)["distortion"]
        light = model.evaluate(images.astype(np.float32))["distortion"]
        self.assertNotAlmostEqual(dark, light, 3)
        self.assertAlmostEqual(dark, model.evaluate(images.astype(np.float32) / 255)["distortion"], 3)
        forced = _small(value_range="bytes").fit(images)
        self.assertEqual(forced.recipe_["data"]["rule"], "bytes/255")

    def test_strided_rows_and_half_precision_give_what_dense_copies_give(self):
        random = np.random.default_rng(3)
        grey = random.random((40, 6, 6), dtype=np.float32)
        model = _small().fit(grey)
        wide = random.random((40, 12, 18), dtype=np.float32)
        for cut in (wide[:, ::2, ::3], wide[:, 11::-2, ::3], wide[::2, ::2, ::3]):
            np.testing.assert_array_equal(model.transform(cut), model.transform(cut.copy()))
            strided = _small().fit(cut)
            dense = _small().fit(cut.copy())
            np.testing.assert_array_equal(strided.transform(cut), dense.transform(cut))
        rows = random.random((40, 72), dtype=np.float32)
        np.testing.assert_array_equal(
            model.transform(rows[:, ::2]), model.transform(rows[:, ::2].copy())
        )
        half = grey.astype(np.float16)
        np.testing.assert_array_equal(
            model.transform(half), model.transform(half.astype(np.float32))
        )

    def test_values_far_from_what_models_expect_are_warned_of_with_the_remedy(self):
        random = np.random.default_rng(5)
        # Rows as long as pictures of 8×8.
        grey = random.integers(0, 256, (60, 64), dtype=np.uint8)
        people = np.c_[random.normal(40, 12, 200), random.lognormal(10, 1, 200)]
        for values, words in (
            (grey.astype(np.int64), "whole numbers from .* uint8"),
            (grey.astype(np.float32), "whole numbers from .* uint8"),
            (grey.reshape(60, 8, 8) * 1e5 + 0.5, r"reach from .* X\.std\(\)"),
        ):
            with self.assertLogs("vae_zoo", "WARNING") as logs:
                _small().fit(values)
            self.assertEqual(len([line for line in logs.output if re.search(words, line)]), 1, logs)
        # Vectors are standardized.
        for values in (grey, people):
            with self.assertLogs("vae_zoo", "WARNING") as logs:
                logging.getLogger("vae_zoo").warning("the only one")
                _small().fit(values)
            self.assertEqual(len(logs.output), 1, logs.output)

    def test_masked_elements_are_refused_and_a_mask_of_none_is_no_mask(self):
        images = stripes(40).astype(np.float32)
        model = _small().fit(images)
        whole = np.ma.masked_array(images, mask=np.zeros(images.shape, bool))
        np.testing.assert_array_equal(model.transform(whole), model.transform(images))
        part = np.ma.masked_array(images)
        part[3, 2, 1] = np.ma.masked
        for call in (model.fit, model.transform, model.evaluate, model.reconstruct):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"1 masked elements.*filled"):
                call(part)
        latents = np.ma.masked_array(model.transform(images))
        latents[0, 0] = np.ma.masked
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "masked"):
            model.inverse_transform(latents)

    def test_floats_that_are_divided_bytes_count_as_bytes(self):
        random = np.random.default_rng(1)
        grey = random.integers(0, 256, (40, 6, 6), dtype=np.uint8)
        divided = [grey / 255, (grey / 255).astype(np.float32), grey * np.float32(1 / 255)]
        for likelihood in ("categorical", "logistic-mixture"):
            expected = _small(likelihood=likelihood).fit(grey).evaluate(grey)
            for images in divided:
                model = _small(likelihood=likelihood).fit(images)
                self.assertEqual(model.recipe_["data"]["rule"], "bytes/255")
                self.assertAlmostEqual(
                    model.evaluate(images)["bits_per_dim"], expected["bits_per_dim"], 4
                )
            off = divided[1].copy()
            off[3, 2, 5] = 0.5
            with self.assertRaisesRegex(vae_zoo.DataError, r"X\[3, 2, 5\] is 0\.5"):
                _small(likelihood=likelihood).fit(off)
            with self.assertRaisesRegex(vae_zoo.DataError, r"X\[3, 2, 5\] is 0\.5"):
                model.score_samples(off)
        self.assertEqual(_small().fit(off).recipe_["data"]["rule"], "floats")

    def test_dequantized_bytes_give_a_density_bits_per_dimension(self):
        random = np.random.default_rng(2)
        grey = random.integers(0, 256, (40, 6, 6), dtype=np.uint8)
        model = _small(dequantize="uniform").fit(grey)
        found = model.evaluate(grey, random_state=1)
        expected = (-found["elbo"] / 36 + np.log(256)) / np.log(2)
        self.assertAlmostEqual(found["bits_per_dim"], expected, 9)
        self.assertEqual(found, model.evaluate(grey / 255, random_state=1))
        self.assertNotIn("bits_per_dim", _small().fit(grey).evaluate(grey))
        with self.assertRaisesRegex(vae_zoo.DataError, "zeros and ones"):
            _small(dequantize="uniform").fit(stripes(40))
        with self.assertRaisesRegex(vae_zoo.RecipeError, "likelihoods that are densities"):
            _small(dequantize="uniform", likelihood="categorical").fit(grey)

    def test_rows_become_images_of_the_shape_that_is_given(self):
        rows = stripes(40).reshape(40, 36)
        model = _small(image_shape=(6, 6), architecture="conv").set_params(hidden=None).fit(rows)
        self.assertEqual(model.image_shape_, (6, 6, 1))
        self.assertEqual(model.sample(3).shape, (3, 36))
        self.assertEqual(model.reconstruct(rows[:5]).shape, (5, 36))
        with self.assertRaisesRegex(ValueError, "image_shape"):
            _small(image_shape=(7, 6)).fit(rows)

    def test_missing_values_are_for_models_that_take_masks(self):
        images = stripes(40).astype(np.float32)
        images[:, ::2, 1] = np.nan
        model = _small(settings={"encoder.name": "masked-mlp"}).fit(images)
        self.assertTrue(np.isfinite(model.transform(images)).all())
        self.assertTrue(np.isfinite(model.reconstruct(images[:5])).all())
        self.assertTrue(np.isfinite(model.score_samples(images)).all())
        self.assertTrue(np.isfinite(model.evaluate(images)["elbo"]))
        with self.assertRaisesRegex(vae_zoo.DataError, r"^X\[0, 0, 1\] is nan.*masked-mlp"):
            _small().fit(images)
        with self.assertRaisesRegex(vae_zoo.DataError, "is nan.*masked-mlp"):
            _small().fit(stripes(40)).transform(images)

    def test_what_cannot_be_images_is_refused_with_the_reason(self):
        model = _small().fit(stripes(40))
        bad = np.full((40, 6, 6), np.nan, dtype=np.float32)
        cases = [
            (vae_zoo.DataError, "NaN", bad),
            (ValueError, "Complex data", stripes(40) * 1j),
            (ValueError, "Reshape your data", np.zeros(36)),
            (ValueError, "0 sample", np.zeros((0, 36))),
            (ValueError, "0 feature", np.zeros((3, 0))),
            (ValueError, "5D array", np.zeros((3, 36, 1, 1, 1))),
            (ValueError, "string", [["a", "b"]]),
        ]
        for kind, words, images in cases:
            with self.assertRaisesRegex(kind, words):
                _small().fit(images)
        with self.assertRaisesRegex(ValueError, "35 features.*expecting 36"):
            model.transform(np.zeros((3, 35), dtype=np.float32))
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "5x6x1"):
            model.transform(np.zeros((3, 5, 6), dtype=np.float32))
        with self.assertRaisesRegex(vae_zoo.DataError, "the model takes (binary|zeros and ones)"):
            model.transform(np.full((3, 6, 6), 0.5, dtype=np.float32))

    @needs("scipy")
    def test_sparse_data_are_refused_with_what_to_do(self):
        from scipy import sparse

        with self.assertRaisesRegex(TypeError, "sparse.*toarray"):
            _small().fit(sparse.csr_matrix(np.eye(6)))


class OutputTests(unittest.TestCase):
    def test_what_comes_out_has_the_shape_of_what_went_in(self):
        images = stripes(40)
        for shape in ((36,), (6, 6), (6, 6, 1)):
            model = _small().fit(images.reshape(40, *shape))
            self.assertEqual(model.sample(3).shape, (3, *shape))
            self.assertEqual(model.inverse_transform(np.zeros((2, 2))).shape, (2, *shape))
            self.assertEqual(model.n_features_in_, 36)
            for array in (model.sample(3), model.transform(images.reshape(40, *shape))):
                self.assertIsInstance(array, np.ndarray)
                self.assertEqual(array.dtype, np.float32)
        self.assertEqual(model.score_samples(images).dtype, np.float32)

    def test_an_array_outlives_all_but_its_views(self):
        model = _small().fit(stripes(40))
        samples = model.sample(8)
        expected = samples.copy()
        part = samples[3:]
        del samples
        gc.collect()
        for _ in range(20):
            model.sample(8, random_state=1)
        np.testing.assert_array_equal(part, expected[3:])

    def test_memory_of_results_is_given_back(self):
        model = _small().fit(stripes(40))
        freed = []
        real = _model.library.vae_array_free

        def free(pointer):
            freed.append(pointer.value)
            real(pointer)

        with mock.patch.object(_model.library, "vae_array_free", free):
            samples = model.sample(8)
            part = samples[1:2]
            del samples
            gc.collect()
            self.assertEqual(freed, [])
            del part
            gc.collect()
        self.assertEqual(len(freed), 1)

    def test_latents_become_the_data_frames_that_are_asked_for(self):
        images = stripes(40)
        model = _small().fit(images)
        latents = model.transform(images)

        class Frame:
            def __init__(self, values, **keywords):
                self.values, self.keywords = values, keywords

        names = ["gaussianvae0", "gaussianvae1"]
        pandas, polars = mock.Mock(DataFrame=Frame), mock.Mock(DataFrame=Frame)
        with mock.patch.dict("sys.modules", {"pandas": pandas, "polars": polars}):
            self.assertIs(model.set_output(transform="pandas"), model)
            frame = model.transform(images)
            np.testing.assert_array_equal(frame.values, latents)
            self.assertEqual(list(frame.keywords["columns"]), names)
            frame = model.set_output().fit_transform(images)
            self.assertIsInstance(frame, Frame, "None leaves the choice")
            frame = model.set_output(transform="polars").transform(images)
            self.assertEqual(frame.keywords["schema"], names)
        model.set_output(transform="default")
        np.testing.assert_array_equal(model.transform(images), latents)
        with self.assertRaisesRegex(ValueError, "transform is 'arrow'"):
            model.set_output(transform="arrow")

    @needs("pandas")
    def test_latents_become_frames_of_pandas_with_the_rows_of_what_went_in(self):
        import pandas

        X = pandas.DataFrame(stripes(40).reshape(40, 36).astype(float), index=range(100, 140))
        X.columns = [f"pixel{number}" for number in range(36)]
        model = _small().fit(X).set_output(transform="pandas")
        frame = model.transform(X)
        self.assertEqual(list(frame.index), list(X.index))
        self.assertEqual(list(frame.columns), list(model.get_feature_names_out()))
        np.testing.assert_array_equal(frame.to_numpy(), model.set_output(transform="default").transform(X))

    @needs("torch")
    def test_results_go_to_torch_without_a_copy(self):
        import torch

        samples = _small().fit(stripes(40)).sample(4)
        self.assertEqual(torch.from_dlpack(samples).data_ptr(), _address(samples))


if __name__ == "__main__":
    unittest.main()
