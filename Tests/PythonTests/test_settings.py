"""What keywords, seeds, numbers and texts become on their way to the library, and what is read back of a run."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import unittest
import zlib
from unittest import mock

import numpy as np

import vae_zoo
from support import needs, stripes
from vae_zoo import _arrays, _conditions, _errors, _library, _process_groups, _settings, _tables

IMAGES = stripes(60)


def _small(**keywords):
    return vae_zoo.GaussianVAE(**{"hidden": (8,), "latent": 2, "epochs": 1, "batch_size": 20, **keywords})


class TextTests(unittest.TestCase):
    def test_values_of_settings_are_written_as_after_set(self):
        for value, text in (
            (True, "true"), (False, "false"), (np.bool_(True), "true"), ("adam", "adam"), (3, "3"), (0.1, "0.1"),
            (1e-9, "1e-09"), (np.float32(0.5), "0.5"), (np.int64(-7), "-7"), ([1, 2], "1,2"), ((3,), "3"),
            (np.array([4, 5, 6]), "4,5,6"), ((), ""), ([True, "x", 0.5], "true,x,0.5"),
        ):
            self.assertEqual(_library.setting_text(value), text)

    def test_a_text_is_asked_for_again_where_the_first_buffer_is_too_short(self):
        def giver(text, asked):
            data = text.encode() + b"\0"

            def give(buffer, capacity, needed, error):
                asked.append(capacity)
                needed._obj.value = len(data)
                if len(data) <= capacity:
                    buffer[: len(data)] = data
                return 0

            return give

        first = 1 << 16
        for length, capacities in (
            (0, [first]), (first - 1, [first]), (first, [first, first + 1]), (90_000, [first, 90_001]),
        ):
            asked: list[int] = []
            text = "é" * (length // 2) + "x" * (length % 2)
            self.assertEqual(_library.text(giver(text, asked)), text)
            self.assertEqual(asked, capacities)

    def test_whole_numbers_are_taken_up_to_both_ends_of_their_range(self):
        self.assertEqual([_library.integer(value, "n", 1, 256) for value in (1, 256, True)], [1, 256, 1])
        for value in (0, 257):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"^n is {value}, but must be in 1...256$"):
                _library.integer(value, "n", 1, 256)
        self.assertEqual([_library.integer(value, "n") for value in (-(2**63), 2**63 - 1)], [-(2**63), 2**63 - 1])
        for value in (-(2**63) - 1, 2**63):
            with self.assertRaises(vae_zoo.InvalidArgumentError):
                _library.integer(value, "n")

    def test_numbers_and_flags_are_those_of_numpy_too_and_texts_are_none(self):
        self.assertEqual(_library.real(np.float32(0.25), "x"), 0.25)
        self.assertEqual(_library.real(3, "x"), 3.0)
        for value in ("3", b"3", None, [1, 2], 10**400):
            with self.assertRaisesRegex(TypeError, "^x is .*, but must be a number$"):
                _library.real(value, "x")
        for value, expected in ((True, True), (False, False), (np.True_, True), (np.False_, False), (np.array(True), True)):
            self.assertIs(_library.flag(value, "x"), expected)
        for value in (1, 0, None, "true", np.array([True])):
            with self.assertRaisesRegex(TypeError, "^x is .*, but must be True or False$"):
                _library.flag(value, "x")

    def test_texts_that_the_library_cannot_hold_are_refused_by_the_name_of_the_argument(self):
        for call, words in (
            (lambda: _library.encoded("a\0b", "stage"), "stage holds a NUL character"),
            (lambda: _library.encoded("a\ud800", "stage"), "stage is not valid Unicode"),
            (lambda: _library.encoded_path(b"a\0b", "path"), "path holds a NUL character"),
        ):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"^{words}$"):
                call()
        with self.assertRaisesRegex(TypeError, "^stage is b'a', but must be a text$"):
            _library.encoded(b"a", "stage")
        self.assertEqual(_library.encoded("né", "stage"), "né".encode())

    def test_paths_in_messages_of_python_show_bytes_of_no_text_by_their_numbers(self):
        self.assertEqual(_library.shown_path(b"/tmp/n\xe9ant"), r"/tmp/n\xe9ant")
        self.assertEqual(_library.shown_path("/tmp/né"), "/tmp/né")
        with tempfile.TemporaryDirectory() as folder:
            path = os.fsencode(folder) + b"/n\xe9ant.safetensors"
            _small().fit(IMAGES).save(path)
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"n\\xe9ant.* holds a model of gaussian-vae, not of iwae"):
                vae_zoo.IWAE.load(path)


class LibraryTests(unittest.TestCase):
    def test_the_library_that_is_named_comes_before_that_of_the_wheel_and_of_the_tree(self):
        here = os.path.dirname(os.path.abspath(_library.__file__))
        root = os.path.dirname(os.path.dirname(here))
        wheel, tree = os.path.join(here, "lib", "libvae.so.1"), os.path.join(root, ".build", "release", "libvae.so")
        package = os.path.join(root, "Package.swift")

        def candidates(*present, **environment):
            with mock.patch.dict(os.environ, environment), mock.patch.object(os.path, "exists", lambda path: path in present):
                if not environment:
                    os.environ.pop("VAE_ZOO_LIBRARY", None)
                return _library._candidates()

        self.assertEqual(candidates(wheel, tree, package, VAE_ZOO_LIBRARY="/x/libvae.so"), ["/x/libvae.so"])
        self.assertEqual(candidates(wheel, tree, package), [wheel, tree, "libvae.so.1"])
        self.assertEqual(candidates(tree, package), [tree, "libvae.so.1"])
        # Beside another project's folders nothing is looked for.
        self.assertEqual(candidates(tree), ["libvae.so.1"])

    def test_an_older_interface_or_another_one_is_refused_and_a_newer_one_taken(self):
        major, minor = _library.ABI_MAJOR, _library.ABI_MINOR

        def load(version):
            with mock.patch.object(_library.ctypes, "CDLL") as opened:
                opened.return_value.vae_abi_version.return_value = version
                return _library._load()

        for version in ((major, minor - 1), (major + 1, minor), (major + 1, 0), (major + 1, minor + 1)):
            with self.assertRaisesRegex(ImportError, f"version {version[0]}.{version[1]}, but vae_zoo needs {major}.{minor};"):
                load(version[0] << 16 | version[1])
        for version in ((major, minor), (major, minor + 7)):
            load(version[0] << 16 | version[1])

    def test_errors_have_the_status_of_the_interface_and_the_kind_that_python_knows(self):
        model = _small().fit(IMAGES)
        with tempfile.TemporaryDirectory() as folder:
            _small().fit(IMAGES, run=f"{folder}/run")
            for kind, status, call in (
                (ValueError, 1, lambda: model.transform(np.zeros((3, 5, 6), np.float32))),
                (ValueError, 2, lambda: _small(latent=0).fit(IMAGES)),
                (ValueError, 3, lambda: model.transform(IMAGES * 0.5)),
                (LookupError, 4, lambda: vae_zoo.VAE.load("/nowhere")),
                (FileExistsError, 5, lambda: _small().fit(IMAGES, run=f"{folder}/run")),
                (NotImplementedError, 8, lambda: _library.call(
                    _library.library.vae_model_set_tensor, model._model.handle, b"decoder.head.bias",
                    _arrays.view(np.zeros(36, np.int32)))),
                (vae_zoo.CancelledError, 10, lambda: model.sample(2, progress=lambda fraction: True)),
                (RuntimeError, 13, lambda: vae_zoo.load_plugin(_errors.__file__)),
            ):
                with self.assertRaises(vae_zoo.Error) as caught:
                    call()
                self.assertIsInstance(caught.exception, kind)
                self.assertEqual(caught.exception.status, status)
        for name, kind in (
            ("FileError", OSError), ("FormatError", ValueError), ("DivergedError", ArithmeticError), ("BusyError", RuntimeError),
            ("OutOfMemoryError", MemoryError), ("NotFittedError", AttributeError), ("NotFittedError", ValueError),
        ):
            self.assertTrue(issubclass(getattr(vae_zoo, name), kind), name)

    def test_messages_are_warnings_while_a_training_is_entered_and_no_longer(self):
        with self.assertLogs("vae_zoo", logging.INFO) as logs:
            _library._log(b"before", None)
            with _library.training_messages():
                _library._log(b"within", None)
            _library._log(b"caf\xc3\xa9 \xff", None)
        levels = [(record.levelno, record.getMessage()) for record in logs.records]
        self.assertEqual(
            levels, [(logging.INFO, "before"), (logging.WARNING, "within"), (logging.INFO, "café \ufffd")]
        )

    def test_arguments_in_messages_are_renamed_as_whole_words_and_elements_with_their_place(self):
        with self.assertRaisesRegex(vae_zoo.DataError, "^X and training and validation$"):
            with _errors.renamed(train="X", test="validation"):
                raise vae_zoo.DataError("train and training and test")
        with self.assertRaisesRegex(vae_zoo.DataError, r"^X\[3, 0\] of train\[x\]$"), _errors.elements_renamed(train="X"):
            raise vae_zoo.DataError("train[3, 0] of train[x]")
        with self.assertRaisesRegex(vae_zoo.DataError, r"^enable\(512\)$"), _errors.remedies_renamed(tile="enable({})"):
            raise vae_zoo.DataError("tile=512")


class ProcessTests(unittest.TestCase):
    def test_threads_are_taken_up_to_both_ends_of_their_range(self):
        before = vae_zoo.get_threads()
        try:
            for count in (1, 256):
                vae_zoo.set_threads(count)
                self.assertEqual(vae_zoo.get_threads(), count)
            for count in (0, 257):
                with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, f"count is {count}, but must be in 1...256"):
                    vae_zoo.set_threads(count)
            self.assertEqual(vae_zoo.get_threads(), 256)
        finally:
            vae_zoo.set_threads(before)

    def test_variants_are_listed_with_what_they_are_and_where_they_come_from(self):
        listed = {info.name: info for info in vae_zoo.list_variants()}
        described = vae_zoo.describe("beta-vae")
        self.assertEqual(listed["beta-vae"], ("beta-vae", described["summary"], "built-in"))
        self.assertEqual(vae_zoo._registry.class_names()["BetaVAE"], listed["beta-vae"])
        roles = [{item["name"] for item in vae_zoo.list_components(role)} for role in ("encoder", "prior", "objective")]
        self.assertTrue("conv" in roles[0] and "vampprior" in roles[1] and "elbo" in roles[2])
        self.assertFalse(roles[0] & roles[1] - {"none", "ladder", "ladder-conv", "very-deep"})

    def test_tensors_of_a_model_are_a_mapping_of_which_one_is_set_at_a_time(self):
        model = _small().fit(IMAGES)
        parameters = model.parameters
        names = list(parameters)
        self.assertEqual(repr(parameters), f"<Parameters: {len(names)} tensors>")
        self.assertEqual((len(parameters), "decoder.head.bias" in parameters, "decoder.head" in parameters), (len(names), True, False))
        before = {name: parameters[name].copy() for name in names}
        parameters["decoder.head.bias"] = np.arange(36)[::-1] / 8
        for name in names:
            expected = np.arange(36)[::-1] / 8 if name == "decoder.head.bias" else before[name]
            np.testing.assert_array_equal(parameters[name], expected)


class SeedTests(unittest.TestCase):
    def test_seeds_are_whole_numbers_from_zero_on(self):
        for value in (0, 7, np.int32(7), np.uint8(7)):
            self.assertEqual(_settings.seed_of(value), int(value))
        for value in (1.5, "1", [1]):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "an integer, a generator or None"):
                _settings.seed_of(value)
        self.assertEqual(len({_settings.seed_of(None) for _ in range(5)}), 5)

    def test_a_seed_goes_into_the_recipe(self):
        self.assertEqual(_small(random_state=7).fit(IMAGES).recipe_["training"]["seed"], 7)
        expected = int(np.random.RandomState(5).randint(0, 2**31 - 1))
        found = _small(random_state=np.random.RandomState(5)).fit(IMAGES).recipe_["training"]["seed"]
        self.assertEqual(found, expected)


class HyperparameterTests(unittest.TestCase):
    def test_an_estimator_shows_what_differs_from_its_defaults(self):
        self.assertEqual(repr(vae_zoo.BetaVAE()), "BetaVAE()")
        # The same numbers in other types are no difference, truth values are.
        self.assertEqual(repr(vae_zoo.BetaVAE(beta=4, latent=10.0)), "BetaVAE()")
        self.assertEqual(repr(vae_zoo.BetaVAE(warm_start=1, latent=3)), "BetaVAE(latent=3, warm_start=1)")
        self.assertEqual(repr(vae_zoo.BetaVAE(verbose=True)), "BetaVAE(verbose=True)")
        long = repr(vae_zoo.BetaVAE(hidden=tuple(range(1000, 1400))))
        self.assertEqual((len(long), long[-1]), (700, "…"))

    def test_parameters_are_set_all_or_none_and_are_listed_where_one_is_unknown(self):
        model = vae_zoo.BetaVAE(beta=2.0)
        with self.assertRaisesRegex(ValueError, r"Invalid parameter 'bta' for estimator BetaVAE\(beta=2.0\).* activation, .*, beta, "):
            model.set_params(beta=3.0, bta=1)
        self.assertEqual(model.beta, 2.0)
        self.assertIs(model.set_params(beta=3.0, latent=4), model)
        self.assertEqual((model.get_params()["beta"], model.latent), (3.0, 4))

    def test_settings_by_path_come_after_keywords_and_none_leaves_the_default(self):
        model = _small(settings={"prior.latent": 5, "decoder.hidden": [3, 4]}, learning_rate=None, hidden=(6,))
        recipe = model.fit(IMAGES).recipe_
        self.assertEqual(recipe["prior"]["latent"], 5)
        self.assertEqual((recipe["encoder"]["hidden"], recipe["decoder"]["hidden"]), ([6], [3, 4]))
        self.assertEqual(recipe["training"]["learning_rate"], 0.001)
        with self.assertRaisesRegex(vae_zoo.RecipeError, "settings is 3, but must be a mapping or None"):
            _small(settings=3).fit(IMAGES)

    def test_epochs_of_fit_come_before_those_of_the_estimator(self):
        model = _small(epochs=2).fit(IMAGES, epochs=4)
        self.assertEqual((len(model.history_), model.recipe_["training"]["epochs"]), (4, 4))
        self.assertEqual(len(model.fit(IMAGES).history_), 2)

    def test_a_batch_is_no_larger_than_what_is_left_beside_held_out_images(self):
        for share, batch, left in ((0.25, 60, 45), (0.01, 60, 59), (0.06, 60, 56), (0.04, 60, 58), (0.25, 45, 45), (0.25, 44, 44)):
            model = _small(batch_size=batch, settings={"training.holdout": share}).fit(IMAGES)
            self.assertEqual(model.recipe_["training"]["batch_size"], left)
            self.assertEqual(model.metrics_["step"], 1)

    def test_validation_beside_a_share_that_is_set_apart_is_refused(self):
        model = _small(settings={"training.holdout": 0.25})
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "training.holdout=0.25 .* choose one"):
            model.fit(IMAGES, validation=IMAGES[:5])

    @needs("sklearn")
    def test_tags_say_what_the_estimator_takes(self):
        tags = vae_zoo.GaussianVAE().__sklearn_tags__()
        self.assertEqual((tags.target_tags.required, tags.input_tags.allow_nan), (False, False))
        self.assertIsNotNone(tags.transformer_tags)
        self.assertTrue(tags.input_tags.three_d_array)
        self.assertTrue(vae_zoo.ConditionalVAE().__sklearn_tags__().target_tags.required)
        self.assertTrue(vae_zoo.MissingVAE().__sklearn_tags__().input_tags.allow_nan)
        masked = vae_zoo.GaussianVAE(settings={"encoder.name": "masked-mlp"})
        self.assertTrue(masked.__sklearn_tags__().input_tags.allow_nan)
        self.assertIsNone(vae_zoo.PixelCNN().__sklearn_tags__().transformer_tags)
        # What would be refused is nothing that can be known.
        self.assertFalse(vae_zoo.ConditionalVAE(architecture="none").__sklearn_tags__().target_tags.required)


class HistoryTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, *lines):
        with open(os.path.join(self.folder, "metrics.jsonl"), "wb") as file:
            file.write(b"\n".join(lines))

    @staticmethod
    def sealed(**record):
        line = json.dumps({**record, "checksum": "crc32:" + "0" * 8}).encode()
        return line.replace(b"crc32:00000000", b"crc32:%08x" % zlib.crc32(line))

    def test_records_are_read_without_their_checksums_and_damaged_ones_are_named(self):
        good = self.sealed(epoch=3, note="crc32:12345678")
        damaged = self.sealed(epoch=4).replace(b"4", b"5", 1)
        self.write(b'{"epoch": 1}', b"", b"[2]", good, damaged, b'{"epoch": 6,', b'{"epoch": 7}', b'{"epoch": 8}')
        with self.assertLogs("vae_zoo", "WARNING") as logged:
            found = _settings.history_of(self.folder)
        # The last line has no end.
        self.assertEqual(found, [{"epoch": 1}, {"epoch": 3, "note": "crc32:12345678"}, {"epoch": 7}])
        self.assertEqual(len(logged.output), 3)
        for text, words in zip(logged.output, ("line 3 .*no object", "line 5 .*checksum", "line 6 ")):
            self.assertRegex(text, words)

    def test_a_record_whose_checksum_lost_its_name_is_damaged(self):
        self.write(self.sealed(epoch=3).replace(b"checksum", b"checksun"), b"")
        with self.assertLogs("vae_zoo", "WARNING"):
            self.assertEqual(_settings.history_of(self.folder), [])

    def test_links_and_pipes_are_not_followed(self):
        other = os.path.join(self.folder, "other")
        with open(other, "w") as file:
            file.write('{"epoch": 1}\n')
        path = os.path.join(self.folder, "metrics.jsonl")
        os.symlink(other, path)
        self.assertEqual(_settings.history_of(self.folder), [])
        os.remove(path)
        os.mkfifo(path)
        self.assertEqual(_settings.history_of(self.folder), [])
        self.assertEqual(_settings.history_of(os.path.join(self.folder, "none")), [])


class ClassNameTests(unittest.TestCase):
    def test_classes_are_called_by_texts_and_whole_numbers_without_a_point(self):
        for value, name in ((b"ap\xff", r"ap\xff"), (3.0, "3"), (-2.0, "-2"), (2.5, "2.5"), (True, "True"), ("x", "x"), (7, "7")):
            self.assertEqual(_conditions.class_name(value), name)

    def test_classes_of_files_are_whole_numbers_where_all_names_are_such(self):
        for names, classes in (
            (["0", "-7", "12"], [0, -7, 12]), (["0", "07"], ["0", "07"]), (["1", "x"], ["1", "x"]), (["-x"], ["-x"]),
            ([str(2**63 - 1)], [2**63 - 1]), ([str(2**63)], [str(2**63)]),
        ):
            self.assertEqual(_conditions.classes_of(names).tolist(), classes)


class TableValueTests(unittest.TestCase):
    def test_a_usual_value_of_a_column_is_one_that_it_can_have(self):
        for column, value in (
            ({"type": "real", "centre": -3.5}, -3.5), ({"type": "real"}, 0), ({"type": "positive", "centre": np.log(7)}, 7),
            ({"type": "positive", "centre": 100}, np.exp(60)), ({"type": "positive", "centre": -100}, np.exp(-60)),
            ({"type": "positive"}, 1), ({"type": "count", "centre": 4}, 0), ({"type": "category"}, 0),
            ({"type": "real", "centre": 2, "points": [0.5, 9]}, 0.5),
        ):
            self.assertAlmostEqual(_tables.usual_value(column) / (value or 1), 1 if value else 0)

    def test_what_stands_for_a_value_that_is_not_known(self):
        for value in (None, float("nan"), np.float32("nan"), np.datetime64("NaT")):
            self.assertTrue(_arrays.is_missing(value))
        for value in (0, "", "nan", np.inf, np.array([np.nan, 1])):
            self.assertFalse(_arrays.is_missing(value))

    def test_masked_elements_are_refused_with_what_leaves_them_out(self):
        rows = np.ma.array([[1.0, 2], [3, 4]], mask=[[0, 1], [1, 1]])
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"^X has 3 masked .* by numpy\.ma\.compress_rows\(X\) of a matrix$"):
            _arrays.unmasked(rows, "X")
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, r"^y has 2 masked .* by y\[~numpy\.ma\.getmaskarray\(y\)\]$"):
            _arrays.unmasked(rows[1], "y")

    def test_latents_are_floats_or_whole_numbers_of_32_bits(self):
        for given, kind in (
            (np.array([1, -(2**31), 2**31 - 1]), "<i4"), (np.array([3], np.uint8), "<i4"), (np.array([1.5], np.float32), "<f4"),
            (np.array([1.5], np.float16), "<f8"), ([0.25], "<f8"), (np.zeros(0, np.int64), "<i4"), (np.array([1.5], ">f4"), "<f8"),
        ):
            found = _arrays.as_numbers(given, "z")
            self.assertEqual(found.dtype.str, kind)
            np.testing.assert_array_equal(found, given)
        for value in (2**31, -(2**31) - 1):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "^z holds numbers beyond 32 bits$"):
                _arrays.as_numbers(np.array([0, value]), "z")


class PieceTests(unittest.TestCase):
    def test_pieces_cover_a_block_and_a_call_exchanges_no_more_bytes_than_may_be(self):
        with mock.patch.object(_process_groups, "_MOST_BYTES", 12):
            for count, rows, ends in ((8, 3, [4, 8]), (9, 3, [4, 8, 9]), (4, 3, [4]), (3, 20, [1, 2, 3]), (0, 3, [])):
                pieces = _process_groups._pieces(count, rows)
                self.assertEqual([piece.stop for piece in pieces], ends)
                self.assertEqual([piece.start for piece in pieces], [0, *ends[:-1]] if ends else [])


if __name__ == "__main__":
    unittest.main()
