"""The library's failures as exceptions: one class a status of ``vae.h``."""

from __future__ import annotations

import re
import sys
import unicodedata
from contextlib import contextmanager
from typing import Callable, Iterator


def plain_text(text: str) -> str:
    """Text from elsewhere as the library shows it: what a terminal obeys, or nobody sees, as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # A byte of a name that is no UTF-8.
        return f"\\x{code - 0xDC00:x}"
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Zl", "Zp") or _INVISIBLE.match(character):
        return f"\\u{{{code:x}}}"
    return character


# The letters and marks that Unicode lets be ignored, other than U+FE0E and U+FE0F.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)


class Error(Exception):
    """A call of the library failed; the message says what, where and what to do.

    ``status`` is the library's number for the kind of failure, ``VAE_ERR_…`` in ``vae.h``.
    """

    status = 0

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(plain_text(it) if isinstance(it, str) else it for it in arguments))


class InvalidArgumentError(Error, ValueError):
    """A size, a shape or a number that the function cannot take."""

    status = 1


class RecipeError(Error, ValueError):
    """An unknown variant, component or hyper-parameter, or a value out of its range."""

    status = 2


class DataError(Error, ValueError):
    """Data that cannot be read, or that the model's likelihood cannot take."""

    status = 3


class NotFoundError(Error, LookupError):
    """A path, a parameter or a metric that is not there."""

    status = 4


class MissingParameterError(NotFoundError, KeyError):
    """A parameter that the model does not have."""

    __str__ = Exception.__str__  # KeyError's quotes the message.


class ExistsError(Error, FileExistsError):
    """What would be written is there already."""

    status = 5


class FileError(Error, OSError):
    """Reading or writing failed."""

    status = 6


class FormatError(Error, ValueError):
    """A file or a buffer that is damaged or of another kind."""

    status = 7


class UnsupportedError(Error, NotImplementedError):
    """Meaningful, but not here: another device, another type of elements."""

    status = 8


class DivergedError(Error, ArithmeticError):
    """Training reached a loss or a weight that is not finite."""

    status = 9


class CancelledError(Error):
    """A call was asked to stop."""

    status = 10


class BusyError(Error, RuntimeError):
    """Another thread is using the model, or a callback tries to change it."""

    status = 11


class OutOfMemoryError(Error, MemoryError):
    """What was asked for does not fit in memory."""

    status = 12


class PluginError(Error, RuntimeError):
    """A plug-in could not be loaded, or misbehaved."""

    status = 13


class InternalError(Error, RuntimeError):
    """A defect of the library."""

    status = 14


class CallbackError(Error, RuntimeError):
    """A function that the library called threw a C++ exception."""

    status = 15


class ThreadsError(Error, RuntimeError):
    """The system does not give the process as many threads as were to compute."""

    status = 16


class CommunicationError(Error, RuntimeError):
    """A process of several that train together failed, or was started otherwise."""

    status = 17


class NotFittedError(Error, ValueError, AttributeError):
    """The model was asked for results before ``fit`` or ``load``."""


BY_STATUS: dict[int, type[Error]] = {
    kind.status: kind for kind in Error.__subclasses__() if kind.status
}


@contextmanager
def renamed(**words: str) -> Iterator[None]:
    """Lets errors of the call inside name arguments as they are called here."""
    with _replacing(rf"\b({'|'.join(words)})\b", words):
        yield


@contextmanager
def elements_renamed(**words: str) -> Iterator[None]:
    """The same where they name an element, such as ``train[3, 10, 4, 0]``."""
    with _replacing(rf"\b({'|'.join(words)})(?=\[\d)", words):
        yield


@contextmanager
def remedies_renamed(**calls: str) -> Iterator[None]:
    """The same where they name a setting with its value, such as ``tile=512``: by what does that here, with ``{}`` for the
    value."""
    with _replacing(
        rf"\b({'|'.join(calls)})=(\w+)", lambda match: calls[match[1]].format(match[2])
    ):
        yield


@contextmanager
def partial_fit_remedies() -> Iterator[None]:
    """Lets an error about a batch of one example say what helps ``partial_fit``, whose caller chooses how many rows come."""

    def word(match: re.Match[str]) -> str:
        if match[0] == "memory":
            return "X"
        if match[0].startswith("train on"):
            return "give two rows or more"
        return "give another number of rows, or choose another batch_size"

    with _replacing(
        r"^memory(?= makes a batch of one)|train on two examples or more"
        r"|choose another training\.batch_size,(?: or)? training\.drop_last=true",
        word,
    ):
        yield


@contextmanager
def _replacing(pattern: str, words: dict[str, str] | Callable[[re.Match[str]], str]) -> Iterator[None]:
    try:
        yield
    except Error as error:
        word = words if callable(words) else lambda match: words[match[0]]
        text = re.sub(pattern, word, str(error))
        error.args = (text, *error.args[1:])
        raise


def not_fitted(estimator: object) -> NotFittedError:
    """The error for an estimator without a model; scikit-learn's own as well, where that is in use."""
    kind: type[NotFittedError] = NotFittedError
    sklearn = sys.modules.get("sklearn.exceptions")
    if sklearn is not None:
        bases = (NotFittedError, sklearn.NotFittedError)
        kind = type("NotFittedError", bases, {"__doc__": NotFittedError.__doc__})  # type: ignore
    name = type(estimator).__name__
    return kind(f"This {name} has not been trained; call fit, or load a trained one")
