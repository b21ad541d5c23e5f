#!/usr/bin/env python3
"""Makes the reference values that the tests of optimizers and schedules compare with.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install numpy==2.4.6
    /tmp/reference/bin/python Tests/NeuralNetworksTests/Reference/generate.py

Written with Python 3.11 and NumPy 2.4.6. The JSON files beside this script are overwritten; they
depend on no version but that of NumPy's random generator.

The laws are written down from the papers, one array at a time in 64-bit floats; gradients and first
values are 32-bit floats.

optimizers.json   {"name", "rule", "rate", "gradient_scale", "initial", "gradients" (a list an
                  update), "values" (the parameter after each update), "decayed": whether weight
                  decay applies to the parameter}
schedules.json    {"name", "schedule", "updates", "factors"}; a schedule has a "kind" and settings
clipping.json     {"gradients" (a list a parameter), "limit", "norm", "clipped"}
averages.json     {"decay", "initial", "values" (after each update), "averages" (after each update)}
"""

import json
import math
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
UPDATES = 10


def rounded(values):
    """Numbers of three significant digits, as 32-bit floats."""
    return np.array([np.float32(f"{v:.3g}") for v in np.ravel(values)])


def numbers(values):
    """Inputs in as few digits as tell 32-bit floats apart, results in nine."""
    values = np.asarray(values)
    if values.ndim > 1:
        return [numbers(row) for row in values]
    if values.dtype == np.float32:
        return [float(str(v)) for v in values]
    return [float(f"{v:.9g}") for v in values]


def write(name, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (FOLDER / f"{name}.json").write_text("[\n" + lines + "\n]\n")
    print(f"{name}.json: {len(cases)} cases, {len(lines) / 1e3:.0f} kB")


# --- Optimizers --------------------------------------------------------------------------------


def adam(rule, rate, decay):
    """Kingma & Ba 2015, algorithm 1, with L2 regularisation in the gradient."""
    beta1, beta2, epsilon = rule["beta1"], rule["beta2"], rule["epsilon"]
    m = v = 0.0

    def update(p, g, t):
        nonlocal m, v
        g = g + decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        return p - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)

    return update


def adam_w(rule, rate, decay):
    """Loshchilov & Hutter 2019, algorithm 2: the weights decay beside Adam's step."""
    step = adam(rule, rate, 0.0)
    return lambda p, g, t: step(p, g, t) - rate * decay * p


def sgd(rule, rate, decay):
    """Sutskever et al. 2013 in the form where the velocity has the gradient's scale:
    v ← μ v + g; p ← p - rate · v, or p ← p - rate · (g + μ v) with Nesterov's look-ahead."""
    momentum, velocity = rule["momentum"], 0.0

    def update(p, g, t):
        nonlocal velocity
        g = g + decay * p
        velocity = momentum * velocity + g
        return p - rate * (g + momentum * velocity if rule["nesterov"] else velocity)

    return update


LAWS = {"adam": adam, "adam_w": adam_w, "sgd": sgd}


def trajectory(name, rule, rate, initial, gradients, gradient_scale=1.0, decayed=True):
    decay = rule["weight_decay"] if decayed else 0.0
    update = LAWS[rule["kind"]](rule, rate, decay)
    p, values = np.float64(initial), []
    for t, gradient in enumerate(np.float64(gradients), 1):
        p = update(p, gradient_scale * gradient, t)
        values.append(p)
    return {
        "name": name, "rule": rule, "rate": rate, "gradient_scale": gradient_scale,
        "decayed": decayed, "initial": numbers(initial), "gradients": numbers(gradients),
        "values": numbers(values),
    }


def optimizers():
    random = np.random.default_rng(1)
    count = 19
    initial = rounded(random.normal(size=count))
    # From element to element gradients differ by powers of ten, as between layers of a network.
    # The sixth is always zero, the seventh from the third update on.
    scales = 10.0 ** (np.arange(count) % 5 - 3)
    gradients = np.stack([rounded(random.normal(size=count) * scales) for _ in range(UPDATES)])
    gradients[:, 5] = 0
    gradients[2:, 6] = 0
    single = (rounded([0.5]), gradients[:, 4:5])

    def adam_rule(kind, weight_decay, beta1=0.9, beta2=0.999, epsilon=1e-8):
        return {
            "kind": kind, "beta1": beta1, "beta2": beta2, "epsilon": epsilon,
            "weight_decay": weight_decay,
        }

    def sgd_rule(momentum, nesterov, weight_decay=0.0):
        return {
            "kind": "sgd", "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay,
        }

    cases = [
        trajectory("Adam", adam_rule("adam", 0.0), 0.01, initial, gradients),
        trajectory("Adam of one number", adam_rule("adam", 0.0), 0.01, *single),
        trajectory(
            "Adam with other coefficients", adam_rule("adam", 0.0, 0.5, 0.9, 1e-3), 0.05, initial,
            gradients),
        trajectory("Adam with weight decay", adam_rule("adam", 0.1), 0.01, initial, gradients),
        trajectory(
            "Adam with weight decay, on a bias", adam_rule("adam", 0.1), 0.01, initial, gradients,
            decayed=False),
        trajectory(
            "Adam with scaled gradients", adam_rule("adam", 0.05), 0.01, initial, gradients,
            gradient_scale=0.25),
        trajectory("AdamW", adam_rule("adam_w", 0.1), 0.01, initial, gradients),
        trajectory("AdamW without decay", adam_rule("adam_w", 0.0), 0.01, initial, gradients),
        trajectory(
            "AdamW, on a bias", adam_rule("adam_w", 0.1), 0.01, initial, gradients, decayed=False),
        trajectory("SGD", sgd_rule(0.0, False), 0.1, initial, gradients),
        trajectory("SGD with momentum", sgd_rule(0.9, False), 0.1, initial, gradients),
        trajectory("SGD with momentum of one number", sgd_rule(0.9, False), 0.1, *single),
        trajectory(
            "SGD with momentum and weight decay", sgd_rule(0.9, False, 0.1), 0.1, initial,
            gradients),
        trajectory("Nesterov", sgd_rule(0.9, True), 0.1, initial, gradients),
        trajectory(
            "Nesterov with weight decay and scaled gradients", sgd_rule(0.8, True, 0.1), 0.1,
            initial, gradients, gradient_scale=0.5),
        trajectory("SGD with weight decay", sgd_rule(0.0, False, 0.1), 0.1, initial, gradients),
    ]
    write("optimizers", cases)


# --- Schedules ---------------------------------------------------------------------------------


def factor(schedule, update):
    kind = schedule["kind"]
    if kind == "constant":
        return 1.0
    if kind == "step":
        return schedule["factor"] ** math.floor(update / schedule["interval"])
    if kind == "cosine":
        # Loshchilov & Hutter 2017, equation 5, for one period.
        floor, progress = schedule["floor"], min(update / schedule["total"], 1)
        return floor + (1 - floor) / 2 * (1 + math.cos(math.pi * progress))
    if kind == "warm_up":
        over = schedule["updates"]
        return (update + 1) / over if update < over else factor(schedule["then"], update - over)
    raise ValueError(kind)


def schedules():
    cosine = {"kind": "cosine", "total": 100, "floor": 0.0}
    step = {"kind": "step", "interval": 30, "factor": 0.5}
    cases = {
        "constant": {"kind": "constant"},
        "step": step,
        "step every update": {"kind": "step", "interval": 1, "factor": 0.9},
        "cosine": cosine,
        "cosine with a floor": {"kind": "cosine", "total": 7, "floor": 0.1},
        "warm-up": {"kind": "warm_up", "updates": 10, "then": {"kind": "constant"}},
        "warm-up, then cosine": {"kind": "warm_up", "updates": 10, "then": cosine},
        "warm-up of one update, then steps": {"kind": "warm_up", "updates": 1, "then": step},
    }
    updates = [0, 1, 2, 5, 6, 7, 9, 10, 11, 29, 30, 31, 59, 60, 61, 99, 100, 101, 110, 111, 1000]
    write(
        "schedules",
        [
            {
                "name": name, "schedule": schedule, "updates": updates,
                "factors": numbers([factor(schedule, update) for update in updates]),
            }
            for name, schedule in cases.items()
        ])


# --- Clipping and averages -----------------------------------------------------------------------


def clipping():
    random = np.random.default_rng(2)
    cases = []
    for sizes, scale, limit in [
        ((3,), 1.0, 0.5), ((1,), 1.0, 10.0), ((7, 1, 33), 1.0, 1.0), ((7, 5), 1e-3, 1.0),
        ((2, 19), 1e10, 5.0), ((3, 3), 0.0, 1.0),
    ]:
        gradients = [rounded(scale * random.normal(size=size)) for size in sizes]
        norm = math.sqrt(sum(math.fsum(np.float64(g) ** 2) for g in gradients))
        share = min(1.0, limit / norm) if norm > 0 else 1.0
        cases.append(
            {
                "gradients": [numbers(g) for g in gradients], "limit": limit,
                "norm": float(f"{norm:.9g}"),
                "clipped": [numbers(np.float64(g) * share) for g in gradients],
            })
    write("clipping", cases)


def averages():
    random = np.random.default_rng(3)
    cases = []
    for decay in (0.0, 0.5, 0.999):
        initial = rounded(random.normal(size=11))
        values = np.stack([rounded(random.normal(size=11)) for _ in range(UPDATES)])
        average, result = np.float64(initial), []
        for value in np.float64(values):
            average = decay * average + (1 - decay) * value
            result.append(average)
        cases.append(
            {
                "decay": decay, "initial": numbers(initial), "values": numbers(values),
                "averages": numbers(result),
            })
    write("averages", cases)


def main():
    optimizers()
    schedules()
    clipping()
    averages()


if __name__ == "__main__":
    main()
