"""How like a table synthetic rows are, and how much of a table a model explains: two figures of docs/tables.md.

    python3 Benchmarks/tables.py judge unseen.csv synthetic.csv
    python3 Benchmarks/tables.py explained table.csv reconstructed.csv
    python3 Benchmarks/tables.py tvae table.csv unseen.csv vae-zoo [SEED…]

``judge`` prints the AUROC with which scikit-learn's HistGradientBoosting tells as many rows of one file from those of the
other, predicted for each fifth by the other four: 0.5 where it cannot. ``explained`` prints how many columns of numbers
have at least half of their variance explained. ``tvae`` trains ``vae-zoo train gaussian-vae`` with its defaults on one thread, gives
the TVAE of SDV (package ctgan) as much time of one processor with its own defaults, but for as many epochs as fit in, and
judges as many rows of both as there are unseen ones, for each seed. Time of a processor, and of training alone, so that other work
does not change it; each trains in a process of its own. Needs pandas and scikit-learn, and ctgan for the last.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time

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


def ours(table: str, program: str, count: int, seed: int) -> tuple[pandas.DataFrame, float]:
    """Synthetic rows of the default model, and the processor time of its training in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [program, "train", "gaussian-vae", "--data", table, "--out", f"{folder}/run", "--seed", str(seed)]
            + ["--threads", "1", "--no-records"], check=True, capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [program, "sample", f"{folder}/run", "--count", str(count), "--out", f"{folder}/rows.csv"]
            + ["--seed", str(seed)], check=True, capture_output=True,
        )
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return pandas.read_csv(f"{folder}/rows.csv"), seconds


def tvae(table: pandas.DataFrame, seconds: float, count: int, seed: int) -> tuple[pandas.DataFrame, int, float]:
    """Synthetic rows of SDV's TVAE after so much processor time, its epochs, and the time that it took."""
    import torch
    from ctgan import TVAE

    torch.set_num_threads(1)
    words = [name for name in table if not pandas.api.types.is_numeric_dtype(table[name])]

    def fitted(epochs: int) -> tuple[object, float]:
        np.random.seed(seed)
        torch.manual_seed(seed)
        model = TVAE(epochs=epochs, enable_gpu=False)
        start = time.process_time()
        model.fit(table, words)
        return model, time.process_time() - start

    # What comes before the first epoch, and what each takes, once the program is warm.
    fitted(1)
    few, more = fitted(1)[1], fitted(6)[1]
    each = max(1e-3, (more - few) / 5)
    epochs = max(1, round((seconds - few) / each) + 1)
    model, taken = fitted(epochs)
    return model.sample(count), epochs, taken


def compare(table: str, unseen: str, program: str, seeds: list[int]) -> None:
    """Prints the AUROC of both with equal time."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rows, other = pandas.read_csv(table), pandas.read_csv(unseen)
    for seed in seeds:
        own, seconds = ours(table, program, len(other), seed)
        theirs, epochs, taken = tvae(rows, seconds, len(other), seed)
        print(
            f"seed {seed}: gaussian-vae {judge(other, own):.3f} in {seconds:.1f} s, "
            f"TVAE {judge(other, theirs):.3f} in {taken:.1f} s ({epochs} epochs)", flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) >= 5 and sys.argv[1] == "tvae":
        compare(*sys.argv[2:5], [int(text) for text in sys.argv[5:]] or [0])
        raise SystemExit
    if len(sys.argv) != 4 or sys.argv[1] not in ("judge", "explained"):
        raise SystemExit(__doc__)
    one, other = (pandas.read_csv(path) for path in sys.argv[2:])
    if sys.argv[1] == "judge":
        print(f"AUROC {judge(one, other):.3f}")
    else:
        shares = explained(one, other)
        print(f"{(shares >= 0.5).sum()} of {len(shares)} columns, the least {shares.min():.2f}")
