"""Builds the wheel of ``vae_zoo``, with ``libvae.so`` and what it needs inside.

A build backend by PEP 517 and PEP 660 that needs nothing but Python: ``pip install .`` works without a
network. The library is the one of ``make lib``, which is called where there is none, or the file that
``VAE_ZOO_LIBRARY`` names. The libraries beside it are found through its run path, ``$ORIGIN``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sysconfig
import tarfile
import zipfile
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


def build_wheel(directory: str, config_settings: Any = None, metadata_directory: Any = None) -> str:
    """Writes the wheel and returns its name."""
    files = {
        str(path.relative_to(ROOT / "python")): path.read_bytes()
        for path in sorted((ROOT / "python" / "vae_zoo").rglob("*"))
        if path.suffix in (".py", ".pyi", ".typed")
    }
    licences = {}
    for name, path in _libraries().items():
        files[f"vae_zoo/lib/{name}"] = path.read_bytes()
        licence = _licence(path)
        if licence is not None:
            licences[f"{licence.parent.name}.txt"] = licence.read_bytes()
    return _write_wheel(directory, files, licences)


def build_editable(
    directory: str, config_settings: Any = None, metadata_directory: Any = None
) -> str:
    """Writes a wheel that points to this tree, whose ``.build/release/libvae.so`` is used."""
    _library()
    return _write_wheel(directory, {"vae_zoo.pth": f"{ROOT / 'python'}\n".encode()}, {})


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
    if not path.exists() and not named:
        subprocess.run(["make", "lib"], cwd=ROOT, check=True)
    if not path.exists():
        raise SystemExit(f"there is no {path}; build it with: make lib")
    return path


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


def _write_wheel(directory: str, files: dict[str, bytes], licences: dict[str, bytes]) -> str:
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    tag = f"py3-none-{platform}"
    stem = f"vae_zoo-{_version()}"
    information = f"{stem}.dist-info"
    files = {
        **files,
        f"{information}/METADATA": _metadata().encode(),
        f"{information}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: vae-zoo\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
        ),
        f"{information}/LICENSE": (ROOT / "LICENSE").read_bytes(),
        **{f"{information}/licenses/{name}": text for name, text in licences.items()},
    }
    record = "".join(
        f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()
    )
    record_name = f"{information}/RECORD"
    files[record_name] = (record + f"{record_name},,\n").encode()
    name = f"{stem}-{tag}.whl"
    with zipfile.ZipFile(Path(directory, name), "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            # The same bytes from the same files, whenever they were written.
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if "/lib/" in path else 0o644) << 16
            archive.writestr(entry, content)
    return name


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
