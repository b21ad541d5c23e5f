"""The example that writes to Weights & Biases and MLflow, against stand-ins of the two, and offline against the real ones
where these are installed."""

from __future__ import annotations

import importlib.util
import json
import os
import struct
import sys
import tempfile
import types
import unittest
from contextlib import contextmanager
from glob import glob
from unittest import mock

import numpy as np

import vae_zoo
from support import ROOT, needs


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

    @needs("wandb")
    def test_wandb_itself_keeps_each_epoch_offline(self):
        import wandb
        from wandb.proto.wandb_internal_pb2 import Record

        with tempfile.TemporaryDirectory() as folder:
            with mock.patch.dict(os.environ, WANDB_DIR=folder, WANDB_MODE="offline", WANDB_SILENT="true"):
                model, images, more = self._arguments()
                _example().fit_with_wandb(model, images, **more)
                # All is written when its service has ended.
                wandb.teardown(0)
            (path,) = glob(f"{folder}/wandb/offline-run-*/*.wandb")
            with open(path, "rb") as file:
                records = [Record.FromString(record) for record in _records(file.read())]
        rows, settings = [], {}
        for record in records:
            row = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            if row:
                step = row.get("_step", record.history.step.num)
                rows.append(({name: value for name, value in row.items() if not name.startswith("_")}, step))
            for item in record.config.update:
                settings[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
        self._check(rows, settings)

    @needs("mlflow")
    def test_mlflow_itself_keeps_each_epoch(self):
        import mlflow

        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, MLFLOW_ALLOW_FILE_STORE="true"):
            before = mlflow.get_tracking_uri()
            mlflow.set_tracking_uri(f"file://{folder}/runs")
            try:
                model, images, more = self._arguments()
                _example().fit_with_mlflow(model, images, **more)
                client = mlflow.MlflowClient()
                (run,) = client.search_runs(["0"])
                rows: dict = {}
                for name in run.data.metrics:
                    for metric in client.get_metric_history(run.info.run_id, name):
                        rows.setdefault(metric.step, {})[name] = metric.value
            finally:
                mlflow.set_tracking_uri(before)
        settings = {name: int(run.data.params[name]) for name in ("prior.latent", "training.epochs")}
        self._check([(rows[step], step) for step in sorted(rows)], settings)


def _records(stored: bytes):
    """The records of a log of LevelDB, which begins with seven bytes of its owner."""
    place, record, block = 7, b"", 32768
    while place + 7 <= len(stored):
        left = block - place % block
        if left < 7:
            place += left
            continue
        size, kind = struct.unpack_from("<HB", stored, place + 4)
        piece = stored[place + 7:place + 7 + size]
        place += 7 + size
        # Whole, first, middle, last.
        record = piece if kind in (1, 2) else record + piece
        if kind in (1, 4):
            yield record


if __name__ == "__main__":
    unittest.main()
