"""Builds the wheel of ``vae_zoo``, with ``libvae.so`` and what it needs inside.

A build backend by PEP 517 and PEP 660 that needs nothing but Python: ``pip install .`` works without a
network. The library is the one of ``make lib``, which is built where there is none, or the file that
``VAE_ZOO_LIBRARY`` names. Nothing is installed for that: what the build lacks is named in one line. The
libraries beside it are found through its run path, ``$ORIGIN``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# What every Linux has: the C and C++ runtimes, and zlib.
_EVERYWHERE = re.compile(
    r"(linux-vdso|ld-linux[-_a-z0-9]*|libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+|libz)\.so.*"
)


# -------------------------------------------------------------------------------------- the interface


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    return []


get_requires_for_build_editable = get_requires_for_build_wheel
get_requires_for_build_sdist = get_requires_for_build_wheel


def prepare_metadata_for_build_wheel(directory: str, config_settings: Any = None) -> str:
    """Writes what a wheel says of itself, for which nothing is built, and returns the folder's name."""
    name = f"vae_zoo-{_version()}.dist-info"
    folder = Path(directory, name)
    folder.mkdir()
    (folder / "METADATA").write_text(_metadata())
    (folder / "WHEEL").write_text(_wheel_description(f"py3-none-{_platform()}"))
    return name


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(directory: str, config_settings: Any = None, metadata_directory: Any = None) -> str:
    """Writes the wheel and returns its name."""
    files = {
        str(path.relative_to(ROOT / "python")): path.read_bytes()
        for path in sorted((ROOT / "python" / "vae_zoo").rglob("*"))
        if path.suffix in (".py", ".pyi", ".typed")
    }
    licences = {}
    libraries = {}
    for name, path in _libraries().items():
        libraries[name] = path.read_bytes()
        licence = _licence(path)
        if licence is not None:
            licences[f"{licence.parent.name}.txt"] = licence.read_bytes()
    _leave_out_opencl(libraries)
    files.update({f"vae_zoo/lib/{name}": content for name, content in libraries.items()})
    return _write_wheel(directory, files, licences, _platform(libraries.values()))


def build_editable(
    directory: str, config_settings: Any = None, metadata_directory: Any = None
) -> str:
    """Writes a wheel that points to this tree, whose ``.build/release/libvae.so`` is used."""
    _library()
    files = {"vae_zoo.pth": f"{ROOT / 'python'}\n".encode()}
    return _write_wheel(directory, files, {}, _platform())


def build_sdist(directory: str, config_settings: Any = None) -> str:
    """Writes the archive of the sources that git knows, and returns its name."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True
    ).stdout.decode()
    stem = f"vae_zoo-{_version()}"
    with tarfile.open(Path(directory, f"{stem}.tar.gz"), "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name in filter(None, listed.split("\0")):
            archive.add(ROOT / name, f"{stem}/{name}", recursive=False)
        metadata = _metadata().encode()
        entry = tarfile.TarInfo(f"{stem}/PKG-INFO")
        entry.size = len(metadata)
        archive.addfile(entry, io.BytesIO(metadata))
    return f"{stem}.tar.gz"


# ----------------------------------------------------------------------------------------- libraries


def _library() -> Path:
    named = os.environ.get("VAE_ZOO_LIBRARY")
    path = Path(named) if named else ROOT / ".build" / "release" / "libvae.so"
    if not path.exists() and named:
        raise SystemExit(f"there is no {named}, which VAE_ZOO_LIBRARY names; build one with: make lib")
    if not path.exists():
        _build()
    return path


def _build() -> None:
    """Builds ``libvae.so`` with what is installed; ``make lib`` would install what is missing."""
    missing = subprocess.run(
        [ROOT / "scripts" / "bootstrap", "--check"], capture_output=True, text=True
    )
    if missing.returncode != 0:
        raise SystemExit(" ".join(missing.stderr.split("\n")).strip())
    command = ["swift", "build", "-c", "release", "--product", "vae"]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        raise SystemExit(f"libvae.so could not be built by: {' '.join(command)}")
    link = ROOT / ".build" / "release" / "libvae.so.1"
    link.unlink(missing_ok=True)
    link.symlink_to("libvae.so")


def _libraries() -> dict[str, Path]:
    """``libvae.so`` and what it needs, by the names that the loader looks for."""
    library = _library()
    listed = subprocess.run(["ldd", library], check=True, capture_output=True, text=True).stdout
    found = {"libvae.so.1": library}
    for line in listed.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if not arrow or _EVERYWHERE.fullmatch(name):
            continue
        path = Path(rest.rpartition(" (")[0])
        if not path.is_file():
            raise SystemExit(f"{library} needs {name}, which is not installed; run scripts/bootstrap")
        found[name] = path
    return found


_OPENCL = b"\0libOpenCL.so.1\0"
_NO_OPENCL = "libnoOpenCL.so"


def _leave_out_opencl(libraries: dict[str, bytes]) -> None:
    """Puts ``no_opencl.c`` in the place of an OpenCL loader that oneDNN was linked with.

    Its name is as long as the loader's, so that it replaces that one where the libraries spell it.
    """
    if libraries.pop("libOpenCL.so.1", None) is None:
        return
    compiler = shutil.which("clang") or shutil.which("cc")
    if compiler is None:
        raise SystemExit(f"neither clang nor cc is there to compile {_NO_OPENCL} for the wheel")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, _NO_OPENCL)
        source = ROOT / "python" / "no_opencl"
        subprocess.run(
            [
                compiler, "-shared", "-fPIC", "-O2", "-s", f"-Wl,-soname,{_NO_OPENCL}",
                f"-Wl,--version-script={source}.map", f"{source}.c", "-o", made,
            ],
            check=True,
        )
        replaced = {
            name: content.replace(_OPENCL, b"\0" + _NO_OPENCL.encode() + b"\0")
            for name, content in libraries.items()
        }
        libraries.update(replaced)
        libraries[_NO_OPENCL] = made.read_bytes()
        # All of OpenCL that the libraries name must be there.
        for name, content in libraries.items():
            Path(folder, name).write_bytes(content)
        loaded = subprocess.run(
            [sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1], 2)", "libvae.so.1"],
            cwd=folder, env={**os.environ, "LD_LIBRARY_PATH": folder, "LD_BIND_NOW": "1"},
            capture_output=True, text=True,
        )
        if loaded.returncode != 0:
            raise SystemExit(f"the libraries of the wheel do not load: {loaded.stderr.splitlines()[-1]}")


def _licence(path: Path) -> Path | None:
    """The licence text of a library of the system, where dpkg knows it."""
    if shutil.which("dpkg-query") is None:
        return None
    for candidate in (path, Path(str(path).replace("/lib/", "/usr/lib/", 1)), path.resolve()):
        owner = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True).stdout
        if owner:
            text = Path("/usr/share/doc", owner.partition(":")[0], "copyright")
            return text if text.is_file() else None
    return None


# ------------------------------------------------------------------------------------------ the wheel


def _version() -> str:
    """The package's version, which the Swift sources state."""
    source = (ROOT / "Sources" / "VAEZoo" / "VAEZooVersion.swift").read_text()
    found = re.search(r'text = "([0-9.]+)"', source)
    if found is None:
        raise SystemExit("VAEZooVersion.swift states no version")
    return found[1]


def _metadata() -> str:
    try:
        import tomllib
    except ImportError:
        import tomli as tomllib
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {_version()}",
        f"Summary: {project['description']}",
        f"License: {project['license']['text']}",
        f"Keywords: {','.join(project['keywords'])}",
        f"Requires-Python: {project['requires-python']}",
    ]
    lines += [f"Classifier: {text}" for text in project["classifiers"]]
    lines += [f"Requires-Dist: {text}" for text in project["dependencies"]]
    for extra, dependencies in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {text}; extra == "{extra}"' for text in dependencies]
    lines.append("Description-Content-Type: text/markdown")
    return "\n".join(lines) + "\n\n" + (ROOT / project["readme"]).read_text()


def _platform(libraries: Iterable[bytes] = ()) -> str:
    """The platform that a wheel is for: by PEP 600 the version of glibc that its libraries need, and this
    system where that is unknown."""
    needed = [int(minor) for content in libraries for minor in re.findall(rb"\0GLIBC_2\.(\d+)(?=\0)", content)]
    system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"manylinux_2_{max(needed)}_{system.partition('_')[2]}" if needed else system


def _wheel_description(tag: str) -> str:
    return f"Wheel-Version: 1.0\nGenerator: vae-zoo\nRoot-Is-Purelib: false\nTag: {tag}\n"


def _write_wheel(
    directory: str, files: dict[str, bytes], licences: dict[str, bytes], platform: str
) -> str:
    tag = f"py3-none-{platform}"
    stem = f"vae_zoo-{_version()}"
    information = f"{stem}.dist-info"
    files = {
        **files,
        f"{information}/METADATA": _metadata().encode(),
        f"{information}/WHEEL": _wheel_description(tag).encode(),
        f"{information}/LICENSE": (ROOT / "LICENSE").read_bytes(),
        **{f"{information}/licenses/{name}": text for name, text in licences.items()},
    }
    record = "".join(
        f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()
    )
    record_name = f"{information}/RECORD"
    files[record_name] = (record + f"{record_name},,\n").encode()
    name = f"{stem}-{tag}.whl"
    with zipfile.ZipFile(Path(directory, name), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in files.items():
            # The same bytes from the same files, whenever they were written.
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if "/lib/" in path else 0o644) << 16
            # An entry of one's own does not take the level of the archive.
            archive.writestr(entry, content, compresslevel=9)
    return name


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
