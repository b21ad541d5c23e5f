"""How often counts of some means and dispersions lie in intervals by SciPy, which CountDistributionTests compares draws with:

    python count-draws.py > count-draws.json
"""

import json

import numpy as np
from scipy import stats

found = []
for mean in (0.1, 10, 700, 1e4, 1e6):
    for dispersion in (None, 0.05, 3, 1e4, 1e9):
        law = stats.poisson(mean) if dispersion is None else stats.nbinom(dispersion, dispersion / (dispersion + mean))
        # The last count of each interval; the interval beyond them is the last one.
        ends = np.unique(law.ppf(np.linspace(0.05, 0.95, 19)))
        shares = np.diff(np.concatenate([[0], law.cdf(ends), [1]]))
        kept = [place for place, share in enumerate(shares[:-1]) if share > 1e-3]
        ends = ends[kept]
        shares = np.diff(np.concatenate([[0], law.cdf(ends), [1]]))
        found.append({
            "mean": mean, "dispersion": dispersion, "variance": law.var(), "kurtosis": float(law.stats(moments="k")),
            "ends": ends.tolist(), "shares": shares.tolist(),
            # Of one test among a million a chi-square is larger.
            "largest": stats.chi2.isf(1e-6, len(ends)),
        })
print("[\n" + ",\n".join(f" {json.dumps(case)}" for case in found) + "\n]")
