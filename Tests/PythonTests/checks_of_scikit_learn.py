"""scikit-learn's own checks of every estimator, a test each; run by pytest, as they are made for it.

What they find out among much else: scores and latents of an image do not depend on the others in the
array, nor on its place; nothing of a call stays in the estimator; hyper-parameters are kept and cloned;
fitted estimators can be pickled; sparse data and NaN are refused.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import vae_zoo
from vae_zoo._arrays import as_array, check_not_empty
from support import SMALL


def _repeated(kind: type) -> type:
    """A class that makes images of 2x2 equal pixels of rows of numbers, since it needs neighbours."""

    class Repeated(kind):
        __slots__ = ()

        def _shaped(self, images):
            count, features = images.shape
            return np.broadcast_to(images[:, None, None, :], (count, 2, 2, features))

        def _images(self, X, name="X"):
            return self._shaped(super()._images(X, name))

    Repeated.__name__ = Repeated.__qualname__ = kind.__name__ + "Repeated"
    Repeated.__module__ = __name__
    globals()[Repeated.__name__] = Repeated  # Where pickle looks for it.
    return Repeated


class _Told(vae_zoo.ConditionalVAE):
    """A conditional model that takes the first class, or a vector of zeros, where nobody says y.

    scikit-learn's checks call ``transform(X)`` and ``score_samples(X)`` alone. The estimator itself refuses that,
    which test_conditions.py holds it to.
    """

    __slots__ = ()

    def _condition(self, y, count, name="y"):
        if y is None and count is not None and hasattr(self, "_model"):
            if hasattr(self, "classes_"):
                y = np.full(count, self.classes_[0])
            else:
                y = np.zeros((count, self._model.condition_width))
        return super()._condition(y, count, name)


class _OfRows(vae_zoo.Classifier):
    """A classifier that makes images of 4x4 equal pixels of rows of numbers, since it takes images alone."""

    __slots__ = ()

    def _images(self, values, name):
        rows = as_array(values, name)
        if rows.ndim != 2:
            return super()._images(rows, name)
        check_not_empty(rows)
        return np.broadcast_to(rows[:, None, None, :], (len(rows), 4, 4, rows.shape[1]))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


# What looks at neighbouring pixels between 0 and 1: the checks give rows of any numbers, a single one among them, which
# these refuse in such words. All that the checks are about they share with the others.
_OF_PICTURES = {
    "MSSSIMVAE": "values between 0 and 1, but these data",
    "MultiscaleVAE": "these data are single pixels",
    "PerceptualVAE": "values between 0 and 1, but the data",
    "VAEGAN": "3×3 pixels and more, but these have 1×1",
    "VQGAN": "3×3 pixels and more, but these have 1×1",
}


def _estimators() -> list:
    def kind(name: str) -> type:
        found = getattr(vae_zoo, name)
        if name == "ConditionalVAE":
            return _Told
        return _repeated(found) if name.startswith("PixelCNN") else found

    return [
        kind(name)(epochs=1, **keywords) for name, keywords in SMALL.items() if name not in _OF_PICTURES
    ] + [_OfRows(epochs=4, batch_size=16, width=4, features=16, learning_rate=0.01)]


def _expected_failures(estimator) -> dict:
    """Checks that hold ``fit_transform(X, y)`` to ``transform(X)``, which is told nothing, or count the numbers of rows
    that became images."""
    if isinstance(estimator, _OfRows):
        names = ("check_n_features_in", "check_n_features_in_after_fitting")
        return {name: "an image has sixteen numbers for each of a row" for name in names}
    if not isinstance(estimator, _Told):
        return {}
    names = ("check_transformer_data_not_an_array", "check_transformer_general")
    return {name: "latents depend on y" for name in names}


def test_no_estimator_is_left_out():
    assert set(vae_zoo._BUILT_IN) == set(SMALL)


@pytest.mark.parametrize("name", sorted(_OF_PICTURES))
def test_what_needs_pictures_refuses_rows_of_numbers_by_name(name):
    rows = np.random.default_rng(0).normal(size=(20, 1))
    with pytest.raises(ValueError, match=_OF_PICTURES[name]):
        getattr(vae_zoo, name)(epochs=1, **SMALL[name]).fit(rows)


with warnings.catch_warnings():
    # Of not inheriting from BaseEstimator, which importing the module would need.
    warnings.simplefilter("ignore")
    _checks = parametrize_with_checks(_estimators(), expected_failed_checks=_expected_failures)


@_checks
def test_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)
