"""The module's view of the C interface, against the header and the stated layout."""

from __future__ import annotations

import ctypes
import os
import re
import unittest

from support import ROOT, run_python
from vae_zoo import _errors, _library


def _read(*path: str) -> str:
    with open(os.path.join(ROOT, *path)) as file:
        return file.read()


class InterfaceTests(unittest.TestCase):
    header = re.sub(r"/\*.*?\*/", "", _read("include", "vae.h"), flags=re.DOTALL)

    def test_every_struct_is_laid_out_as_the_interface_states(self):
        layout = _read("include", "abi", "layout.h")
        sizes = dict(re.findall(r"^VAE_LAYOUT_SIZE\((\w+), (\d+)\);", layout, re.MULTILINE))
        fields = re.findall(
            r"^VAE_LAYOUT_FIELD\((\w+), (\w+), (\d+), (\d+)\);", layout, re.MULTILINE
        )
        self.assertEqual(set(sizes), set(_library.STRUCTS))
        for name, size in sizes.items():
            self.assertEqual(ctypes.sizeof(_library.STRUCTS[name]), int(size), name)
        for name, field, offset, size in fields:
            place = getattr(_library.STRUCTS[name], field)
            self.assertEqual((place.offset, place.size), (int(offset), int(size)), f"{name}.{field}")
        declared = sum(len(struct._fields_) for struct in _library.STRUCTS.values())
        self.assertEqual(len(fields), declared)

    def test_every_function_takes_and_returns_what_the_header_declares(self):
        structs = {
            name: ctypes.POINTER(struct) for name, struct in _library.STRUCTS.items()
        }
        callbacks = {
            "vae_progress_callback": _library.PROGRESS_CALLBACK,
            "vae_log_callback": _library.LOG_CALLBACK,
            "vae_plugin_entry_function": _library.PLUGIN_ENTRY,
        }
        numbers = {
            "int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64, "uint32_t": ctypes.c_uint32,
            "uint64_t": ctypes.c_uint64, "size_t": ctypes.c_size_t, "double": ctypes.c_double,
            "vae_status": ctypes.c_int32, "void": None,
        }

        def type_of(text: str):
            """The type of a declaration such as `const vae_tensor *images`."""
            stars = text.count("*")
            base = re.sub(r"\bconst\b|\*", " ", text).split()[0]
            if base in callbacks:
                return callbacks[base]
            if stars == 0:
                return numbers[base]
            if base == "char":
                return ctypes.c_char_p if "const" in text else ctypes.c_void_p
            if base in structs:
                return structs[base] if stars == 1 else ctypes.POINTER(structs[base])
            if base in numbers and base != "void":
                return ctypes.POINTER(numbers[base])
            return ctypes.c_void_p if stars == 1 else ctypes.POINTER(ctypes.c_void_p)

        declared = {
            match[1]: match
            for match in re.findall(
                r"^((?:const )?\w+ \*?)(vae_\w+)\(([^;]*?)\);", self.header, re.MULTILINE | re.DOTALL
            )
        }
        used = {**_library._FALLIBLE, **_library._PLAIN}
        self.assertGreater(len(used), 40)
        for name in used:
            result, _, parameters = declared[name]
            function = getattr(_library.library, name)
            self.assertIs(function.restype, type_of(result), name)
            wanted = [type_of(text) for text in parameters.split(",") if text.strip() != "void"]
            self.assertEqual(list(function.argtypes or ()), wanted, name)

    def test_every_status_has_an_exception_with_its_number(self):
        stated = {
            int(number): name
            for name, number in re.findall(r"#define VAE_ERR_(\w+) (\d+)", self.header)
        }
        self.assertEqual(set(_errors.BY_STATUS), set(stated))
        for number, kind in _errors.BY_STATUS.items():
            words = {"IO": "FILE"}.get(stated[number], stated[number]).split("_")
            self.assertIn(kind.__name__.upper(), "".join(words) + "ERROR")

    def test_a_library_of_another_version_or_kind_is_refused_with_the_reason(self):
        program = """
import sys
try:
    import vae_zoo
except ImportError as error:
    print(error)
"""
        missing = run_python(program, VAE_ZOO_LIBRARY="/nowhere/libvae.so")
        self.assertIn("/nowhere/libvae.so", missing)
        self.assertIn("VAE_ZOO_LIBRARY", missing)


if __name__ == "__main__":
    unittest.main()
