"""log p of simulated counts by scvi-tools' own losses and by SciPy, which CountLikelihoodTests compares with:

    python counts.py > counts.json

needs NumPy, SciPy, PyTorch and scvi-tools (without its dependencies: pip install --no-deps scvi-tools), whose formulas add
1e-8 to means and dispersions. With --scipy the values of SciPy alone.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import sys
import types

import numpy as np
from scipy.special import expit, log_softmax, logsumexp
from scipy.stats import nbinom

random = np.random.default_rng(7)
cells, genes = 12, 9
shares = random.normal(0, 1.5, (cells, genes)).round(3)
logits = random.normal(-1, 1.5, (cells, genes)).round(3)
log_dispersion = random.normal(0.5, 1, genes).round(3)
# Cells of very different sizes, one of them without any transcript.
sizes = np.exp(random.normal(5, 2, cells))
means = sizes[:, None] * np.exp(log_softmax(shares, axis=1))
dispersion = np.exp(log_dispersion)
counts = random.negative_binomial(dispersion, dispersion / (dispersion + means))
counts[random.random(counts.shape) < 0.2] = 0
counts[3] = 0

# The mean is a share of what is observed, of a cell without any of one.
means = np.maximum(1, counts.sum(axis=1))[:, None] * np.exp(log_softmax(shares, axis=1))
plain = nbinom.logpmf(counts, dispersion, dispersion / (dispersion + means))
zero = np.where(counts == 0, np.log(expit(logits)), -np.inf)
inflated = logsumexp([zero, np.log(expit(-logits)) + plain], axis=0)
found = {
    "counts": counts.tolist(), "shares": shares.tolist(), "logits": logits.tolist(),
    "log_dispersion": log_dispersion.tolist(),
    "scipy": {"negative-binomial": plain.sum(axis=1).tolist(), "zero-inflated": inflated.sum(axis=1).tolist()},
}
if "--scipy" not in sys.argv:
    import torch

    # The module of the losses alone, in place of a package that asks for a hundred others.
    place = importlib.util.find_spec("scvi").submodule_search_locations[0]
    for name in ("scvi", "scvi.utils", "scvi.distributions"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["scvi"].settings = None
    sys.modules["scvi.utils"].is_package_installed = lambda name: False
    sys.modules["scvi.distributions"].__path__ = [f"{place}/distributions"]
    losses = importlib.import_module("scvi.distributions._negative_binomial")

    x, mu, theta, pi = (torch.tensor(np.asarray(a, dtype=np.float64)) for a in (counts, means, dispersion, logits))
    found["scvi"] = {
        "version": importlib.metadata.version("scvi-tools"),
        "negative-binomial": losses.log_nb_positive(x, mu, theta).sum(axis=1).tolist(),
        "zero-inflated": losses.log_zinb_positive(x, mu, theta, pi).sum(axis=1).tolist(),
    }
print("{\n" + ",\n".join(f' "{name}": {json.dumps(value)}' for name, value in found.items()) + "\n}")
