"""The module in a process: what importing it brings, beside PyTorch, after a fork."""

from __future__ import annotations

import unittest

from support import needs, run_python

_TRAIN = """
import numpy as np, vae_zoo
images = (np.random.default_rng(0).random((200, 64)) < 0.3).astype(np.float32)
def train(_=None):
    model = vae_zoo.BetaVAE(hidden=(64,), latent=4, epochs=2, batch_size=50)
    return float(model.fit(images).score(images))
"""


class ImportTests(unittest.TestCase):
    def test_importing_brings_neither_scikit_learn_nor_torch_nor_a_progress_bar(self):
        output = run_python(
            "import numpy, sys\nbefore = set(sys.modules)\nimport vae_zoo\n"
            "vae_zoo.BetaVAE(beta=2.0)\n"
            "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
        )
        for name in ("sklearn", "torch", "tqdm", "logging", "scipy"):
            self.assertNotIn(f"'{name}'", output)

    def test_the_plug_in_module_is_an_attribute_that_is_imported_when_it_is_asked_for(self):
        output = run_python(
            "import sys, vae_zoo\nprint('vae_zoo.plugin' in sys.modules, 'plugin' in dir(vae_zoo))\n"
            "print(vae_zoo.plugin is sys.modules['vae_zoo.plugin'], vae_zoo.plugin.Likelihood.__name__)"
        )
        self.assertEqual(output, "False True\nTrue Likelihood\n")

    def test_a_program_ends_cleanly_with_models_and_arrays_alive(self):
        output = run_python(_TRAIN + "model = vae_zoo.BetaVAE(hidden=8, latent=2, epochs=1).fit(images)\n"
                            "samples = model.sample(3)\nprint(samples.shape)")
        self.assertEqual(output, "(3, 64)\n")


class ForkTests(unittest.TestCase):
    def test_parent_and_children_train_after_a_fork(self):
        output = run_python(
            _TRAIN
            + """
import multiprocessing, warnings
warnings.simplefilter("ignore")
vae_zoo.set_threads(2)
expected = train()
for _ in range(2):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(train, range(4)).get(timeout=90)
    assert found == [expected] * 4, (found, expected)
    assert train() == expected
print("same")
""",
            GOMP_SPINCOUNT="2000",
        )
        self.assertEqual(output, "same\n")

    def test_a_fitted_model_goes_to_processes_of_every_kind(self):
        output = run_python(
            _TRAIN
            + """
import multiprocessing, warnings
warnings.simplefilter("ignore")
if __name__ == "__main__":
    model = vae_zoo.BetaVAE(hidden=(16,), latent=4, epochs=1).fit(images)
    for method in ("fork", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            found = pool.apply_async(model.score, (images,)).get(timeout=90)
        assert found == model.score(images), method
    print("same")
""",
            GOMP_SPINCOUNT="2000",
        )
        self.assertEqual(output, "same\n")


@needs("torch")
class TorchTests(unittest.TestCase):
    """Both libraries bring OpenMP; each must compute as it does alone, whichever comes first."""

    def test_results_are_the_same_whichever_is_imported_first(self):
        alone = run_python(_TRAIN + "print(train())")
        for first, second in (("torch", "vae_zoo"), ("vae_zoo", "torch")):
            output = run_python(
                f"import {first}\nimport {second}\n"
                "import torch\n"
                "a = torch.ones(300, 300) @ torch.ones(300, 300)\n"
                + _TRAIN
                + "print(train())\n"
                "b = torch.ones(300, 300) @ torch.ones(300, 300)\n"
                "assert (a == 300).all() and (b == 300).all()\n",
                GOMP_SPINCOUNT="2000",
            )
            self.assertEqual(output, alone, f"{first} first")


if __name__ == "__main__":
    unittest.main()
