"""The scaler: mean 0, deviation 1, gaps at the mean, and nothing learnt from the person it will meet."""

import numpy as np
import pytest

from pmt_helpers.activity.weights import Preprocessor


def test_scaled_features_have_mean_zero_and_deviation_one_and_no_gaps() -> None:
    X = np.random.default_rng(0).normal([1, -5, 100], [1, 3, 50], size=(200, 3)).astype(np.float32)
    X[:20, 1] = np.nan
    scaled = Preprocessor.fit(X).transform(X)
    assert not np.isnan(scaled).any()
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[20:].std(0), 1, atol=0.1)
    assert (scaled[:20, 1] == 0).all()


def test_a_constant_feature_such_as_wisdms_xavg_becomes_zero_not_nan() -> None:
    scaled = Preprocessor.fit(np.zeros((5, 2))).transform(np.zeros((3, 2)))
    np.testing.assert_array_equal(scaled, 0)


def test_what_cannot_be_scaled_is_refused_with_the_reason() -> None:
    fitted = Preprocessor.fit(np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"takes \(n_windows, 3\)"):
        fitted.transform(np.ones((4, 2)))
    with pytest.raises(ValueError, match="1 of 4 windows hold infinity"):
        fitted.transform(np.array([[1, np.inf, 1], *[[1, 1, 1]] * 3]))
    with pytest.raises(ValueError, match="zero windows"):
        Preprocessor.fit(np.empty((0, 3)))
    with pytest.raises(ValueError, match=r"columns \[1\]"):
        Preprocessor.fit(np.array([[1, np.nan], [2, np.nan]]))
