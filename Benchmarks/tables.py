"""How like a table synthetic rows are, and how much of a table a model explains: two figures of docs/tables.md.

    python3 Benchmarks/tables.py judge unseen.csv synthetic.csv
    python3 Benchmarks/tables.py explained table.csv reconstructed.csv

``judge`` prints the AUROC with which scikit-learn's HistGradientBoosting tells as many rows of one file from those of the
other, predicted for each fifth by the other four: 0.5 where it cannot. ``explained`` prints how many columns of numbers
have at least half of their variance explained. Needs pandas and scikit-learn.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas


def judge(unseen: pandas.DataFrame, synthetic: pandas.DataFrame) -> float:
    """The AUROC of a judge of rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if set(unseen.columns) != set(synthetic.columns):
        raise SystemExit(f"other columns: {sorted(set(unseen.columns) ^ set(synthetic.columns))}")
    count = min(len(unseen), len(synthetic))
    rows = pandas.concat([unseen[:count], synthetic[unseen.columns][:count]], ignore_index=True)
    words = [not pandas.api.types.is_numeric_dtype(rows[name]) for name in rows.columns]
    for name, is_words in zip(rows.columns, words):
        if is_words:
            rows[name] = pandas.Categorical(rows[name]).codes
    truth = np.repeat([0, 1], count)
    found = cross_val_predict(
        HistGradientBoostingClassifier(random_state=0, categorical_features=words),
        rows.to_numpy(float), truth, cv=StratifiedKFold(5, shuffle=True, random_state=0),
        method="predict_proba",
    )
    return float(roc_auc_score(truth, found[:, 1]))


def explained(table: pandas.DataFrame, back: pandas.DataFrame) -> np.ndarray:
    """The share of the variance of each column of numbers that is explained."""
    numbers = table.select_dtypes("number")
    error = ((numbers - back[numbers.columns]) ** 2).mean()
    return (1 - error / numbers.var(ddof=0)).to_numpy()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("judge", "explained"):
        raise SystemExit(__doc__)
    one, other = (pandas.read_csv(path) for path in sys.argv[2:])
    if sys.argv[1] == "judge":
        print(f"AUROC {judge(one, other):.3f}")
    else:
        shares = explained(one, other)
        print(f"{(shares >= 0.5).sum()} of {len(shares)} columns, the least {shares.min():.2f}")
