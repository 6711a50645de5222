"""The audit passes what keeps its promise, and catches four that do not."""

import numpy as np
import pytest

from pmt_helpers.privacy import LEAKY, Mechanism, audit, clip_and_noise, epsilon_of, on_gradients
from pmt_helpers.privacy.auditing import epsilon_lower_bound

CAUGHT_BY = {
    "noise left out": ("the noise has", "told apart"),
    "clipped by batch": ("moves the sum", "told apart"),
    "noise on the mean": ("the noise has", "told apart"),
    "clipped by coordinate": ("moves the sum", "told apart"),
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

    assert "the noise has deviation" in str(audit(on_gradients(half), trials=1000))


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
