"""The wheel, the examples, the documentation and the stub."""

from __future__ import annotations

import ast
import builtins
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import vae_zoo
from support import ROOT, needs, run_python
from vae_zoo import _library


def _read(*path: str) -> str:
    with open(os.path.join(ROOT, *path)) as file:
        return file.read()


def _undefined(path: str) -> set[str]:
    """The names that a file reads and that nothing in it, nor Python, gives a meaning."""
    with open(path) as file:
        tree = ast.parse(file.read())
    known = {*dir(builtins), "__file__", "__name__"}
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else known).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.alias):
            known.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            known.add(node.name)
    return used - known


def _imported(path: str, modules: dict[str, str]) -> set[str]:
    """The modules of a package that a file imports, at its head or inside of a function."""
    with open(path) as file:
        tree = ast.parse(file.read())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in modules else node.module)
    return found & set(modules)


class WheelTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        sys.path.insert(0, os.path.join(ROOT, "python"))
        import build_backend

        name = build_backend.build_wheel(cls.folder.name)
        cls.wheel = os.path.join(cls.folder.name, name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_an_installed_wheel_trains_with_its_own_libraries(self):
        installed = os.path.join(self.folder.name, "installed")
        with zipfile.ZipFile(self.wheel) as archive:
            archive.extractall(installed)
        program = """
import numpy as np, sys, vae_zoo
images = np.eye(40, 16, dtype=np.float32)
model = vae_zoo.GaussianVAE(hidden=8, latent=2, epochs=1, batch_size=10).fit(images)
assert model.transform(images).shape == (40, 2)
print(vae_zoo.__file__)
vae_zoo.plugin.register
with open("/proc/self/maps") as maps:
    print("\\n".join(sorted({line.split()[-1] for line in maps if ".so" in line})))
"""
        environment = {key: value for key, value in os.environ.items() if key != "VAE_ZOO_LIBRARY"}
        completed = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True, text=True, timeout=120, cwd=self.folder.name,
            env={**environment, "PYTHONPATH": installed},
        )
        self.assertEqual(completed.returncode, 0, completed.stderr)
        lines = completed.stdout.splitlines()
        self.assertEqual(lines[0], os.path.join(installed, "vae_zoo", "__init__.py"))
        for name in ("libvae", "libdnnl", "libgomp"):
            found = [line for line in lines[1:] if os.path.basename(line).startswith(name)]
            self.assertEqual([os.path.dirname(line) for line in found],
                             [os.path.join(installed, "vae_zoo", "lib")], name)

    def test_the_wheel_states_itself_by_the_rules(self):
        with zipfile.ZipFile(self.wheel) as archive:
            names = archive.namelist()
            information = f"vae_zoo-{vae_zoo.__version__}.dist-info"
            metadata = archive.read(f"{information}/METADATA").decode()
            self.assertIn(f"\nVersion: {vae_zoo.__version__}\n", metadata)
            self.assertIn("\nRequires-Dist: numpy>=", metadata)
            self.assertIn("Root-Is-Purelib: false", archive.read(f"{information}/WHEEL").decode())
            recorded = dict(
                line.rsplit(",", 2)[:2]
                for line in archive.read(f"{information}/RECORD").decode().splitlines()
            )
            self.assertEqual(sorted(recorded), sorted(names))
            for name in names:
                if recorded[name]:
                    import base64

                    digest = hashlib.sha256(archive.read(name)).digest()
                    text = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                    self.assertEqual(recorded[name], f"sha256={text}", name)
            self.assertIn("vae_zoo/py.typed", names)
            self.assertIn("vae_zoo/__init__.pyi", names)
            self.assertFalse([name for name in names if name.endswith(".pyc")])

    @needs("pip")
    def test_pip_installs_the_wheel(self):
        target = os.path.join(self.folder.name, "pip")
        completed = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
             "--disable-pip-version-check", "--target", target, self.wheel],
            capture_output=True, text=True, timeout=300,
        )
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertTrue(os.path.exists(os.path.join(target, "vae_zoo", "lib", "libvae.so.1")))


    def test_the_wheel_is_for_systems_from_glibc_2_34_on_and_small(self):
        name = os.path.basename(self.wheel)
        found = re.search(r"-py3-none-manylinux_2_(\d+)_", name)
        self.assertIsNotNone(found, name)
        self.assertLessEqual(int(found[1]), 34, name)
        self.assertLess(os.path.getsize(self.wheel), 18_000_000)

    def test_the_wheel_brings_no_opencl_loader(self):
        with zipfile.ZipFile(self.wheel) as archive:
            libraries = [name for name in archive.namelist() if "/lib/" in name]
            self.assertFalse([name for name in libraries if "libOpenCL" in name])
            for name in libraries:
                self.assertNotIn(b"\0libOpenCL.so", archive.read(name), name)

    @needs("auditwheel")
    def test_auditwheel_finds_what_the_name_of_the_wheel_says(self):
        completed = subprocess.run(
            [sys.executable, "-m", "auditwheel", "show", self.wheel],
            capture_output=True, text=True, timeout=120,
        )
        self.assertEqual(completed.returncode, 0, completed.stderr)
        platform = os.path.basename(self.wheel).removesuffix(".whl").rpartition("-")[2]
        said = " ".join(completed.stdout.split())
        self.assertIn(f'consistent with the following platform tag: "{platform}"', said)


class BuildTests(unittest.TestCase):
    """What pip does in a tree where nothing was built."""

    def in_an_unbuilt_tree(self, program: str) -> subprocess.CompletedProcess:
        with tempfile.TemporaryDirectory() as tree:
            for name in ("python", "scripts", "Sources", "pyproject.toml", "README.md", "LICENSE"):
                os.symlink(os.path.join(ROOT, name), os.path.join(tree, name))
            environment = {key: value for key, value in os.environ.items() if key != "VAE_ZOO_LIBRARY"}
            # A path without a Swift toolchain.
            environment["PATH"] = os.path.join(tree, "bin")
            os.mkdir(environment["PATH"])
            for tool in ("bash", "dirname"):
                os.symlink(shutil.which(tool), os.path.join(environment["PATH"], tool))
            start = (
                "import pathlib, sys, tempfile\n"
                f"sys.path.insert(0, {os.path.join(ROOT, 'python')!r})\n"
                "import build_backend\n"
                f"build_backend.ROOT = pathlib.Path({tree!r})\n"
                "folder = tempfile.mkdtemp(dir=build_backend.ROOT)\n"
            )
            return subprocess.run(
                [sys.executable, "-c", start + program],
                capture_output=True, text=True, timeout=60, env=environment,
            )

    def test_metadata_need_no_build(self):
        completed = self.in_an_unbuilt_tree(
            "name = build_backend.prepare_metadata_for_build_wheel(folder)\n"
            "print((pathlib.Path(folder) / name / 'METADATA').read_text())"
        )
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn(f"Version: {vae_zoo.__version__}", completed.stdout)

    def test_a_missing_toolchain_is_one_line(self):
        completed = self.in_an_unbuilt_tree("build_backend.build_wheel(folder)")
        self.assertNotEqual(completed.returncode, 0)
        self.assertEqual(completed.stderr.count("\n"), 1, completed.stderr)
        self.assertIn("Swift is not installed", completed.stderr)


class ExampleTests(unittest.TestCase):
    # Examples that need scikit-learn.
    beyond_numpy = ("grid_search.py",)

    examples = sorted(glob.glob(os.path.join(ROOT, "Examples", "python", "*.py")))

    def test_every_example_that_needs_numpy_alone_runs(self):
        found = [path for path in self.examples if os.path.basename(path) not in self.beyond_numpy]
        self.assertGreaterEqual(len(found), 3)
        self._run(found)

    @needs("sklearn")
    def test_every_example_that_needs_more_than_numpy_runs(self):
        found = [path for path in self.examples if os.path.basename(path) in self.beyond_numpy]
        self.assertEqual(len(found), len(self.beyond_numpy))
        self._run(found)

    def _run(self, examples):
        path = os.path.dirname(os.path.dirname(vae_zoo.__file__))
        for example in examples:
            name = os.path.basename(example)
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                completed = subprocess.run(
                    [sys.executable, example], cwd=folder, capture_output=True, text=True, timeout=300,
                    env={**os.environ, "PYTHONPATH": path},
                )
                self.assertEqual(completed.returncode, 0, completed.stdout + completed.stderr)
                self.assertTrue(completed.stdout)


class DocumentationTests(unittest.TestCase):
    text = _read("docs", "python.md")

    def test_every_public_name_of_the_plug_in_module_has_a_docstring_and_is_documented(self):
        from vae_zoo import plugin

        for name in plugin.__all__:
            thing = getattr(plugin, name)
            self.assertTrue(thing.__doc__ and thing.__doc__.strip(), name)
            self.assertIn(f"`{name}", self.text, name)
            for member, value in vars(thing).items() if isinstance(thing, type) else ():
                if not member.startswith("_") and callable(value):
                    self.assertTrue(value.__doc__, f"{name}.{member}")

    def test_every_public_name_has_a_docstring_and_stands_in_the_reference(self):
        self.assertEqual(len(set(vae_zoo.__all__)), len(vae_zoo.__all__))
        for name in vae_zoo.__all__:
            self.assertIn(f"`{name}", self.text, name)
            if name == "__version__":
                continue
            thing = getattr(vae_zoo, name)
            self.assertTrue(thing.__doc__ and thing.__doc__.strip(), name)
            if not isinstance(thing, type):
                continue
            for member, value in vars(thing).items():
                is_ours = callable(value) or isinstance(value, (property, classmethod, staticmethod))
                if member.startswith("_") or not is_ours:
                    continue
                self.assertTrue(value.__doc__ and value.__doc__.strip(), f"{name}.{member}")
                if not issubclass(thing, Exception):
                    self.assertIn(f"`{member}", self.text, f"{name}.{member}")
        for member in ("transform", "inverse_transform", "encode", "decode", "fit_transform"):
            self.assertTrue(getattr(vae_zoo.BetaVAE, member).__doc__)
            self.assertIn(f"`{member}", self.text)

    def test_the_reference_names_nothing_that_is_not_there(self):
        for name in re.findall(r"`vae_zoo\.(\w+)", self.text):
            self.assertTrue(hasattr(vae_zoo, name) or name.startswith("_"), name)
        for heading in re.findall(r"^\| `(\w+)\(", self.text, re.MULTILINE):
            owners = [vae_zoo, vae_zoo.VAE, vae_zoo.BetaVAE, vae_zoo.Data]
            self.assertTrue(any(hasattr(owner, heading) for owner in owners), heading)

    def test_the_code_of_the_documentation_runs(self):
        blocks = re.findall(r"```python\n(.*?)```", self.text, re.DOTALL)
        self.assertGreaterEqual(len(blocks), 2)
        with tempfile.TemporaryDirectory() as folder:
            program = f"import os\nos.chdir({folder!r})\n" + "\n".join(blocks)
            run_python(program, limit=300)

    def test_the_stub_says_what_the_classes_take(self):
        completed = subprocess.run(
            [sys.executable, os.path.join(ROOT, "scripts", "python-stubs"), "--check"],
            capture_output=True, text=True, timeout=60,
        )
        self.assertEqual(completed.returncode, 0, completed.stderr)

    def test_the_reference_is_what_signatures_and_docstrings_give(self):
        completed = subprocess.run(
            [sys.executable, os.path.join(ROOT, "scripts", "make-python-reference"), "--check"],
            capture_output=True, text=True, timeout=60,
        )
        self.assertEqual(completed.returncode, 0, completed.stderr)
        reference = _read("docs", "python-reference.md")
        for name in vae_zoo.__all__:
            shown = name.replace("_", "\\_") if name.startswith("__") else name
            self.assertRegex(reference, rf"(?m)^### {re.escape(shown)}$|^\| `{name}` ", name)

    def test_modules_use_no_name_that_they_lack(self):
        for path in glob.glob(os.path.join(ROOT, "python", "vae_zoo", "**", "*.py"), recursive=True):
            self.assertEqual(_undefined(path), set(), path)

    def test_modules_import_only_downwards(self):
        root = os.path.join(ROOT, "python", "vae_zoo")
        files = {}
        for path in glob.glob(os.path.join(root, "**", "*.py"), recursive=True):
            name = os.path.relpath(path, os.path.dirname(root))[:-3].replace(os.sep, ".")
            files[name.removesuffix(".__init__")] = path
        imports = {name: _imported(path, files) - {name} for name, path in files.items()}
        self.assertIn("vae_zoo._library", imports["vae_zoo._registry"])
        done = set()
        while ready := {name for name in imports if name not in done and imports[name] <= done}:
            done |= ready
        # What is left imports itself, by way of the others that are left.
        self.assertEqual({name: imports[name] - done for name in imports if name not in done}, {})

    def test_every_function_that_is_declared_is_used(self):
        sources = "".join(
            _read(path) for path in glob.glob(os.path.join(ROOT, "python", "vae_zoo", "**", "*.py"), recursive=True)
            + glob.glob(os.path.join(ROOT, "Benchmarks", "python", "*.py"))
        )
        for name in (*_library._FALLIBLE, *_library._PLAIN):
            self.assertTrue(f"library.{name}" in sources, f"{name} is declared and not used")


if __name__ == "__main__":
    unittest.main()
