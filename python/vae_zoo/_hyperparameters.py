"""What an estimator is made with: its hyper-parameters, as scikit-learn sees them and as the library takes them."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping, Sequence, TypeVar

from vae_zoo._errors import RecipeError
from vae_zoo._library import setting_text
from vae_zoo._settings import same, seed_of

_Self = TypeVar("_Self", bound="Keywords")


class Keywords:
    """The keywords that an estimator is made with, by scikit-learn's conventions."""

    __slots__ = ("__dict__", "__weakref__")

    _keywords: ClassVar[dict[str, Any]]  # hyper-parameters with their defaults in the signature

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return sorted(cls._keywords)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The hyper-parameters by name.

        Parameters
        ----------
        deep : bool
            Changes nothing: there are no estimators inside of this one.
        """
        return {name: getattr(self, name) for name in self._get_param_names()}

    def set_params(self: _Self, **params: Any) -> _Self:
        """Sets hyper-parameters, which count from the next ``fit`` on."""
        for name in params:
            if name not in self._keywords:
                known = ", ".join(self._get_param_names())
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {known}."
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        given = [
            f"{name}={getattr(self, name, None)!r}"
            for name, default in self._keywords.items()
            if not same(getattr(self, name, None), default)
        ]
        line = f"{type(self).__name__}({', '.join(given)})"
        return line if len(line) <= N_CHAR_MAX else line[: N_CHAR_MAX - 1] + "…"


class Hyperparameters(Keywords):
    """The hyper-parameters of an estimator of a variant."""

    __slots__ = ()

    # Of each variant's class.
    _variant: ClassVar[str]
    _paths: ClassVar[dict[str, str]]  # the setting that a keyword stands for; empty for none
    _reach: ClassVar[dict[str, list[str]]]  # what keywords set in the variant's own recipe

    # Keywords that every class has beside its hyper-parameters.
    random_state: Any
    image_shape: Sequence[int] | None
    value_range: str
    settings: Mapping[str, Any] | None
    warm_start: bool
    verbose: bool

    def _given(self) -> list[tuple[str, str]]:
        """What differs from the defaults, as the library takes it, without the seed."""
        settings = []
        for name, default in self._keywords.items():
            path = self._paths.get(name, name)
            value = getattr(self, name)
            if not path or value is None or same(value, default):
                continue
            settings.append((path, setting_text(value)))
        if self.settings is not None:
            if not isinstance(self.settings, Mapping):
                raise RecipeError(f"settings is {self.settings!r}, but must be a mapping or None")
            settings += [(str(key), setting_text(value)) for key, value in self.settings.items()]
        return settings

    def _method_seed(self, random_state: Any) -> int:
        return seed_of(self.random_state if random_state is None else random_state)
