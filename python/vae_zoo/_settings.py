"""What an estimator's keywords mean: seeds, settings by path, recipes, records."""

from __future__ import annotations

import os
import zlib
from typing import Any, Mapping

import numpy as np

from vae_zoo._errors import InvalidArgumentError
from vae_zoo._library import Path, integer, parsed
from vae_zoo._registry import own_recipe


def same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    numbers = (int, float)
    if isinstance(value, bool) or not isinstance(value, numbers):
        return type(value) is type(default) and isinstance(value, (bool, str, tuple)) and value == default
    return isinstance(default, numbers) and not isinstance(default, bool) and value == default


def seed_of(random_state: Any) -> int:
    """A seed from what scikit-learn takes for one."""
    if random_state is None:
        return int.from_bytes(os.urandom(7), "little")
    if hasattr(random_state, "randint"):
        return int(random_state.randint(0, 2**31 - 1))
    if hasattr(random_state, "integers"):
        return int(random_state.integers(0, 2**62))
    if not hasattr(random_state, "__index__"):
        raise InvalidArgumentError(
            f"random_state is {random_state!r}, but must be an integer, a generator or None"
        )
    return integer(random_state, "random_state", 0)


def of_model(settings: list[tuple[str, str]]) -> dict[str, str]:
    """The settings that decide what a model is; the others decide how it is trained."""
    return {path: value for path, value in settings if not path.startswith("training.")}


def history_of(path: Path) -> list[dict[str, Any]]:
    """The records of a run folder, an epoch each; none for a file. Damaged ones are named and left out."""

    def itself(name: str, flags: int) -> int:
        # A run folder may come from anybody: no link of it is followed, no pipe waited for.
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

    name = os.path.join(os.fsdecode(path), "metrics.jsonl")
    try:
        with open(name, "rb", opener=itself) as file:
            lines = file.read().split(b"\n")
    except OSError:
        return []
    records = []
    # What comes after the last end of a line was not written whole.
    for number, line in enumerate(lines[:-1], 1):
        try:
            if line:
                records.append(_record(line))
        except ValueError as error:
            # Imported where it is needed: it takes longer than this module.
            import logging

            logger = logging.getLogger("vae_zoo")
            logger.warning("%s: line %d is left out: %s", name, number, error)
    return records


_SEAL = b'"checksum": "crc32:'


def _record(line: bytes) -> dict[str, Any]:
    """The record on a line, without its checksum, which must be that of the line with zeros for its digits."""
    record = parsed(line.decode())
    if not isinstance(record, dict):
        raise ValueError("it is no object")
    last = next(reversed(record.values()), None)
    if "checksum" in record or (isinstance(last, str) and last.startswith("crc32:")):
        start = line.rfind(_SEAL) + len(_SEAL)
        blank = line[:start] + b"0" * 8 + line[start + 8 :]
        if line[start : start + 8] != b"%08x" % zlib.crc32(blank):
            raise ValueError("its checksum does not fit")
        del record["checksum"]
    return record


def column_names(X: Any) -> np.ndarray | None:
    columns = getattr(X, "columns", None)
    if columns is None:
        return None
    names = np.asarray(columns, dtype=object)
    return names if all(isinstance(name, str) for name in names) else None


def recipe_keywords(kind: Any, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that make a recipe anew, the rest as settings by path."""
    own = own_recipe(kind._variant)
    settings: dict[str, Any] = {}
    for part, members in recipe.items():
        if not isinstance(members, Mapping) or part == "data":
            continue
        mine = own.get(part, {})
        is_other = members.get("name") != mine.get("name")
        for name, value in members.items():
            path = f"{part}.{name}"
            if path != "training.seed" and (name == "name" or is_other or mine.get(name) != value):
                if name != "name" or is_other:
                    settings[path] = tuple(value) if isinstance(value, list) else value
    keywords: dict[str, Any] = {"random_state": recipe["training"]["seed"]}
    for name, paths in kind._reach.items():
        values = [settings.get(path) for path in paths]
        # A list for the encoder is turned round for the decoder; one of one number is the same.
        if not values or values[0] is None or any(value != values[0] for value in values):
            continue
        if not isinstance(values[0], tuple) or len(values[0]) == 1 or len(paths) == 1:
            keywords[name] = values[0]
            for path in paths:
                del settings[path]
    return {**keywords, "settings": settings} if settings else keywords
