"""The structs of ``include/vae_plugin.h`` by ctypes, field by field."""

from __future__ import annotations

from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_float, c_int32, c_int64
from ctypes import c_uint32, c_uint64, c_void_p
from typing import Any

from vae_zoo import _library

ABI_VERSION = 2


class Hyperparameter(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("type", c_int32),
        ("name", c_char_p),
        ("help", c_char_p),
        ("default_integer", c_int64),
        ("minimum_integer", c_int64),
        ("maximum_integer", c_int64),
        ("default_number", c_double),
        ("minimum_number", c_double),
        ("maximum_number", c_double),
        ("default_text", c_char_p),
        ("choices", POINTER(c_char_p)),
        ("choice_count", c_uint64),
        ("default_values", POINTER(c_int64)),
        ("default_count", c_uint64),
        ("minimum_count", c_uint64),
        ("maximum_count", c_uint64),
    ]


class Argument(_library.Struct):
    _fields_ = [
        ("type", c_int32),
        ("reserved", c_int32),
        ("integer", c_int64),
        ("number", c_double),
        ("text", c_char_p),
        ("values", POINTER(c_int64)),
        ("count", c_uint64),
    ]


class BuildInfo(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("range", c_int32),
        ("height", c_int64),
        ("width", c_int64),
        ("channels", c_int64),
        ("latents", c_int32),
        ("stacks_layers", c_int32),
        ("latent_size", c_int64),
        ("grid_height", c_int64),
        ("grid_width", c_int64),
        ("vector_size", c_int64),
        ("code_count", c_int64),
        ("parameters_per_pixel", c_int64),
        ("condition_width", c_int64),
    ]


HANDLE = c_void_p  # a build, a pass, a value, a parameter
SHAPE = (POINTER(c_int64), c_int64)

# The functions of the host by name, in order: what they return, and what they take.
HOST: dict[str, tuple[Any, ...]] = {
    "fail": (None, HANDLE, c_char_p),
    "fail_data": (None, HANDLE, c_char_p),
    "describe_build": (None, HANDLE, POINTER(BuildInfo)),
    "user_data": (HANDLE, HANDLE),
    "parameter": (HANDLE, HANDLE, c_char_p, *SHAPE, c_int32, c_double, c_uint32),
    "parameter_from": (HANDLE, HANDLE, c_char_p, *SHAPE, POINTER(c_float), c_uint32),
    "closure": (HANDLE, HANDLE, c_int32, POINTER(c_int32), c_uint64, HANDLE, HANDLE),
    "fail_pass": (None, HANDLE, c_char_p),
    "describe_pass": (None, HANDLE, HANDLE),
    "shape": (c_int64, HANDLE, HANDLE, POINTER(c_int64)),
    "data": (POINTER(c_float), HANDLE, HANDLE),
    "use": (HANDLE, HANDLE, HANDLE),
    "assign": (None, HANDLE, HANDLE, HANDLE),
    "log_term": (None, HANDLE, c_char_p, HANDLE),
    "constant": (HANDLE, HANDLE, POINTER(c_float), *SHAPE),
    "full": (HANDLE, HANDLE, c_float, *SHAPE),
    "normal": (HANDLE, HANDLE, c_char_p, *SHAPE),
    "uniform": (HANDLE, HANDLE, c_char_p, *SHAPE),
    **dict.fromkeys(
        [
            "negate", "exp", "log", "sqrt", "square", "reciprocal", "abs", "sigmoid", "tanh",
            "softplus", "sin", "cos", "erf", "lgamma",
        ],
        (HANDLE, HANDLE, HANDLE),
    ),
    "activate": (HANDLE, HANDLE, HANDLE, c_int32, c_float),
    "scale": (HANDLE, HANDLE, HANDLE, c_float, c_float),
    "clamp": (HANDLE, HANDLE, HANDLE, c_float, c_float),
    "above": (HANDLE, HANDLE, HANDLE, c_float),
    "stop_gradient": (HANDLE, HANDLE, HANDLE),
    **dict.fromkeys(
        ["add", "subtract", "multiply", "divide", "maximum", "minimum"], (HANDLE, HANDLE, HANDLE, HANDLE)
    ),
    **dict.fromkeys(["sum", "mean", "largest"], (HANDLE, HANDLE, HANDLE, c_int64, c_int32)),
    **dict.fromkeys(
        ["row_sums", "total", "average", "log_sum_exp", "softmax", "log_softmax"], (HANDLE, HANDLE, HANDLE)
    ),
    "reshape": (HANDLE, HANDLE, HANDLE, *SHAPE),
    "broadcast": (HANDLE, HANDLE, HANDLE, *SHAPE),
    "permute": (HANDLE, HANDLE, HANDLE, POINTER(c_int64)),
    "slice": (HANDLE, HANDLE, HANDLE, c_int64, c_int64, c_int64),
    "concatenate": (HANDLE, HANDLE, POINTER(HANDLE), c_uint64, c_int64),
    "pad": (HANDLE, HANDLE, HANDLE, c_int64, c_int64, c_int64),
    "upsample": (HANDLE, HANDLE, HANDLE, c_int64, c_int64),
    "matmul": (HANDLE, HANDLE, HANDLE, HANDLE, c_int32, c_int32),
    "dense": (HANDLE, HANDLE, HANDLE, HANDLE, HANDLE, c_int32, c_float),
    "convolution": (HANDLE, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE, c_int32, c_float),
    "transposed_convolution": (HANDLE, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE, c_int32, c_float),
    "group_norm": (HANDLE, HANDLE, HANDLE, c_int64, HANDLE, HANDLE),
    "layer_norm": (HANDLE, HANDLE, HANDLE, HANDLE, HANDLE),
    "gaussian_log_density": (HANDLE, HANDLE, HANDLE, HANDLE, HANDLE),
    "gaussian_divergence": (HANDLE, HANDLE, HANDLE, HANDLE),
    "bernoulli_log_density": (HANDLE, HANDLE, HANDLE, HANDLE),
    "custom": (HANDLE, HANDLE, HANDLE, POINTER(HANDLE), c_uint64, *SHAPE, HANDLE),
    "condition": (HANDLE, HANDLE),
}


class Host(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("abi_version", c_uint32),
        *((name, CFUNCTYPE(*types)) for name, types in HOST.items()),
    ]


UNARY = CFUNCTYPE(HANDLE, HANDLE, HANDLE, HANDLE)
BINARY = CFUNCTYPE(HANDLE, HANDLE, HANDLE, HANDLE, HANDLE)
COUNT = CFUNCTYPE(c_int64, HANDLE, c_int64)


class LikelihoodTable(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("is_discrete", c_int32),
        ("couples_channels", c_int32),
        ("noise", c_int32),
        ("parameters_per_pixel", COUNT),
        ("noise_per_pixel", COUNT),
        ("log_density", BINARY),
        ("mean", UNARY),
        ("sample", BINARY),
        ("parameters_with_mean", UNARY),
    ]


class PriorTable(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("units", CFUNCTYPE(c_int64, HANDLE)),
        ("log_density", UNARY),
        ("sample", CFUNCTYPE(HANDLE, HANDLE, HANDLE, c_float)),
        ("divergence", BINARY),
    ]


CREATE = CFUNCTYPE(HANDLE, HANDLE, POINTER(Argument), c_uint64, HANDLE)
DESTROY = CFUNCTYPE(None, HANDLE)


class Component(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char_p),
        ("summary", c_char_p),
        ("hyperparameters", POINTER(Hyperparameter)),
        ("hyperparameter_count", c_uint64),
        ("make", HANDLE),
        ("create", CREATE),
        ("user_data", HANDLE),
        ("destroy", DESTROY),
        ("prepare", HANDLE),
        ("after_update", HANDLE),
        ("encoder", HANDLE),
        ("prior", POINTER(PriorTable)),
        ("decoder", HANDLE),
        ("likelihood", POINTER(LikelihoodTable)),
        ("objective", HANDLE),
        ("uses_condition", c_uint32),
        ("reserved_after", c_uint32),
    ]


class VariantDefault(_library.Struct):
    _fields_ = [("path", c_char_p), ("value", c_char_p)]


class VariantShorthand(_library.Struct):
    _fields_ = [("name", c_char_p), ("path", c_char_p)]


class Variant(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("name", c_char_p),
        ("summary", c_char_p),
        ("reference", c_char_p),
        ("encoder", c_char_p),
        ("prior", c_char_p),
        ("decoder", c_char_p),
        ("likelihood", c_char_p),
        ("objective", c_char_p),
        ("defaults", POINTER(VariantDefault)),
        ("default_count", c_uint64),
        ("shorthands", POINTER(VariantShorthand)),
        ("shorthand_count", c_uint64),
    ]


class Plugin(_library.Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("abi_version", c_uint32),
        ("name", c_char_p),
        ("version", c_char_p),
        ("summary", c_char_p),
        ("components", POINTER(Component)),
        ("component_count", c_uint64),
        ("variants", POINTER(Variant)),
        ("variant_count", c_uint64),
    ]


# Structs by their names in C.
STRUCTS: dict[str, type[_library.Struct]] = {
    "vae_hyperparameter": Hyperparameter,
    "vae_argument": Argument,
    "vae_build_info": BuildInfo,
    "vae_host": Host,
    "vae_likelihood": LikelihoodTable,
    "vae_prior": PriorTable,
    "vae_component": Component,
    "vae_variant_default": VariantDefault,
    "vae_variant_shorthand": VariantShorthand,
    "vae_variant": Variant,
    "vae_plugin": Plugin,
}
