"""The audit of one step passes what keeps its promise and catches what does not; two attacks look where it cannot."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import binom, norm

from pmt_helpers.datasets import ActivityData
from pmt_helpers.privacy import (
    LEAKY,
    Mechanism,
    audit,
    clip_and_noise,
    digits_attack,
    epsilon_of,
    noisy_counts,
    on_gradients,
    replay_attack,
    single_precision_noise,
    train_shared_private,
)
from pmt_helpers.privacy.auditing import epsilon_lower_bound

CAUGHT_BY = {
    "noise left out": ("the noise has", "can be distinguished"),
    "clipped by batch": ("moves the sum", "can be distinguished"),
    "noise on the mean": ("the noise has", "can be distinguished"),
    "clipped by coordinate": ("moves the sum", "can be distinguished"),
}


@pytest.mark.parametrize("noise", [1.0, 2.5])
def test_our_step_and_the_plain_one_pass(noise: float) -> None:
    for step in (None, on_gradients(clip_and_noise)):
        found = audit(step, noise_multiplier=noise, trials=1000)
        assert found.passed, str(found)
        assert found.sensitivity == pytest.approx(1.0, rel=1e-3)  # a canary was found that uses the clip up
        assert 0 < found.epsilon_at_least < found.epsilon
        assert 0.5 < found.adversary_accuracy < 0.75


@pytest.mark.parametrize("name", list(LEAKY))
def test_a_leaky_variant_is_caught_and_told_why(name: str) -> None:
    found = audit(on_gradients(LEAKY[name]), clip_norm=0.7, trials=1000, noise_multiplier=1.5)
    assert not found.passed
    assert len(found.problems) == len(CAUGHT_BY[name])
    for reason in CAUGHT_BY[name]:
        assert reason in str(found)
    assert found.adversary_accuracy > 0.95


def test_half_the_noise_is_caught_too() -> None:
    def half(gradients: np.ndarray, clip_norm: float, noise: float, rng: np.random.Generator) -> np.ndarray:
        return clip_and_noise(gradients, clip_norm, noise / 2, rng)

    assert "the noise has standard deviation" in str(audit(on_gradients(half), trials=1000))


@pytest.mark.parametrize("noise", [0.7, 1.0, 3.0])
def test_the_lower_bound_stays_below_the_truth_and_rises_with_it(noise: float) -> None:
    truth = epsilon_of(Mechanism(1.0, noise, 1.0, 1), 1e-5, n_units=1, accountant="pld")
    rng = np.random.default_rng(0)
    bounds = [
        epsilon_lower_bound(1 + noise * rng.standard_normal(2000), noise * rng.standard_normal(2000), 1e-5)[0]
        for _ in range(20)
    ]
    assert max(bounds) < truth
    assert np.mean(bounds) > 0.1 * truth


def test_two_halves_of_the_same_runs_are_not_told_apart() -> None:
    rng = np.random.default_rng(0)
    bound, accuracy = epsilon_lower_bound(rng.standard_normal(2000), rng.standard_normal(2000), 1e-5)
    assert bound < 0.3
    assert abs(accuracy - 0.5) < 0.05


# Two attacks that no audit of size sees


def by_chance(right: int, trials: int, accuracy: float = 0.5) -> bool:
    """Whether so many right guesses are what an adversary of this accuracy gets, in 999 of 1,000 cases."""
    low, high = binom.interval(0.999, trials, accuracy)
    return bool(low <= right <= high)


@pytest.mark.parametrize("noise", [1.0, 3.0, 10.0])
def test_digits_of_single_precision_noise_tell_the_data_and_those_of_whole_numbers_do_not(noise: float) -> None:
    old = on_gradients(single_precision_noise)
    assert audit(old, noise_multiplier=noise, trials=500).passed  # the size is right: that is not where it leaks
    assert digits_attack(old, noise_multiplier=noise) == 40
    best = norm.cdf(0.5 / noise)  # of all tests, on even odds: .69 at 1
    for seed in range(3):
        right = digits_attack(noise_multiplier=noise, seed=seed)
        assert by_chance(right, 40) or by_chance(right, 40, best)


@pytest.mark.parametrize(("insecure_seed", "rounds"), [(0, 6), (None, 20)])
def test_who_knows_the_seed_finds_the_window_and_secret_noise_hides_it(
    few_windows: ActivityData, insecure_seed: int | None, rounds: int
) -> None:
    rng = np.random.default_rng(1)

    def release(data: ActivityData) -> np.ndarray:
        options = {"insecure_seed": insecure_seed, "steps": 60, "sampling": 0.1}
        return np.concatenate([w.ravel() for w in train_shared_private(data, 3, 1.0, **options).model.get_weights()])

    right = 0
    for window in rng.choice(np.flatnonzero(few_windows.users != 3), rounds):
        candidates = few_windows, few_windows.select(np.arange(len(few_windows)) != window)
        truth = int(rng.integers(2))
        right += replay_attack(release, candidates, release(candidates[truth])) == truth
    assert right == 6 if insecure_seed == 0 else by_chance(right, rounds)


def test_who_knows_the_seed_reads_every_count_through_the_noise() -> None:
    counts = csr_array(np.random.default_rng(1).poisson(0.3, (30, 200)))
    how = {"epsilon": 1.0, "delta": 1e-5, "tokens": 100, "mechanism": "laplace"}
    exact, empty = np.asarray(counts.sum(axis=0)), csr_array(([1], ([0], [0])), shape=(30, 200))

    def read(insecure_seed: int | None) -> float:
        """Share of the counts that are right once the noise of one nearly empty table is subtracted."""
        published, noise = (noisy_counts(None, c, **how, insecure_seed=insecure_seed) for c in (counts, empty))
        return float((np.round(published - noise)[0, 1:] == exact[1:]).mean())

    assert read(0) == 1
    assert read(None) < 0.05
