"""The example that writes to Weights & Biases and MLflow, against stand-ins of the two."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
import unittest
from contextlib import contextmanager
from unittest import mock

import numpy as np

import vae_zoo
from support import ROOT


def _example():
    path = os.path.join(ROOT, "Examples", "python", "loggers.py")
    spec = importlib.util.spec_from_file_location("loggers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class LoggerTests(unittest.TestCase):
    def _check(self, rows, settings):
        self.assertEqual([step for _, step in rows], [4, 8])
        for number, (row, _) in enumerate(rows, 1):
            names = {f"{split}/{name}" for split in ("train", "valid") for name in ("elbo", "rate", "distortion")}
            self.assertEqual(set(row), names | {"epoch"})
            self.assertEqual(row["epoch"], number)
            self.assertAlmostEqual(row["valid/elbo"], -row["valid/rate"] - row["valid/distortion"], places=4)
        self.assertEqual((settings["prior.latent"], settings["training.epochs"]), (2, 2))

    def _arguments(self):
        images = np.random.default_rng(0).random((40, 4, 4)).round()
        model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, batch_size=10)
        return model, images, {"validation": images[:20], "epochs": 2}

    def test_each_epoch_is_a_row_of_a_run_of_wandb(self):
        rows, config = [], {}
        run = types.SimpleNamespace(log=lambda numbers, step: rows.append((numbers, step)), config=config)

        @contextmanager
        def init(project):
            yield run

        with mock.patch.dict(sys.modules, wandb=types.SimpleNamespace(init=init)), mock.patch.dict(os.environ):
            model, images, more = self._arguments()
            _example().fit_with_wandb(model, images, **more)
        self._check(rows, config)

    def test_each_epoch_is_a_row_of_a_run_of_mlflow(self):
        rows, params = [], {}

        @contextmanager
        def start_run():
            yield None

        fake = types.SimpleNamespace(
            start_run=start_run, log_metrics=lambda numbers, step: rows.append((numbers, step)),
            log_params=params.update,
        )
        with mock.patch.dict(sys.modules, mlflow=fake):
            model, images, more = self._arguments()
            _example().fit_with_mlflow(model, images, **more)
        self._check(rows, params)


if __name__ == "__main__":
    unittest.main()
