"""Writes what a training measures to Weights & Biases or MLflow, by a callback of ``fit``.

    python loggers.py wandb      # pip install wandb; offline, under wandb/, until somebody runs `wandb sync`
    python loggers.py mlflow     # pip install mlflow; in mlflow.db, or where MLFLOW_TRACKING_URI says
    python loggers.py            # prints the same numbers

Each gets the terms of the bound at the end of every epoch, by names such as ``train/elbo`` and ``valid/rate``, at the step
of the update that ended it, and the recipe of the model once.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Mapping

import vae_zoo

Write = Callable[[Mapping[str, float], int], Any]


def epoch_logger(write: Write) -> Callable[[vae_zoo.Progress], bool]:
    """A callback that gives `write` the numbers of each epoch and the number of updates made."""

    def callback(progress: vae_zoo.Progress) -> bool:
        if progress.is_epoch_end:
            numbers = {"epoch": float(progress.epoch)}
            for split, bound in (("train", progress.train), ("valid", progress.valid)):
                if bound is not None:
                    numbers.update({f"{split}/{name}": value for name, value in bound._asdict().items()})
            write(numbers, progress.step)
        return False  # True would stop the training.

    return callback


def settings_of(model: Any) -> dict[str, Any]:
    """The recipe of a model as names with dots, such as ``prior.latent``."""
    recipe = model.recipe_
    return {
        f"{part}.{name}": value
        for part, members in recipe.items()
        if isinstance(members, dict) and part != "data"
        for name, value in members.items()
    }


def fit_with_wandb(model: Any, X: Any, **arguments: Any) -> Any:
    """Fits a model as a run of Weights & Biases, offline unless WANDB_MODE says otherwise."""
    import wandb

    os.environ.setdefault("WANDB_MODE", "offline")
    with wandb.init(project="vae-zoo") as run:
        model.fit(X, callback=epoch_logger(lambda numbers, step: run.log(dict(numbers), step=step)), **arguments)
        run.config.update(settings_of(model))
    return model


def fit_with_mlflow(model: Any, X: Any, **arguments: Any) -> Any:
    """Fits a model as a run of MLflow, where MLFLOW_TRACKING_URI says or else where MLflow keeps its runs."""
    import mlflow

    with mlflow.start_run():
        model.fit(X, callback=epoch_logger(lambda numbers, step: mlflow.log_metrics(dict(numbers), step=step)), **arguments)
        mlflow.log_params(settings_of(model))
    return model


if __name__ == "__main__":
    data = vae_zoo.Data("shapes:32")
    images = data.images("train", count=2000)
    held_out = data.images("test", count=200)
    model = vae_zoo.GaussianVAE(hidden=(64,), latent=5)
    logger = sys.argv[1] if len(sys.argv) > 1 else ""
    if logger == "wandb":
        fit_with_wandb(model, images, validation=held_out, epochs=2)
    elif logger == "mlflow":
        fit_with_mlflow(model, images, validation=held_out, epochs=2)
    else:
        model.fit(images, validation=held_out, epochs=2, callback=epoch_logger(print))
