"""What trained models are asked for, option by option: seeds, numbers of draws, temperatures, splits."""

from __future__ import annotations

import os
import tempfile
import unittest
from unittest import mock

import numpy as np

import vae_zoo
from support import stripes

IMAGES = stripes(60)
WORDS = np.array(["ape", "bee", "cat"])[np.arange(60) % 3]


def _small(**keywords):
    return vae_zoo.GaussianVAE(
        **{"hidden": (8,), "latent": 2, "epochs": 2, "batch_size": 20, "random_state": 3, **keywords}
    )


def _vectors() -> tuple[np.ndarray, np.ndarray]:
    """Rows of numbers, and the same with a third of them missing."""
    random = np.random.default_rng(3)
    whole = random.normal(0, 1, (60, 3)) * [1, 100, 0.01] + [0, 5000, 2]
    missing = random.random(whole.shape) < 0.3
    missing[missing.all(axis=1), 1] = False  # Of each row something is known.
    return whole, np.where(missing, np.nan, whole)


class SeedTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = _small().fit(IMAGES)

    def check(self, name, call):
        own = call()
        np.testing.assert_array_equal(own, call(random_state=3), name)
        for other in (4, 0):
            self.assertFalse(np.array_equal(own, call(random_state=other)), name)

    def test_every_method_draws_by_the_seed_of_the_estimator_unless_it_has_its_own(self):
        model, some = self.model, IMAGES[:9]
        for name, call in {
            "sample": lambda **seed: model.sample(9, **seed),
            "sample of the likelihood": lambda **seed: model.sample(9, draw=True, temperature=0, **seed),
            "encode": lambda **seed: model.encode(some, **seed).samples[0],
            "elbo": lambda **seed: model.score_samples(some, **seed),
            "nll": lambda **seed: model.score_samples(some, samples=2, **seed),
            "regret": lambda **seed: model.score_samples(some, method="regret", steps=2, **seed),
            "evaluate": lambda **seed: model.evaluate(some, **seed)["elbo"],
            "nll of evaluate": lambda **seed: model.evaluate(some, samples=2, **seed)["nll"],
        }.items():
            with self.subTest(name):
                self.check(name, call)

    def test_an_autoregressive_decoder_draws_by_the_seed(self):
        model = vae_zoo.PixelCNNVAE(
            architecture="mlp", hidden=(4,), latent=2, layers=1, channels=4, epochs=1, random_state=3
        ).fit(IMAGES)
        self.check("decode", lambda **seed: model.decode([np.zeros((3, 2))], **seed))

    def test_what_is_missing_is_filled_in_by_draws_of_the_seed(self):
        whole, torn = _vectors()
        model = vae_zoo.MissingVAE(
            hidden=(8,), latent=2, epochs=1, batch_size=20, importance_samples=2, random_state=3
        ).fit(torn)
        for draw in (False, True):
            self.check("impute", lambda **seed: model.impute(torn, samples=4, draw=draw, **seed))
            self.check(
                "imputation_error",
                lambda **seed: model.imputation_error(torn, whole, samples=4, draw=draw, **seed)["rmse"],
            )

    def test_generators_give_another_seed_each_time_and_the_same_ones_again(self):
        for make in (np.random.RandomState, np.random.default_rng):
            first, again = make(5), make(5)
            one, other = (self.model.sample(4, random_state=first) for _ in range(2))
            self.assertFalse(np.array_equal(one, other))
            for expected in (one, other):
                np.testing.assert_array_equal(self.model.sample(4, random_state=again), expected)

    def test_without_a_seed_every_call_draws_others(self):
        model = _small(random_state=None).fit(IMAGES)
        self.assertFalse(np.array_equal(model.sample(4), model.sample(4)))
        bias = "decoder.head.bias"
        other = _small(random_state=None).fit(IMAGES)
        self.assertFalse(np.array_equal(model.parameters[bias], other.parameters[bias]))


class SampleTests(unittest.TestCase):
    def test_without_temperature_samples_are_the_picture_of_the_prior_s_mean(self):
        model = _small(latent=3).fit(IMAGES)
        expected = model.decode([np.zeros((1, 3))])[0]
        for image in model.sample(3, temperature=0):
            np.testing.assert_allclose(image, expected, rtol=1e-6)
        spread = [model.sample(200, temperature=heat).std(axis=0).mean() for heat in (0.1, 1, 3)]
        self.assertLess(5 * spread[0], spread[1])
        self.assertLess(1.5 * spread[1], spread[2])

    def test_conditions_of_samples_are_those_of_each_image(self):
        rows = np.random.default_rng(1).normal(size=(60, 2))
        model = vae_zoo.ConditionalVAE(hidden=(8,), latent=2, epochs=1, batch_size=20).fit(IMAGES, rows)
        all_alike = model.sample(3, condition=rows[4])
        each = model.sample(3, condition=rows[3:6])
        np.testing.assert_array_equal(model.sample(3, condition=rows[4:5]), all_alike)
        np.testing.assert_array_equal(each[1], all_alike[1])
        for place in (0, 2):
            self.assertFalse(np.array_equal(each[place], all_alike[place]))

    def test_attributes_of_samples_may_be_said_once_for_all(self):
        bits = np.stack([np.arange(60) % 2, np.arange(60) % 3 == 0], axis=1)
        model = vae_zoo.ConditionalVAE(hidden=(8,), latent=2, epochs=1, batch_size=20).fit(IMAGES, bits)
        np.testing.assert_array_equal(
            model.sample(3, condition=[True, False]), model.sample(3, condition=[[1, 0]] * 3)
        )
        self.assertFalse(
            np.array_equal(model.sample(3, condition=[0, 1]), model.sample(3, condition=[1, 0]))
        )

    def test_labels_as_shares_of_the_classes_are_those_classes(self):
        model = vae_zoo.ConditionalVAE(hidden=(8,), latent=2, epochs=1, batch_size=20).fit(IMAGES, WORDS)
        np.testing.assert_array_equal(
            model.sample(2, condition=np.array([[0.0, 0, 1]])), model.sample(2, condition="cat")
        )
        shares = np.eye(3)[np.arange(60) % 3]
        np.testing.assert_array_equal(
            model.score_samples(IMAGES, shares), model.score_samples(IMAGES, WORDS)
        )


class ScoreTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = _small().fit(IMAGES)

    def test_numbers_that_nobody_gives_are_16_draws_10_images_and_100_steps(self):
        model, usual = self.model, IMAGES[:10]
        for images, asked, name, value in (
            (IMAGES[:4], {"method": "nll"}, "samples", 16),
            (IMAGES[:25], {"method": "typicality", "reference": usual, "samples": 2}, "group", 10),
            (IMAGES[:25], {"method": "typicality", "reference": usual}, "samples", 16),
            (IMAGES[:2], {"method": "regret"}, "steps", 100),
        ):
            found = model.score_samples(images, **asked)
            np.testing.assert_allclose(
                model.score_samples(images, **asked, **{name: value}), found, rtol=1e-6, err_msg=name
            )
            other = model.score_samples(images, **asked, **{name: value - 1})
            self.assertFalse(np.allclose(other, found, rtol=1e-6), name)

    def test_a_model_without_method_is_scored_by_its_likelihood_where_draws_are_given(self):
        many = self.model.score_samples(IMAGES, samples=50)
        bound = self.model.score_samples(IMAGES)
        self.assertGreater(many.mean(), bound.mean())
        self.assertAlmostEqual(
            -many.mean(), self.model.evaluate(IMAGES, samples=50)["nll"], delta=0.05
        )

    @staticmethod
    def exaggerate(model):
        """Lets pictures follow what the model is told, which one epoch has hardly taught it."""
        name = "decoder.network.layers.0.weights"
        model.parameters[name] = 20 * model.parameters[name]

    def test_usual_images_of_a_conditional_model_have_their_own_labels(self):
        model = vae_zoo.ConditionalVAE(hidden=(8,), latent=2, epochs=1, batch_size=20).fit(IMAGES, WORDS)
        self.exaggerate(model)
        usual, rest = slice(0, 11), slice(11, 18)
        nats = model.score_samples(IMAGES[rest], WORDS[rest], samples=3)
        for names in (WORDS, np.roll(WORDS, 1)):
            found = model.score_samples(
                IMAGES[rest], WORDS[rest], method="typicality", samples=3, group=7,
                reference=(IMAGES[usual], names[usual]),
            )
            mean = model.score_samples(IMAGES[usual], names[usual], samples=3).mean()
            np.testing.assert_allclose(found, np.full(7, -abs(nats.mean() - mean)), atol=1e-4)
        with self.assertRaisesRegex(ValueError, "requires y"):
            model.score_samples(IMAGES[rest], WORDS[rest], method="typicality", reference=IMAGES[usual])

    def test_a_background_is_for_ratios_and_draws_for_methods_that_weigh_them(self):
        other = _small(epochs=1).fit(IMAGES)
        for asked, words in (
            ({"method": "nll", "background": other}, "background belongs to"),
            ({"method": "elbo", "samples": 2}, "samples belong to"),
            ({"method": "nll", "reference": IMAGES}, "reference belongs to"),
            ({"method": "regret", "steps": 0}, "steps is 0, but must be in 1...100000"),
            ({"method": "regret", "steps": 100_001}, "steps is 100001"),
            ({"method": "elb"}, "none of nll, elbo, regret, ratio, typicality"),
            ({"samples": 10_000_001}, "samples is 10000001, but must be in 0...10000000"),
        ):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, words):
                self.model.score_samples(IMAGES[:2], **asked)


class EvaluationTests(unittest.TestCase):
    def test_of_a_source_the_test_images_are_measured_unless_another_split_is_named(self):
        model = _small().fit(IMAGES)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "images.npz")
            np.savez(path, train=IMAGES[:30], valid=IMAGES[30:47], test=IMAGES[47:])
            data = vae_zoo.Data(path)
        self.assertEqual(data.counts, {"train": 30, "valid": 17, "test": 13})
        found = model.evaluate(data)
        self.assertEqual((found["split"], found["examples"]), ("test", 13))
        for split, images in (("train", IMAGES[:30]), ("valid", IMAGES[30:47]), ("test", IMAGES[47:])):
            found = model.evaluate(data, split=split)
            self.assertEqual((found["split"], found["examples"]), (split, len(images)))
            self.assertEqual(found["elbo"], model.evaluate(images)["elbo"])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "split is tests"):
            model.evaluate(data, split="tests")

    def test_draws_that_are_asked_for_give_the_likelihood_and_others_do_not(self):
        model = _small().fit(IMAGES)
        self.assertNotIn("nll", model.evaluate(IMAGES))
        one, many = (model.evaluate(IMAGES, samples=count)["nll"] for count in (1, 40))
        self.assertLess(many, one)

    def test_labels_that_are_told_are_those_of_the_images(self):
        model = vae_zoo.ConditionalVAE(hidden=(8,), latent=2, epochs=1, batch_size=20).fit(IMAGES, WORDS)
        ScoreTests.exaggerate(model)
        told = [
            (model.evaluate(IMAGES, names, samples=300)["nll"], -model.score_samples(IMAGES, names, samples=300).mean())
            for names in (WORDS, np.roll(WORDS, 1))
        ]
        for measured, scored in told:
            self.assertAlmostEqual(measured, scored, delta=0.2)
        self.assertGreater(abs(told[0][0] - told[1][0]), 0.3)


class ImputationTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.whole, cls.torn = _vectors()
        cls.model = vae_zoo.MissingVAE(
            hidden=(8,), latent=2, epochs=3, batch_size=20, importance_samples=2, random_state=3
        ).fit(cls.torn)

    def test_errors_are_those_of_what_is_filled_in_with_the_same_options(self):
        missing = np.isnan(self.torn)
        scale = np.nanstd(self.torn, axis=0)
        found = []
        for options in ({"samples": 5}, {"samples": 6}, {"samples": 5, "draw": True, "random_state": 8}):
            filled = self.model.impute(self.torn, **options)
            errors = ((filled - self.whole) / scale)[missing]
            told = self.model.imputation_error(self.torn, self.whole, **options)
            self.assertAlmostEqual(told["rmse"], np.sqrt((errors**2).mean()), places=3)
            self.assertEqual(told["missing"], missing.sum())
            found.append(told["rmse"])
        self.assertEqual(len(set(found)), 3)

    def test_a_thousand_draws_are_weighted_unless_another_number_is_given(self):
        torn = self.torn[:6]
        for call in (self.model.impute, lambda X, **more: self.model.imputation_error(X, self.whole[:6], **more)["rmse"]):
            usual = call(torn)
            np.testing.assert_array_equal(call(torn, samples=1000), usual)
            self.assertFalse(np.array_equal(call(torn, samples=999), usual))
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "samples is 0, but must be in 1...10000000"):
            self.model.impute(torn, samples=0)

    def test_draws_are_as_scattered_as_data_are_and_each_of_alike_rows_has_its_own(self):
        rows = np.full((40, 3), np.nan)
        rows[:, 0] = 0.25
        means = self.model.impute(rows, samples=20)
        draws = self.model.impute(rows, samples=20, draw=np.True_)
        np.testing.assert_array_equal(means, np.tile(means[:1], (40, 1)))
        np.testing.assert_array_equal(draws[:, 0], rows[:, 0])
        self.assertEqual(len(np.unique(draws[:, 1])), 40)
        self.assertGreater(draws[:, 1].std(), 0.3 * np.nanstd(self.torn[:, 1]))

    def test_pixels_that_are_known_stay_and_others_are_filled_in_in_place(self):
        random = np.random.default_rng(2)
        images = random.random((60, 3, 4)).astype(np.float32)
        images[:, 1, 2] = np.nan
        model = vae_zoo.MissingVAE(
            hidden=(8,), latent=2, epochs=1, batch_size=20, importance_samples=2, value_range="unit"
        ).fit(images)
        filled = model.impute(images, samples=5)
        self.assertEqual((filled.shape, filled.dtype), (images.shape, np.float32))
        known = ~np.isnan(images)
        np.testing.assert_array_equal(filled[known], images[known])
        self.assertTrue((np.abs(filled[:, 1, 2] - 0.5) <= 0.5).all())
        told = []
        model.impute(images, samples=5, progress=told.append)
        self.assertEqual((told[0], told[-1]), (0, 1))
        with self.assertRaises(vae_zoo.CancelledError):
            model.impute(images, samples=5, progress=lambda fraction: True)


class LatentTests(unittest.TestCase):
    def test_fitting_and_transforming_is_fit_with_its_options_then_transform(self):
        make = lambda: vae_zoo.ConditionalVAE(hidden=(8,), latent=2, batch_size=20, random_state=3)  # noqa: E731
        one, other = make(), make()
        latents = one.fit_transform(IMAGES, WORDS, epochs=3)
        self.assertEqual(len(one.history_), 3)
        np.testing.assert_array_equal(latents, other.fit(IMAGES, WORDS, epochs=3).transform(IMAGES, WORDS))

    def test_latents_of_a_hierarchy_are_those_of_all_layers_the_nearest_to_the_data_first(self):
        model = vae_zoo.LadderVAE(hidden=(8, 4), latent=(3, 2), epochs=1, batch_size=20, random_state=3).fit(IMAGES)
        layers = model.encode(IMAGES).samples
        np.testing.assert_array_equal(model.transform(IMAGES), np.concatenate(layers, axis=1))
        self.assertEqual(list(model.get_feature_names_out()), [f"laddervae{number}" for number in range(5)])
        rows = np.random.default_rng(0).normal(size=(4, 5))
        made = model.inverse_transform(rows)
        np.testing.assert_array_equal(made, model.decode([rows[:, :3], rows[:, 3:]]))
        # The picture follows from the first layer alone, but the others are given, too.
        with mock.patch.object(type(model._model), "decode", return_value=made) as decode:
            model.inverse_transform(rows)
        given = decode.call_args.args[0]
        self.assertEqual(len(given), 2)
        np.testing.assert_array_equal(given[0], rows[:, :3])
        np.testing.assert_array_equal(given[1], rows[:, 3:])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "4 latents a row.*has 5"):
            model.inverse_transform(rows[:, :4])

    def test_codes_come_back_from_whole_floats_and_not_from_others(self):
        model = vae_zoo.VQVAE(
            codes=8, code_size=4, epochs=1, batch_size=20,
            settings={"encoder.channels": 8, "decoder.channels": 8},
        ).fit(stripes(40, size=8))
        codes = model.transform(stripes(5, size=8))
        self.assertEqual(len(model.get_feature_names_out()), 4)
        expected = model.inverse_transform(codes)
        np.testing.assert_array_equal(model.inverse_transform(codes.astype(float)), expected)
        with self.assertRaises(ValueError):
            model.inverse_transform(codes + 0.5)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "beyond 32 bits"):
            model.inverse_transform(np.full((1, 4), 2**31))
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "code 2147483647"):
            model.inverse_transform(np.full((1, 4), 2**31 - 1))

    def test_a_posterior_with_a_flow_gives_draws_and_their_names(self):
        model = vae_zoo.FlowVAE(
            hidden=(8,), latent=2, flow_hidden=(8,), flow_context=3, epochs=1, batch_size=20, random_state=3
        ).fit(IMAGES)
        encoding = model.encode(IMAGES)
        self.assertEqual((encoding.mean, encoding.variance, encoding.codes), (None, None, None))
        np.testing.assert_array_equal(model.transform(IMAGES), encoding.samples[0])

    def test_variances_and_draws_of_an_encoding_belong_together(self):
        model = _small().fit(IMAGES)
        encoding = model.encode(IMAGES[:2])
        # An image has the same draw wherever it stands, and another one by another seed.
        draws = np.stack([model.encode(IMAGES[:2], random_state=seed).samples[0] for seed in range(400)])
        deviation = np.sqrt(encoding.variance)
        self.assertLess(np.abs((draws.mean(axis=0) - encoding.mean) / deviation).max(), 0.2)
        np.testing.assert_allclose(draws.std(axis=0), deviation, rtol=0.15)

    def test_frames_are_made_where_scikit_learn_says_so_for_all(self):
        class Frame:
            def __init__(self, values, **keywords):
                self.values, self.keywords = values, keywords

        model = _small().fit(IMAGES)
        plain = model.transform(IMAGES)
        sklearn = mock.Mock(get_config=lambda: {"transform_output": "pandas"})
        with mock.patch.dict("sys.modules", {"sklearn": sklearn, "pandas": mock.Mock(DataFrame=Frame)}):
            frame = model.transform(IMAGES)
            np.testing.assert_array_equal(frame.values, plain)
            self.assertIsNone(frame.keywords["index"])
            with mock.patch.dict("sys.modules", {"polars": mock.Mock(DataFrame=Frame)}):
                keywords = model.set_output(transform="polars").transform(IMAGES).keywords
            self.assertEqual(keywords, {"schema": ["gaussianvae0", "gaussianvae1"], "orient": "row"})
            # What is chosen for one counts for it.
            self.assertIsInstance(model.set_output(transform="default").transform(IMAGES), np.ndarray)


if __name__ == "__main__":
    unittest.main()
