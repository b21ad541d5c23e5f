"""What the library knows: variants, components, hyper-parameters, recipes; and the process."""

from __future__ import annotations

import functools
from typing import Any, Mapping, NamedTuple

from vae_zoo._interrupt import Interruptible
from vae_zoo._library import Path, from_json, call, create, encoded, encoded_path, integer, library
from vae_zoo._library import setting_text, settings_array


class VariantInfo(NamedTuple):
    """A variant in a line."""

    name: str
    """The name, such as ``"beta-vae"``."""
    summary: str
    """What it is."""
    origin: str
    """``"built-in"``, or the file of a plug-in."""


def list_variants() -> list[VariantInfo]:
    """All variants that the library knows."""
    found = from_json(library.vae_list_variants_json)
    return [VariantInfo(item["name"], item["summary"], item["origin"]) for item in found]


def class_names() -> dict[str, VariantInfo]:
    """The variants by the names of their classes."""
    found = from_json(library.vae_list_variants_json)
    return {
        item["class"]: VariantInfo(item["name"], item["summary"], item["origin"]) for item in found
    }


def list_components(role: str) -> list[dict[str, Any]]:
    """The components that can fill a role, each with its hyper-parameters.

    Parameters
    ----------
    role : str
        ``"encoder"``, ``"prior"``, ``"decoder"``, ``"likelihood"`` or ``"objective"``.
    """
    return from_json(library.vae_list_components_json, encoded(role, "role"))


@functools.cache
def known_component(role: str, name: str) -> dict[str, Any] | None:
    """The component of a name, as ``list_components`` describes it; None where there is none.

    The library is asked once, not with every ``fit``: components stay what they are, and a recipe has none that the
    library does not know.
    """
    return next((component for component in list_components(role) if component["name"] == name), None)


def metrics() -> list[dict[str, Any]]:
    """What ``evaluate`` can measure, as ``vae-zoo metrics --json`` lists it.

    Returns
    -------
    list of dict
        Each with ``name``, ``unit``, ``direction`` (which values are better: ``"lower"``, ``"higher"`` or
        ``"none"``), ``needs``, ``numbers`` (their names in results), ``standard_error`` and ``help``.
    """
    return from_json(library.vae_list_metrics_json)


def load_plugin(path: Path) -> None:
    """Loads a plug-in, whose variants and components are known from then on as built-in ones are.

    Parameters
    ----------
    path : path
        A shared object by the rules of ``vae_plugin.h``.
    """
    call(library.vae_load_plugin, encoded_path(path, "path"))


def describe(variant: str) -> dict[str, Any]:
    """A variant with all its hyper-parameters, as ``vae-zoo describe --json`` gives it.

    Returns
    -------
    dict
        ``name``, ``summary``, ``reference``; ``parts``, ``architecture`` and ``architectures``;
        ``keywords``, the hyper-parameters that the class of the variant takes by name; and
        ``hyperparameters``, all of them by their path in a recipe; and ``metrics``, the names of those that
        suit it.
    """
    return from_json(library.vae_describe_json, encoded(variant, "variant"))


def check(path: Path) -> dict[str, Any]:
    """Looks whether a run folder or a file is as it was written, and can be used, as ``vae-zoo check --json`` does.

    What is found is in the report and raises nothing.

    Parameters
    ----------
    path : path
        A run folder, of which every file is read, or a file: a model or other safetensors file,
        ``.npz`` or ``.npy`` arrays, or a recipe.

    Returns
    -------
    dict
        ``path``, ``kind`` (``"run"`` or ``"file"``), ``sound`` (whether nothing is damaged or unusable),
        ``damaged``, ``unusable`` and ``unchecked`` (numbers of files), and ``files``, each with ``path``,
        ``state`` and, where there is something to say, ``fault``. A state is ``"sound"``, ``"unchecked"``
        (the form is right; the kind of file, or the version that wrote it, has no checksums, or its recipe
        needs a plug-in that is not loaded), ``"damaged"`` or ``"unusable"`` (as it was written, but with
        weights that are NaN or infinite, a recipe of which no model can be made, or other weights than
        that model has).
    """
    return from_json(library.vae_check_json, encoded_path(path, "path"))


def recipe(variant: str, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The recipe of a variant with settings applied: every part with its hyper-parameters.

    Parameters
    ----------
    variant : str
        The name of the variant.
    settings : mapping, optional
        Values by path (``"prior.latent"``) or short name (``"latent"``).
    """
    pairs = [(key, setting_text(value)) for key, value in (settings or {}).items()]
    return from_json(
        library.vae_recipe_json, encoded(variant, "variant"), settings_array(pairs), len(pairs)
    )


_own_recipes: dict[str, dict[str, Any]] = {}


def own_recipe(variant: str) -> dict[str, Any]:
    """The recipe of a variant with its defaults."""
    if variant not in _own_recipes:
        _own_recipes[variant] = recipe(variant)
    return _own_recipes[variant]


def forget_recipes() -> None:
    """After a component was registered, which may change the defaults in every recipe."""
    _own_recipes.clear()


def build_info() -> dict[str, Any]:
    """What the library is and runs on: version, instruction set, oneDNN, threads."""
    return from_json(library.vae_build_info_json)


def set_limits(**limits: int) -> None:
    """Raises or lowers what reading may cost, for all that this process reads from then on.

    Files may come from anywhere, and a small one can ask for much; what goes beyond a limit is refused with an
    error that names it.

    Parameters
    ----------
    limits : int
        By name: ``inflated_bytes``, the most that one compressed array may become; ``inflation_ratio``, how many
        times its compressed size that may be, beyond 256 MiB; ``picture_bytes``; ``archive_members``, the most files
        in an archive; ``text_bytes``, the most of one JSON text.
    """
    for name, value in limits.items():
        call(library.vae_set_limit, encoded(name, "name"), integer(value, name))


def get_limits() -> dict[str, int]:
    """The limits that are in force, by name."""
    return from_json(library.vae_limits_json)


def set_threads(count: int) -> None:
    """Sets how many threads computations of this process use, 1 to 256."""
    call(library.vae_set_threads, integer(count, "count", 1, 256))


def get_threads() -> int:
    """How many threads computations use, at first as many as there are processors."""
    return library.vae_threads()


def bench(workload: str) -> dict[str, Any]:
    """Runs a reference workload as ``vae-zoo bench`` does: ``min_ms``, ``median_ms``, ``gflops``, …

    Parameters
    ----------
    workload : str
        ``"mlp"``, ``"conv"``, ``"lvae"``, ``"vqvae"``, ``"pixelcnn"`` or ``"pixelcnn-sample"``.
    """
    with Interruptible() as token:
        metrics = create(
            library.vae_metrics_free, library.vae_bench, encoded(workload, "workload"), token
        )
    return from_json(library.vae_metrics_json, metrics)
