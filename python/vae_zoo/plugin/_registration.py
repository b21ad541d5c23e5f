"""Hands classes over to the library, which calls their methods."""

from __future__ import annotations

import ctypes
import threading
from ctypes import POINTER
from types import SimpleNamespace
from typing import Any

from vae_zoo import _library
from vae_zoo._errors import InvalidArgumentError
from vae_zoo._estimator import forget
from vae_zoo._library import encoded, integer, setting_text
from vae_zoo.plugin import _structs, _values
from vae_zoo.plugin._components import Build, Likelihood, Prior, Variant, _Component
from vae_zoo.plugin._values import Value, here, pointer

# Objects that the library holds, by the number that it knows them by.
objects: dict[int, _Component] = {}
_numbers = iter(range(1, 2**62))
# What registrations made, which the library keeps pointers to.
_kept: list[Any] = []


def _failed(error: BaseException, place: str) -> bytes:
    """The line for the library; the exception itself becomes the cause of the one that follows."""
    _library.causes[threading.get_ident()] = error
    text = f"{place}: {type(error).__name__}: {error}"
    return text.replace("\n", " ").replace("\0", " ").encode(errors="replace")


def _method(kind: type, function: Any, name: str, values: int) -> Any:
    """A method for the library, whose last `values` arguments are values."""

    def body(number: int, handle: int, *arguments: Any) -> int | None:
        former, here.current = here.current, handle
        try:
            split = len(arguments) - values
            given = [*arguments[:split], *(Value(pointer) for pointer in arguments[split:])]
            return pointer(getattr(objects[number], name)(*given))
        except BaseException as error:
            _values.host.fail_pass(handle, _failed(error, f"{kind.__name__}.{name}"))
            return None
        finally:
            here.current = former

    return function(body)


def _count(kind: type, name: str) -> Any:
    def body(number: int, channels: int) -> int:
        try:
            return integer(getattr(objects[number], name)(channels), name, 0)
        except BaseException as error:
            _failed(error, f"{kind.__name__}.{name}")
            return 0

    return _structs.COUNT(body)


def _likelihood_table(kind: type[Likelihood]) -> _structs.LikelihoodTable:
    table = _structs.LikelihoodTable(
        is_discrete=int(kind.is_discrete),
        noise={"uniform": 0, "normal": 1}[kind.noise],
        parameters_per_pixel=_count(kind, "parameters_per_pixel"),
        noise_per_pixel=_count(kind, "noise_per_pixel"),
        log_density=_method(kind, _structs.BINARY, "log_density", 2),
        mean=_method(kind, _structs.UNARY, "mean", 1),
        sample=_method(kind, _structs.BINARY, "sample", 2),
    )
    if kind.parameters_with_mean is not None:
        table.parameters_with_mean = _method(kind, _structs.UNARY, "parameters_with_mean", 1)
    return table


def _prior_table(kind: type[Prior]) -> _structs.PriorTable:
    def units(number: int) -> int:
        try:
            return integer(objects[number].units(), "units", 0)  # type: ignore[attr-defined]
        except BaseException as error:
            _failed(error, f"{kind.__name__}.units")
            return 0

    sample_type = dict(_structs.PriorTable._fields_)["sample"]
    table = _structs.PriorTable(
        units=dict(_structs.PriorTable._fields_)["units"](units),
        log_density=_method(kind, _structs.UNARY, "log_density", 1),
        sample=_method(kind, sample_type, "sample", 0),
    )
    if kind.divergence is not None:
        table.divergence = _method(kind, _structs.BINARY, "divergence", 2)
    return table


def _creator(kind: type[_Component]) -> Any:
    def body(build: int, arguments: Any, count: int, _: Any) -> int | None:
        try:
            made = kind()
            for index, declaration in enumerate(kind._declared):
                setattr(made, declaration.name, declaration._read(arguments[index]))
            made.build(Build(build))
            number = next(_numbers)
            objects[number] = made
            return number
        except BaseException as error:
            _values.host.fail(build, _failed(error, kind.__name__))
            return None

    return _structs.CREATE(body)


def register(component: type[_Component] | type[Variant]) -> None:
    """Makes a likelihood, a prior or a variant known to the library by its name, from then on.

    Parameters
    ----------
    component : class
        A subclass of `Likelihood`, `Prior` or `Variant` with a ``name`` in kebab-case and a docstring,
        whose first line says what it is. A class of the same name replaces the former one, while models
        that exist keep it.
    """
    if not isinstance(component, type) or not issubclass(component, (Likelihood, Prior, Variant)):
        raise TypeError(
            f"register takes a subclass of Likelihood, Prior or Variant, but was given {component!r}"
        )
    summary = (component.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    if not getattr(component, "name", "") or not summary:
        raise InvalidArgumentError(f"{component.__name__} needs a name and a docstring")
    if issubclass(component, Variant):
        _register_variant(component, summary)
    else:
        _register_component(component, summary)


def _register_component(component: type[_Component], summary: str) -> None:
    declared = [declaration._struct() for declaration in component._declared]
    structs = (_structs.Hyperparameter * len(declared))(*declared)
    described = _structs.Component(
        name=encoded(component.name, "name"),
        summary=summary.encode(),
        hyperparameters=ctypes.cast(structs, POINTER(_structs.Hyperparameter)),
        hyperparameter_count=len(declared),
        create=_creator(component),
        destroy=_structs.DESTROY(lambda number: objects.pop(number, None) and None),
        uses_condition=1 if component.uses_condition else 0,
    )
    if issubclass(component, Likelihood):
        described.likelihood = ctypes.pointer(_likelihood_table(component))
    elif issubclass(component, Prior):
        described.prior = ctypes.pointer(_prior_table(component))
    role = "likelihood" if issubclass(component, Likelihood) else "prior"
    _register(
        f"{role}-{component.name}",
        summary,
        (component, structs, declared, described),
        components=ctypes.pointer(described),
        component_count=1,
    )
    forget(None)


def _register_variant(variant: type[Variant], summary: str) -> None:
    parts = {}
    for role in ("encoder", "prior", "decoder", "likelihood", "objective"):
        part = getattr(variant, role)
        if isinstance(part, type):
            base = {"prior": Prior, "likelihood": Likelihood}.get(role)
            if base is None or not issubclass(part, base):
                raise TypeError(f"{variant.__name__}.{role} is {part!r}, which cannot be that")
            register(part)
            part = part.name
        parts[role] = encoded(part, role)
    if parts["likelihood"] == b"auto":
        parts["likelihood"] = None
    defaults = [
        _structs.VariantDefault(path=encoded(path, "a path"), value=encoded(setting_text(value), path))
        for path, value in variant.defaults.items()
    ]
    shorthands = [
        _structs.VariantShorthand(name=encoded(name, "a short name"), path=encoded(path, name))
        for name, paths in variant.shorthands.items()
        for path in ([paths] if isinstance(paths, str) else paths)
    ]
    described = _structs.Variant(
        name=encoded(variant.name, "name"),
        summary=summary.encode(),
        reference=encoded(variant.reference, "reference"),
        defaults=(_structs.VariantDefault * len(defaults))(*defaults),
        default_count=len(defaults),
        shorthands=(_structs.VariantShorthand * len(shorthands))(*shorthands),
        shorthand_count=len(shorthands),
        **parts,
    )
    _register(
        f"variant-{variant.name}",
        summary,
        (described,),
        variants=ctypes.pointer(described),
        variant_count=1,
    )
    forget(variant.name)


def _register(name: str, summary: str, kept: tuple[Any, ...], **brought: Any) -> None:
    """Hands over a plug-in that brings something, which is kept as long as the process."""
    origin = f"python-{name}".encode()
    plugin = _structs.Plugin(
        abi_version=_structs.ABI_VERSION, name=origin, version=b"1.0", summary=summary.encode(), **brought
    )

    def entry(host: int) -> int:
        table = _structs.Host.from_address(host)
        _values.host = SimpleNamespace(**{name: getattr(table, name) for name in _structs.HOST})
        return ctypes.addressof(plugin)

    called = _library.PLUGIN_ENTRY(entry)
    _kept.append((kept, plugin, called))
    _library.call(_library.library.vae_register_plugin, called, origin)
