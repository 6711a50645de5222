"""Batches are coin flips: everybody's own, each step's own, and of no fixed size."""

import numpy as np
import pytest
from scipy.stats import binom, kstest

from pmt_helpers.privacy.dp_sgd import poisson_batches


@pytest.fixture(scope="module")
def taking_part() -> np.ndarray:
    """(steps, units) bool: who was drawn when."""
    rows, mask = poisson_batches(400, 0.061, 3000, np.random.default_rng(0))
    drawn = np.zeros((3000, 400), bool)
    step, place = np.nonzero(mask)
    drawn[step, rows[step, place]] = True
    assert drawn.sum() == mask.sum()  # nobody twice in one step
    return drawn


def test_everybody_is_drawn_at_the_rate_asked_for(taking_part: np.ndarray) -> None:
    n = len(taking_part)
    rates = taking_part.mean(0)
    assert abs(rates.mean() - 0.061) < 4 * np.sqrt(0.061 * 0.939 / taking_part.size)
    spread = np.sqrt(0.061 * 0.939 / n)
    assert np.abs(rates - 0.061).max() < 5 * spread
    assert rates.std() == pytest.approx(spread, rel=0.15)


def test_batch_sizes_are_binomial_and_so_not_fixed(taking_part: np.ndarray) -> None:
    sizes = taking_part.sum(1)
    jittered = sizes - np.random.default_rng(1).random(len(sizes))  # a continuous copy, for the test
    cdf = lambda x: binom.cdf(np.ceil(x) - 1, 400, 0.061) + binom.pmf(np.ceil(x), 400, 0.061) * (x - np.ceil(x) + 1)  # noqa: E731
    assert kstest(jittered, cdf).pvalue > 0.01
    assert kstest(np.full(len(sizes), 24.4), cdf).pvalue < 1e-6  # what fixed batches would look like


def test_nobody_is_drawn_because_somebody_else_is(taking_part: np.ndarray) -> None:
    between = np.corrcoef(taking_part[:, :60].T)[np.triu_indices(60, 1)]
    assert np.abs(between).max() < 5 / np.sqrt(len(taking_part))  # fixed batches push every pair below zero
    in_time = [np.corrcoef(taking_part[:-1, unit], taking_part[1:, unit])[0, 1] for unit in range(60)]
    assert np.abs(in_time).max() < 5 / np.sqrt(len(taking_part))


def test_a_step_may_be_empty_and_the_last_places_do_not_count() -> None:
    rows, mask = poisson_batches(3, 0.2, 50, np.random.default_rng(0), multiple=8)
    assert rows.shape == mask.shape == (50, 8)
    assert (mask.sum(1) == 0).any()
    assert mask[:, 3:].sum() == 0


def test_sampling_of_one_takes_everybody() -> None:
    rows, mask = poisson_batches(5, 1.0, 2, np.random.default_rng(0))
    assert (rows == np.arange(5)).all()
    assert mask.all()
