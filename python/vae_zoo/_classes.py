"""The class of each variant, made from the library's description of it."""

from __future__ import annotations

from typing import Any

from vae_zoo import _registry

# Keywords that are no hyper-parameters of the recipe: name, default, type, help.
_OWN = [
    (
        "random_state", 0, "int, numpy generator or None",
        "seed of weights, order and draws; None for another one every time",
    ),
    (
        "image_shape", None, "tuple of two or three integers, or None",
        "height, width and channels of images that come as rows of numbers; None takes a row as an "
        "image of height 1",
    ),
    (
        "value_range", "auto", "str",
        "which values images have, ``binary``, ``unit``, ``real`` or ``bytes`` (0 to 255, or floats "
        "that are these divided by 255); ``auto`` is the narrowest that holds all",
    ),
    (
        "settings", None, "mapping or None",
        "further hyper-parameters by their path in the recipe, such as ``decoder.hidden``; "
        "`describe` lists them",
    ),
    (
        "warm_start", False, "bool",
        "whether ``fit`` trains on from where the model stands instead of beginning anew",
    ),
    ("verbose", False, "bool", "whether ``fit`` shows its progress"),
]

_TYPES = {
    "integer": "int",
    "number": "float",
    "choice": "str",
    "number or choice": "float or str",
    "list of integers": "int or tuple of int",
    "flag": "bool",
    "text": "str",
}

def class_name(variant: str) -> str:
    """The name of a variant's class: ``BetaVAE`` for ``beta-vae``."""
    names = _registry.class_names()
    return next((name for name, info in names.items() if info.name == variant), variant)


class _Keyword:
    """A keyword of a class: its setting, default in the signature, and what documentation says."""

    def __init__(
        self, name: str, setting: str, default: Any, kind: str, text: str, reach: Any = ()
    ) -> None:
        self.name, self.setting, self.kind, self.text = name, setting, kind, text
        if isinstance(default, list):
            default = tuple(default)
        elif kind == "float" and default is not None:
            default = float(default)
        self.default = default
        # The paths that it sets in the variant's own recipe.
        self.reach = list(reach)


def keywords(description: dict[str, Any]) -> list[_Keyword]:
    """The keywords of a variant's class, from its description."""
    parts = {part["role"]: part for part in description["parts"]}
    found = []
    if description["architectures"]:
        known = ", ".join(f"``{name}``" for name in description["architectures"])
        found.append(
            _Keyword(
                "architecture", "architecture", description["architecture"], "str",
                f"the kind of networks: {known}",
            )
        )
    for role in ("likelihood", "objective"):
        part, setting = parts[role], f"{role}.name"
        known = ", ".join(f"``{name}``" for name in [part["name"], *part["alternatives"]])
        found.append(
            _Keyword(role, setting, part["name"], "str", f"one of {known}", [setting])
        )
    for item in description["keywords"]:
        text = f"{item['help']}; {item['range']}"
        if item["default"] is None:
            text += "; None follows the chosen parts"
        found.append(
            _Keyword(
                item["name"], item["name"], item["default"], _TYPES[item["type"]], text, item["paths"]
            )
        )
    for item in description["hyperparameters"]:
        part, name = item["name"].split(".")
        if part == "training" and name != "seed":
            text, default = f"{item['help']}; {item['range']}", item["default"]
            if item.get("chosen_by_data"):
                # A value that is the default is one that somebody has chosen.
                text, default = f"{text}; None is {default}, or what suits the data", None
            found.append(
                _Keyword(
                    name, item["name"], default, _TYPES[item["type"]], text, [item["name"]]
                )
            )
    for name, default, kind, text in _OWN:
        found.append(_Keyword(name, "", default, kind, text))
    return found


def _documentation(description: dict[str, Any], taken: list[_Keyword]) -> str:
    lines = [
        f"The {description['name']}: {description['summary']}.",
        "",
        f"{description['reference']}.",
        "",
        "A keyword that is left at its default follows the variant's recipe; ``recipe_`` of a trained",
        "estimator tells every hyper-parameter in force. Fewer images than a batch are one batch.",
        "",
        "Parameters",
        "----------",
    ]
    for keyword in taken:
        lines.append(f"{keyword.name} : {keyword.kind}, default={keyword.default!r}")
        lines.append(f"    {keyword.text[0].upper()}{keyword.text[1:]}.")
    lines += [
        "",
        "Attributes",
        "----------",
        "image_shape_ : tuple",
        "    Height, width and channels of the images.",
        "n_features_in_ : int",
        "    Numbers an image.",
        "history_ : list of dict",
        "    What was measured at the end of each epoch.",
        "bound_ : Bound",
        "    The terms of the last update that ``partial_fit`` made.",
    ]
    if any(part["uses_condition"] for part in description["parts"]):
        lines += [
            "classes_ : ndarray",
            "    Of labels the classes, in the order of the model's numbers of them.",
        ]
    return "\n".join(lines) + "\n"


def made_class(description: dict[str, Any], base: Any) -> Any:
    """The class of a described variant, an estimator by its base."""
    taken = keywords(description)
    defaults = {keyword.name: keyword.default for keyword in taken}
    # As dataclasses do it: a function with a true signature, whose errors are Python's own.
    signature = ", ".join(f"{name}=_defaults[{name!r}]" for name in defaults)
    body = "\n".join(f"    self.{name} = {name}" for name in defaults)
    scope: dict[str, Any] = {"_defaults": defaults}
    exec(f"def __init__(self, *, {signature}):\n{body}\n", scope)
    name = class_name(description["name"])
    initializer = scope["__init__"]
    initializer.__qualname__ = f"{name}.__init__"
    return type(base)(
        name,
        (base,),
        {
            "__slots__": (),
            "__init__": initializer,
            "__doc__": _documentation(description, taken),
            "__module__": "vae_zoo",
            "_is_factory": False,
            "_variant": description["name"],
            "_keywords": defaults,
            "_paths": {keyword.name: keyword.setting for keyword in taken},
            "_reach": {keyword.name: keyword.reach for keyword in taken},
        },
    )
