"""Training: progress, stopping it in every way, and two threads at once."""

from __future__ import annotations

import logging
import os
import pickle
import select
import signal
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

import numpy as np

import vae_zoo
from vae_zoo import _interrupt
from support import SMALL, needs, run_python, stripes

IMAGES = stripes(60)
LONG = 1_000_000  # epochs that no test waits for


def _small(**keywords):
    return vae_zoo.GaussianVAE(
        **{"hidden": (8,), "latent": 2, "epochs": 2, "batch_size": 20, **keywords}
    )


def _weights(model) -> dict:
    return {name: values.tobytes() for name, values in model.parameters.items()}


class ProgressTests(unittest.TestCase):
    def test_the_callback_hears_of_every_update_and_of_every_epoch_s_end(self):
        heard = []
        model = _small().fit(IMAGES, validation=stripes(10, 1), callback=heard.append)
        steps = [(p.step, p.epoch, p.is_epoch_end) for p in heard]
        self.assertEqual(
            steps,
            [(1, 1, False), (2, 1, False), (3, 1, False), (3, 1, True)]
            + [(4, 2, False), (5, 2, False), (6, 2, False), (6, 2, True)],
        )
        for progress in heard:
            self.assertEqual(progress.total_steps, 6)
            self.assertEqual(progress.valid is not None, progress.is_epoch_end)
            bound = progress.train
            self.assertAlmostEqual(bound.elbo, -(bound.distortion + bound.rate), 4)
        self.assertEqual([record["epoch"] for record in model.history_], [1, 2])
        for epoch, progress in zip(model.history_, [p for p in heard if p.is_epoch_end]):
            for split in ("train", "valid"):
                bound = getattr(progress, split)
                for name in ("elbo", "rate", "distortion"):
                    self.assertAlmostEqual(getattr(bound, name), epoch[split][name], 6, f"{split} {name}")
        self.assertEqual(model.metrics_, model.history_[-1])

    def test_the_same_seed_gives_the_same_bits_and_another_one_others(self):
        weights = [_weights(_small(random_state=seed).fit(IMAGES)) for seed in (3, 3, 4)]
        self.assertEqual(weights[0], weights[1])
        self.assertNotEqual(weights[0], weights[2])
        generators = [np.random.RandomState(5), np.random.default_rng(5), None]
        for generator in generators:
            self.assertNotEqual(_weights(_small(random_state=generator).fit(IMAGES)), weights[0])

    def test_keywords_reach_the_recipe(self):
        model = _small(beta=3.0, activation="elu", learning_rate=2e-3, drop_last=False, objective="elbo")
        recipe = model.set_params(settings={"decoder.hidden": [5, 6]}).fit(IMAGES).recipe_
        self.assertEqual(recipe["objective"]["beta"], 3)
        self.assertEqual(recipe["encoder"]["activation"], "elu")
        self.assertEqual(recipe["decoder"]["hidden"], [5, 6])
        self.assertEqual(recipe["training"]["learning_rate"], 2e-3)
        self.assertEqual(recipe["training"]["drop_last"], False)
        capacity = vae_zoo.BetaVAE(objective="capacity", capacity=3.0, epochs=0).fit(IMAGES)
        self.assertEqual(capacity.recipe_["objective"]["capacity"], 3)

    def test_a_wrong_value_is_refused_when_training_begins_naming_what_is_allowed(self):
        for keywords, words in (
            ({"latent": 0}, "latent cannot be 0"),
            ({"latent": "many"}, "latent cannot be many"),
            ({"architecture": "cnn"}, "cnn"),
            ({"capacity": 4.0}, "capacity"),
            ({"settings": {"prior.laten": 3}}, "prior.latent"),
            ({"optimizer": "lion"}, "adamw"),
            ({"value_range": "bits"}, "value_range"),
            ({"random_state": -1}, "random_state"),
        ):
            with self.assertRaisesRegex(ValueError, words):
                _small(**keywords).fit(IMAGES)
        with self.assertRaisesRegex(TypeError, "betta"):
            vae_zoo.BetaVAE(betta=4)
        with self.assertRaisesRegex(ValueError, "betta"):
            vae_zoo.BetaVAE().set_params(betta=4)

    def test_fewer_images_than_a_batch_are_one_batch(self):
        model = _small(batch_size=128).fit(IMAGES[:7])
        self.assertEqual(model.metrics_["step"], 2)
        self.assertEqual(model.recipe_["training"]["batch_size"], 7)

    def test_a_model_that_was_read_keeps_its_batch_as_far_as_there_are_images(self):
        model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, epochs=1).fit(stripes(200))
        size = model.recipe_["training"]["batch_size"]
        self.assertGreater(size, 60)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            loaded = vae_zoo.VAE.load(path).set_params(warm_start=True, epochs=1)
        self.assertEqual(loaded.fit(stripes(200)).recipe_["training"]["batch_size"], size)
        self.assertEqual(loaded.fit(IMAGES).recipe_["training"]["batch_size"], 60)

    def test_warm_start_trains_on(self):
        model = _small(warm_start=True, epochs=1).fit(IMAGES)
        before = _weights(model)
        held = model.score(IMAGES)
        model.set_params(learning_rate=1e-9).fit(IMAGES)
        self.assertAlmostEqual(model.score(IMAGES), held, 3)
        self.assertNotEqual(_weights(model), before)

    def test_what_is_set_back_to_its_default_is_the_default_again_in_later_trainings(self):
        default = _small(epochs=1).fit(IMAGES).recipe_["training"]
        # By keyword, by setting, as an argument of fit, and by too few images for a batch.
        first = {"learning_rate": 0.5, "settings": {"training.beta1": 0.5}}
        back = {"learning_rate": vae_zoo.GaussianVAE().learning_rate, "settings": None}
        model = _small(warm_start=True, epochs=1, **first).fit(IMAGES[:7], epochs=3)
        told = model.recipe_["training"]
        self.assertEqual(
            [told[name] for name in ("learning_rate", "beta1", "epochs", "batch_size")], [0.5, 0.5, 3, 7])
        with tempfile.TemporaryDirectory() as folder:
            model.save(os.path.join(folder, "model.safetensors"))
            loaded = vae_zoo.VAE.load(os.path.join(folder, "model.safetensors"))
        copy = pickle.loads(pickle.dumps(model))
        for later in (model, copy):
            self.assertEqual(later.set_params(**back).fit(IMAGES).recipe_["training"], default)
        # A loaded estimator has keywords for what the other was told by a setting.
        loaded.set_params(
            **back, beta1=vae_zoo.GaussianVAE().beta1, warm_start=True, epochs=1, batch_size=20, random_state=0)
        self.assertEqual(loaded.fit(IMAGES).recipe_["training"], default)

    def test_epochs_of_one_fit_are_not_those_of_the_next(self):
        model = _small(warm_start=True, epochs=None).fit(IMAGES, epochs=3)
        self.assertEqual(len(model.history_), 3)
        default = vae_zoo.GaussianVAE(hidden=(8,), latent=2, batch_size=20).fit(IMAGES)
        self.assertEqual(len(model.fit(IMAGES).history_), len(default.history_))
        self.assertNotEqual(len(default.history_), 3)

    def test_partial_fit_follows_what_is_set_back_and_keeps_its_optimizer_else(self):
        changed, same = (_small(learning_rate=0.5).partial_fit(IMAGES[:20]) for _ in range(2))
        changed.set_params(learning_rate=vae_zoo.GaussianVAE().learning_rate)
        for _ in range(2):
            changed.partial_fit(IMAGES[:20])
            same.partial_fit(IMAGES[:20])
        self.assertEqual(
            changed.recipe_["training"]["learning_rate"], vae_zoo.GaussianVAE().learning_rate)
        updates = changed._updates
        self.assertIs(changed.partial_fit(IMAGES[:20])._updates, updates)

    def test_partial_fit_sets_nothing_apart_whatever_holdout_says(self):
        plain, apart = _small().partial_fit(IMAGES), _small(holdout=0.2, patience=2).partial_fit(IMAGES)
        self.assertEqual(_weights(apart), _weights(plain))
        model = _small(holdout=0.2, epochs=1).fit(IMAGES)
        with tempfile.TemporaryDirectory() as folder:
            model.save(os.path.join(folder, "model.safetensors"))
            loaded = vae_zoo.VAE.load(os.path.join(folder, "model.safetensors"))
        for later in (model, loaded):
            before = _weights(later)
            self.assertNotEqual(_weights(later.partial_fit(IMAGES[:20])), before)

    def test_a_warm_start_refuses_what_only_a_new_model_could_follow(self):
        model = _small(warm_start=True, epochs=1).fit(IMAGES)
        before = _weights(model)
        for changed in ({"latent": 3}, {"settings": {"encoder.hidden": 5}}, {"architecture": "conv", "hidden": None}):
            former = model.get_params()
            with self.assertRaisesRegex(vae_zoo.RecipeError, "in the present model|hidden|warm_start"):
                model.set_params(**changed).fit(IMAGES)
            model.set_params(**former)
        self.assertEqual(_weights(model), before)
        with self.assertRaisesRegex(
            vae_zoo.RecipeError, "prior.latent is 2 in the present model.*become 3.*warm_start=False"
        ):
            model.set_params(latent=3).fit(IMAGES)
        # The same value in other words is no change.
        model.set_params(latent=2, settings={"prior.latent": 2, "training.beta1": 0.5}).fit(IMAGES)
        with tempfile.TemporaryDirectory() as folder:
            model.save(os.path.join(folder, "model.safetensors"))
            loaded = vae_zoo.VAE.load(os.path.join(folder, "model.safetensors"))
        loaded.set_params(warm_start=True).fit(IMAGES)
        with self.assertRaisesRegex(vae_zoo.RecipeError, "prior.latent is 2"):
            loaded.set_params(latent=4, settings=None).fit(IMAGES)
        self.assertEqual(model.set_params(latent=3, settings=None, warm_start=False).fit(IMAGES)
                         .transform(IMAGES).shape, (60, 3))

    def test_a_loaded_run_has_the_history_of_its_training(self):
        with tempfile.TemporaryDirectory() as folder:
            run = os.path.join(folder, "run")
            model = _small(epochs=3).fit(IMAGES, validation=IMAGES[:20], run=run)
            for path in (run, os.fsencode(run)):
                loaded = vae_zoo.VAE.load(path)
                self.assertEqual(loaded.history_, model.history_)
                self.assertEqual(loaded.metrics_["epoch"], 3)
            with open(os.path.join(run, "metrics.jsonl"), "a") as file:
                file.write('{"epoch": 4, "st')  # as a crash leaves it
            self.assertEqual(vae_zoo.VAE.load(run).history_, model.history_)
            with open(os.path.join(run, "metrics.jsonl"), "r+") as file:
                text = file.read()
                file.seek(0)
                file.write(text.replace('"epoch": 2', '"epoch": 6'))
            with self.assertLogs("vae_zoo", "WARNING") as logged:
                loaded = vae_zoo.VAE.load(run)
            self.assertEqual(loaded.history_, [model.history_[0], model.history_[2]])
            self.assertRegex("\n".join(logged.output), "line 2 is left out: its checksum")

    def test_a_run_folder_is_resumed_to_the_same_bits(self):
        with tempfile.TemporaryDirectory() as folder:
            run = os.path.join(folder, "run")
            _small(epochs=1).fit(IMAGES, run=run)
            with self.assertRaises(vae_zoo.ExistsError):
                _small().fit(IMAGES, run=run)
            resumed = _small().fit(IMAGES, epochs=3, run=run, existing_run="resume")
            whole = _small().fit(IMAGES, epochs=3)
            self.assertEqual(_weights(resumed), _weights(whole))
            # The epochs before are part of its history, and so is the last one where none is left to do.
            self.assertEqual([record["epoch"] for record in resumed.history_], [1, 2, 3])
            finished = _small().fit(IMAGES, epochs=3, run=run, existing_run="resume")
            self.assertEqual(finished.history_, resumed.history_)
            self.assertEqual(finished.metrics_["train"], resumed.metrics_["train"])
            self.assertEqual(_weights(vae_zoo.VAE.load(run)), _weights(whole))

    def test_checkpoints_in_another_folder_are_resumed_where_it_is_named_again(self):
        with tempfile.TemporaryDirectory() as folder:
            run, scratch = os.path.join(folder, "run"), os.path.join(folder, "scratch")
            _small(epochs=1).fit(IMAGES, run=run, checkpoint_dir=scratch)
            self.assertFalse(os.path.exists(os.path.join(run, "checkpoints")))
            with self.assertRaisesRegex(vae_zoo.ExistsError, "checkpoint_dir"):
                _small().fit(IMAGES, epochs=3, run=run, existing_run="resume")
            resumed = _small().fit(
                IMAGES, epochs=3, run=run, existing_run="resume", checkpoint_dir=os.fsencode(scratch)
            )
            self.assertEqual(_weights(resumed), _weights(_small().fit(IMAGES, epochs=3)))
            self.assertEqual(_weights(vae_zoo.VAE.load(run)), _weights(resumed))
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "give run as well"):
                _small().fit(IMAGES, checkpoint_dir=scratch)

    def test_training_on_a_source_measures_its_own_splits(self):
        data = vae_zoo.Data("shapes")
        self.assertEqual(data.image_shape[2], 1)
        heard = []
        model = _small(batch_size=100).fit(data, callback=lambda p: heard.append(p) or len(heard) > 2)
        self.assertEqual(model.sample(2).shape, (2, *data.image_shape))
        last = data.counts["train"] - 3
        np.testing.assert_array_equal(data.images(start=last), data.images(start=last, count=3))
        np.testing.assert_array_equal(data.images("train", last)[1:], data.images("train", last + 1))
        with self.assertRaises(vae_zoo.NotFoundError):
            vae_zoo.Data("/nowhere")

    def test_what_is_told_of_an_epoch_is_the_held_out_figure(self):
        # Held-out images of another kind, so that the two figures lie far apart.
        held_out = 1 - stripes(30, 1)
        with mock.patch.dict(sys.modules, {"tqdm": None, "tqdm.auto": None}):
            with mock.patch.object(sys, "stderr") as stream:
                model = _small(verbose=True).fit(IMAGES, validation=held_out)
        text = "".join(call.args[0] for call in stream.write.call_args_list)
        for number, record in enumerate(model.history_, 1):
            self.assertGreater(abs(record["valid"]["elbo"] - record["train"]["elbo"]), 1)
            self.assertIn(f"epoch {number}: elbo {record['valid']['elbo']:.2f} nats", text)

    @needs("tqdm")
    def test_the_bar_tells_the_held_out_figure(self):
        output = run_python(
            "import numpy, vae_zoo, sys, io\n"
            "sys.stderr = io.StringIO()\n"
            "X = numpy.eye(40, 16, dtype=numpy.float32)\n"
            "model = vae_zoo.GaussianVAE(hidden=4, latent=1, batch_size=10, verbose=True)\n"
            "model.fit(X, validation=1 - X, epochs=2)\n"
            "told = [model.history_[-1][split]['elbo'] for split in ('valid', 'train')]\n"
            "print([f'epoch 2, elbo {value:.2f} nats' in sys.stderr.getvalue() for value in told])"
        )
        self.assertIn("[True, False]", output)

    @needs("tqdm")
    def test_verbose_training_shows_a_bar(self):
        output = run_python(
            "import numpy, vae_zoo, sys, io\n"
            "sys.stderr = io.StringIO()\n"
            "X = numpy.eye(40, 16, dtype=numpy.float32)\n"
            "vae_zoo.GaussianVAE(hidden=4, latent=1, batch_size=10, verbose=True).fit(X, epochs=3)\n"
            "print(sys.stderr.getvalue())"
        )
        self.assertIn("12/12", output)
        self.assertIn("epoch 3", output)

    def test_a_bar_goes_from_where_the_training_stands_to_its_end(self):
        told = []

        class Bar:
            def __init__(self, total, initial, unit):
                self.n = initial
                told.append((total, initial, unit))

            def update(self, steps):
                self.n += steps

            def set_postfix_str(self, text):
                told.append((self.n, text))

            def close(self):
                told.append("closed")

        module = mock.Mock(tqdm=Bar)
        modules = {"tqdm": mock.Mock(auto=module), "tqdm.auto": module}
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(sys.modules, modules):
            run = os.path.join(folder, "run")
            first = _small(verbose=True, epochs=2).fit(IMAGES, run=run)
            resumed = _small(verbose=True, epochs=3).fit(IMAGES, run=run, existing_run="resume")
        bounds = [record["train"]["elbo"] for record in [*first.history_, resumed.history_[-1]]]
        self.assertEqual(told, [
            (6, 0, "step"), (3, f"epoch 1, elbo {bounds[0]:.2f} nats"), (6, f"epoch 2, elbo {bounds[1]:.2f} nats"), "closed",
            (9, 6, "step"), (9, f"epoch 3, elbo {bounds[2]:.2f} nats"), "closed",
        ])

    def test_verbose_training_without_tqdm_prints_a_line_an_epoch(self):
        with mock.patch.dict(sys.modules, {"tqdm": None, "tqdm.auto": None}):
            with mock.patch.object(sys, "stderr") as stream:
                _small(verbose=True).fit(IMAGES)
        text = "".join(call.args[0] for call in stream.write.call_args_list)
        self.assertRegex(text, r"epoch 1: elbo -\d+\.\d\d nats\nepoch 2: ")

    def test_messages_go_to_the_logger_those_of_training_as_warnings(self):
        with self.assertLogs("vae_zoo", logging.INFO) as logs:
            _small(beta=1000.0, epochs=30, learning_rate=0.01).fit(IMAGES)
        levels = {record.levelno for record in logs.records}
        self.assertIn(logging.INFO, levels)
        self.assertTrue(any("values" in line for line in logs.output))


class UpdateTests(unittest.TestCase):
    def test_updates_on_images_as_they_come_improve_the_bound(self):
        model = _small(learning_rate=3e-3)
        self.assertIs(model.partial_fit(IMAGES), model)
        first = model.score(IMAGES)
        for _ in range(100):
            model.partial_fit(IMAGES)
        self.assertGreater(model.score(IMAGES), first + 1)
        bound = model.bound_
        self.assertAlmostEqual(bound.elbo, -(bound.rate + bound.distortion), 4)
        self.assertEqual((model.history_, model.metrics_), ([], {}))
        self.assertEqual(model.image_shape_, (6, 6, 1))
        self.assertEqual(model.transform(IMAGES).shape, (60, 2))
        self.assertEqual(model.sample(2).shape, (2, 6, 6))

    def test_an_update_is_made_for_each_batch_size_of_images_in_their_order(self):
        one, many, other = (_small().partial_fit(IMAGES[:20]) for _ in range(3))
        one.partial_fit(IMAGES[20:])
        many.partial_fit(IMAGES[20:40]).partial_fit(IMAGES[40:])
        other.partial_fit(IMAGES[40:]).partial_fit(IMAGES[20:40])
        self.assertEqual(_weights(one), _weights(many))
        self.assertNotEqual(_weights(one), _weights(other))
        self.assertEqual(one.bound_, many.bound_)
        # Fewer images than a batch are one update.
        self.assertNotEqual(_weights(one.partial_fit(IMAGES[:3])), _weights(many))

    def test_an_update_is_made_on_every_image_of_its_batch(self):
        # Of batches that are larger all of these are one.
        models = [_small(batch_size=size).partial_fit(IMAGES[:20]) for size in (20, 60)]
        self.assertEqual(_weights(models[0]), _weights(models[1]))
        self.assertEqual(models[0].bound_, models[1].bound_)
        fewer = _small(batch_size=60).partial_fit(IMAGES[:20])
        for model, count in ((models[0], 40), (fewer, 39)):
            model.partial_fit(IMAGES[20:count])
        self.assertNotEqual(_weights(models[0]), _weights(fewer))

    def test_what_is_left_of_a_batch_is_an_update_of_its_own(self):
        # The first call's images also decide where the decoder begins.
        whole, parts = (_small().partial_fit(IMAGES[30:]) for _ in range(2))
        whole.partial_fit(IMAGES[:25])
        parts.partial_fit(IMAGES[:20])
        one = _weights(parts)
        parts.partial_fit(IMAGES[20:25])
        self.assertEqual(_weights(whole), _weights(parts))
        self.assertNotEqual(_weights(whole), one)
        self.assertEqual(whole.bound_, parts.bound_)

    def test_rows_that_leave_a_batch_of_one_are_refused_before_any_update(self):
        words = r"^X makes a batch of one example .*; give (another number of rows, or choose another batch_size|two rows)"
        for name in ("LadderVAE", "FactorVAE"):  # Normalisation over the batch, and an objective that compares examples.
            model = getattr(vae_zoo, name)(batch_size=20, **SMALL[name])
            with self.assertRaisesRegex(vae_zoo.DataError, words):
                model.partial_fit(IMAGES[:21])
            self.assertFalse(hasattr(model, "classes_") or hasattr(model, "image_shape_"))
            model.partial_fit(IMAGES[:20])
            before, recipe = _weights(model), model.recipe_
            for count in (21, 41, 1):
                with self.assertRaisesRegex(vae_zoo.DataError, words) as caught:
                    model.partial_fit(IMAGES[:count])
                self.assertNotIn("drop_last", str(caught.exception))
                self.assertEqual((_weights(model), model.recipe_), (before, recipe))
            self.assertNotEqual(_weights(model.partial_fit(IMAGES[:22])), before)

    def test_a_batch_of_one_is_an_update_where_it_teaches_the_model_something(self):
        whole, parts = (_small().partial_fit(IMAGES[:20]) for _ in range(2))
        recipe = whole.recipe_
        whole.partial_fit(IMAGES[:41])
        for part in (IMAGES[:20], IMAGES[20:40], IMAGES[40:41]):
            parts.partial_fit(part)
        self.assertEqual(_weights(whole), _weights(parts))
        self.assertEqual((whole.recipe_, parts.recipe_), (recipe, recipe))

    def test_the_optimizer_lives_from_call_to_call(self):
        kept, begun = (_small(learning_rate=0.1).partial_fit(IMAGES[:20]) for _ in range(2))
        begun = pickle.loads(pickle.dumps(begun))
        self.assertEqual(_weights(kept), _weights(begun))
        self.assertNotEqual(
            _weights(kept.partial_fit(IMAGES[20:40])), _weights(begun.partial_fit(IMAGES[20:40]))
        )

    def test_the_recipe_says_what_the_caller_chose(self):
        model = _small(epochs=7).partial_fit(IMAGES)
        fitted = _small(epochs=7).fit(IMAGES)
        self.assertEqual(model.recipe_, fitted.recipe_)
        model.set_params(learning_rate=0.5).partial_fit(IMAGES[:5])
        self.assertEqual(model.recipe_["training"]["learning_rate"], 0.5)
        self.assertEqual(model.recipe_["training"]["epochs"], 7)

    def test_more_updates_than_epochs_are_made_after_fit_and_before(self):
        model = _small(epochs=1).fit(IMAGES)
        before = _weights(model)
        for _ in range(5):
            model.partial_fit(IMAGES)
            self.assertNotEqual(_weights(model), before)
            before = _weights(model)
        self.assertEqual(_weights(model.fit(IMAGES)), _weights(_small(epochs=1).fit(IMAGES)))

    def test_images_that_do_not_fit_the_first_ones_are_refused(self):
        model = _small().partial_fit(IMAGES.reshape(60, 36))
        before = _weights(model)
        for words, images in (
            ("35 features.*expecting 36", np.zeros((3, 35))),
            ("the model takes (binary|zeros and ones)", np.full((3, 36), 0.5)),
            ("fit takes a Data", vae_zoo.Data("shapes:32")),
        ):
            with self.assertRaisesRegex(ValueError, words):
                model.partial_fit(images)
        with self.assertRaisesRegex(vae_zoo.RecipeError, "prior.latent is 2.*become 3"):
            model.set_params(latent=3).partial_fit(IMAGES.reshape(60, 36))
        self.assertEqual(_weights(model), before)


class StoppingTests(unittest.TestCase):
    def setUp(self):
        # A program begun in the background by a shell without job control is begun with SIGINT
        # ignored, and Python then leaves it so.
        former = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, former)

    def test_a_true_value_of_the_callback_stops_and_leaves_a_model(self):
        model = _small(epochs=LONG)
        self.assertIs(model.fit(IMAGES, callback=lambda progress: progress.step == 5), model)
        self.assertEqual(model.metrics_["epoch"], 1)
        self.assertEqual(model.transform(IMAGES).shape, (60, 2))
        five = _weights(model)
        stopped = _small(epochs=LONG).fit(IMAGES, callback=lambda progress: progress.step == 5)
        self.assertEqual(_weights(stopped), five)

    def test_an_exception_in_the_callback_stops_and_is_raised_as_it_was(self):
        class Mine(Exception):
            pass

        raised = Mine("stop here")

        def callback(progress):
            if progress.step == 4:
                raise raised

        model = _small(epochs=LONG)
        with self.assertRaises(Mine) as caught:
            model.fit(IMAGES, callback=callback)
        self.assertIs(caught.exception, raised)
        self.assertEqual(model.transform(IMAGES).shape, (60, 2))
        model.fit(IMAGES, epochs=1)

    def test_ctrl_c_stops_training_at_a_step_and_leaves_the_model_usable(self):
        for callback in (True, False):
            model = _small(epochs=LONG)
            handler = signal.getsignal(signal.SIGINT)
            timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
            heard = []

            def interrupt(progress):
                heard.append(progress.step)
                if progress.step == 5:
                    signal.raise_signal(signal.SIGINT)

            with self.assertRaises(KeyboardInterrupt):
                if callback:
                    model.fit(IMAGES, callback=interrupt)
                else:
                    timer.start()
                    model.fit(IMAGES)
            self.assertIs(signal.getsignal(signal.SIGINT), handler)
            self.assertEqual(signal.set_wakeup_fd(-1), -1)
            self.assertEqual(model.transform(IMAGES).shape, (60, 2))
            self.assertTrue(np.isfinite(model.score(IMAGES)))
            model.fit(IMAGES, epochs=1)

    def test_ctrl_c_stops_a_long_measurement(self):
        model = _small().fit(IMAGES)
        for call in (
            lambda: model.score_samples(IMAGES, samples=10_000_000),
            lambda: model.evaluate(IMAGES, samples=10_000_000),
        ):
            timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
            with self.assertRaises(KeyboardInterrupt):
                timer.start()
                call()
            timer.join()
        self.assertTrue(np.isfinite(model.score(IMAGES)))

    def test_ctrl_c_stops_every_call_that_may_be_long(self):
        model = _small().fit(IMAGES)
        latents = model.transform(IMAGES)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            file = os.path.join(folder, "images.npy")
            np.save(file, IMAGES.reshape(60, 6, 6).astype(np.float32))
            calls = {
                "open": lambda: vae_zoo.Data(file),
                "load": lambda: vae_zoo.VAE.load(path),
                "sample": lambda: model.sample(3),
                "encode": lambda: model.encode(IMAGES),
                "decode": lambda: model.decode([latents]),
                "transform": lambda: model.transform(IMAGES),
                "reconstruct": lambda: model.reconstruct(IMAGES),
                "score_samples": lambda: model.score_samples(IMAGES),
                "evaluate": lambda: model.evaluate(IMAGES),
            }
            for name, call in calls.items():
                # The signal is there before the call asks for the first time.
                with mock.patch.object(
                    _interrupt.Watched, "__enter__", self._interrupted(_interrupt.Watched.__enter__)
                ):
                    with self.assertRaises(KeyboardInterrupt, msg=name) as caught:
                        call()
                self.assertIsInstance(caught.exception.__context__, vae_zoo.CancelledError, name)
                call()

    @staticmethod
    def _interrupted(enter):
        def entered(watched):
            options = enter(watched)
            signal.raise_signal(signal.SIGINT)
            # A thread of its own reads the signal's number and sets the token.
            while select.select([watched._interruptible._reading], [], [], 0)[0]:
                time.sleep(0.01)
            time.sleep(0.1)
            return options

        return entered

    def test_progress_is_told_part_by_part_and_may_stop_the_work(self):
        class Mine(Exception):
            pass

        model = _small().fit(IMAGES)
        calls = {
            "sample": lambda progress: model.sample(600, progress=progress),
            "encode": lambda progress: model.encode(np.tile(IMAGES, (10, 1, 1)), progress=progress),
            "decode": lambda progress: model.decode([np.zeros((600, 2))], progress=progress),
            "reconstruct": lambda progress: model.reconstruct(
                np.tile(IMAGES, (10, 1, 1)), progress=progress
            ),
            "score_samples": lambda progress: model.score_samples(IMAGES, progress=progress),
            "evaluate": lambda progress: model.evaluate(IMAGES, progress=progress),
        }
        for name, call in calls.items():
            told = []
            call(told.append)
            self.assertEqual(told[0], 0, name)
            self.assertEqual(told, sorted(told), name)
            if name in ("sample", "encode", "decode", "reconstruct"):
                # What several processes may divide tells its end, too.
                end = [1] if name in ("encode", "reconstruct") else []
                self.assertEqual(told, [0, 250 / 600, 500 / 600, *end], name)
            with self.assertRaises(vae_zoo.CancelledError, msg=name):
                call(lambda fraction: True)

            def failing(fraction):
                raise Mine("of the progress")

            with self.assertRaisesRegex(Mine, "of the progress", msg=name):
                call(failing)

    def test_a_program_s_own_handler_runs_and_its_wake_up_file_is_written_to(self):
        came = []
        former = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        try:
            model = _small(epochs=LONG)
            model.fit(IMAGES, callback=lambda p: p.step == 2 and signal.raise_signal(signal.SIGINT))
            self.assertEqual(came, [signal.SIGINT])
            self.assertEqual(os.read(reading, 8), bytes([signal.SIGINT]))
            self.assertEqual(signal.set_wakeup_fd(writing), writing)
        finally:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGINT, former)
            os.close(reading)
            os.close(writing)

    def test_a_training_that_diverges_says_so(self):
        with self.assertRaises((vae_zoo.DivergedError, vae_zoo.DataError)):
            _small(learning_rate=1000.0, optimizer="sgd", epochs=50, sigma=1e-3, likelihood="gaussian").fit(
                np.random.default_rng(0).normal(size=(60, 6)) * 1e6
            )


class ThreadTests(unittest.TestCase):
    def test_a_second_thread_is_refused_and_changes_nothing(self):
        arrived, go = threading.Event(), threading.Event()

        def callback(progress):
            if progress.step == 1:
                arrived.set()
                go.wait(60)

        model = _small()
        thread = threading.Thread(target=lambda: model.fit(IMAGES, callback=callback))
        thread.start()
        self.assertTrue(arrived.wait(60))
        try:
            for call in (
                lambda: model.transform(IMAGES),
                lambda: model.sample(1),
                lambda: model.fit(IMAGES),
                lambda: model.score(IMAGES),
                lambda: model.parameters["decoder.head.bias"],
            ):
                with self.assertRaises(vae_zoo.BusyError):
                    call()
        finally:
            go.set()
            thread.join(60)
        self.assertEqual(_weights(model), _weights(_small().fit(IMAGES)))

    def test_several_threads_use_one_model_and_get_the_bits_of_one(self):
        model = _small().fit(IMAGES)

        def answers():
            return [
                model.transform(IMAGES).tobytes(),
                model.sample(9, random_state=1).tobytes(),
                model.score_samples(IMAGES, samples=3, random_state=1).tobytes(),
                model.score_samples(IMAGES, method="regret", steps=3, random_state=1).tobytes(),
            ]

        alone = answers()
        found: list = []
        threads = [
            threading.Thread(target=lambda: found.extend(answers() for _ in range(5)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(found, [alone] * 20)

    def test_other_scores_are_minus_those_of_the_command(self):
        model, other = _small().fit(IMAGES), _small().fit(IMAGES, epochs=1)
        regret = model.score_samples(IMAGES, method="regret", steps=20, random_state=1)
        self.assertLessEqual(regret.max(), 0)
        self.assertLess(regret.min(), 0)
        for asked in ({}, {"samples": 5}):
            own, common = (
                each.score_samples(IMAGES, method="nll", random_state=1, **asked) for each in (model, other)
            )
            ratio = model.score_samples(
                IMAGES, method="ratio", background=other, random_state=1, **asked
            )
            np.testing.assert_allclose(ratio, own - common, atol=1e-3)
        usual, rest = IMAGES[:10], IMAGES[10:17]
        for size in (3, 7):
            nats = model.score_samples(rest, method="nll", samples=5, random_state=1)
            mean = model.score_samples(usual, method="nll", samples=5, random_state=1).mean()
            found = model.score_samples(
                rest, method="typicality", reference=usual, group=size, samples=5, random_state=1
            )
            for start in range(0, 7, size):
                np.testing.assert_allclose(
                    found[start:start + size], -abs(nats[start:start + size].mean() - mean), atol=1e-3
                )
        for asked, method in (({}, "elbo"), ({"samples": 5}, "nll")):
            np.testing.assert_array_equal(
                model.score_samples(IMAGES, random_state=1, **asked),
                model.score_samples(IMAGES, method=method, random_state=1, **asked),
            )
        for wrong in (
            {"method": "x"}, {"method": "ratio"}, {"background": other}, {"method": "typicality"},
            {"reference": IMAGES}, {"method": "typicality", "reference": IMAGES, "group": 0},
            {"method": "regret", "samples": 5},
        ):
            with self.assertRaises(vae_zoo.InvalidArgumentError):
                model.score_samples(IMAGES, **wrong)

    def test_a_callback_may_use_the_model_but_not_change_it(self):
        model = _small()
        pictures, refused = [], []

        def callback(progress):
            pictures.append(model.sample(2))
            for change in (
                lambda: model.fit(IMAGES),
                lambda: model.parameters.__setitem__("decoder.head.bias", np.zeros(36)),
            ):
                try:
                    change()
                except vae_zoo.BusyError as error:
                    refused.append(error)

        model.fit(IMAGES, callback=callback)
        self.assertEqual(len(pictures), 8)
        self.assertEqual(len(refused), 16)
        self.assertEqual(_weights(model), _weights(_small().fit(IMAGES)))

    def test_models_of_several_threads_train_side_by_side(self):
        expected = _weights(_small().fit(IMAGES))
        found: list = [None] * 4

        def train(place):
            found[place] = _weights(_small().fit(IMAGES))

        threads = [threading.Thread(target=train, args=[place]) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(found, [expected] * 4)

    def test_the_interpreter_is_free_while_a_model_trains(self):
        model = _small(epochs=LONG)
        stop, beats = threading.Event(), []
        thread = threading.Thread(
            target=lambda: model.fit(IMAGES, callback=lambda p: p.is_epoch_end and stop.is_set())
        )
        thread.start()
        while len(beats) < 1000:
            beats.append(len(beats))
        stop.set()
        thread.join(60)
        self.assertFalse(thread.is_alive())


if __name__ == "__main__":
    unittest.main()
