"""The scaler is part of what is published: either it knows nobody, or it is as noisy as the weights."""

import numpy as np
import pytest

from pmt_helpers.activity.weights import Preprocessor
from pmt_helpers.datasets import ActivityData
from pmt_helpers.privacy import private_scaler, public_scaler
from pmt_helpers.privacy.noise import Grid
from pmt_helpers.privacy.scaler import NORM, unit_moments


def test_public_constants_fit_real_people_roughly(watch: ActivityData) -> None:
    scaled = public_scaler(watch.feature_names).transform(watch.X)
    assert np.abs(scaled.mean(0)).max() < 2
    assert 0.2 < scaled.std(0).min() < scaled.std(0).max() < 3


def test_a_feature_of_unknown_meaning_has_no_public_scale() -> None:
    with pytest.raises(ValueError, match="'HEARTRATE'"):
        public_scaler(("X0", "HEARTRATE"))


def test_no_window_and_no_person_moves_the_moments_further_than_their_bound(watch: ActivityData) -> None:
    start = public_scaler(watch.feature_names)
    X = watch.X[:300].copy()
    X[0] = 1e6
    X[1] = np.nan
    grid = Grid(NORM, 2 * NORM)
    norms = np.array([np.linalg.norm(grid.truncated(m)) for m in unit_moments(X, np.arange(300), start)]) * grid.step
    assert norms.max() <= NORM
    assert norms[0] == pytest.approx(NORM, rel=1e-5)
    assert norms[1] == 0  # all missing: as if typical
    people = unit_moments(watch.X, watch.users, start)
    assert people.shape == (10, 86)
    assert np.linalg.norm(people, axis=1).max() <= NORM  # nearly nobody is cut


def test_the_noise_on_the_means_is_what_was_paid_for(watch: ActivityData) -> None:
    """Over many draws, each feature's mean wanders by noise_multiplier x NORM / n, in public ranges."""
    X, groups, names = watch.X[:200], np.arange(200), watch.feature_names
    means = np.array([private_scaler(X, groups, names, 2.0).mean for _ in range(300)])
    in_ranges = means.std(0) / (4 * public_scaler(names).scale)
    assert in_ranges.mean() == pytest.approx(2.0 * NORM / 200, rel=0.05)


def test_with_little_noise_it_is_nearly_the_fitted_one(watch: ActivityData) -> None:
    fitted = Preprocessor.fit(watch.X)
    private = private_scaler(watch.X, np.arange(len(watch)), watch.feature_names, 1.0)
    assert np.abs((private.mean - fitted.mean) / fitted.scale).max() < 0.15
    np.testing.assert_allclose(private.scale, fitted.scale, rtol=0.3)


def test_however_loud_the_noise_every_scale_stays_positive(watch: ActivityData) -> None:
    loud = private_scaler(watch.X, watch.users, watch.feature_names, 500.0)
    assert (loud.scale > 0).all()
    assert np.isfinite(loud.transform(watch.X)).all()
