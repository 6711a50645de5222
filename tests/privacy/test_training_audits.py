"""Audits of whole trainings: ours stay below what was granted, and two leaks that no single step shows are caught."""

import math
from functools import partial

import numpy as np
import pytest
from scipy.stats import binom

from pmt_helpers.datasets import ActivityData
from pmt_helpers.privacy import (
    audit,
    audit_sampling,
    audit_training,
    dp_sgd,
    shuffled_batches,
    tuned_on_validation,
)
from pmt_helpers.privacy import noise as noise_source
from pmt_helpers.privacy.training_audits import epsilon_from_guesses


@pytest.mark.parametrize("seed", range(3))
def test_our_own_training_stays_below_what_was_granted_and_without_noise_far_above_one(
    watch: ActivityData, seed: int
) -> None:
    silent, eight, one = (audit_training(watch, epsilon=epsilon, seed=seed) for epsilon in (math.inf, 8.0, 1.0))
    assert eight.passed, str(eight)
    assert one.passed, str(one)
    assert 2.5 < silent.epsilon_at_least < 3.3  # a hundred right guesses of a hundred allow no more
    assert 0.5 < eight.epsilon_at_least < 2.0
    assert 0 <= one.epsilon_at_least < 0.6
    assert "no epsilon was granted" in str(silent)
    assert "far above the bound" in str(one)


@pytest.mark.parametrize("seed", range(3))
def test_a_validation_set_that_is_trained_on_shows_in_the_whole_training_alone(watch: ActivityData, seed: int) -> None:
    assert audit(seed=seed, trials=500).passed  # each of its private steps is ours
    found = audit_training(watch, tuned_on_validation, 1.0, seed=seed)
    assert not found.passed
    assert 1.2 < found.epsilon_at_least < 3.3
    assert "1.00 was granted" in str(found)


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_batches_accounted_as_poisson_show_in_many_short_trainings(seed: int) -> None:
    honest, shuffled = audit_sampling(seed=seed), audit_sampling(shuffled_batches, seed=seed)
    assert honest.passed, str(honest)
    assert honest.epsilon_at_least < 0.5
    assert not shuffled.passed
    assert shuffled.epsilon == honest.epsilon
    assert shuffled.epsilon_at_least > shuffled.epsilon + 0.2


def test_the_last_model_alone_does_not_show_that_batches_were_shuffled(
    watch: ActivityData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `audit_training` says it cannot see: the steps of a training are added up in its last model."""
    monkeypatch.setattr(dp_sgd, "coin_flips", partial(shuffled_batches, source=noise_source.secret_bytes))
    found = audit_training(watch, epsilon=1.0)
    assert found.passed
    assert found.epsilon_at_least < 0.6


def test_shuffled_batches_have_one_size_and_no_window_twice_in_an_epoch() -> None:
    drawn = shuffled_batches((10, 61), 6 / 60, np.random.default_rng(0).bytes)
    assert (drawn.sum(axis=1) == 6).all()
    assert drawn.sum(axis=0).max() == 1
    assert drawn.sum() == 60  # one is dropped, whichever comes last


def test_each_persons_canaries_are_audited_at_the_level_of_people(watch: ActivityData) -> None:
    found = audit_training(watch, canaries=300, guesses=60, level="user", insecure_seed=0)
    assert found.passed
    assert found.epsilon_at_least > 0


@pytest.mark.parametrize("guesses", [0, 7, 302])
def test_guesses_that_cannot_be_shared_out_are_refused(watch: ActivityData, guesses: int) -> None:
    with pytest.raises(ValueError, match="even, above 0 and at most 300"):
        audit_training(watch, canaries=300, guesses=guesses)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.5, 0.0), (2.0, 0.0), (2.0, 0.01), (4.0, 1e-3)])
def test_the_bound_from_guesses_holds_for_randomised_response(epsilon: float, delta: float) -> None:
    """Which tells each coin as it is with probability e^eps / (1 + e^eps), and for sure in a share delta of cases."""
    accuracy = delta + (1 - delta) / (1 + math.exp(-epsilon))
    runs = np.random.default_rng(0).binomial(200, accuracy, 2000)
    bounds = np.array([epsilon_from_guesses(200, 200, right, delta) for right in range(201)])
    assert (np.diff(bounds) >= 0).all()  # more right guesses never give less
    assert (bounds[runs] > epsilon).sum() <= binom.ppf(0.9999, 2000, 0.05)
    if delta == 0:
        assert np.mean(bounds[runs]) > 0.5 * epsilon
    assert bounds[0] == 0


def test_the_bound_is_that_of_the_papers_example() -> None:
    """Steinke, Nasr and Jagielski (2023), appendix D: 75 of 100 guesses about 1,000 canaries, at delta 1e-4."""
    assert epsilon_from_guesses(1000, 100, 75, 1e-4) == pytest.approx(0.673, abs=1e-3)
    assert epsilon_from_guesses(1000, 100, 75, 0.0) > 0.673
    with pytest.raises(ValueError, match="right <= guesses"):
        epsilon_from_guesses(1000, 100, 101, 1e-4)
