#!/usr/bin/env python3
"""Makes the reference values of special functions, sorting and linear algebra that
`ReferenceValueTests.swift` compares the engine with.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install mpmath==1.4.1
    /tmp/reference/bin/python Tests/TensorsTests/Reference/generate_mathematics.py

Written with Python 3.11 and mpmath 1.4.1; takes half a minute. The files special_functions.json,
sorting.json and linear_algebra.json beside this script are overwritten, in the format that generate.py
describes; the same versions give the same files.

Every input is a 32-bit float. Values are mpmath's with 60 digits. Gradients are central differences
of sum(output * cotangent) with a step of 1e-20 times the input's size, whose own error is below 1e-30:
no formula of a derivative stands here.
"""

import json
import random
import struct
import zlib
from pathlib import Path

from mpmath import mp, mpf

FOLDER = Path(__file__).resolve().parent
mp.dps = 60


def single(value):
    """The 32-bit float nearest to a number."""
    return struct.unpack("f", struct.pack("f", value))[0]


def numbers(values, digits=10):
    return [float(mp.nstr(mpf(value), digits)) for value in values]


def inputs_as_text(values):
    """In as few digits as tell 32-bit floats apart."""
    return [float(f"{value:.9g}") for value in values]


class Group:
    """The cases of one file, each with a generator of its own."""

    def __init__(self, name):
        self.name = name
        self.cases = []
        self.renew()

    def renew(self):
        self.random = random.Random(zlib.crc32(f"{self.name}.{len(self.cases)}".encode()))

    def normal(self, count, scale=1.0):
        return [single(round(self.random.gauss(0, scale), 3)) for _ in range(count)]

    def distinct(self, count):
        """Numbers in random order with at least 0.05 between any two."""
        values = [(i - count / 2) * 0.07 + self.random.uniform(0, 0.01) for i in range(count)]
        self.random.shuffle(values)
        return [single(round(value, 3)) for value in values]

    def add(self, operation, function, inputs, output_shape, attributes=None, constants=()):
        """Computes one case. `inputs` are (shape, values); `function` takes a flat list for each and
        gives a flat list. None as `constants` makes the case one without gradients."""
        values = [[mpf(value) for value in flat] for _, flat in inputs]
        output = function(*values)
        gradients, cotangent = [None] * len(inputs), None
        if constants is not None:
            cotangent = self.normal(len(output))
            for number in range(len(inputs)):
                if number not in constants:
                    gradients[number] = numbers(
                        [self.slope(function, values, number, i, cotangent)
                         for i in range(len(values[number]))])
        self.cases.append({
            "operation": operation, "attributes": attributes or {},
            "inputs": [
                {"shape": list(shape), "values": inputs_as_text(flat)} for shape, flat in inputs],
            "output": {"shape": list(output_shape), "values": numbers(output)},
            "cotangent": cotangent if cotangent is None else inputs_as_text(cotangent),
            "gradients": gradients,
        })
        self.renew()

    @staticmethod
    def slope(function, values, number, index, cotangent):
        h = mpf(10) ** -20 * max(abs(values[number][index]), mpf(10) ** -6)

        def moved(step):
            changed = [list(flat) for flat in values]
            changed[number][index] += step
            return function(*changed)

        return sum(
            (mpf(c) * (a - b) for c, a, b in zip(cotangent, moved(h), moved(-h))), mpf(0)) / (2 * h)

    def write(self):
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in self.cases)
        (FOLDER / f"{self.name}.json").write_text("[\n" + lines + "\n]\n")
        print(f"{self.name}.json: {len(self.cases)} cases")


# --- Special functions ------------------------------------------------------------------------


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def log_gamma(x):
    return mp.log(abs(mp.gamma(x)))


def special_functions():
    group = Group("special_functions")

    def add(operation, function, values, attributes=None):
        values = [single(value) for value in values]
        group.add(
            operation, lambda x: [function(value) for value in x], [((len(values),), values)],
            (len(values),), attributes)

    angles = [-1e4, -100.25, -3, -0.5, -1e-6, 0, 1e-3, 0.7, 1.5707963, 3.1415927, 6, 40, 1e3, 1e6]
    add("sine", mp.sin, angles)
    add("cosine", mp.cos, angles)
    positive = [
        1e-6, 1e-3, 0.1, 0.5, 0.9999, 1, 1.25, 1.4616321, 2, 2.5, 3, 7, 9.999, 10, 10.5, 33, 100,
        1e4, 1e8, 1e30]
    negative = [-1e-3, -0.5, -0.75, -1.5, -2.25, -7.4, -10.5, -33.125, -1000.5]
    add("log_gamma", log_gamma, positive + negative)
    add("digamma", mp.digamma, positive + negative)
    add(
        "error_function", mp.erf,
        [-5, -2, -1, -0.5, -1e-3, 0, 1e-20, 1e-3, 0.1, 0.5, 1, 2, 3, 3.9, 5])
    add(
        "scaled_complementary_error_function", erfcx,
        [-9, -5, -1, -0.1, 0, 1e-5, 0.5, 1, 2, 5, 9.5, 9.999, 10, 10.01, 12, 26, 30, 100, 1e4, 1e6])
    points = [1e-3, 0.02, 0.5, 1, 3, 10, 31, 100, 999, 1001, 1e4, 1e5]
    for order in [0, 0.5, 1, 1.5, 4, 15.75, 31.5, 32, 33.25, 100, 499.5, 1023, 2047, 2048]:
        attributes = {"order": order}
        add("log_bessel_i", lambda x: mp.log(mp.besseli(order, x)), points, attributes)
        add(
            "bessel_ratio", lambda x: mp.besseli(mpf(order) + 1, x) / mp.besseli(order, x), points,
            attributes)
    return group


# --- Sorting ----------------------------------------------------------------------------------


def along(shape, axis):
    """The flat positions of each line along an axis."""
    axis %= len(shape)
    inner = 1
    for size in shape[axis + 1:]:
        inner *= size
    count = inner * shape[axis]
    outer = 1
    for size in shape[:axis]:
        outer *= size
    return [
        [first * count + i * inner + offset for i in range(shape[axis])]
        for first in range(outer) for offset in range(inner)]


def sorting():
    group = Group("sorting")
    for shape, axis, descending in [
        ((1,), 0, False), ((7,), -1, False), ((7,), -1, True), ((3, 5), -1, False),
        ((3, 5), 0, False), ((2, 3, 5), 1, True), ((4, 1), -1, False), ((2, 33), 1, False),
    ]:
        count = 1
        for size in shape:
            count *= size
        attributes = {"axis": axis, "descending": descending}

        def order(x):
            result = [0] * count
            for line in along(shape, axis):
                positions = sorted(
                    range(len(line)), key=lambda i: -x[line[i]] if descending else x[line[i]])
                for place, position in zip(line, positions):
                    result[place] = position
            return result

        def values(x):
            result = [None] * count
            chosen = order(x)
            for line in along(shape, axis):
                for place in line:
                    result[place] = x[line[chosen[place]]]
            return result

        x = group.distinct(count)
        group.add("sort", values, [(shape, x)], shape, attributes)
        group.add("sort_order", order, [(shape, x)], shape, attributes, constants=None)
    # Some equal, zeros of both signs among them: they keep their order.
    ties = [single(v) for v in [2, 0.0, -1, -0.0, 2, 0.0, -1]]
    for descending in (False, True):
        positions = sorted(range(7), key=lambda i: -ties[i] if descending else ties[i])
        group.add(
            "sort_order", lambda x: positions, [((7,), ties)], (7,),
            {"axis": 0, "descending": descending}, constants=None)
    for shape, axis, taken in [((5,), 0, 3), ((3, 5), -1, 7), ((3, 5), 0, 2), ((2, 3, 2), 1, 3)]:
        target = list(shape)
        target[axis] = taken
        lines, places = along(shape, axis), along(target, axis)
        indices = [0] * (sum(map(len, places)))
        for line in places:
            for place in line:
                indices[place] = group.random.randrange(shape[axis])

        def take(x, chosen):
            result = [None] * len(chosen)
            for line, place in zip(lines, places):
                for position in place:
                    result[position] = x[line[int(chosen[position])]]
            return result

        group.add(
            "take", take,
            [(shape, group.normal(sum(map(len, lines)))), (target, indices)], target,
            {"axis": axis}, constants=(1,))
    return group


# --- Linear algebra ---------------------------------------------------------------------------


def matrix(flat, rows):
    columns = len(flat) // rows if rows else 0
    return mp.matrix([list(flat[row * columns:(row + 1) * columns]) for row in range(rows)])


def flat(m):
    return [m[i, j] for i in range(m.rows) for j in range(m.cols)]


def symmetric(x, d):
    m = matrix(x, d)
    return (m + m.T) / 2


def each(function, d, batch):
    """A function of one matrix, for all of a batch."""
    def of_all(*inputs):
        result = []
        for member in range(batch):
            result += function(*(
                x[member * len(x) // batch:(member + 1) * len(x) // batch] for x in inputs))
        return result

    return of_all


def cholesky(x, d):
    return flat(mp.cholesky(symmetric(x, d)))


def log_determinant(x, d):
    return [mp.log(mp.det(symmetric(x, d)))]


def eigen(x, d):
    values, vectors = mp.eigsy(symmetric(x, d))
    for j in range(d):
        largest = max(range(d), key=lambda i: abs(vectors[i, j]))
        if vectors[largest, j] < 0:
            for i in range(d):
                vectors[i, j] = -vectors[i, j]
    return values, vectors


def triangular_solve(t, b, d, upper, transposed):
    m = matrix(t, d)
    for i in range(d):
        for j in range(d):
            if (i > j) if upper else (i < j):
                m[i, j] = 0
    return flat((m.T if transposed else m) ** -1 * matrix(b, d))


def linear_algebra():
    group = Group("linear_algebra")

    def positive_definite(d, batch):
        """Not quite symmetric: operations take the symmetric part."""
        values = []
        for _ in range(batch):
            m = [group.normal(d) for _ in range(d)]
            for i in range(d):
                for j in range(d):
                    gram = sum(m[i][k] * m[j][k] for k in range(d)) + (0.5 if i == j else 0)
                    values.append(single(round(gram + 0.01 * group.random.gauss(0, 1), 3)))
        return values

    def indefinite(d, batch):
        """Eigenvalues some way apart."""
        return [
            single(round((1.7 * (i // d % d) - 2 if i // d % d == i % d else 0)
                         + 0.4 * group.random.gauss(0, 1), 3))
            for i in range(batch * d * d)]

    for lead, d in [((), 1), ((), 2), ((), 3), ((), 5), ((3,), 2), ((2,), 4), ((2, 2), 2), ((1,), 1)]:
        batch = 1
        for size in lead:
            batch *= size
        shape = lead + (d, d)
        inputs = [(shape, positive_definite(d, batch))]
        group.add("cholesky", each(lambda x: cholesky(x, d), d, batch), inputs, shape)
        group.add("log_determinant", each(lambda x: log_determinant(x, d), d, batch), inputs, lead)
        inputs = [(shape, indefinite(d, batch))]
        group.add(
            "symmetric_eigenvalues", each(lambda x: list(eigen(x, d)[0]), d, batch), inputs,
            lead + (d,))
        group.add(
            "symmetric_eigenvectors", each(lambda x: flat(eigen(x, d)[1]), d, batch), inputs, shape)
        for width, upper, transposed in [(1, False, False), (3, True, False), (2, False, True),
                                         (1, True, True)]:
            # A diagonal away from zero, on either side of it.
            t = [
                single(round(value + (2 if value > 0 else -2), 3))
                if i // d % d == i % d else value
                for i, value in enumerate(group.normal(batch * d * d))]
            group.add(
                "triangular_solve",
                each(lambda t, b: triangular_solve(t, b, d, upper, transposed), d, batch),
                [(shape, t), (lead + (d, width), group.normal(batch * d * width))],
                lead + (d, width), {"upper": upper, "transposed": transposed})
    # The correlation of a long row, and a matrix of large numbers.
    inputs = [((2, 2), [single(v) for v in [1, 0.999, 0.999, 1]])]
    group.add("cholesky", lambda x: cholesky(x, 2), inputs, (2, 2))
    group.add("log_determinant", lambda x: log_determinant(x, 2), inputs, ())
    inputs = [((2, 2), [single(v) for v in [4e20, 1e20, 1e20, 3e20]])]
    group.add("cholesky", lambda x: cholesky(x, 2), inputs, (2, 2))
    group.add("symmetric_eigenvalues", lambda x: list(eigen(x, 2)[0]), inputs, (2,))
    return group


if __name__ == "__main__":
    for make in (special_functions, sorting, linear_algebra):
        make().write()
