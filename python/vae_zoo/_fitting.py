"""How an estimator is trained: all at once, or on images as they come."""

from __future__ import annotations

import threading
from typing import Any, Callable, Mapping, TypeVar

import numpy as np

from vae_zoo._conditions import NONE, Known, conditions, first_conditions, listens, takes_masks
from vae_zoo._data import Data, range_code
from vae_zoo._errors import BusyError, Error, InvalidArgumentError, RecipeError, elements_renamed
from vae_zoo._fitted import FittedModel
from vae_zoo._library import Path, setting_text
from vae_zoo._model import Model
from vae_zoo._registry import own_recipe, recipe
from vae_zoo._settings import column_names, history_of, of_model, seed_of
from vae_zoo._tables import Form, Table, check_kept, columns_of_array, described, is_frame, is_structured, is_table
from vae_zoo._tables import label_column, labels_of, rows_of, table_of, trains_as_table, value_columns
from vae_zoo._training import Callback, Trainer, Updates

_Self = TypeVar("_Self", bound="Fitting")


class Fitting(FittedModel):
    """``fit`` and ``partial_fit``."""

    # Not in __dict__, which belongs to hyper-parameters and to what fit has found.
    __slots__ = ("_training", "_updates")

    _training: threading.Lock
    _updates: Updates | None  # the trainer of partial_fit, which lives between its calls

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        estimator = super().__new__(cls)
        estimator._training = threading.Lock()
        estimator._updates = None
        return estimator

    def fit(
        self: _Self,
        X: Any,
        y: Any = None,
        *,
        validation: Any = None,
        epochs: int | None = None,
        callback: Callback | None = None,
        run: Path | None = None,
        existing_run: str = "refuse",
        checkpoint_dir: Path | None = None,
        from_weights: Path | None = None,
        columns: Mapping[str, str] | None = None,
        communicator: Any = None,
    ) -> _Self:
        """Trains the model.

        Ctrl-C stops at the next update and raises KeyboardInterrupt; an exception in the callback stops as
        well and is raised. Either way the model holds what it has learnt so far and can be used.

        Parameters
        ----------
        X : array-like or Data
            Images, ``[N, D]``, ``[N, H, W]`` or ``[N, H, W, C]``: NumPy's, or anything that speaks
            DLPack. float32, float64 and uint8 are used in place, and so must not change meanwhile;
            other numbers are converted to floats, so that bytes are of the type uint8. A DataFrame of pandas or an array of
            named fields is a table, whose columns have kinds; what comes out is one as well. So are rows ``[N, D]`` of
            numbers, with real columns called 0, 1, …, unless they are bytes or all lie on one grid of pixel levels
            between 0 and 1, as pixels do. ``columns={}`` makes a table of these too, and ``image_shape``, or a reshape
            to ``[N, H, W]``, images of the others.
        y : array-like, optional
            What a conditional variant is told of each image: labels ``[N]`` of any type that can be sorted,
            whose values become ``classes_``; attributes, rows ``[N, n]`` of truth values; or vectors, rows of
            floats, or numbers ``[N]`` that are not all whole. Other variants ignore it.
        validation : array-like, optional
            Held-out images, measured after every epoch; of a conditional variant a pair of images and
            their ``y``.
        epochs : int, optional
            Passes over the data, in place of the hyper-parameter.
        callback : callable, optional
            Called with a `Progress` after every update and again at the end of an epoch. A true value
            stops the training. It may use the model, but not change it.
        run : path, optional
            A folder for metrics and checkpoints, from which training can be resumed.
        existing_run : str
            Where that folder exists: ``"refuse"``, ``"resume"`` or ``"replace"``.
        checkpoint_dir : path, optional
            A folder, such as one of a scratch disk, in which a new one for the checkpoints of this run
            is made. To resume such a run it is named again.
        from_weights : path, optional
            A run folder, or a file that ``save`` wrote, whose weights take the place of fresh ones. Its
            settings of training, objective and data may be others; a tensor that does not fit is named. A
            conditional model keeps the classes of these weights, and takes labels by their names.
        columns : mapping, optional
            What columns of a table are, by their names: ``"real"``, ``"positive"``, ``"count"``, ``"yes-no"``,
            ``"category"``, ``"ignore"`` or, in place of `y`, ``"label"``; of the others it is found out. Numbers ``[N, D]`` without names of
            columns are a table where this is given, be it empty: their columns are called ``"0"``, ``"1"``, …, are real
            where nothing is said of them, and are none of the last two.
        communicator : Communicator, communicator of mpi4py or process group of torch.distributed, optional
            What connects this process with others that train the same model with it: each makes the same model, calls
            ``fit`` with the same data, and computes a part of every batch (see docs/scaling.md). The first alone writes
            to ``run``, which the others name, too; all have the same model afterwards.

        Returns
        -------
        self
        """
        self._exclusively(
            lambda: self._fit(
                X, y, validation, epochs, callback, run, existing_run, checkpoint_dir, from_weights, columns,
                communicator,
            )
        )
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        validation: Any,
        epochs: int | None,
        callback: Callback | None,
        run: Path | None,
        existing_run: str,
        checkpoint_dir: Path | None,
        from_weights: Path | None,
        columns: Mapping[str, str] | None,
        communicator: Any,
    ) -> None:
        if columns is not None and not isinstance(columns, Mapping):
            raise TypeError(f"columns is {columns!r}, but must be a mapping of the names of columns to their types")
        if callback is not None and not callable(callback):
            raise TypeError(f"callback is {callback!r}, but must be callable")
        settings = self._given()
        made_of = of_model(settings)
        settings.append(("training.seed", str(seed_of(self.random_state))))
        if epochs is not None:
            settings.append(("training.epochs", setting_text(epochs)))
        apart = dict(settings).get("training.holdout", "0")
        if validation is not None and float(apart) > 0:
            raise InvalidArgumentError(
                f"validation names what is held out, and training.holdout={apart} sets some of X apart for that; choose one"
            )
        if isinstance(X, Data):
            if validation is not None:
                raise InvalidArgumentError("a Data source has its own validation images")
            if columns is not None:
                raise InvalidArgumentError("columns is for a DataFrame or an array; leave it out")
            data, names = X, None
            output_shape: tuple[int, ...] = X.image_shape
        table: Table | None = None
        goes_on = self.warm_start and self.__sklearn_is_fitted__()
        told = self._listens(settings)
        known, held_out_known = Known(NONE), Known(NONE)
        if isinstance(X, Data) and told and y is not None:
            raise InvalidArgumentError("a Data source has its own labels; leave out y, or give arrays")
        if not isinstance(X, Data):
            vectors = self._columns_of_array(X, columns, goes_on)
            if vectors is None and (trains_as_table(X, self._says_images()) or goes_on and self._form is not None):
                table = self._table(X, columns, goes_on)
            if table is not None and table.form.label is not None:
                y = self._labels(X, y, columns, table.form)
                if validation is not None and not isinstance(validation, tuple) and told:
                    validation = (validation, labels_of(validation, table.form))
            images = self._checked(X, "X") if table is None else table.rows
            output_shape, names = images.shape[1:], column_names(X)
            held_out, held_out_y = None, None
            if validation is not None:
                if told:
                    validation, held_out_y = self._pair(validation)
                held_out = (
                    self._shaped(self._checked(validation, "validation"))
                    if table is None
                    else rows_of(validation, value_columns(table), "validation")
                )
            if told:
                known = self._first_known(y, len(images), goes_on)
                if held_out is not None:
                    held_out_known = conditions(
                        held_out_y, len(held_out), "validation", known.kind, known.classes
                    )
            data = Data._of_arrays(
                self._shaped(images),
                held_out,
                range_code(self.value_range),
                (known.values, held_out_known.values),
                known.class_names,
                vectors if table is None else table.columns,
            )
        if goes_on and from_weights is not None:
            raise InvalidArgumentError(
                "from_weights begins with the weights of another model, and warm_start=True goes on with "
                "the present ones; choose one"
            )
        if goes_on:
            settings += self._put_back(settings)
        # One that nobody has chosen the library makes to suit the data, but that of a model that was read it keeps.
        present = self._model.recipe()["training"] if goes_on else {}
        kept = str(present["batch_size"]) if goes_on and self._model.is_read else ""
        wanted = dict(settings).get("training.batch_size", kept)
        count = data.counts["train"]
        share = float(dict(settings).get("training.holdout", present.get("holdout", 0)))
        if share > 0 and not data.counts.get("valid"):
            # What is left where a share is set apart.
            count = max(1, count - max(1, int(share * count + 0.5)))
        if wanted.isdigit() and int(wanted) > count:
            settings.append(("training.batch_size", str(count)))
        training = [pair for pair in settings if pair[0].startswith("training.")]
        if goes_on:
            self._check_same_model(made_of, "warm_start=False")
        with elements_renamed(train="X", test="validation"):
            model = (
                self._model if goes_on else Model.make(self._variant, settings, data, from_weights)
            )
            trainer = Trainer(model, data, training, run, existing_run, checkpoint_dir, communicator)
        # Of a resumed run that of the epochs before.
        resumed = run if existing_run == "resume" else None
        history = [] if resumed is None else history_of(resumed)
        # Before training, so that an interrupted one leaves a model to use.
        self._take(model, output_shape, self._made_of if goes_on else made_of)
        if table is not None:
            self._form = table.form
            if columns is not None or is_table(X):
                # Columns that somebody knows of, which later rows may have in any order.
                names = None
        self._trained_with |= {path for path, _ in training}
        self.history_ = history
        self._know(known.classes)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        trainer.fit(history, callback, bool(self.verbose))

    @staticmethod
    def _labels(X: Any, y: Any, columns: Mapping[str, str] | None, form: Form) -> Any:
        """What the model is told: y, or where there is none what stands in the column of labels."""
        if y is None:
            return labels_of(X, form)
        if label_column(columns) is not None:
            raise InvalidArgumentError(
                f"y is given, and columns says that {form.label!r} has the labels; give one of the two"
            )
        return y

    def _says_images(self) -> bool:
        """Whether somebody says that numbers are pixels, by the shape of images or by the range of values."""
        return self.image_shape is not None or self.value_range != "auto"

    def _columns_of_array(self, X: Any, columns: Mapping[str, str] | None, goes_on: bool) -> str | None:
        """What is said of the columns of numbers without names of columns; None where nothing is."""
        if is_structured(X) or trains_as_table(X, self._says_images()) or goes_on and self._form is not None:
            return None
        if is_frame(X) and columns is None and not self._says_images():
            columns = {}
        if columns is None:
            return None
        if self.image_shape is not None:
            raise InvalidArgumentError("image_shape is for images, and columns for a table; give one of the two")
        if goes_on and self._model.columns:
            known = self._model.columns
            check_kept(X, {str(name): kind for name, kind in columns.items()}, known)
            return None
        return columns_of_array(X, columns)

    def _table(self, X: Any, columns: Mapping[str, str] | None, goes_on: bool) -> Table:
        """Rows to train on as a table."""
        if self.image_shape is not None:
            raise InvalidArgumentError("image_shape is for images, and X is a table; leave it out")
        if goes_on and self._form is not None:
            # The columns of the model stay what they are.
            known = self._model.columns
            check_kept(X, columns, known)
            return Table(rows_of(X, known), described(known), self._form)
        return table_of(X, columns)

    def _first_known(self, y: Any, count: int, goes_on: bool) -> Known:
        """What is known of images to train on: with a model that there is what this one can be told."""
        y = self._needed(y)
        if not goes_on:
            return first_conditions(y, count, "y")
        return conditions(y, count, "y", self._model.condition, getattr(self, "classes_", None))

    def _put_back(self, settings: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The defaults of what an earlier training was told and this one is not: the recipe of the model
        still has the earlier values."""
        own, given = own_recipe(self._variant)["training"], dict(settings)
        missing = sorted(path for path in self._trained_with if path not in given)
        names = [(path, path.partition(".")[2]) for path in missing]
        return [(path, setting_text(own[name])) for path, name in names if name in own]

    def _check_same_model(self, wanted: dict[str, str], remedy: str) -> None:
        """Refuses hyper-parameters that only a model with fresh weights could follow."""
        made_of = self._made_of
        if made_of is None or wanted == made_of:
            return
        present, new = (recipe(self._variant, dict(given)) for given in (made_of, wanted))
        for part in present:
            if part == "training" or not isinstance(present[part], dict):
                continue
            for name, value in new[part].items():
                if present[part].get(name, value) != value:
                    raise RecipeError(
                        f"{part}.{name} is {present[part][name]} in the present model, which cannot "
                        f"become {value}; make a new one with {remedy}"
                        + (", and from_weights to begin with these weights" if part == "objective" else "")
                    )

    def _listens(self, settings: list[tuple[str, str]]) -> bool:
        """Whether the model that settings make, or that there is, is told a condition."""
        if self.warm_start and self.__sklearn_is_fitted__():
            return bool(self._model.condition)
        return listens(recipe(self._variant, self._parts(settings)))

    @staticmethod
    def _parts(settings: list[tuple[str, str]]) -> dict[str, str]:
        """What chooses parts; other values may need data to be judged."""
        return {
            name: value for name, value in settings
            if name in ("architecture", "likelihood") or name.endswith(".name")
        }

    def _takes_missing(self) -> bool:
        """Whether ``fit`` takes NaN; not where its hyper-parameters would be refused."""
        try:
            return takes_masks(recipe(self._variant, self._parts(self._given())))
        except (Error, TypeError):
            return False

    def _needs_y(self) -> bool:
        """Whether ``fit`` needs y; not where its hyper-parameters would be refused."""
        try:
            return self._listens(self._given())
        except (Error, TypeError):
            return False

    def _pair(self, validation: Any) -> tuple[Any, Any]:
        if not isinstance(validation, tuple) or len(validation) != 2:
            raise InvalidArgumentError(
                f"{type(self).__name__} is told a condition of each image: validation must be a pair, "
                "(images, y)"
            )
        return validation

    def _take(
        self, model: Model, output_shape: tuple[int, ...], made_of: dict[str, str] | None
    ) -> None:
        super()._take(model, output_shape, made_of)
        self._updates = None

    def partial_fit(self: _Self, X: Any, y: Any = None) -> _Self:
        """Makes updates on images as they come, one for each ``batch_size`` of them, in their order.

        The first call makes the model, from the shape and the values of its images: state
        ``value_range`` where these are not like all others. Later calls, and calls after ``fit`` or
        ``load``, train on. The state of the optimizer lives from call to call, until another method
        trains, a hyper-parameter of training changes or the estimator is pickled. Schedules and
        warm-ups count the updates of the first call as an epoch; ``epochs``, ``validation``, ``holdout``,
        ``patience`` and ``average_decay`` belong to ``fit``, and ``history_`` gets no entry.

        Parameters
        ----------
        X : array-like
            Images, as for ``fit``, in any number; a number that leaves a batch of one is refused before any update where
            the model learns nothing from one, as with normalisation over batches.
        y : array-like, optional
            What a conditional variant is told of each, as for ``fit``: the first call must have every
            class.

        Returns
        -------
        self
        """
        self._exclusively(lambda: self._update(X, y))
        return self

    def _exclusively(self, train: Callable[[], None]) -> None:
        if not self._training.acquire(blocking=False):
            raise BusyError(
                "another thread or a callback's own training is fitting this estimator; wait until "
                "it returns"
            )
        try:
            train()
        finally:
            self._training.release()

    def _update(self, X: Any, y: Any) -> None:
        if isinstance(X, Data):
            raise InvalidArgumentError("partial_fit takes images; fit takes a Data source")
        settings = self._given()
        is_fitted = self.__sklearn_is_fitted__()
        vectors = None if is_fitted else self._columns_of_array(X, None, False)
        begins_table = not is_fitted and vectors is None and trains_as_table(X, self._says_images())
        table = self._table(X, None, False) if begins_table else None
        if table is not None:
            images = table.rows
        else:
            images = self._images(X) if is_fitted else self._checked(X, "X")
        shaped = images if is_fitted or table is not None else self._shaped(images)
        form, columns = (None, vectors) if table is None else (table.form, table.columns)
        if is_fitted and self._form is not None:
            form, columns = self._form, described(self._model.columns)
        if shaped.ndim == 2:
            shape = self.image_shape_ if is_fitted else (1, images.shape[1], 1)
            shaped = shaped.reshape((len(shaped), *shape))
        if is_fitted:
            self._check_same_model(of_model(settings), "fit")
            settings += self._put_back(settings)
        known = Known(NONE)
        if self._model.condition if is_fitted else self._listens(settings):
            if y is None and form is not None:
                y = labels_of(X, form)
            known = self._first_known(y, len(images), is_fitted)
        training = [pair for pair in settings if pair[0].startswith("training.")]
        if "training.batch_size" not in dict(training):
            default = own_recipe(self._variant)["training"]["batch_size"]
            training.append(("training.batch_size", setting_text(default)))
        updates = self._updates
        if updates is None or updates.settings != training:
            seed = ("training.seed", str(seed_of(self.random_state)))
            data = self._source(np.array(shaped), range_code(self.value_range), known, columns)
            with elements_renamed(train="X"):
                made_of = [*settings, seed]
                model = self._model if is_fitted else Model.make(self._variant, made_of, data)
                updates = Updates(model, data, training, seed)
            if not is_fitted:
                self._take(model, images.shape[1:], of_model(settings))
                self.history_ = []
                self._know(known.classes)
                names = column_names(X)
                if table is not None:
                    self._form = table.form
                if names is not None and not is_table(X):
                    self.feature_names_in_ = names
            self._updates = updates
            self._trained_with |= {path for path, _ in training}
        else:
            with elements_renamed(train="X"):
                updates.check(
                    len(shaped), lambda: self._source(shaped, self._range_of(shaped), known, columns)
                )
        for start in range(0, len(shaped), updates.batch_size):
            part = slice(start, start + updates.batch_size)
            told = None if known.values is None else known.values[part]
            self.bound_ = updates.make(shaped[part], told)

    @staticmethod
    def _source(images: np.ndarray, meaning: int, known: Known, columns: str | None) -> Data:
        """Images to train on without held-out ones, and what is known of each."""
        return Data._of_arrays(images, None, meaning, (known.values, None), known.class_names, columns)
