"""``libvae.so``: finding it, its structs and functions, and the rules that all calls share.

``include/vae.h`` documents the functions. The layout of the structs is held to
``include/abi/layout.h`` by the tests.
"""

from __future__ import annotations

import ctypes
import json
import operator
import os
import re
import sys
import threading
from ctypes import POINTER, byref, c_char_p, c_double, c_int32, c_int64
from ctypes import c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Union

from vae_zoo._errors import BY_STATUS, Error, plain_text

ABI_MAJOR, ABI_MINOR = 0, 2

# What names a file.
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


# ----------------------------------------------------------------------------------------- structs


class Struct(ctypes.Structure):
    """A struct of the interface; one that may grow is made with its size set."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        if self._fields_[0][0] == "struct_size":
            self.struct_size = ctypes.sizeof(self)


class Tensor(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("dtype", c_int32),
        ("device", c_int32),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("data", c_void_p),
        ("byte_offset", c_uint64),
    ]


class Setting(Struct):
    _fields_ = [("key", c_char_p), ("value", c_char_p)]


class DataInfo(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("range", c_int32),
        ("height", c_int64),
        ("width", c_int64),
        ("channels", c_int64),
        ("train_count", c_int64),
        ("valid_count", c_int64),
        ("test_count", c_int64),
        ("condition_width", c_int64),
        ("condition", c_int32),
        ("reserved", c_int32),
    ]


class DataOptions(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("range", c_int32),
        ("train_condition", POINTER(Tensor)),
        ("test_condition", POINTER(Tensor)),
        ("class_names", POINTER(c_char_p)),
        ("class_name_count", c_uint64),
        ("columns_json", c_char_p),
    ]


class ModelOptions(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("range", c_int32),
        ("variant", c_char_p),
        ("recipe_json", c_char_p),
        ("settings", POINTER(Setting)),
        ("setting_count", c_uint64),
        ("height", c_int64),
        ("width", c_int64),
        ("channels", c_int64),
        ("seed", c_uint64),
        ("data", c_void_p),
        ("from_weights", c_char_p),
        ("condition_width", c_int64),
        ("condition", c_int32),
        ("reserved", c_int32),
    ]


class ModelInfo(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("range", c_int32),
        ("height", c_int64),
        ("width", c_int64),
        ("channels", c_int64),
        ("parameter_count", c_int64),
        ("tensor_count", c_int64),
        ("latent_layers", c_int64),
        ("code_count", c_int64),
        ("condition_width", c_int64),
        ("condition", c_int32),
        ("reserved", c_int32),
    ]


EXCHANGE = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p, c_uint64)
BROADCAST = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_uint64, c_int32)
ABORT = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)


class CommunicatorStruct(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("rank", c_int32),
        ("size", c_int32),
        ("reserved", c_int32),
        ("user_data", c_void_p),
        ("all_to_all", EXCHANGE),
        ("all_gather", EXCHANGE),
        ("broadcast", BROADCAST),
        ("abort", ABORT),
    ]


class TrainerOptions(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("existing_run", c_int32),
        ("settings", POINTER(Setting)),
        ("setting_count", c_uint64),
        ("epochs", c_int64),
        ("batch_size", c_int64),
        ("learning_rate", c_double),
        ("seed", c_uint64),
        ("run", c_char_p),
        ("checkpoint_dir", c_char_p),
        ("communicator", POINTER(CommunicatorStruct)),
    ]


class BoundStruct(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("is_held_out", c_int32),
        ("elbo", c_double),
        ("rate", c_double),
        ("distortion", c_double),
    ]


class ProgressStruct(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("is_epoch_end", c_int32),
        ("step", c_int64),
        ("total_steps", c_int64),
        ("epoch", c_int64),
        ("train", BoundStruct),
        ("valid", BoundStruct),
    ]


class EvaluationOptions(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("importance_samples", c_int32),
        ("split", c_char_p),
        ("seed", c_uint64),
        ("metrics", c_char_p),
        ("network", c_char_p),
        ("network_layer", c_char_p),
    ]


PROGRESS_CALLBACK = ctypes.CFUNCTYPE(c_int32, POINTER(ProgressStruct), c_void_p)
WORK_CALLBACK = ctypes.CFUNCTYPE(c_int32, c_double, c_void_p)
LOG_CALLBACK = ctypes.CFUNCTYPE(None, c_char_p, c_void_p)
PLUGIN_ENTRY = ctypes.CFUNCTYPE(c_void_p, c_void_p)


class ScoreOptions(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("importance_samples", c_int32),
        ("method", c_char_p),
        ("background", c_void_p),
        ("seed", c_uint64),
        ("steps", c_int32),
        ("reserved", c_int32),
        ("reference", POINTER(Tensor)),
        ("reference_condition", POINTER(Tensor)),
        ("group", c_int32),
        ("reserved2", c_int32),
    ]


class ImputationOptions(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("importance_samples", c_int32),
        ("seed", c_uint64),
        ("truth", POINTER(Tensor)),
    ]


class CallOptions(Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_int32),
        ("token", c_void_p),
        ("progress", WORK_CALLBACK),
        ("user_data", c_void_p),
        ("condition", POINTER(Tensor)),
        ("checkpoint", c_char_p),
        ("draw", c_int32),
        ("reserved2", c_int32),
        ("tile", c_int32),
        ("precision", c_int32),
        ("communicator", POINTER(CommunicatorStruct)),
    ]


# Structs by their names in C.
STRUCTS: dict[str, type[Struct]] = {
    "vae_tensor": Tensor,
    "vae_setting": Setting,
    "vae_data_info": DataInfo,
    "vae_data_options": DataOptions,
    "vae_model_options": ModelOptions,
    "vae_model_info": ModelInfo,
    "vae_communicator": CommunicatorStruct,
    "vae_trainer_options": TrainerOptions,
    "vae_bound": BoundStruct,
    "vae_progress": ProgressStruct,
    "vae_evaluation_options": EvaluationOptions,
    "vae_call_options": CallOptions,
    "vae_score_options": ScoreOptions,
    "vae_imputation_options": ImputationOptions,
}

# --------------------------------------------------------------------------------------- functions

_HANDLE_OUT = POINTER(c_void_p)
_TEXT_OUT = (c_void_p, c_size_t, POINTER(c_size_t))

# Functions that return a status; a last `vae_error **` goes without saying.
_FALLIBLE: dict[str, tuple[Any, ...]] = {
    "vae_set_threads": (c_int32,),
    "vae_set_limit": (c_char_p, c_int64),
    "vae_limits_json": _TEXT_OUT,
    "vae_build_info_json": _TEXT_OUT,
    "vae_cancel_token_create": (_HANDLE_OUT,),
    "vae_array_view": (c_void_p, POINTER(Tensor)),
    "vae_list_metrics_json": _TEXT_OUT,
    "vae_list_variants_json": _TEXT_OUT,
    "vae_list_components_json": (c_char_p, *_TEXT_OUT),
    "vae_describe_json": (c_char_p, *_TEXT_OUT),
    "vae_check_json": (c_char_p, *_TEXT_OUT),
    "vae_load_plugin": (c_char_p,),
    "vae_register_plugin": (PLUGIN_ENTRY, c_char_p),
    "vae_recipe_json": (c_char_p, POINTER(Setting), c_size_t, *_TEXT_OUT),
    "vae_data_open_with": (c_char_p, POINTER(CallOptions), _HANDLE_OUT),
    "vae_data_from_tensors_with": (
        POINTER(Tensor), POINTER(Tensor), POINTER(DataOptions), _HANDLE_OUT,
    ),
    "vae_data_conditions": (c_void_p, c_char_p, c_int64, c_int64, _HANDLE_OUT),
    "vae_data_describe": (c_void_p, POINTER(DataInfo)),
    "vae_data_images": (c_void_p, c_char_p, c_int64, c_int64, _HANDLE_OUT),
    "vae_model_create": (POINTER(ModelOptions), _HANDLE_OUT),
    "vae_model_create_stage_on": (c_void_p, c_char_p, c_void_p, POINTER(Setting), c_size_t, _HANDLE_OUT),
    "vae_model_load_with": (c_char_p, POINTER(CallOptions), _HANDLE_OUT),
    "vae_model_import": (
        c_char_p, c_int64, POINTER(Setting), c_size_t, POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_model_export": (c_void_p, c_char_p, c_char_p),
    "vae_model_load_memory": (c_void_p, c_size_t, _HANDLE_OUT),
    "vae_model_save": (c_void_p, c_char_p),
    "vae_model_save_memory": (c_void_p, _HANDLE_OUT),
    "vae_model_describe": (c_void_p, POINTER(ModelInfo)),
    "vae_model_recipe_json": (c_void_p, *_TEXT_OUT),
    "vae_model_tensor_name": (c_void_p, c_int64, *_TEXT_OUT),
    "vae_model_get_tensor": (c_void_p, c_char_p, _HANDLE_OUT),
    "vae_model_set_tensor": (c_void_p, c_char_p, POINTER(Tensor)),
    "vae_communicator_mpi": (POINTER(CommunicatorStruct),),
    "vae_trainer_create": (c_void_p, c_void_p, POINTER(TrainerOptions), _HANDLE_OUT),
    "vae_trainer_fit": (c_void_p, PROGRESS_CALLBACK, c_void_p, c_void_p),
    "vae_trainer_step_on_with": (
        c_void_p, POINTER(Tensor), POINTER(CallOptions), POINTER(BoundStruct),
    ),
    "vae_trainer_record_json": (c_void_p, *_TEXT_OUT),
    "vae_evaluate_with": (
        c_void_p, c_void_p, POINTER(EvaluationOptions), POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_metrics_json": (c_void_p, *_TEXT_OUT),
    "vae_classifier_train": (
        c_void_p, POINTER(Setting), c_size_t, POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_classifier_open": (c_char_p, _HANDLE_OUT),
    "vae_classifier_save": (c_void_p, c_char_p),
    "vae_classifier_probabilities": (
        c_void_p, POINTER(Tensor), POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_classifier_json": (c_void_p, *_TEXT_OUT),
    "vae_encode_with": (c_void_p, POINTER(Tensor), c_uint64, POINTER(CallOptions), _HANDLE_OUT),
    "vae_encoding_get": (c_void_p, c_int32, c_int64, _HANDLE_OUT),
    "vae_decode_with": (
        c_void_p, POINTER(POINTER(Tensor)), c_int64, c_uint64, POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_encode_pictures": (
        c_void_p, POINTER(Tensor), c_int32, c_uint64, POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_decode_pictures": (
        c_void_p, POINTER(Tensor), c_int32, c_int64, c_int64, c_int32, POINTER(CallOptions),
        _HANDLE_OUT,
    ),
    "vae_reconstruct_with": (
        c_void_p, POINTER(Tensor), c_uint64, POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_sample_with": (
        c_void_p, c_int64, c_double, c_uint64, POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_log_likelihood_with": (
        c_void_p, POINTER(Tensor), c_int32, c_uint64, POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_score": (
        c_void_p, POINTER(Tensor), POINTER(ScoreOptions), POINTER(CallOptions), _HANDLE_OUT,
    ),
    "vae_impute": (
        c_void_p, POINTER(Tensor), POINTER(ImputationOptions), POINTER(CallOptions), _HANDLE_OUT,
        _HANDLE_OUT,
    ),
    "vae_bench": (c_char_p, c_void_p, _HANDLE_OUT),
}

# The others: what they return, and what they take.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "vae_abi_version": (c_uint32,),
    "vae_version": (c_char_p,),
    "vae_error_message": (c_char_p, c_void_p),
    "vae_error_free": (None, c_void_p),
    "vae_threads": (c_int32,),
    "vae_set_log_callback": (None, LOG_CALLBACK, c_void_p),
    "vae_cancel_token_cancel": (None, c_void_p),
    "vae_cancel_token_free": (None, c_void_p),
    "vae_array_free": (None, c_void_p),
    "vae_data_free": (None, c_void_p),
    "vae_model_free": (None, c_void_p),
    "vae_trainer_free": (None, c_void_p),
    "vae_metrics_free": (None, c_void_p),
    "vae_classifier_free": (None, c_void_p),
    "vae_encoding_free": (None, c_void_p),
}


def _candidates() -> list[str]:
    """Where the library may be, the first that is there wins: what the environment names, beside
    this package as in a wheel, where a source tree builds it, and where the system looks."""
    named = os.environ.get("VAE_ZOO_LIBRARY")
    if named:
        return [named]
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    found = [os.path.join(here, "lib", "libvae.so.1")]
    if os.path.exists(os.path.join(root, "Package.swift")):
        found.append(os.path.join(root, ".build", "release", "libvae.so"))
    return [path for path in found if os.path.exists(path)] + ["libvae.so.1"]


def _load() -> ctypes.CDLL:
    path = _candidates()[0]
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(
            f"vae_zoo cannot load its library: {error}; install the wheel, build it with "
            "'make lib', or name it in VAE_ZOO_LIBRARY",
            name="vae_zoo",
            path=path,
        ) from None
    library.vae_abi_version.restype = c_uint32
    version: int = library.vae_abi_version()
    if version >> 16 != ABI_MAJOR or version & 0xFFFF < ABI_MINOR:
        raise ImportError(
            f"{path} has the interface version {version >> 16}.{version & 0xFFFF}, but vae_zoo "
            f"needs {ABI_MAJOR}.{ABI_MINOR}; install both from one source",
            name="vae_zoo",
            path=path,
        )
    for name, arguments in _FALLIBLE.items():
        function = getattr(library, name)
        function.restype = c_int32
        function.argtypes = (*arguments, _HANDLE_OUT)
    for name, (result, *taken) in _PLAIN.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = taken
    return library


library = _load()


# ------------------------------------------------------------------------------------------- calls


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function that can fail and raises what it fails with."""
    error = c_void_p()
    status = function(*arguments, byref(error))
    if status:
        raise _taken(status, error, arguments)


# Exceptions of components written in Python, by the thread that they were raised on.
causes: dict[int, BaseException] = {}


# What messages of the library call by its name in C, by its name here.
_WORDS = {
    "VAE_RUN_RESUME": 'existing_run="resume"',
    "VAE_RUN_REPLACE": 'existing_run="replace"',
    "vae_load_plugin or vae_register_plugin": "load_plugin or plugin.register",
    "vae_load_plugin": "load_plugin",
    "vae_register_plugin": "plugin.register",
    "vae_model_tensor_name": "list(parameters)",
}
_IDENTIFIERS = re.compile(rf"(?<![\w/.-])(?:{'|'.join(_WORDS)})(?![\w/.-])")


def _in_python(message: str, arguments: tuple[Any, ...]) -> str:
    """A message with the names of this module; what it quotes of the caller's stays as it is."""
    quoted = [argument for argument in arguments if isinstance(argument, bytes)]
    for struct in (getattr(argument, "_obj", None) for argument in arguments):
        if isinstance(struct, Struct):
            quoted += [getattr(struct, name) for name, kind in struct._fields_ if kind is c_char_p]
    text = b"\0".join(part for part in quoted if part).decode("utf-8", "replace")

    def name(match: re.Match[str]) -> str:
        return match[0] if match[0] in text else _WORDS[match[0]]

    return _IDENTIFIERS.sub(name, message)


def _taken(status: int, error: c_void_p, arguments: tuple[Any, ...]) -> BaseException:
    """The exception for an error of the library, which is released."""
    try:
        message = library.vae_error_message(error).decode("utf-8", "replace")
    finally:
        library.vae_error_free(error)
    kind = BY_STATUS.get(status, Error)
    exception = kind(_in_python(message, arguments))
    exception.status = status
    cause = causes.pop(threading.get_ident(), None) if causes else None
    if cause is not None and not isinstance(cause, Exception):
        return cause  # Ctrl-C within a component
    if cause is not None and type(cause).__name__ in message:
        exception.__cause__ = cause
    return exception


class Handle:
    """An object of the library, released with this one."""

    __slots__ = ("_as_parameter_", "_free", "__weakref__")

    def __init__(self, pointer: c_void_p, free: Callable[[c_void_p], None]) -> None:
        self._as_parameter_ = pointer
        self._free = free

    def free(self) -> None:
        """Releases the object, which must not be used any more."""
        pointer, self._as_parameter_ = self._as_parameter_, c_void_p()
        if pointer:
            self._free(pointer)

    def __del__(self) -> None:
        self.free()


def create(free: Callable[..., None], function: Callable[..., int], *arguments: Any) -> Handle:
    """Calls a function that makes an object, its last argument but for the error."""
    pointer = c_void_p()
    call(function, *arguments, byref(pointer))
    return Handle(pointer, free)


def text(function: Callable[..., int], *arguments: Any) -> str:
    """Calls a function that gives a text, by the rule of two calls, of which the first does for most texts."""
    needed = c_size_t(1 << 16)
    while True:
        capacity = needed.value
        buffer = ctypes.create_string_buffer(capacity)
        call(function, *arguments, buffer, capacity, byref(needed))
        if needed.value <= capacity:
            return buffer.raw[: needed.value - 1].decode()


def from_json(function: Callable[..., int], *arguments: Any) -> Any:
    """Calls a function that gives a JSON text, and reads it."""
    return parsed(text(function, *arguments))


def parsed(json_text: str) -> Any:
    """What a JSON text of the library says, with its paths as ``os.fsdecode`` spells them."""
    return json.loads(json_text, object_hook=_with_paths if _FOREIGN.search(json_text) else None)


# In its texts a byte that is no UTF-8 stands as a character for private use, U+10F700 plus the byte, and so do the bytes
# of these characters themselves; in Python's as a lone surrogate, U+DC00 plus the byte.
_FOREIGN = re.compile("[\U0010f780-\U0010f7ff]+")
_ESCAPED = re.compile("[\udc80-\udcff\U0010f780-\U0010f7ff]")

# What members of its JSON objects are called that are paths where they are texts.
_PATHS = ("path", "file", "origin", "network", "data")


def _with_paths(members: dict[str, Any]) -> dict[str, Any]:
    for name in _PATHS:
        if isinstance(members.get(name), str):
            members[name] = _FOREIGN.sub(_from_library, members[name])
    return members


def _from_library(match: re.Match[str]) -> str:
    return bytes(ord(character) & 0xFF for character in match[0]).decode("utf-8", "surrogateescape")


def _to_library(match: re.Match[str]) -> str:
    return "".join(chr(0x10F700 + byte) for byte in match[0].encode("utf-8", "surrogateescape"))


def encoded(value: str, name: str) -> bytes:
    """A text for the library, which cannot hold a NUL."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, but must be a text")
    return _checked(value, name, str.encode)


def encoded_path(value: Path, name: str) -> bytes:
    """A path for the library: a text, bytes, or an object that stands for one of them."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{name} is {value!r}, but must be a path: str, bytes or os.PathLike")
    path = _checked(value, name, os.fsencode)
    if not path:
        raise BY_STATUS[1](f"{name} is empty; name a file or a folder")
    return path


def shown_path(path: Path) -> str:
    """A path as messages show it: a byte that is no text as ``\\xe9``, as the library's own do."""
    return plain_text(os.fsencode(path).decode("utf-8", "surrogateescape"))


def _checked(value: Any, name: str, encode: Callable[[Any], bytes]) -> bytes:
    try:
        data = encode(value)
    except UnicodeEncodeError:
        raise BY_STATUS[1](f"{name} is not valid Unicode") from None
    if b"\0" in data:
        raise BY_STATUS[1](f"{name} holds a NUL character")
    return data


def integer(value: Any, name: str, least: int = -(2**63), most: int = 2**63 - 1) -> int:
    """A whole number of a range: ctypes would take others modulo a power of two."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, but must be a whole number") from None
    if not least <= number <= most:
        raise BY_STATUS[1](f"{name} is {number}, but must be in {least}...{most}")
    return number


def real(value: Any, name: str) -> float:
    """A number; texts are none, although Python makes numbers of some."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} is {value!r}, but must be a number") from None


def flag(value: Any, name: str) -> bool:
    """Yes or no, NumPy's too."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, but must be True or False")
    return value


# ------------------------------------------------------------------------------------------- values


def setting_text(value: Any) -> str:
    """The text of a value as after ``--set``: lists with commas, ``true`` and ``false``."""
    if isinstance(value, str):
        return value
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(setting_text(item) for item in value)
    return repr(value)


def settings_array(settings: list[tuple[str, str]]) -> Any:
    """Settings as the library takes them."""
    array = (Setting * len(settings))()
    for place, (key, value) in zip(array, settings):
        place.key = encoded(key, "the key of a setting")
        place.value = encoded(_ESCAPED.sub(_to_library, value), f"the value of {key}")
    return array


# ------------------------------------------------------------------------------------------ messages

# The level of the messages of a call: those of a training are about how it goes.
_levels: dict[int, int] = {}


class training_messages:
    """While it is entered, messages on this thread are warnings: values far from what models expect, a
    collapsing latent, a dead codebook."""

    def __enter__(self) -> None:
        import logging

        _levels[threading.get_ident()] = logging.WARNING

    def __exit__(self, *exception: object) -> None:
        _levels.pop(threading.get_ident(), None)


def _log(message: bytes, _: Any) -> None:
    import logging

    try:
        level = _levels.get(threading.get_ident(), logging.INFO)
        logging.getLogger("vae_zoo").log(level, "%s", message.decode("utf-8", "replace"))
    except Exception:  # A faulty handler must not look like a fault of the library.
        sys.excepthook(*sys.exc_info())


# Kept alive as long as the library may call it.
_log_callback = LOG_CALLBACK(_log)
library.vae_set_log_callback(_log_callback, None)
