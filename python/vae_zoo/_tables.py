"""Tables: rows whose columns have names and kinds, as pandas' DataFrames and NumPy's structured arrays hold them.

The library takes and gives such rows as matrices of numbers: words by their numbers, NaN for what is missing.
"""

from __future__ import annotations

import json
import numbers as kinds
from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np

from vae_zoo._arrays import is_missing, unmasked
from vae_zoo._errors import InvalidArgumentError
from vae_zoo._settings import column_names

TYPES = ("real", "positive", "count", "yes-no", "category", "ignore", "label")

PANDAS, STRUCTURED = "pandas", "structured"


class Table(NamedTuple):
    """Rows to train on."""

    rows: np.ndarray
    """``[N, columns]`` of float64."""
    columns: str
    """What the columns are, as the library reads it: a JSON list."""
    form: Form


class Form(NamedTuple):
    """What rows come in, and are given back in."""

    kind: str
    """``PANDAS`` or ``STRUCTURED``."""
    truth: frozenset[str]
    """The columns that hold truth values."""
    label: str | None = None
    """The column that holds labels, of what a conditional variant is told."""
    widths: Mapping[str, int] = {}
    """The characters that the fields of words have room for in a structured array."""


def is_frame(X: Any) -> bool:
    """Whether these are a DataFrame of pandas."""
    return type(X).__module__.partition(".")[0] == "pandas" and hasattr(X, "columns")


def is_structured(X: Any) -> bool:
    """Whether these are an array whose elements have named fields."""
    return isinstance(X, np.ndarray) and X.dtype.names is not None


def is_table(X: Any) -> bool:
    """Whether rows have columns that are not all numbers, or fields with names."""
    if is_structured(X):
        return True
    return is_frame(X) and any(
        getattr(kind, "kind", "O") not in "iuf" for kind in X.dtypes.tolist()
    )


def trains_as_table(X: Any, are_images: bool) -> bool:
    """Whether rows to train on are a table: every DataFrame whose columns have names, unless it is one of numbers and
    somebody says that these are pixels."""
    return is_table(X) or is_frame(X) and not are_images and column_names(X) is not None


def columns_of_array(X: Any, types: Mapping[Any, str]) -> str:
    """What somebody says of the columns of an array, as the library reads it: by their numbers, all others are real."""
    width = np.shape(X)[1] if len(np.shape(X)) == 2 else 0
    if not width:
        raise InvalidArgumentError(
            "columns is for a DataFrame, an array of named fields or numbers [N, columns], and X is none; leave it out"
        )
    said = {str(name): kind for name, kind in types.items()}
    _check_types(said, [str(number) for number in range(width)])
    for name, kind in said.items():
        if kind in ("ignore", "label"):
            remedy = f"leave it out by numpy.delete(X, {name}, 1)" if kind == "ignore" else "give the labels as y"
            raise InvalidArgumentError(f"columns[{name!r}] is {kind!r}, but X is an array of numbers; {remedy}")
    return json.dumps([{"name": name, "type": kind} for name, kind in said.items()])


def table_of(X: Any, types: Mapping[str, str] | None) -> Table:
    """Rows to train on, with what somebody says of their columns."""
    types = dict(types or {})
    names = _names(X)
    _check_types(types, names)
    used = [name for name in names if types.get(name) not in ("ignore", "label")]
    if not used:
        raise InvalidArgumentError("columns leaves no column of X that is neither ignored nor a label")
    described, values, truth = [], [], set()
    for name in used:
        given = _column(X, name)
        kind = types.get(name)
        numbers = None if kind == "category" else _numbers(given)
        is_truth = _are_truth_values(given)
        column: dict[str, Any] = {"name": name}
        if kind is not None:
            column["type"] = kind
        if numbers is None or is_truth:
            if kind in ("real", "positive", "count"):
                raise InvalidArgumentError(
                    f"X column {name!r} is not all numbers, but columns says that it is {kind}"
                )
            words = _words(given)
            known = sorted({word for word in words if word is not None})
            _check_words(name, known, len(words), kind)
            if is_truth:
                truth.add(name)
                known = ["False", "True"]
            column["names"] = known
            places = {word: number for number, word in enumerate(known)}
            numbers = np.array([np.nan if word is None else places[word] for word in words])
        else:
            digits = _decimals(numbers)
            if digits is not None:
                column["decimals"] = digits
        described.append(column)
        values.append(numbers)
    label = label_column(types)
    if label is not None:
        described.append({"name": label, "type": "label"})
    form = Form(PANDAS if is_frame(X) else STRUCTURED, frozenset(truth), label, _widths(X))
    return Table(np.stack(values, axis=1).astype(np.float64), json.dumps(described), form)


def value_columns(table: Table) -> list[dict[str, Any]]:
    """The columns of a table that a model is trained on: not the one of its labels."""
    return [column for column in json.loads(table.columns) if column.get("type") != "label"]


def label_column(types: Mapping[str, str] | None) -> str | None:
    """The column that somebody says has the labels."""
    found = [name for name, kind in (types or {}).items() if kind == "label"]
    if len(found) > 1:
        raise InvalidArgumentError(
            f"columns has the labels {found[0]!r} and {found[1]!r}; choose one"
        )
    return found[0] if found else None


def labels_of(X: Any, form: Form) -> Any:
    """The labels that rows have in the column of those that a model was trained on; None where they have none."""
    if form.label is None or not (is_frame(X) or is_structured(X)):
        return None
    if form.label not in _names(X):
        return None
    return np.asarray(unmasked(X[form.label], f"X[{form.label!r}]"))


def described(columns: Sequence[Mapping[str, Any]]) -> str:
    """What the columns of a model are, as the library reads it with other rows of them: a JSON list."""
    return json.dumps(
        [{key: column[key] for key in ("name", "type", "names") if key in column} for column in columns]
    )


def check_kept(
    X: Any, types: Mapping[str, str] | None, columns: Sequence[Mapping[str, Any]]
) -> None:
    """Refuses what somebody says of columns and those of a model that is trained on are not."""
    kept = {column["name"]: column["type"] for column in columns}
    types = dict(types or {})
    _check_types(types, _names(X) if is_frame(X) or is_structured(X) else list(kept))
    for name, kind in types.items():
        if kind != "label" and kind != kept.get(name, "ignore"):
            was = f"it is {kept[name]}" if name in kept else "there is no such column"
            raise InvalidArgumentError(
                f"columns[{name!r}] is {kind!r}, but in the present model {was}; leave it out, or make a new one "
                "with warm_start=False"
            )


def rows_of(X: Any, columns: Sequence[Mapping[str, Any]], name: str = "X") -> np.ndarray:
    """Rows for a model of a table: its columns by their names, words by its numbers."""
    if not is_frame(X) and not is_structured(X):
        array = np.asarray(X)
        if array.dtype.kind not in "iufb" or array.ndim != 2 or array.shape[1] != len(columns):
            raise InvalidArgumentError(
                f"{name} must be a DataFrame, a structured array, or numbers [N, {len(columns)}], as the "
                "model is one of a table"
            )
        return array.astype(np.float64)
    found = set(_names(X))
    values = []
    for column in columns:
        title = column["name"]
        if title not in found:
            raise InvalidArgumentError(
                f"{name} has no column {title!r}, which the model was trained on"
            )
        given = _column(X, title, name)
        known = column.get("names")
        if not known or known == ["0", "1"] and _numbers(given) is not None:
            numbers = _numbers(given)
            if numbers is None:
                raise InvalidArgumentError(
                    f"{name} column {title!r} is not all numbers, but the model was trained on "
                    f"{column['type']}"
                )
        else:
            places = {word: number for number, word in enumerate(known)}
            numbers = np.empty(len(given))
            for row, word in enumerate(_words(given)):
                if word is None:
                    numbers[row] = np.nan
                elif word in places:
                    numbers[row] = places[word]
                else:
                    raise InvalidArgumentError(
                        f"{name} column {title!r}, row {row} (counting from 0): {word!r} is none of the categories that the "
                        f"model was trained on: {', '.join(known[:10])}"
                    )
        values.append(numbers)
    return np.stack(values, axis=1).astype(np.float64)


def given_back(
    rows: np.ndarray,
    columns: Sequence[Mapping[str, Any]],
    form: Form,
    labels: np.ndarray | None = None,
    like: Any = None,
    keeping: bool = False,
) -> Any:
    """Rows of a model as those that it was trained on, with their labels where they have some: a DataFrame, with the
    index of the one that they were made of, or a structured array. `keeping` puts what `like` knows in its place."""
    values: dict[str, Any] = {}
    for number, column in enumerate(columns):
        title, found = column["name"], rows[:, number]
        known = column.get("names")
        if known:
            places = np.clip(np.rint(found), 0, len(known) - 1).astype(np.int64)
            if title in form.truth:
                values[title] = places == 1
            elif known == ["0", "1"]:
                values[title] = places
            else:
                words = np.array(known, dtype=object)
                values[title] = words[places]
        elif column.get("decimals") == 0 and _are_integers(found):
            values[title] = found.astype(np.int64)
        else:
            values[title] = found
        if keeping and column.get("decimals") == 0 and (is_frame(like) or is_structured(like)):
            values[title] = _with_known(values[title], like[title])
    if labels is not None and form.label is not None:
        values[form.label] = labels
    if form.kind == PANDAS:
        import pandas

        return pandas.DataFrame(values, index=like.index if is_frame(like) else None)
    # As wide as the fields of the data, and as all words that a column may have, whichever of them stand in these rows.
    words = {column["name"]: column.get("names") or () for column in columns}
    types = {title: array.dtype for title, array in values.items()}
    for title, array in values.items():
        if array.dtype.kind in "OU":
            longest = max(map(len, (*words.get(title, ()), *map(str, array))), default=1)
            types[title] = np.dtype(f"U{max(longest, form.widths.get(title, 1), 1)}")
    result = np.empty(len(rows), dtype=list(types.items()))
    for title, array in values.items():
        result[title] = array
    return result


def loaded_form(columns: Sequence[Mapping[str, Any]], label: str | None = None) -> Form | None:
    """What a model that was loaded gives its rows in; None for one of vectors without names."""
    if [column["name"] for column in columns] == [str(number) for number in range(len(columns))]:
        return None
    try:
        import pandas  # noqa: F401
    except ImportError:
        return Form(STRUCTURED, frozenset(), label)
    return Form(PANDAS, frozenset(), label)


def usual_value(column: Mapping[str, Any]) -> float:
    """A number that may stand in a column of a model."""
    points = column.get("points")
    if points:
        return float(points[0])
    centre = column.get("centre", 0.0)
    if column["type"] == "positive":
        return float(np.exp(np.clip(centre, -60, 60)))
    return float(centre) if column["type"] == "real" else 0.0


def _widths(X: Any) -> dict[str, int]:
    """The characters of each field of words of a structured array; none of a DataFrame."""
    if not is_structured(X):
        return {}
    kinds_of = {name: X.dtype[name] for name in X.dtype.names}
    return {name: kind.itemsize // 4 for name, kind in kinds_of.items() if kind.kind == "U"}


def _names(X: Any) -> list[str]:
    names = list(X.dtype.names) if is_structured(X) else list(X.columns)
    known: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            raise InvalidArgumentError(
                f"X has a column called {name!r}; the names of columns are strings: X.columns.astype(str)"
            )
        if name in known:
            raise InvalidArgumentError(f"X has the column {name!r} twice; give each its own name")
        known.add(name)
    if is_structured(X) and X.ndim != 1:
        raise InvalidArgumentError(f"X has {X.ndim} axes, but rows of named fields have one")
    if len(X) == 0:
        raise InvalidArgumentError("Found array with 0 sample(s) while a minimum of 1 is required.")
    return names


def _check_types(types: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuses types of columns that are not there, and words that are no types."""
    found = set(names)
    for name, kind in types.items():
        if name not in found:
            raise InvalidArgumentError(
                f"columns names {name!r}, which X has not; it has {', '.join(names[:20])}"
            )
        if kind not in TYPES:
            raise InvalidArgumentError(
                f"columns[{name!r}] is {kind!r}, but must be one of {', '.join(TYPES)}"
            )


def _column(X: Any, title: str, name: str = "X") -> np.ndarray:
    """A column of a table: of a frame as objects. One whose cells are neither numbers nor words is refused."""
    given = np.asarray(unmasked(X[title], f"{name}[{title!r}]"), dtype=None if is_structured(X) else object)
    # A column of numbers of one type has no other cells, and may be long.
    is_plain = getattr(getattr(X[title], "dtype", None), "kind", "O") in "biuf" and given.ndim == 1
    for row, value in enumerate([] if is_plain else given.tolist()):
        remedy = _remedy(value, f"{name}[{title!r}]")
        if remedy is not None:
            raise InvalidArgumentError(
                f"{name} column {title!r}, row {row} (counting from 0) holds a {type(value).__name__}, which is neither a number nor a word "
                f"of a table; {remedy}"
            )
    return given


def _remedy(value: Any, column: str) -> str | None:
    """What to do about a cell that tables do not have; None for one that they do."""
    if isinstance(value, (list, tuple, set, frozenset, dict, np.ndarray)):
        return "give each of its elements a column of its own"
    if not isinstance(value, kinds.Number) or isinstance(value, (int, float, np.integer, np.floating)):
        return None
    if isinstance(value, kinds.Complex) and not isinstance(value, kinds.Real):
        return "give its real and its imaginary part a column each"
    return f"convert the column by {column}.astype(float)"


def _are_integers(values: np.ndarray) -> bool:
    """Whether numbers are whole, and ones that 64 bits hold."""
    return bool(np.array_equal(values, np.rint(values)) and (np.abs(values) < 2.0**63).all())


def _with_known(made: np.ndarray, column: Any) -> np.ndarray:
    """A column of numbers in which those that were given are what they were: floats do not hold all large integers."""
    given = np.asarray(column)
    if given.dtype.kind in "iu":
        # Nothing is missing among them.
        return given.astype(np.int64) if made.dtype.kind == "i" else given.copy()
    if made.dtype.kind == "i":
        # As objects, since a column of pandas with NA is one of floats to NumPy.
        for row, value in enumerate(np.asarray(column, dtype=object).tolist()):
            if isinstance(value, kinds.Integral):
                made[row] = value
    return made


def _numbers(values: np.ndarray) -> np.ndarray | None:
    """A column as float64 with NaN for what is missing; None where it is not all numbers."""
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    if values.dtype.kind != "O":
        return None
    numbers = np.empty(len(values))
    for row, value in enumerate(values):
        if isinstance(value, (bool, np.bool_)):
            return None
        if isinstance(value, (int, float, np.number)):
            numbers[row] = value
        elif is_missing(value):
            numbers[row] = np.nan
        else:
            return None
    return numbers


def _decimals(numbers: np.ndarray) -> int | None:
    """How many digits behind the point numbers have; None where there are more than six."""
    known = numbers[np.isfinite(numbers)]
    for digits in range(7):
        if np.array_equal(np.round(known, digits), known):
            return digits
    return None


def _are_truth_values(values: np.ndarray) -> bool:
    if values.dtype == np.bool_:
        return True
    return values.dtype.kind == "O" and all(
        isinstance(value, (bool, np.bool_)) or is_missing(value) for value in values
    ) and any(isinstance(value, (bool, np.bool_)) for value in values)


def _words(values: np.ndarray) -> list[str | None]:
    if values.dtype.kind == "S":
        return [value.decode() or None for value in values.tolist()]
    return [None if is_missing(value) or value == "" else str(value) for value in values.tolist()]


def _check_words(name: str, known: list[str], count: int, kind: str | None) -> None:
    if not known:
        raise InvalidArgumentError(
            f'X column {name!r} has no value in any row; leave it out by columns={{"{name}": "ignore"}}'
        )
    if kind is None and len(known) > 20 and 2 * len(known) > count or len(known) > 1000:
        raise InvalidArgumentError(
            f"X column {name!r} has {len(known)} different values such as {known[0]!r}, which seem to be no "
            "categories; store dates as numbers, such as days since the first, or leave the column out by "
            f'columns={{"{name}": "ignore"}}'
        )
