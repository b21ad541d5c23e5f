"""Tables: structured arrays and DataFrames, standardized vectors, and what comes out of models of them."""

from __future__ import annotations

import os
import pickle
import tempfile
import unittest
import unittest.mock

import numpy as np

import vae_zoo
from support import needs
from vae_zoo import _tables

SMALL = {"hidden": (8,), "latent": 2, "epochs": 2, "batch_size": 50}


def people(count: int = 200, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, count)
    rows = np.empty(
        count, [("height", "f8"), ("children", "i8"), ("region", "U5"), ("owner", "?")]
    )
    rows["height"] = np.round(1000 * kind + random.normal(0, 10, count), 1)
    rows["children"] = random.poisson(kind + 0.5)
    rows["region"] = np.array(["north", "south", "east"])[kind]
    rows["owner"] = random.random(count) < 0.5
    return rows


class StructuredTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = people()
        cls.model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(cls.rows)

    def test_kinds_of_columns_are_found_out_and_stored(self):
        columns = self.model.recipe_["data"]["columns"]
        self.assertEqual(
            [column["type"] for column in columns], ["real", "count", "category", "yes-no"]
        )
        self.assertEqual(self.model.recipe_["likelihood"]["name"], "mixed")

    def test_samples_and_reconstructions_are_rows_like_those_of_fit(self):
        for rows in (self.model.sample(30), self.model.reconstruct(self.rows[:30])):
            self.assertEqual(rows.dtype.names, self.rows.dtype.names)
            self.assertEqual(len(rows), 30)
            self.assertTrue(set(rows["region"]) <= {"north", "south", "east"})
            self.assertEqual(rows["owner"].dtype, np.bool_)
        drawn = self.model.sample(30)
        self.assertEqual(drawn["children"].dtype, np.int64)
        np.testing.assert_array_equal(np.round(drawn["height"], 1), drawn["height"])
        self.assertTrue(np.isfinite(self.model.score_samples(self.rows)).all())
        self.assertEqual(self.model.transform(self.rows).shape, (200, 2))

    def test_numbers_of_up_to_six_decimals_have_as_many_in_draws(self):
        random = np.random.default_rng(2)
        rows = np.empty(200, [("six", "f8"), ("seven", "f8")])
        rows["six"] = np.round(random.normal(0, 1, 200), 6)
        rows["seven"] = np.round(random.normal(0, 1, 200), 7)
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(rows)
        columns = model.recipe_["data"]["columns"]
        self.assertEqual([column.get("decimals") for column in columns], [6, None])
        drawn = model.sample(30)["six"]
        np.testing.assert_array_equal(np.round(drawn, 6), drawn)

    def test_rows_of_other_columns_and_unknown_words_are_refused_by_name(self):
        other = people(5)
        other["region"][2] = "moon"
        with self.assertRaisesRegex(ValueError, r"row 2 \(counting from 0\): 'moon' is none of the categories"):
            self.model.reconstruct(other)
        with self.assertRaisesRegex(ValueError, "no column 'owner'"):
            self.model.reconstruct(self.rows[["height", "children", "region"]])
        with self.assertRaisesRegex(ValueError, "columns names 'size'"):
            vae_zoo.GaussianVAE(**SMALL).fit(self.rows, columns={"size": "real"})
        ignoring = vae_zoo.GaussianVAE(**SMALL).fit(self.rows, columns={"region": "ignore"})
        self.assertNotIn("region", ignoring.sample(2).dtype.names)

    def test_words_come_back_in_fields_as_wide_as_those_of_the_data(self):
        width = self.rows.dtype["region"]
        for rows in (self.model.sample(1), self.model.reconstruct(self.rows[:2])):
            self.assertEqual(rows.dtype["region"], width)
        wide = self.rows.astype([(name, "U9" if name == "region" else kind[0]) for name, kind in self.rows.dtype.fields.items()])
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(wide)
        self.assertEqual(model.sample(1).dtype["region"], np.dtype("U9"))
        # A model that was loaded does not know them, but all of its words.
        with tempfile.TemporaryDirectory() as folder:
            model.save(f"{folder}/m.safetensors")
            drawn = vae_zoo.GaussianVAE.load(f"{folder}/m.safetensors").sample(1)
        if isinstance(drawn, np.ndarray):
            self.assertEqual(drawn.dtype["region"], np.dtype("U5"))

    def test_numbers_of_another_method_of_scoring_are_refused(self):
        for more, words in [
            ({"group": 5}, 'group belongs to method="typicality", and it is \'elbo\''),
            ({"method": "regret", "group": 10}, "group belongs to"),
            ({"method": "nll", "steps": 100}, 'steps belongs to method="regret"'),
        ]:
            with self.assertRaisesRegex(ValueError, words):
                self.model.score_samples(self.rows[:4], **more)
        one = self.model.score_samples(self.rows[:6], method="typicality", reference=self.rows, group=10)
        usual = self.model.score_samples(self.rows[:6], method="typicality", reference=self.rows)
        np.testing.assert_array_equal(one, usual)

    def test_rows_of_a_table_are_measured_whatever_their_order_and_number(self):
        found = self.model.evaluate(self.rows, random_state=0)["elbo"]
        self.assertAlmostEqual(found, self.model.score(self.rows), delta=0.5)
        turned = self.rows[["owner", "region", "height", "children"]]
        self.assertEqual(self.model.evaluate(turned, random_state=0)["elbo"], found)
        # A few rows, which alone would be columns of other kinds.
        self.assertTrue(np.isfinite(self.model.evaluate(self.rows[:2])["elbo"]))

    def test_a_column_without_a_value_is_measured_by_a_model_that_takes_masks(self):
        settings = {"encoder.name": "masked-mlp"}
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1, settings=settings).fit(self.rows)
        some = self.rows[:3].copy()
        some["height"], some["region"] = np.nan, ""
        self.assertTrue(np.isfinite(model.evaluate(some)["elbo"]))

    def test_missing_cells_are_filled_in_by_values_that_their_columns_can_have(self):
        torn = self.rows.copy()
        torn["height"][::3], torn["region"][1::3] = np.nan, ""
        model = vae_zoo.MissingVAE(**SMALL, importance_samples=2, random_state=1).fit(torn)
        for draw in (False, True):
            whole = model.impute(torn, samples=20, draw=draw)
            self.assertEqual(whole.dtype.names, torn.dtype.names)
            np.testing.assert_array_equal(whole["height"][1::3], torn["height"][1::3])
            np.testing.assert_array_equal(whole["region"][::3], torn["region"][::3])
            self.assertTrue(np.isfinite(whole["height"]).all())
            self.assertTrue(set(whole["region"]) <= {"north", "south", "east"})
        found = model.imputation_error(torn, self.rows, samples=20)
        self.assertEqual(found["missing"], found["numbers"] + found["categories"])
        wrong = model.impute(torn, samples=20)["region"] != self.rows["region"]
        self.assertAlmostEqual(found["wrong_share"], wrong[1::3].mean(), places=6)
        with self.assertRaisesRegex(ValueError, r'truth is of other examples: row 0 \(counting from 0\), column "region"'):
            other = self.rows.copy()
            other["region"][0] = "north" if torn["region"][0] != "north" else "south"
            model.imputation_error(torn, other, samples=5)
        with self.assertRaisesRegex(ValueError, "masked-mlp"):
            self.model.impute(self.rows)

    def test_sizes_of_batches_that_nobody_has_chosen_follow_the_rows_in_every_training(self):
        model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, epochs=1, warm_start=True)
        sizes = [
            model.fit(rows, columns={}).recipe_["training"]["batch_size"]
            for rows in (people(300), people(5), people(300))
        ]
        self.assertEqual(sizes, [16, 5, 16])

    def test_training_goes_on_with_the_columns_of_the_model_alone(self):
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1, warm_start=True)
        model.fit(self.rows, columns={"region": "ignore", "children": "real"})
        model.fit(self.rows, columns={"region": "ignore", "children": "real"})
        for columns, words in [
            ({"nope": "real"}, "names 'nope'"), ({"height": "weird"}, "must be one of"),
            ({"children": "count"}, "it is real"), ({"height": "ignore"}, "it is real"),
            ({"region": "category"}, "no such column"),
        ]:
            with self.assertRaisesRegex(ValueError, words):
                model.fit(self.rows, columns=columns)
        with self.assertRaisesRegex(ValueError, "columns is for a DataFrame"):
            model.fit(vae_zoo.Data("shapes:32"), columns={})

    def test_a_model_that_was_stored_says_the_same_of_the_same_rows(self):
        scores = self.model.score_samples(self.rows)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            self.model.save(path)
            loaded = vae_zoo.GaussianVAE.load(path)
        np.testing.assert_array_equal(loaded.score_samples(self.rows), scores)
        again = pickle.loads(pickle.dumps(self.model))
        np.testing.assert_array_equal(again.score_samples(self.rows), scores)

    def test_densities_are_those_of_the_columns_own_units(self):
        columns = {"height": "real"}
        one, thousand = self.rows[["height"]].copy(), self.rows[["height"]].copy()
        thousand["height"] *= 1024
        scores = [
            vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(rows, columns=columns).score(rows)
            for rows in (one, thousand)
        ]
        self.assertAlmostEqual(scores[0] - scores[1], np.log(1024), places=2)


    def test_latents_of_a_table_have_names_and_a_way_back(self):
        rows = people()
        rows["height"] += 100  # All above zero, so that zero is none of its values.
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(rows, columns={"height": "positive"})
        self.assertEqual(list(model.get_feature_names_out()), ["gaussianvae0", "gaussianvae1"])
        latents = model.transform(rows[:7])
        back = model.inverse_transform(latents)
        self.assertEqual(back.dtype.names, rows.dtype.names)
        # Means, which have all their digits; draws have as many as the data.
        self.assertFalse(np.array_equal(back["height"], np.round(back["height"], 1)))
        self.assertFalse(np.array_equal(model.reconstruct(rows)["height"].round(1), model.reconstruct(rows)["height"]))

    def test_rows_as_they_come_train_a_model_of_a_table(self):
        model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, batch_size=50, random_state=1)
        model.partial_fit(self.rows)
        before = model.score(self.rows)
        for _ in range(30):
            model.partial_fit(self.rows[:100])
        self.assertGreater(model.score(self.rows), before)
        self.assertEqual(model.sample(3).dtype.names, self.rows.dtype.names)
        fitted = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(self.rows)
        self.assertTrue(np.isfinite(fitted.partial_fit(self.rows[:60]).bound_.elbo))

    def test_large_numbers_keep_their_digits_on_the_way_in_and_out(self):
        rows = np.empty(400, [("time", "f8"), ("size", "f8")])
        random = np.random.default_rng(4)
        rows["time"] = 1.764e9 + np.arange(400)
        rows["size"] = 1e8 + np.round(random.normal(size=400), 3)
        model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, epochs=30, batch_size=50, random_state=1)
        drawn = model.fit(rows, columns={"time": "real"}).sample(200)
        self.assertEqual(drawn["time"].dtype, np.int64)
        self.assertGreater(len(np.unique(drawn["size"])), 150)
        self.assertLess(abs(drawn["size"].std() - 1), 0.5)
        np.testing.assert_array_equal(drawn["size"], np.round(drawn["size"], 3))
        # A recipe that names other numbers would be another model.
        self.assertAlmostEqual(model.recipe_["data"]["columns"][1]["scale"], rows["size"].std(), places=6)

    def test_few_rows_are_trained_by_defaults_that_suit_them(self):
        model = vae_zoo.GaussianVAE(hidden=(8,), latent=2, random_state=1)
        self.assertIsNone(model.epochs)
        training = model.fit(self.rows[:80]).recipe_["training"]
        self.assertEqual((training["batch_size"], training["epochs"]), (8, 100))
        said = vae_zoo.GaussianVAE(hidden=(8,), latent=2, batch_size=128, epochs=10)
        training = said.fit(self.rows).recipe_["training"]
        self.assertEqual((training["batch_size"], training["epochs"]), (128, 10))
        images = vae_zoo.GaussianVAE(hidden=(8,), latent=2).fit(np.random.default_rng(0).random((50, 2, 2)))
        self.assertEqual(images.recipe_["training"]["epochs"], 10)

    def test_a_column_of_the_table_has_the_labels(self):
        model = vae_zoo.ConditionalVAE(**SMALL, random_state=1).fit(self.rows, columns={"region": "label"})
        self.assertEqual(model.classes_.tolist(), ["east", "north", "south"])
        self.assertNotIn("region", [column["name"] for column in model.recipe_["data"]["columns"]])
        drawn = model.sample(6)
        self.assertEqual(drawn["region"].tolist(), ["east", "north", "south"] * 2)
        back = model.reconstruct(self.rows[:5])
        self.assertEqual(back["region"].tolist(), self.rows["region"][:5].tolist())
        self.assertTrue(np.isfinite(model.score_samples(self.rows)).all())
        with self.assertRaisesRegex(ValueError, "give one of the two"):
            model.fit(self.rows, self.rows["region"], columns={"region": "label"})
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            loaded = vae_zoo.ConditionalVAE.load(path)
            np.testing.assert_array_equal(loaded.score_samples(self.rows), model.score_samples(self.rows))

    def test_a_validation_table_has_its_labels_in_the_column_that_the_table_has(self):
        model = vae_zoo.ConditionalVAE(**SMALL, random_state=1)
        model.fit(self.rows, columns={"region": "label"}, validation=self.rows[10:30])
        values = self.rows[[name for name in self.rows.dtype.names if name != "region"]]
        other = vae_zoo.ConditionalVAE(**SMALL, random_state=1)
        other.fit(values, self.rows["region"], validation=(values[10:30], self.rows["region"][10:30]))
        held_out = [epoch["valid"]["elbo"] for epoch in model.history_]
        self.assertEqual(held_out, [epoch["valid"]["elbo"] for epoch in other.history_])


class CellTests(unittest.TestCase):
    """What cells of a table may hold, and that what is known comes back as it was."""

    def test_masked_cells_are_refused_in_training_and_afterwards(self):
        rows = people()
        mask = np.zeros(len(rows), [(name, "?") for name in rows.dtype.names])
        whole = np.ma.array(rows, mask=mask)
        model = vae_zoo.MissingVAE(**SMALL, importance_samples=2, random_state=1).fit(whole)
        mask["height"][3] = True
        torn = np.ma.array(rows, mask=mask)
        for call in (model.impute, model.score_samples, model.fit):
            with self.assertRaisesRegex(ValueError, r"X\['height'\] has 1 masked elements.*filled"):
                call(torn)

    def test_large_integers_do_not_wrap_and_known_ones_keep_their_bits(self):
        rows = np.empty(200, [("id", "u8"), ("time", "i8"), ("size", "f8")])
        rows["id"] = 2**63 + 5 + np.arange(200, dtype=np.uint64) * 2**40
        rows["time"] = 9007199254740993 + 2 * np.arange(200)
        rows["size"] = np.random.default_rng(0).normal(size=200)
        rows["size"][::5] = np.nan
        model = vae_zoo.MissingVAE(**SMALL, importance_samples=2, random_state=1)
        model.fit(rows, columns={"id": "real", "time": "real"})
        whole = model.impute(rows, samples=5)
        np.testing.assert_array_equal(whole["id"], rows["id"])
        np.testing.assert_array_equal(whole["time"], rows["time"])
        for made in (model.sample(20), model.reconstruct(rows)):
            self.assertEqual(made["id"].dtype, np.float64)
            self.assertGreater(made["id"].min(), 2.0**62)

    def test_cells_that_are_neither_numbers_nor_words_are_refused_with_what_to_do(self):
        from decimal import Decimal

        rows = np.empty(60, [("a", "f8"), ("b", "O")])
        rows["a"] = np.arange(60)
        for value, words in [
            (Decimal("1.5"), r"X column 'b', row 7 \(counting from 0\) holds a Decimal.*astype\(float\)"),
            (1 + 2j, "complex.*real and its imaginary"), ([1, 2], "list.*a column of its own"),
        ]:
            rows["b"] = 0.0
            rows["b"][7] = value
            with self.assertRaisesRegex(ValueError, words):
                vae_zoo.GaussianVAE(**SMALL).fit(rows)


class KindTests(unittest.TestCase):
    """What columns are, by what somebody says of them and by what stands in them."""

    @staticmethod
    def rows(**columns):
        count = len(next(iter(columns.values())))
        kinds = [(name, np.asarray(values).dtype) for name, values in columns.items()]
        rows = np.empty(count, kinds)
        for name, values in columns.items():
            rows[name] = values
        return rows

    @staticmethod
    def columns_of(rows, columns=None):
        model = vae_zoo.GaussianVAE(**{**SMALL, "epochs": 0}).fit(rows, columns=columns)
        return model.recipe_["data"]["columns"]

    def test_every_kind_can_be_said_of_a_column(self):
        count = 60
        random = np.random.default_rng(0)
        rows = self.rows(
            a=random.integers(1, 9, count), b=random.integers(1, 9, count), c=random.integers(1, 9, count),
            d=random.integers(0, 2, count), e=random.integers(10, 13, count), f=random.normal(size=count),
            g=random.integers(1, 9, count),
        )
        said = {"a": "real", "b": "positive", "c": "count", "d": "yes-no", "e": "category", "f": "ignore"}
        columns = self.columns_of(rows, said)
        self.assertEqual(
            [(column["name"], column["type"]) for column in columns],
            [("a", "real"), ("b", "positive"), ("c", "count"), ("d", "yes-no"), ("e", "category"), ("g", "real")],
        )
        # Numbers that are categories are words, in the order of texts.
        self.assertEqual(columns[4]["names"], ["10", "11", "12"])
        self.assertEqual([column.get("decimals") for column in columns[:3]], [0, 0, 0])
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(rows, columns=said)
        back = model.reconstruct(rows)
        self.assertEqual(back.dtype.names, tuple("abcdeg"))
        self.assertEqual(back.dtype["e"], np.dtype("U2"))
        self.assertTrue(set(back["d"].tolist()) <= {0, 1})
        self.assertEqual(back["d"].dtype, np.int64)

    def test_what_cannot_be_of_a_column_is_refused_by_its_name(self):
        count = 60
        words = np.array([f"w{number}" for number in range(count)])
        few = np.array(["x", "y"])[np.arange(count) % 2]
        numbers = np.arange(count) * 0.5
        for rows, columns, found in (
            (self.rows(a=few), {"a": "real"}, "X column 'a' is not all numbers, but columns says that it is real"),
            (self.rows(a=few), {"a": "count"}, "says that it is count"),
            (self.rows(a=few), {"a": "positive"}, "says that it is positive"),
            (self.rows(a=numbers), {"a": "ignore"}, "leaves no column of X"),
            (self.rows(a=numbers, b=words), None, "column 'b' has 60 different values such as 'w0', which seem to be no categories"),
            (self.rows(a=numbers, b=np.full(count, "")), None, "column 'b' has no value in any row"),
            (self.rows(a=numbers, b=few, c=few), {"b": "label", "c": "label"}, "the labels 'b' and 'c'; choose one"),
            (self.rows(a=numbers), {"a": "words"}, "must be one of real, positive, count, yes-no, category, ignore, label"),
            (self.rows(a=numbers)[:0], None, "0 sample"), (self.rows(a=numbers).reshape(30, 2), None, "X has 2 axes"),
        ):
            with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, found):
                self.columns_of(rows, columns)

    def test_many_words_are_categories_where_they_come_again_or_somebody_says_so(self):
        count = 60
        numbers = np.arange(count) * 0.5
        for different, is_taken in ((20, True), (30, True), (31, False)):
            words = np.array([f"w{number % different:02}" for number in range(count)])
            rows = self.rows(a=numbers, b=words)
            if is_taken:
                self.assertEqual(len(self.columns_of(rows)[1]["names"]), different)
            else:
                with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "31 different values"):
                    self.columns_of(rows)
                self.assertEqual(len(self.columns_of(rows, {"b": "category"})[1]["names"]), 31)
        # Few words, each of which stands alone.
        self.assertEqual(len(self.columns_of(self.rows(a=numbers[:20], b=[f"w{n:02}" for n in range(20)]))[1]["names"]), 20)

    def test_cells_of_words_are_texts_bytes_or_empty(self):
        texts = np.array(["b", "", "a"])[np.arange(60) % 3]
        for words in (texts, texts.astype("S1"), np.array([value or None for value in texts.tolist()], dtype=object)):
            model = vae_zoo.MissingVAE(**SMALL, importance_samples=2).fit(self.rows(a=np.arange(60) * 0.5, b=words))
            self.assertEqual(model.recipe_["data"]["columns"][1]["names"], ["a", "b"])
            filled = model.impute(self.rows(a=np.arange(60) * 0.5, b=words), samples=2)
            known = texts != ""
            self.assertEqual([str(word) for word in filled["b"][known]], texts[known].tolist())
            self.assertTrue(set(map(str, filled["b"])) <= {"a", "b"})

    def test_truth_values_are_yes_no_whatever_holds_them_and_missing_ones_are_filled_in(self):
        truth = np.arange(60) % 3 == 0
        objects = truth.astype(object)
        objects[4] = None
        model = vae_zoo.MissingVAE(**SMALL, importance_samples=2)
        rows = self.rows(a=np.arange(60) * 0.5, b=objects)
        column = model.fit(rows).recipe_["data"]["columns"][1]
        self.assertEqual((column["type"], column["names"]), ("yes-no", ["False", "True"]))
        filled = model.impute(rows, samples=2)
        self.assertEqual(filled["b"].dtype, np.bool_)
        np.testing.assert_array_equal(np.delete(filled["b"], 4), np.delete(truth, 4))

    def test_numbers_stand_for_rows_of_a_table_by_the_model_s_numbers_of_words(self):
        rows = people()
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(rows)
        words = ["east", "north", "south"]
        numbers = np.stack(
            [rows["height"], rows["children"], [words.index(word) for word in rows["region"]], rows["owner"]], axis=1
        )
        np.testing.assert_array_equal(model.score_samples(numbers), model.score_samples(rows))
        made = model.reconstruct(numbers)
        self.assertEqual(made.dtype, model.reconstruct(rows).dtype)
        np.testing.assert_array_equal(made, model.reconstruct(rows))
        for wrong in (numbers[:, :3], numbers.astype(str), numbers[0]):
            with self.assertRaisesRegex(ValueError, r"X must be a DataFrame, a structured array, or numbers \[N, 4\]"):
                model.score_samples(wrong)
        kinds = [("height", "U9"), ("children", "i8"), ("region", "U5"), ("owner", "?")]
        with self.assertRaisesRegex(ValueError, "X column 'height' is not all numbers, but the model was trained on real"):
            model.score_samples(rows.astype(kinds))

    def test_held_out_rows_are_read_as_those_of_training_are(self):
        rows, other = people(100), people(40, seed=3)
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(rows, validation=other[["owner", "region", "height", "children"]])
        self.assertAlmostEqual(model.metrics_["valid"]["elbo"], model.score(other), delta=1)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "validation has no column 'region'"):
            vae_zoo.GaussianVAE(**SMALL).fit(rows, validation=other[["owner", "height", "children"]])

    def test_a_loaded_model_of_a_table_has_its_columns_labels_and_decimals(self):
        rows = people()
        model = vae_zoo.ConditionalVAE(**SMALL, random_state=1).fit(rows, columns={"region": "label"})
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            model.save(path)
            with unittest.mock.patch.dict("sys.modules", {"pandas": None}):
                loaded = vae_zoo.VAE.load(path)
        drawn, again = model.sample(30), loaded.sample(30)
        self.assertEqual(again.dtype.names, drawn.dtype.names)
        for name in ("height", "children", "region"):
            np.testing.assert_array_equal(again[name], drawn[name])
        np.testing.assert_array_equal(loaded.score_samples(rows), model.score_samples(rows))
        again = pickle.loads(pickle.dumps(model)).sample(30)
        np.testing.assert_array_equal(again, drawn)


class FormTests(unittest.TestCase):
    """Rows on their way out, value by value."""

    COLUMNS = [
        {"name": "w", "type": "category", "names": ["aa", "b"]}, {"name": "t", "type": "yes-no", "names": ["False", "True"]},
        {"name": "z", "type": "yes-no", "names": ["0", "1"]}, {"name": "n", "type": "count", "decimals": 0},
        {"name": "r", "type": "real"},
    ]
    FORM = _tables.Form(_tables.STRUCTURED, frozenset({"t"}), "label", {"w": 7, "label": 2})

    def test_numbers_of_a_model_become_what_the_columns_hold(self):
        rows = np.array([[0.4, 0.6, 1.4, 3, 2.5], [1.9, -0.3, -0.2, 4, 1]])
        found = _tables.given_back(rows, self.COLUMNS, self.FORM, np.array(["x", "yyy"]))
        self.assertEqual(
            found.dtype, np.dtype([("w", "U7"), ("t", "?"), ("z", "i8"), ("n", "i8"), ("r", "f8"), ("label", "U3")])
        )
        self.assertEqual(found.tolist(), [("aa", True, 1, 3, 2.5, "x"), ("b", False, 0, 4, 1.0, "yyy")])
        # What is no whole number, or none of 64 bits, stays a number.
        for value in (3.5, 2.0**63):
            rows[0, 3] = value
            found = _tables.given_back(rows, self.COLUMNS, self.FORM)
            self.assertEqual((found.dtype["n"], found["n"].tolist()), (np.dtype("f8"), [value, 4.0]))
        self.assertEqual(found.dtype.names, ("w", "t", "z", "n", "r"))
        plain = _tables.given_back(rows, self.COLUMNS, _tables.Form(_tables.STRUCTURED, frozenset()))
        self.assertEqual(plain["t"].tolist(), ["True", "False"])
        self.assertEqual((plain.dtype["w"], plain.dtype["t"]), (np.dtype("U2"), np.dtype("U5")))

    def test_whole_numbers_that_are_known_stay_what_they_are(self):
        large = 2**53 + 1
        rows = np.array([[0, 0, 0, float(large), 0], [0, 0, 0, 7, 0]])
        like = np.empty(2, [("w", "U2"), ("t", "?"), ("z", "i8"), ("n", "O"), ("r", "f8")])
        like["n"] = [large, None]
        for keeping, expected in ((True, [large, 7]), (False, [2**53, 7])):
            found = _tables.given_back(rows, self.COLUMNS, self.FORM, None, like, keeping)
            self.assertEqual(found["n"].tolist(), expected)
        whole = np.empty(2, [("w", "U2"), ("t", "?"), ("z", "i8"), ("n", "u8"), ("r", "f8")])
        whole["n"] = [large, large + 2]
        found = _tables.given_back(rows, self.COLUMNS, self.FORM, None, whole, True)
        self.assertEqual((found["n"].dtype.kind, found["n"].tolist()), ("i", [large, large + 2]))

    def test_rows_on_their_way_in_are_columns_by_name_and_words_by_number(self):
        rows = np.empty(3, [("r", "f8"), ("other", "f8"), ("n", "O"), ("z", "?"), ("t", "?"), ("w", "S2")])
        rows["r"], rows["n"], rows["z"], rows["t"] = [1.5, np.nan, 2], [7, None, 2.0], [1, 0, 1], [0, 1, 1]
        rows["w"] = [b"b", b"", b"aa"]
        columns = [column for column in self.COLUMNS if column["name"] != "z"]
        expected = [[1, 0, 7, 1.5], [np.nan, 1, np.nan, np.nan], [0, 1, 2, 2]]
        np.testing.assert_array_equal(_tables.rows_of(rows, columns), expected)
        numbers = np.array(expected)
        np.testing.assert_array_equal(_tables.rows_of(numbers, columns), numbers)
        self.assertEqual(_tables.rows_of(np.ones((2, 4), "i4"), columns).dtype, np.float64)
        with self.assertRaisesRegex(vae_zoo.InvalidArgumentError, "validation has no column 'z'"):
            _tables.rows_of(rows[["w", "t", "n", "r"]], self.COLUMNS, "validation")


class UnitTests(unittest.TestCase):
    """Vectors come back in their own units."""

    def test_missing_numbers_are_filled_in_and_known_ones_keep_their_digits(self):
        random = np.random.default_rng(3)
        vectors = random.normal(0, 1, (300, 3)) * [1, 100, 1e-3] + [0, 5000, 0]
        torn = np.where(random.random(vectors.shape) < 0.3, np.nan, vectors)
        model = vae_zoo.MissingVAE(**SMALL, importance_samples=2, random_state=1).fit(torn)
        whole = model.impute(torn, samples=50)
        self.assertEqual(whole.dtype, np.float64)
        np.testing.assert_array_equal(whole[~np.isnan(torn)], torn[~np.isnan(torn)])
        errors = ((whole - vectors) / np.nanstd(torn, axis=0))[np.isnan(torn)]
        found = model.imputation_error(torn, vectors, samples=50)
        self.assertAlmostEqual(found["rmse"], np.sqrt((errors**2).mean()), places=3)
        with self.assertLogs("vae_zoo", "WARNING") as logs:
            np.testing.assert_array_equal(model.impute(vectors, samples=50), vectors)
        self.assertIn("nothing is missing", logs.output[0])

    def test_vectors_outside_of_zero_to_one_come_back_in_their_own_units(self):
        random = np.random.default_rng(3)
        vectors = random.normal(0, 1, (300, 3)) * [1, 100, 1e-3] + [0, 5000, 0]
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(vectors)
        back = model.reconstruct(vectors)
        self.assertEqual(back.shape, vectors.shape)
        self.assertTrue((np.abs(back.mean(0) - vectors.mean(0)) < vectors.std(0)).all())
        # A few rows are standardized as those of fit were, whatever they are: both are the bound, by other draws.
        far = vectors[np.argsort(vectors[:, 1])[-7:]]
        bounds = [
            (model.evaluate(far, random_state=seed)["elbo"], model.score_samples(far, random_state=seed).mean())
            for seed in range(20)
        ]
        one, other = np.mean(bounds, axis=0)
        self.assertAlmostEqual(one, other, delta=0.5)


    def test_columns_that_never_change_leave_a_model_as_it_is_without_them(self):
        random = np.random.default_rng(3)
        vectors = random.normal(0, 5, (200, 3)) @ random.normal(0, 1, (3, 3))
        wide = np.insert(vectors, (0, 2), (0.1, 7), axis=1)
        one, other = (vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(X) for X in (vectors, wide))
        np.testing.assert_array_equal(
            one.score_samples(vectors, random_state=1), other.score_samples(wide, random_state=1)
        )
        with tempfile.TemporaryDirectory() as folder:
            other.save(f"{folder}/m.safetensors")
            loaded = vae_zoo.VAE.load(f"{folder}/m.safetensors")
        for model in (other, loaded):
            for made in (model.reconstruct(wide), model.sample(9, draw=True)):
                made = made.reshape(len(made), -1)
                np.testing.assert_array_equal(made[:, [0, 3]], np.full((len(made), 2), np.float32([0.1, 7])))
        np.testing.assert_array_equal(
            one.reconstruct(vectors), np.delete(other.reconstruct(wide), (0, 3), axis=1)
        )
        torn = np.where(random.random(wide.shape) < 0.3, np.nan, wide)
        filled = vae_zoo.MissingVAE(**SMALL, importance_samples=2, random_state=1).fit(torn).impute(torn, samples=5)
        np.testing.assert_allclose(filled[:, [0, 3]], np.full((200, 2), [0.1, 7]), rtol=1e-6)

    def test_integers_come_back_from_impute_as_they_are(self):
        whole = np.arange(120).reshape(40, 3) + 2**60
        model = vae_zoo.MissingVAE(**SMALL, importance_samples=2, random_state=1).fit(whole)
        filled = model.impute(whole, samples=5)
        self.assertEqual(filled.dtype, whole.dtype)
        np.testing.assert_array_equal(filled, whole)

    def test_counts_are_shares_of_a_total_and_draws_of_them_are_counts(self):
        random = np.random.default_rng(3)
        counts = random.poisson(np.exp(random.normal(1, 1, (200, 1)) + np.linspace(-2, 2, 5)))
        for likelihood in ("negative-binomial", "zero-inflated-negative-binomial"):
            model = vae_zoo.GaussianVAE(**SMALL, likelihood=likelihood, random_state=1).fit(counts)
            self.assertEqual([column["type"] for column in model.recipe_["data"]["columns"]], ["count"] * 5)
            self.assertTrue(np.isfinite(model.score_samples(counts)).all())
            drawn = model.sample(50, draw=True)
            self.assertTrue((drawn >= 0).all() and (drawn == np.rint(drawn)).all())
            with self.assertRaisesRegex(vae_zoo.Error, "no whole number from zero on"):
                vae_zoo.GaussianVAE(**SMALL, likelihood=likelihood).fit(counts - 0.5)


class VectorTests(unittest.TestCase):
    """Numbers ``[N, D]`` without names of columns."""

    @staticmethod
    def data_of(X, columns=None, **keywords):
        model = vae_zoo.GaussianVAE(**{**SMALL, **keywords}, random_state=1)
        return model.fit(X, columns=columns).recipe_["data"]

    def test_numbers_are_a_table_unless_they_lie_on_one_grid_as_pixels_do(self):
        random = np.random.default_rng(0)
        measured = random.random((60, 5))
        grids = [random.integers(0, levels + 1, size=(60, 5)) / levels for levels in (1, 15, 16, 255)]
        for X in (measured, measured.astype("f4"), measured * [1, 1, 1, 1, 30]):
            self.assertEqual(self.data_of(X)["rule"], "table")
        for X in (*grids, grids[2].astype("f4"), (grids[3] * 255).astype("u1")):
            self.assertNotEqual(self.data_of(X)["rule"], "table")
        # Either can be said otherwise.
        self.assertEqual(self.data_of(grids[2], {})["rule"], "table")
        self.assertEqual(self.data_of(measured, value_range="unit")["rule"], "floats")
        self.assertEqual(self.data_of(measured[:, :4].reshape(60, 2, 2))["rule"], "floats")
        self.assertEqual(self.data_of(measured, settings={"training.binarize": "dynamic"})["range"], "binary")

    def test_bytes_of_a_table_are_the_same_numbers_in_every_call(self):
        X = np.random.default_rng(0).integers(0, 256, size=(60, 3), dtype="u1")
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(X, columns={})
        self.assertEqual(model.evaluate(X)["elbo"], model.evaluate(X.astype("f8"))["elbo"])
        np.testing.assert_array_equal(model.score_samples(X), model.score_samples(X.astype("f8")))

    def test_what_is_said_of_columns_by_their_numbers_holds(self):
        X = np.random.default_rng(0).integers(0, 4, size=(60, 3)).astype(float)
        kinds = [column["type"] for column in self.data_of(X, {0: "count", "2": "category"})["columns"]]
        self.assertEqual(kinds, ["count", "real", "category"])
        for columns, words in [
            ({"3": "real"}, "names '3'"), ({0: "ignore"}, "numpy.delete"), ({0: "label"}, "as y"),
            ({0: "weird"}, "must be one of"), ({0: "positive"}, "is not above zero"),
        ]:
            with self.assertRaisesRegex(ValueError, words):
                self.data_of(X, columns)
        with self.assertRaisesRegex(ValueError, "columns is for a DataFrame"):
            self.data_of(X.reshape(60, 3, 1), {})

    def test_a_model_takes_later_vectors_as_it_took_those_of_its_training(self):
        random = np.random.default_rng(0)
        measured, pixels = random.random((60, 4)), random.integers(0, 2, size=(60, 4)).astype(float)
        table = vae_zoo.GaussianVAE(**SMALL, random_state=1).partial_fit(measured).partial_fit(pixels)
        self.assertEqual(table.recipe_["data"]["rule"], "table")
        self.assertTrue(np.isfinite(table.evaluate(pixels)["elbo"]))
        plain = vae_zoo.GaussianVAE(**SMALL, random_state=1, value_range="unit").fit(measured)
        self.assertTrue(np.isfinite(plain.evaluate(measured)["elbo"]))
        plain.warm_start = True
        self.assertEqual(plain.fit(measured).recipe_["data"]["rule"], "floats")

    def test_of_opened_data_training_and_held_out_rows_are_apart_and_arrays_stay_whole(self):
        X = np.random.default_rng(0).normal(size=(60, 4))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.npy")
            np.save(path, X)
            data, run = vae_zoo.Data(path), os.path.join(folder, "run")
            model = vae_zoo.GaussianVAE(**SMALL, random_state=1, settings={"training.holdout": 0.25})
            model.fit(data, run=run)
            for known in (model, vae_zoo.GaussianVAE.load(run)):
                counts = [known.evaluate(data, split=split)["examples"] for split in ("train", "valid")]
                self.assertEqual(counts, [45, 15])
            self.assertEqual(model.evaluate(X)["examples"], 60)
            np.save(path, X[::-1].copy())
            self.assertEqual(model.evaluate(vae_zoo.Data(path), split="train")["examples"], 60)

    def test_draws_are_the_same_for_the_same_numbers_of_32_and_of_64_bits(self):
        X = np.random.default_rng(0).normal(size=(60, 4)) * [1, 10, 100, 1000] + 3
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(X)
        np.testing.assert_allclose(
            model.score_samples(X), model.score_samples(X.astype("f4")), atol=1e-3)



@needs("pandas")
class FrameTests(unittest.TestCase):
    def test_numbers_whose_range_somebody_says_are_images(self):
        import pandas

        X = pandas.DataFrame(np.random.default_rng(0).random((60, 3)), columns=list("abc"))
        for keywords, rule in [({}, "table"), ({"value_range": "unit"}, "floats")]:
            model = vae_zoo.GaussianVAE(**SMALL, **keywords, random_state=1)
            self.assertEqual(model.fit(X).recipe_["data"]["rule"], rule)
            self.assertEqual(model.partial_fit(X).recipe_["data"]["rule"], rule)

    def test_a_frame_gives_frames_and_the_same_model_as_a_structured_array(self):
        import pandas

        rows = people()
        frame = pandas.DataFrame({name: rows[name] for name in rows.dtype.names})
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(frame)
        drawn = model.sample(20)
        self.assertEqual(list(drawn.columns), list(frame.columns))
        other = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(rows).sample(20)
        for name in rows.dtype.names:
            np.testing.assert_array_equal(drawn[name].to_numpy(), other[name])
        latents = model.set_output(transform="pandas").transform(frame)
        self.assertEqual(list(latents.columns), ["gaussianvae0", "gaussianvae1"])

    def test_rows_that_are_made_of_rows_keep_their_index_and_their_labels(self):
        import pandas

        rows = people()
        frame = pandas.DataFrame({name: rows[name] for name in rows.dtype.names}, index=np.arange(200) * 3 + 7)
        torn = frame.copy()
        torn.loc[torn.index[::4], "height"] = np.nan
        model = vae_zoo.ConditionalVAE(**SMALL, random_state=1, settings={"encoder.name": "masked-mlp"})
        model.fit(torn, columns={"region": "label"})
        whole = model.impute(torn, samples=5)
        for found in (whole, model.reconstruct(torn)):
            self.assertEqual(found.index.tolist(), frame.index.tolist())
            self.assertEqual(found["region"].tolist(), frame["region"].tolist())
        self.assertTrue(np.isfinite(whole["height"]).all())
        found = model.imputation_error(torn, frame, samples=5)
        self.assertEqual(found["missing"], 50)

    def test_nullable_columns_have_missing_values_like_all_others(self):
        import pandas

        random = np.random.default_rng(0)
        large = 9007199254740993
        frame = pandas.DataFrame({
            "whole": pandas.array([large + 2 * number for number in range(60)], dtype="Int64"),
            "real": pandas.array(random.normal(size=60), dtype="Float64"),
            "truth": pandas.array(random.random(60) < 0.5, dtype="boolean"),
            "word": pandas.array(["a", "b", "b"] * 20, dtype="string"),
        })
        torn = frame.copy()
        for number, name in enumerate(frame):
            torn.loc[torn.index[number::7], name] = pandas.NA
        model = vae_zoo.MissingVAE(**SMALL, importance_samples=2, random_state=1)
        whole = model.fit(torn, columns={"whole": "real"}).impute(torn, samples=5)
        self.assertFalse(whole.isna().any(axis=None))
        for name in frame:
            known = ~torn[name].isna().to_numpy()
            self.assertEqual(whole[name][known].tolist(), frame[name][known].tolist())
        self.assertEqual(model.imputation_error(torn, frame, samples=5)["missing"], int(torn.isna().sum().sum()))
        # Numbers alone are a table too, in which NA is missing.
        numbers = torn[["real", "whole"]]
        filled = model.fit(numbers, columns={"whole": "real"}).impute(numbers, samples=5)
        self.assertFalse(filled.isna().any(axis=None))

    def test_a_frame_of_numbers_is_a_table_whatever_they_are_but_where_they_are_said_to_be_pixels(self):
        import pandas

        pixels = np.random.default_rng(0).integers(0, 17, size=(80, 4)) / 16
        frame = pandas.DataFrame(pixels, columns=list("abcd"), index=range(5, 85))
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(frame)
        self.assertEqual(model.recipe_["data"]["rule"], "table")
        self.assertEqual(list(model.sample(3)), list("abcd"))
        self.assertEqual(list(model.reconstruct(frame).index), list(frame.index))
        self.assertEqual(list(model.feature_names_in_), list("abcd"))
        with self.assertRaisesRegex(ValueError, "feature names should match"):
            model.transform(frame[["b", "a", "c", "d"]])
        # Columns without names are called by their numbers.
        model.fit(pandas.DataFrame(pixels))
        self.assertEqual(model.recipe_["data"]["rule"], "table")
        self.assertIsInstance(model.sample(3), np.ndarray)
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1, image_shape=(2, 2)).fit(frame)
        self.assertEqual(model.recipe_["data"]["height"], 2)

    def test_columns_of_a_table_may_come_in_any_order_later(self):
        import pandas

        rows = people(60)
        frame = pandas.DataFrame({name: rows[name] for name in rows.dtype.names})
        turned = frame[["owner", "region", "children", "height"]]
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1)
        for fit in (lambda: model.fit(frame), lambda: model.fit(frame[["height"]], columns={"height": "real"})):
            fit()
            self.assertFalse(hasattr(model, "feature_names_in_"))
            np.testing.assert_array_equal(model.transform(turned), model.transform(frame))

    def test_what_latents_of_a_frame_become_again_has_its_index(self):
        import pandas

        rows = people(60)
        frame = pandas.DataFrame({name: rows[name] for name in rows.dtype.names}, index=np.arange(60) * 2 + 5)
        model = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(frame).set_output(transform="pandas")
        latents = model.transform(frame)
        self.assertEqual(latents.index.tolist(), frame.index.tolist())
        back = model.inverse_transform(latents)
        self.assertEqual((list(back), back.index.tolist()), (list(frame), frame.index.tolist()))
        plain = model.inverse_transform(latents.to_numpy())
        self.assertEqual(plain.index.tolist(), list(range(60)))
        np.testing.assert_array_equal(plain["height"], back["height"])
        # A column of labels comes back with the draws, that of the largest share where several have some.
        told = vae_zoo.ConditionalVAE(**SMALL, random_state=1).fit(frame, columns={"region": "label"})
        self.assertEqual(told.sample(4, condition="south")["region"].tolist(), ["south"] * 4)
        shares = np.array([[0.1, 0.7, 0.2], [0.3, 0.2, 0.5]])
        self.assertEqual(told.sample(2, condition=shares)["region"].tolist(), ["north", "south"])
        self.assertEqual(told.inverse_transform(told.transform(frame), rows["region"])["region"].tolist(), rows["region"].tolist())

    def test_a_frame_of_nothing_but_words_is_a_table(self):
        import pandas

        frame = pandas.DataFrame({"a": ["x", "y"] * 40, "b": ["u", "v", "w", "w"] * 20})
        drawn = vae_zoo.GaussianVAE(**SMALL, random_state=1).fit(frame).sample(9)
        self.assertTrue(set(drawn["b"]) <= {"u", "v", "w"})


if __name__ == "__main__":
    unittest.main()
