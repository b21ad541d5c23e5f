"""Likelihoods and priors written in Python."""

from __future__ import annotations

import ctypes
import gc
import math
import os
import pickle
import re
import shutil
import subprocess
import tempfile
import unittest

import numpy as np

import vae_zoo
from support import ROOT, stripes
from vae_zoo import plugin
from vae_zoo.plugin import _registration, _structs

_NOISE = np.random.default_rng(0).normal(size=(60, 6, 6), scale=0.1)
IMAGES = (stripes(60) + _NOISE).astype(np.float32)


class OwnGaussian(plugin.Likelihood):
    """Normal distributions of a fixed deviation."""

    name = "own-gaussian"
    noise = "normal"
    deviation = plugin.Number(0.5, least=0.01, most=10.0, help="standard deviation")

    def log_density(self, x, parameters):
        error = (x - parameters) / self.deviation
        return (-0.5 * error**2 - math.log(self.deviation) - 0.5 * math.log(2 * math.pi)).row_sums()

    def mean(self, parameters):
        return parameters

    def sample(self, parameters, noise):
        return parameters + self.deviation * noise

    def parameters_with_mean(self, mean):
        return mean


class OwnNormal(plugin.Prior):
    """Standard normal units, with or without the closed form of their divergence."""

    name = "own-normal"
    latent = plugin.Integer(2, least=1, most=100, help="units")

    def units(self):
        return self.latent

    def log_density(self, z):
        return (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).row_sums()

    def sample(self, temperature):
        return plugin.normal("prior", self.latent) * temperature

    def divergence(self, mean, log_variance):
        return (0.5 * (log_variance.exp() + mean**2 - 1 - log_variance)).row_sums()


class Mixture(plugin.Prior):
    """A mixture of normal distributions with learnt means."""

    name = "python-mixture"
    latent = plugin.Integer(2, least=1, most=100, help="units")
    components = plugin.Integer(5, least=1, most=100, help="normal distributions")

    def build(self, build):
        start = np.random.default_rng(0).normal(size=(1, self.components, self.latent))
        self.means = build.parameter("means", start)

    def units(self):
        return self.latent

    def log_density(self, z):
        distances = (z.reshape(-1, 1, self.latent) - self.means) ** 2
        each = -0.5 * distances.sum(-1) - 0.5 * self.latent * math.log(2 * math.pi)
        return each.log_sum_exp() - math.log(self.components)

    def sample(self, temperature):
        # The component of a row is the one whose cell of (0, 1) a uniform number falls into.
        place = plugin.uniform("component", 1) * self.components
        edges = np.arange(self.components, dtype=np.float32)[None]
        chosen = (place - edges).above(0.0) * (edges + 1 - place).above(0.0)
        means = (chosen.reshape(-1, self.components, 1) * self.means).sum(1)
        return means + plugin.normal("unit", self.latent) * temperature


class Faulty(plugin.Likelihood):
    """Fails where it is told to."""

    name = "faulty"
    place = plugin.Choice("log_density", "mean", "build", "shape", "count", help="where it fails")

    def build(self, build):
        if self.place == "build":
            raise ValueError("cannot serve images of %d x %d x %d" % build.image_shape)

    def parameters_per_pixel(self, channels):
        if self.place == "count":
            raise RuntimeError("no idea")
        return channels

    def log_density(self, x, parameters):
        if self.place == "log_density":
            raise KeyError("oh")
        if self.place == "shape":
            return (x + plugin.full(1.0, 3, 3, 3)).row_sums()
        return (-((x - parameters) ** 2)).row_sums()

    def mean(self, parameters):
        if self.place == "mean":
            raise ZeroDivisionError("division\nby zero")
        return parameters

    def sample(self, parameters, noise):
        return parameters


for _component in (OwnGaussian, OwnNormal, Mixture, Faulty):
    plugin.register(_component)


def _small(**keywords):
    return vae_zoo.GaussianVAE(
        **{"hidden": (16,), "latent": 2, "epochs": 4, "batch_size": 20, **keywords}
    )


class ComponentTests(unittest.TestCase):
    def test_a_likelihood_in_python_trains_as_the_built_in_one_does(self):
        own = _small(likelihood="own-gaussian", settings={"likelihood.deviation": 0.3}).fit(IMAGES)
        built_in = _small(likelihood="gaussian", sigma=0.3, settings={"likelihood.link": "identity"})
        built_in.fit(IMAGES)
        self.assertEqual(own.recipe_["likelihood"]["deviation"], 0.3)
        for mine, theirs in zip(own.history_, built_in.history_):
            self.assertAlmostEqual(mine["train"]["elbo"], theirs["train"]["elbo"], delta=0.01)
        np.testing.assert_allclose(
            own.score_samples(IMAGES), built_in.score_samples(IMAGES), rtol=1e-3, atol=1e-2
        )
        np.testing.assert_allclose(own.sample(5), built_in.sample(5), atol=1e-3)

    def test_a_prior_in_python_prices_as_the_built_in_one_does(self):
        own = _small(settings={"prior.name": "own-normal", "prior.latent": 3}, latent=20).fit(IMAGES)
        built_in = _small(latent=3).fit(IMAGES)
        for mine, theirs in zip(own.history_, built_in.history_):
            self.assertAlmostEqual(mine["train"]["rate"], theirs["train"]["rate"], delta=0.01)
        self.assertEqual(own.transform(IMAGES).shape, (60, 3))
        self.assertEqual(own.sample(4).shape, (4, 6, 6))

    def test_parameters_of_a_prior_are_trained_and_stored(self):
        model = _small(settings={"prior.name": "python-mixture", "prior.components": 4}, epochs=1)
        before = model.fit(IMAGES).parameters["prior.means"]
        self.assertEqual(before.shape, (1, 4, 2))
        after = model.fit(IMAGES, epochs=20).parameters["prior.means"]
        self.assertGreater(np.abs(after - before).max(), 1e-3)
        self.assertTrue(np.isfinite(model.score_samples(IMAGES, samples=10)).all())
        twin = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(twin.sample(6), model.sample(6))

    def test_the_library_knows_the_components_with_their_hyper_parameters(self):
        found = {item["name"]: item for item in vae_zoo.list_components("likelihood")}["own-gaussian"]
        self.assertEqual(found["summary"], "Normal distributions of a fixed deviation")
        self.assertEqual(found["hyperparameters"][0]["name"], "deviation")
        with self.assertRaisesRegex(ValueError, "deviation cannot be 0"):
            _small(likelihood="own-gaussian", settings={"likelihood.deviation": 0}).fit(IMAGES)

    def test_a_failure_says_where_and_keeps_the_exception(self):
        for place, words, cause in (
            ("log_density", r"Faulty\.log_density: KeyError: 'oh'", KeyError),
            ("build", "cannot serve images of 6 x 6 x 1", ValueError),
        ):
            with self.assertRaisesRegex(vae_zoo.Error, words) as caught:
                _small(likelihood="faulty", settings={"likelihood.place": place}).fit(IMAGES)
            self.assertIsInstance(caught.exception.__cause__, cause)
        for place in ("shape", "count"):
            with self.assertRaises(vae_zoo.Error):
                _small(likelihood="faulty", settings={"likelihood.place": place}).fit(IMAGES)
        model = _small(likelihood="faulty", settings={"likelihood.place": "mean"}).fit(IMAGES)
        with self.assertRaisesRegex(vae_zoo.PluginError, "division by zero") as caught:
            model.sample(2)
        self.assertIsInstance(caught.exception.__cause__, ZeroDivisionError)
        self.assertTrue(np.isfinite(model.score(IMAGES)))

    def test_objects_are_released_with_their_models(self):
        gc.collect()
        before = len(_registration.objects)
        model = _small(likelihood="own-gaussian").fit(IMAGES)
        self.assertGreater(len(_registration.objects), before)
        del model
        gc.collect()
        self.assertEqual(len(_registration.objects), before)

    def test_values_compute_as_numpy_does(self):
        seen = {}

        class Probe(OwnGaussian):
            """Computes with all that there is."""

            name = "probe"

            def log_density(self, x, parameters):
                a = x.numpy()
                b = np.linspace(0.5, 2, a.size, dtype=np.float32).reshape(a.shape)
                v = plugin.constant(b)
                checks = {
                    "add": (x + v, a + b), "radd": (1 + x, 1 + a), "sub": (x - 2, a - 2),
                    "rsub": (2 - x, 2 - a), "array first": (b - x, b - a), "mul": (x * b, a * b),
                    "div": (x / v, a / b), "rdiv": (3 / v, 3 / b), "neg": (-x, -a), "abs": (abs(x), abs(a)),
                    "pow": (x**2, a**2), "exp": (x.exp(), np.exp(a)), "log": (v.log(), np.log(b)),
                    "sqrt": (v.sqrt(), np.sqrt(b)), "tanh": (x.tanh(), np.tanh(a)),
                    "sigmoid": (x.sigmoid(), 1 / (1 + np.exp(-a))),
                    "softplus": (x.softplus(), np.log1p(np.exp(a))),
                    "sum": (x.sum(1), a.sum(1)), "mean": (x.mean(-1, True), a.mean(-1, keepdims=True)),
                    "max": (x.max(2), a.max(2)), "clamp": (x.clamp(0.1, 0.5), a.clip(0.1, 0.5)),
                    "maximum": (x.maximum(v), np.maximum(a, b)), "minimum": (x.minimum(b), np.minimum(a, b)),
                    "above": (x.above(0.5), (a > 0.5) * 1.0), "sign": (x.sign(), np.where(a > 0, 1.0, -1.0)),
                    "reshape": (x.reshape(-1, 36), a.reshape(-1, 36)), "slice": (x.slice(1, 2, 3), a[:, 2:5]),
                    "row_sums": (x.row_sums(), a.reshape(len(a), -1).sum(1)),
                    "concatenate": (plugin.concatenate([x, b], 1), np.concatenate([a, b], 1)),
                    "full": (plugin.full(3.0, 2, 2), np.full((2, 2), 3.0)),
                    "erf": (x.erf(), np.vectorize(math.erf)(a)),
                    "lgamma": (v.lgamma(), np.vectorize(math.lgamma)(b)),
                    "matmul": (x.reshape(-1, 36) @ np.eye(36, 2, dtype=np.float32), a.reshape(-1, 36)[:, :2]),
                    "broadcast": (plugin.full(2.0, 1, 3).broadcast(4, 3), np.full((4, 3), 2.0)),
                    "stop_gradient": (x.stop_gradient(), a),
                    "log_softmax": (v.log_softmax().log_sum_exp(), np.zeros(b.shape[:-1])),
                    "softmax": (v.softmax().sum(-1), np.ones(b.shape[:-1])),
                }
                for name, (value, expected) in checks.items():
                    seen[name] = (value.numpy(), expected, value.shape)
                return super().log_density(x, parameters)

        plugin.register(Probe)
        _small(likelihood="probe", epochs=1).fit(IMAGES)
        self.assertGreater(len(seen), 30)
        for name, (value, expected, shape) in seen.items():
            self.assertEqual(shape, expected.shape, name)
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5, err_msg=name)

    def test_what_cannot_be_registered_or_declared_is_refused_with_the_reason(self):
        for thing in (3, "laplace", dict, plugin.Value):
            with self.assertRaisesRegex(TypeError, "register takes a subclass of Likelihood"):
                plugin.register(thing)
        with self.assertRaisesRegex(ValueError, "default is 18446744073709551616"):
            plugin.Integer(2**64, least=0, most=2**65, help="too many")
        with self.assertRaisesRegex(TypeError, "least is 'x', but must be a number"):
            plugin.Number(1, least="x", most=2, help="no number")

    def test_a_likelihood_and_a_prior_of_one_name_are_known_side_by_side(self):
        for base in (OwnGaussian, OwnNormal):
            plugin.register(type("Same", (base,), {"name": "same-name", "__doc__": "One of two."}))
        for role in ("likelihood", "prior"):
            self.assertIn("same-name", [item["name"] for item in vae_zoo.list_components(role)])

    def test_values_are_for_methods_only(self):
        with self.assertRaisesRegex(RuntimeError, "methods only"):
            plugin.full(1.0, 3)
        with self.assertRaisesRegex(ValueError, "needs a name"):
            plugin.register(type("Nameless", (plugin.Likelihood,), {}))


class BuildTests(unittest.TestCase):
    """What components are told of the model, and what becomes of what they say."""

    @staticmethod
    def registered(base, name, **members):
        component = type(f"C{len(_registration._kept)}", (base,), {"name": name, "__doc__": "Of a test.", **members})
        plugin.register(component)
        return component

    def test_a_component_is_told_the_images_and_the_latents_of_the_model_that_it_is_made_for(self):
        seen = []

        def build(self, build):
            seen.append((build.image_shape, build.value_range, build.latent_size, build.condition_width))

        self.registered(OwnGaussian, "told-likelihood", build=build)
        self.registered(OwnNormal, "told-prior", build=build)
        random = np.random.default_rng(0)
        bits = random.integers(0, 2, (40, 4, 5, 3), dtype=np.uint8)
        for images, kind in ((bits, "binary"), (bits * random.random(bits.shape), "unit"), (bits - 2.5, "real")):
            for settings, sizes in (
                ({"likelihood.name": "told-likelihood"}, (3, 0)), ({"prior.name": "told-prior"}, (0, 0)),
            ):
                if kind == "binary" and "likelihood.name" not in settings:
                    settings = {**settings, "likelihood.name": "bernoulli"}
                seen.clear()
                model = vae_zoo.GaussianVAE(hidden=(4,), latent=3, epochs=0, settings=settings)
                model.fit(images)
                self.assertEqual(seen[0], ((4, 5, 3), kind, *sizes))
        seen.clear()
        vae_zoo.ConditionalVAE(hidden=(4,), latent=3, epochs=0, likelihood="told-likelihood").fit(
            bits - 2.5, np.arange(40) % 4
        )
        self.assertEqual(seen[0][3], 4)

    def test_hyper_parameters_of_every_type_have_their_default_or_the_value_of_the_recipe(self):
        seen = []
        self.registered(
            OwnGaussian, "typed",
            whole=plugin.Integer(-7, least=-9, most=40, help="a whole number"),
            number=plugin.Number(0.25, least=-1.5, most=2.5, help="a number"),
            on=plugin.Flag(True, help="yes or no"), off=plugin.Flag(False, help="no or yes"),
            word=plugin.Choice("first", "second", "third", help="a word"),
            build=lambda self, build: seen.append((self.whole, self.number, self.on, self.off, self.word, self.deviation)),
        )
        for given, expected in (
            ({}, (-7, 0.25, True, False, "first", 0.5)),
            ({"whole": 40, "number": -1.5, "on": False, "off": True, "word": "third", "deviation": 2.0},
             (40, -1.5, False, True, "third", 2.0)),
            ({"whole": -9, "number": 2.5}, (-9, 2.5, True, False, "first", 0.5)),
        ):
            seen.clear()
            settings = {f"likelihood.{name}": value for name, value in given.items()}
            model = _small(likelihood="typed", epochs=0, settings=settings).fit(IMAGES)
            self.assertEqual(seen[0], expected)
            self.assertIs(type(seen[0][2]), bool)
            self.assertEqual(model.recipe_["likelihood"]["word"], expected[4])
        for name, value in (("whole", -10), ("whole", 41), ("number", -1.6), ("number", 2.6), ("word", "fourth"), ("on", 2)):
            with self.assertRaisesRegex(vae_zoo.RecipeError, f"likelihood.{name}"):
                _small(likelihood="typed", epochs=0, settings={f"likelihood.{name}": value}).fit(IMAGES)
        found = {item["name"]: item for item in vae_zoo.list_components("likelihood")}["typed"]["hyperparameters"]
        told = [(item["name"], item["type"], item["default"], item["help"]) for item in found]
        self.assertEqual(told, [
            ("deviation", "number", 0.5, "standard deviation"), ("whole", "integer", -7, "a whole number"),
            ("number", "number", 0.25, "a number"), ("on", "flag", True, "yes or no"), ("off", "flag", False, "no or yes"),
            ("word", "choice", "first", "a word"),
        ])

    def test_numbers_of_a_pixel_and_their_noise_are_as_many_as_a_likelihood_says(self):
        seen = {}

        def members(kind, noise):
            def log_density(self, x, parameters):
                seen["density"] = (x.shape[1:], parameters.shape[1:])
                return (-((x - parameters.slice(3, 0, 2)) ** 2)).row_sums()

            def sample(self, parameters, noise):
                seen[kind] = noise.numpy()
                return parameters.slice(3, 0, 2)

            return {
                "parameters_per_pixel": lambda self, channels: 2 * channels + 1,
                "noise_per_pixel": lambda self, channels: 2 + channels,
                "log_density": log_density, "sample": sample, "noise": noise,
                "mean": lambda self, parameters: parameters.slice(3, 0, 2), "parameters_with_mean": None,
            }

        images = np.random.default_rng(0).normal(size=(40, 3, 4, 2))
        for noise in ("uniform", "normal"):
            self.registered(OwnGaussian, f"wide-{noise}", **members(noise, noise))
            model = _small(likelihood=f"wide-{noise}", epochs=1, hidden=(4,)).fit(images)
            self.assertEqual(seen["density"], ((3, 4, 2), (3, 4, 5)))
            self.assertEqual(model.sample(50, draw=True).shape, (50, 3, 4, 2))
            self.assertEqual(seen[noise].shape, (50, 3, 4, 4))
        self.assertTrue(((seen["uniform"] > 0) & (seen["uniform"] < 1)).all())
        self.assertAlmostEqual(seen["uniform"].mean(), 0.5, delta=0.05)
        self.assertAlmostEqual(seen["normal"].mean(), 0, delta=0.1)
        self.assertAlmostEqual(seen["normal"].std(), 1, delta=0.1)

    def test_bits_per_dimension_follow_from_likelihoods_of_discrete_values_alone(self):
        self.registered(OwnGaussian, "discrete", is_discrete=True)
        for name in ("discrete", "own-gaussian"):
            found = _small(likelihood=name, epochs=1).fit(IMAGES).evaluate(IMAGES)
            self.assertEqual("bits_per_dim" in found, name == "discrete")
            if name == "discrete":
                self.assertAlmostEqual(found["bits_per_dim"], -found["elbo"] / 36 / math.log(2), places=6)

    def test_a_parameter_decays_unless_it_is_said_not_to(self):
        def build(self, build):
            self.kept = build.parameter("kept", [[2.0, -3], [4, 5]], is_decayed=False)
            self.decayed = build.parameter("decayed", np.array([1.0, -2, 8]))

        def log_density(self, z):
            nothing = (self.kept * 0.0).sum(0).sum(0) + (self.decayed * 0.0).sum(0)
            return OwnNormal.log_density(self, z) + nothing

        self.registered(OwnNormal, "decaying", build=build, log_density=log_density, divergence=None)
        settings = {"prior.name": "decaying", "training.optimizer": "adamw", "training.weight_decay": 0.5}
        model = vae_zoo.GaussianVAE(hidden=(4,), epochs=1, batch_size=20, learning_rate=0.1, settings=settings).fit(IMAGES)
        np.testing.assert_array_equal(model.parameters["prior.kept"], [[2, -3], [4, 5]])
        # Three updates.
        np.testing.assert_allclose(model.parameters["prior.decayed"], np.array([1, -2, 8]) * 0.95**3, rtol=1e-5)

    def test_a_prior_hears_the_temperature_and_has_streams_of_its_own(self):
        seen = {}

        def sample(self, temperature):
            one, other, again = (plugin.normal(name, self.latent) for name in ("one", "other", "one"))
            even = plugin.uniform("one", 3, 2)
            seen.update(one=one.numpy(), other=other.numpy(), again=again.numpy(), even=even.numpy(), temperature=temperature)
            return one * 0.0 + plugin.constant(np.array([[1.0, 2.0]])) * temperature

        self.registered(OwnNormal, "spying", sample=sample)
        model = _small(settings={"prior.name": "spying"}, latent=20, epochs=1).fit(IMAGES)
        made = model.sample(5, temperature=0.75)
        self.assertEqual(seen["temperature"], 0.75)
        np.testing.assert_allclose(made, model.decode([np.tile([[0.75, 1.5]], (5, 1))]), rtol=1e-6)
        self.assertEqual((seen["one"].shape, seen["even"].shape), ((5, 2), (5, 3, 2)))
        np.testing.assert_array_equal(seen["one"], seen["again"])
        self.assertFalse(np.array_equal(seen["one"], seen["other"]))
        self.assertTrue(((seen["even"] > 0) & (seen["even"] < 1)).all())

    def test_a_likelihood_is_told_the_condition_of_each_row(self):
        seen = []

        def log_density(self, x, parameters):
            seen.append((plugin.condition().numpy(), x.numpy()))
            return OwnGaussian.log_density(self, x, parameters)

        self.registered(OwnGaussian, "listening", log_density=log_density, uses_condition=True)
        labels = np.arange(60) % 3
        model = _small(likelihood="listening", epochs=1).fit(IMAGES, labels)
        self.assertTrue({item["name"]: item for item in vae_zoo.list_components("likelihood")}["listening"]["uses_condition"])
        seen.clear()
        model.score_samples(IMAGES[:7], labels[:7])
        np.testing.assert_array_equal(seen[-1][0], np.eye(3)[labels[:7]])
        np.testing.assert_array_equal(seen[-1][1][..., 0], IMAGES[:7])

    def test_networks_begin_at_the_parameters_that_have_the_mean_of_the_images(self):
        seen = []

        def parameters_with_mean(self, mean):
            seen.append(mean.numpy())
            return mean + 3.0

        self.registered(OwnGaussian, "beginning", parameters_with_mean=parameters_with_mean)
        model = _small(likelihood="beginning", epochs=1, learning_rate=1e-9).fit(IMAGES)
        np.testing.assert_allclose(seen[0][..., 0], IMAGES.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(model.parameters["decoder.head.bias"].reshape(6, 6), IMAGES.mean(axis=0) + 3, atol=1e-5)


class OperatorTests(unittest.TestCase):
    def test_values_and_parameters_compute_with_axes_of_their_own(self):
        seen = {}

        class Operators(OwnGaussian):
            """Computes with values and parameters."""

            name = "operators"

            def build(self, build):
                self.p = build.parameter("p", [[0.5, -1.5, 2.0]])
                self.square = build.parameter("square", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]])

            def log_density(self, x, parameters):
                a = x.numpy()
                p, m = np.array([[0.5, -1.5, 2.0]]), np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]])
                b = np.array([[3.0, 0.25, -2.0], [1.0, 5.0, 0.5]], np.float32)
                v = plugin.constant(b)
                e = np.exp(a)
                checks = {
                    "neg": (-self.p, -p), "abs": (abs(self.p), abs(p)), "add": (self.p + 1, p + 1), "radd": (1 + self.p, 1 + p),
                    "sub": (self.p - 3, p - 3), "rsub": (3 - self.p, 3 - p), "mul": (self.p * 4, p * 4),
                    "rmul": (4 * self.p, 4 * p), "div": (self.p / 4, p / 4), "rdiv": (3 / self.p, 3 / p), "pow": (self.p**2, p**2),
                    "value minus parameter": (v - self.p, b - p), "parameter minus value": (self.p - v, p - b),
                    "value over parameter": (v / self.p, b / p), "parameter over value": (self.p / v, p / b),
                    "array minus parameter": (b - self.p, b - p), "array over value": (b / (v + 4), b / (b + 4)),
                    "value minus value": (v - v * 3, b - 3 * b), "value over number": (v / np.float32(8), b / 8),
                    "matmul": (v @ self.square, b @ m), "parameters matmul": (self.p @ self.square, p @ m),
                    "parameter's method": (self.p.exp(), np.exp(p)), "parameter's shape": (self.p.sum(0), p.sum(0)),
                    "sum keeps": (x.sum(1, True), a.sum(1, keepdims=True)), "sum of the last": (x.sum(-1), a.sum(-1)),
                    "mean": (x.mean(1), a.mean(1)), "mean keeps": (x.mean(2, keepdims=True), a.mean(2, keepdims=True)),
                    "max keeps": (x.max(2, True), a.max(2, keepdims=True)), "max of the last": (x.max(-1), a.max(-1)),
                    "log_sum_exp": (x.log_sum_exp(), np.log(e.sum(-1))), "softmax": (x.softmax(), e / e.sum(-1, keepdims=True)),
                    "log_softmax": (x.log_softmax(), a - np.log(e.sum(-1, keepdims=True))),
                    "slice of the last": (x.slice(-1, 1, 1), a[..., 1:2]), "slice": (x.slice(2, 1, 3), a[:, :, 1:4]),
                    "concatenate": (plugin.concatenate([v, self.p, b], 0), np.concatenate([b, p, b])),
                    "concatenate the last": (plugin.concatenate([v, v * 2], -1), np.concatenate([b, b * 2], 1)),
                    "broadcast": (v.reshape(2, 1, 3).broadcast(2, 4, 3), np.broadcast_to(b[:, None], (2, 4, 3))),
                    "clamp": (v.clamp(-1.0, 0.75), b.clip(-1, 0.75)), "above": (v.above(0.5), (b > 0.5) * 1.0),
                    "sign of zero": (plugin.constant([0.0, -0.5, 3]).sign(), np.array([-1.0, -1, 1])),
                    "full": (plugin.full(2.5, 1, 3), np.full((1, 3), 2.5)), "tanh": (v.tanh(), np.tanh(b)),
                    "sigmoid": (v.sigmoid(), 1 / (1 + np.exp(-b))), "erf": (v.erf(), np.vectorize(math.erf)(b)),
                }
                seen.update({name: (value.numpy(), expected) for name, (value, expected) in checks.items()})
                with unittest.TestCase().assertRaisesRegex(ValueError, "power of 2 only"):
                    x**3
                return OwnGaussian.log_density(self, x, parameters)

        plugin.register(Operators)
        images = np.random.default_rng(1).normal(size=(20, 3, 5, 2))
        _small(likelihood="operators", epochs=1).fit(images)
        self.assertGreater(len(seen), 40)
        for name, (value, expected) in seen.items():
            self.assertEqual(value.shape, expected.shape, name)
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5, err_msg=name)

    def test_gradients_flow_to_parameters_and_not_through_what_stops_them(self):
        class Pulled(OwnNormal):
            """Pulls one of its parameters."""

            name = "pulled"
            divergence = None

            def build(self, build):
                self.free, self.held = build.parameter("free", [0.0, 0.0]), build.parameter("held", [1.0, 1.0])

            def log_density(self, z):
                held = self.held.stop_gradient()
                return OwnNormal.log_density(self, z) - ((self.free - 3.0) ** 2).sum(0) + (held * 0.5).sum(0)

        plugin.register(Pulled)
        settings = {"prior.name": "pulled", "training.optimizer": "sgd"}
        model = vae_zoo.GaussianVAE(hidden=(4,), epochs=1, batch_size=60, learning_rate=0.01, settings=settings).fit(IMAGES)
        # The derivative of (free - 3)² at zero is -6.
        np.testing.assert_allclose(model.parameters["prior.free"], [0.06, 0.06], rtol=1e-4)
        np.testing.assert_array_equal(model.parameters["prior.held"], [1, 1])


class OwnVAE(plugin.Variant):
    """A VAE of parts that are written in Python."""

    name = "own-vae"
    reference = "Nobody, 2026, \"A Test\""
    prior = OwnNormal
    likelihood = OwnGaussian
    defaults = {"prior.latent": 3, "likelihood.deviation": 0.3, "encoder.hidden": (16,)}
    shorthands = {
        "latent": "prior.latent",
        "deviation": "likelihood.deviation",
        "hidden": ("encoder.hidden", "decoder.hidden"),
    }


class VariantTests(unittest.TestCase):
    def test_a_variant_in_python_is_listed_and_trains_by_its_name(self):
        plugin.register(OwnVAE)
        found = {info.name: info for info in vae_zoo.list_variants()}["own-vae"]
        self.assertEqual(found.summary, "A VAE of parts that are written in Python")
        description = vae_zoo.describe("own-vae")
        self.assertIn("A Test", description["reference"])
        model = vae_zoo.VAE("own-vae", deviation=0.4, hidden=(16,), epochs=4, batch_size=20)
        self.assertIs(type(model), vae_zoo.OwnVAE)
        self.assertEqual(model.get_params()["latent"], 3)
        model.fit(IMAGES)
        recipe = model.recipe_
        self.assertEqual(recipe["variant"], "own-vae")
        self.assertEqual(recipe["prior"], {"name": "own-normal", "latent": 3})
        self.assertEqual(recipe["likelihood"]["deviation"], 0.4)
        self.assertEqual((recipe["encoder"]["hidden"], recipe["decoder"]["hidden"]), ([16], [16]))
        # The same model put together of the same parts.
        parts = _small(
            latent=20, likelihood="own-gaussian",
            settings={"prior.name": "own-normal", "prior.latent": 3, "likelihood.deviation": 0.4},
        ).fit(IMAGES)
        self.assertEqual(model.history_[-1]["train"], parts.history_[-1]["train"])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).sample(2), model.sample(2))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            self.assertIs(type(vae_zoo.VAE.load(path)), vae_zoo.OwnVAE)

    def test_a_variant_has_the_parts_that_it_names_in_their_roles(self):
        plugin.register(
            type("Parted", (plugin.Variant,), {
                "__doc__": "A VAE of other parts.\n\nAnd more.", "name": "parted-vae", "encoder": "conv", "prior": "vampprior",
                "decoder": "resnet", "likelihood": "laplace", "objective": "capacity",
                "defaults": {"objective.capacity": 3.5, "training.epochs": 7, "prior.latent": 6},
                "shorthands": {"tightness": "objective.capacity"},
            })
        )
        description = vae_zoo.describe("parted-vae")
        self.assertEqual(
            {part["role"]: part["name"] for part in description["parts"]},
            {"encoder": "conv", "prior": "vampprior", "decoder": "resnet", "likelihood": "laplace", "objective": "capacity"},
        )
        self.assertEqual((description["summary"], description["reference"]), ("A VAE of other parts", ""))
        recipe = vae_zoo.recipe("parted-vae", {"tightness": 1.25})
        self.assertEqual((recipe["objective"]["capacity"], recipe["training"]["epochs"], recipe["prior"]["latent"]), (1.25, 7, 6))
        self.assertEqual(vae_zoo.VAE("parted-vae").get_params()["tightness"], 3.5)
        plugin.register(type("Plain", (plugin.Variant,), {"__doc__": "A VAE of the usual parts.", "name": "plain-vae"}))
        self.assertEqual(
            {part["role"]: part["name"] for part in vae_zoo.describe("plain-vae")["parts"]},
            {"encoder": "mlp", "prior": "standard-normal", "decoder": "mlp", "likelihood": "auto", "objective": "elbo"},
        )

    def test_a_variant_of_the_same_name_replaces_the_former_one(self):
        kinds = []
        for latent in (3, 5):
            plugin.register(
                type("Changing", (plugin.Variant,), {
                    "__doc__": "A VAE that changes.", "name": "changing-vae",
                    "defaults": {"prior.latent": latent}, "shorthands": {"latent": "prior.latent"},
                })
            )
            model = vae_zoo.VAE("changing-vae", epochs=1, batch_size=20).fit(IMAGES)
            self.assertEqual(model.transform(IMAGES).shape, (60, latent))
            self.assertIs(type(model), vae_zoo.ChangingVAE)
            kinds.append(model)
        self.assertEqual(kinds[0].transform(IMAGES).shape, (60, 3))

    def test_a_variant_of_what_does_not_exist_is_refused_naming_it(self):
        def variant(**members):
            return type("Wrong", (plugin.Variant,), {"__doc__": "Wrong.", "name": "wrong-vae", **members})

        for words, members in (
            ("nothing", {"encoder": "nothing"}),
            ("prior.nothing", {"defaults": {"prior.nothing": 3}}),
            ("prior.latent", {"defaults": {"prior.latent": 0}}),
            ("there is a variant iwae already", {"name": "iwae"}),
        ):
            with self.assertRaisesRegex(vae_zoo.PluginError, words):
                plugin.register(variant(**members))
        for words, members in (
            (r"Wrong\.prior is .*OwnGaussian.*, which cannot be that", {"prior": OwnGaussian}),
            ("encoder is 3", {"encoder": 3}),
        ):
            with self.assertRaisesRegex(TypeError, words):
                plugin.register(variant(**members))
        self.assertNotIn("wrong-vae", [info.name for info in vae_zoo.list_variants()])


@unittest.skipIf(shutil.which("cc") is None or shutil.which("make") is None, "there is no C compiler")
class LoadingTests(unittest.TestCase):
    def test_variants_of_a_plug_in_in_c_are_classes_too(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["make", "--silent", "-C", os.path.join(ROOT, "Examples", "plugin-c"),
                 f"BUILD={folder}/", f"{folder}/mixture.so"],
                check=True,
            )
            # A name that is no UTF-8, as those of files need not be.
            path = os.path.join(os.fsencode(folder), b"mixtur\xe9.so")
            os.rename(os.path.join(folder, "mixture.so"), path)
            vae_zoo.load_plugin(path)
            with self.assertRaises(vae_zoo.NotFoundError):
                vae_zoo.load_plugin(os.path.join(folder, "nothing.so"))
            with open(os.path.join(folder, "text.so"), "w") as file:
                file.write("no library")
            with self.assertRaises(vae_zoo.PluginError):
                vae_zoo.load_plugin(os.path.join(folder, "text.so"))
        found = {info.name: info for info in vae_zoo.list_variants()}["mixture-vae"]
        self.assertEqual(found.origin, os.fsdecode(path))
        priors = {part["name"]: part for part in vae_zoo.list_components("prior")}
        self.assertEqual(priors["mixture"]["origin"], os.fsdecode(path))
        model = vae_zoo.VAE("mixture-vae", components=3, epochs=1, batch_size=20).fit(stripes(60))
        self.assertIs(type(model), vae_zoo.MixtureVAE)
        self.assertEqual(model.recipe_["prior"]["components"], 3)
        self.assertEqual([plug_in["file"] for plug_in in model.recipe_["plugins"]], [os.fsdecode(path)])
        self.assertEqual(pickle.loads(pickle.dumps(model)).sample(2).shape, (2, 6, 6))


class HeaderTests(unittest.TestCase):
    with open(os.path.join(ROOT, "include", "vae_plugin.h")) as file:
        header = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)

    def test_structs_are_laid_out_as_the_interface_states(self):
        with open(os.path.join(ROOT, "include", "abi", "plugin-layout.h")) as file:
            layout = file.read()
        sizes = dict(re.findall(r"^VAE_LAYOUT_SIZE\((\w+), (\d+)\);", layout, re.MULTILINE))
        fields = re.findall(
            r"^VAE_LAYOUT_FIELD\((\w+), (\w+), (\d+), (\d+)\);", layout, re.MULTILINE
        )
        for name, struct in _structs.STRUCTS.items():
            self.assertEqual(ctypes.sizeof(struct), int(sizes[name]), name)
            stated = [
                (field, int(offset), int(size)) for owner, field, offset, size in fields if owner == name
            ]
            found = [
                (field, getattr(struct, field).offset, getattr(struct, field).size)
                for field, *_ in struct._fields_
            ]
            self.assertEqual(found, stated, name)

    def test_functions_of_the_host_take_what_the_header_declares(self):
        body = re.search(r"typedef struct vae_host {(.*?)} vae_host;", self.header, re.DOTALL)[1]
        numbers = {
            "int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64, "uint32_t": ctypes.c_uint32,
            "uint64_t": ctypes.c_uint64, "float": ctypes.c_float, "double": ctypes.c_double,
        }

        def size_and_kind(text):
            base = re.sub(r"\bconst\b|\*", " ", text).split()[0]
            if "*" in text or base in ("vae_closure", "vae_function"):
                return "pointer"
            return None if base == "void" else numbers[base]

        def kind_of(type_):
            if type_ is None or type_ in numbers.values():
                return type_
            return "pointer"

        for result, name, parameters in re.findall(
            r"([\w ]+?\*?)\(\*(\w+)\)\((.*?)\);", body, re.DOTALL
        ):
            found, *taken = _structs.HOST[name]
            self.assertEqual(kind_of(found), size_and_kind(result.strip()), name)
            self.assertEqual(
                [kind_of(type_) for type_ in taken],
                [size_and_kind(text.strip()) for text in parameters.split(",")],
                name,
            )


if __name__ == "__main__":
    unittest.main()
