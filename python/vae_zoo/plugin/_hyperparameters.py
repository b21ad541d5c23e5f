"""The hyper-parameters that a component declares."""

from __future__ import annotations

from ctypes import c_char_p
from typing import Any

from vae_zoo._library import integer, real
from vae_zoo.plugin import _structs


class Declaration:
    """A hyper-parameter: a class attribute of a component that declares it, a value of an object."""

    name: str

    def __init__(self, help: str, **fields: Any) -> None:
        self.help = help
        self._fields = fields
        self._kept: list[Any] = []

    def _struct(self) -> _structs.Hyperparameter:
        return _structs.Hyperparameter(name=self.name.encode(), help=self.help.encode(), **self._fields)

    def _read(self, argument: _structs.Argument) -> Any:
        raise NotImplementedError


class Integer(Declaration):
    """A whole number with its default and range."""

    def __init__(self, default: int, *, least: int, most: int, help: str) -> None:
        super().__init__(
            help,
            type=2,
            default_integer=integer(default, "default"),
            minimum_integer=integer(least, "least"),
            maximum_integer=integer(most, "most"),
        )

    def _read(self, argument: _structs.Argument) -> int:
        return argument.integer


class Number(Declaration):
    """A real number with its default and range."""

    def __init__(self, default: float, *, least: float, most: float, help: str) -> None:
        super().__init__(
            help,
            type=5,
            default_number=real(default, "default"),
            minimum_number=real(least, "least"),
            maximum_number=real(most, "most"),
        )

    def _read(self, argument: _structs.Argument) -> float:
        return argument.number


class Flag(Declaration):
    """Yes or no."""

    def __init__(self, default: bool, *, help: str) -> None:
        super().__init__(help, type=6, default_integer=int(default))

    def _read(self, argument: _structs.Argument) -> bool:
        return bool(argument.integer)


class Choice(Declaration):
    """One of some words, the first by default."""

    def __init__(self, *words: str, help: str) -> None:
        choices = (c_char_p * len(words))(*(word.encode() for word in words))
        super().__init__(help, type=7, choices=choices, choice_count=len(words))

    def _read(self, argument: _structs.Argument) -> str:
        return argument.text.decode()
