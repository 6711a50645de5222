"""The epsilon that is printed is the one that others published, never smaller; numbers that void it are refused."""

import logging
import math

import dp_accounting
import numpy as np
import pytest
from dp_accounting.rdp import RdpAccountant
from scipy.integrate import trapezoid
from scipy.optimize import brentq
from scipy.stats import binom, norm

from pmt_helpers.privacy import Mechanism, calibrate_noise, epsilon_of, renyi_epsilon
from pmt_helpers.privacy.accountant import GROUP_INTERVAL, PRECISION, check_target

DELTA = 1e-5
UNITS = 60_000  # of MNIST
MNIST = 256 / 60_000  # the sampling of every published MNIST run below
PUBLISHED = [
    # github.com/tensorflow/privacy, tutorials/README.md, "Select Parameters": noise, epochs and epsilon
    pytest.param(1.12, MNIST, 60, 2.92, id="TensorFlow Privacy tutorial, 60 epochs"),
    pytest.param(0.6, MNIST, 30, 9.74, id="TensorFlow Privacy tutorial, 30 epochs"),
    pytest.param(1.2, MNIST, 10, 1.20, id="TensorFlow Privacy tutorial, 10 epochs"),
    # Bu, Dong, Long and Su (2020), Deep Learning with Gaussian Differential Privacy, figure 4: moments accountant
    pytest.param(1.3, MNIST, 20, 1.34, id="Bu et al., 20 epochs"),
    pytest.param(0.7, MNIST, 70, 8.68, id="Bu et al., 70 epochs"),
    # Abadi et al. (2016), Deep Learning with Differential Privacy, section 3.2: q 0.01, sigma 4, 10,000 steps
    pytest.param(4.0, 0.01, 100, 1.26, id="Abadi et al., 100 epochs"),
]
# github.com/DPBayes/PLD-Accountant (Koskela et al. 2020), examples/simple_usage_example.py, and a value of its tests:
# noise, delta at epsilon 1 after 10,000 steps of sampling 0.01, tight up to numerics
TIGHT = [(4.0, 4.243484012034273e-06), (2.0, 0.010224911126651472)]


@pytest.mark.parametrize(("noise", "sampling", "epochs", "published"), PUBLISHED)
def test_published_epsilons_are_found_again(noise: float, sampling: float, epochs: int, published: float) -> None:
    steps = int(epochs / sampling)
    ours = renyi_epsilon(noise, sampling, steps, DELTA)
    assert ours == pytest.approx(published, rel=0.035)  # whole orders only, where the papers took tenths
    used = epsilon_of(Mechanism(1.0, noise, sampling, steps), DELTA, n_units=UNITS)
    tight = epsilon_of(Mechanism(1.0, noise, sampling, steps), DELTA, n_units=UNITS, accountant="pld")
    assert tight < used < ours  # the same divergences, a newer conversion; and losses counted out


@pytest.mark.parametrize(("noise", "delta"), TIGHT)
def test_the_tight_accountant_meets_the_fourier_accountant(noise: float, delta: float) -> None:
    found = epsilon_of(Mechanism(1.0, noise, 0.01, 10_000), delta, n_units=1, accountant="pld")
    assert found == pytest.approx(1.0, abs=1e-3)
    assert found >= 1.0  # never on the dangerous side


@pytest.mark.parametrize("noise", [0.8, 2.0, 5.0])
def test_one_release_costs_what_the_closed_form_says(noise: float) -> None:
    """Balle and Wang (2018), theorem 8: the exact delta of the Gaussian mechanism at an epsilon."""

    def excess(epsilon: float) -> float:
        near, far = 0.5 / noise - epsilon * noise, -0.5 / noise - epsilon * noise
        return float(norm.cdf(near) - np.exp(epsilon) * norm.cdf(far)) - DELTA

    exact = brentq(excess, 0, 30)
    once = Mechanism(1.0, noise, 1.0, 1)
    assert epsilon_of(once, DELTA, n_units=UNITS, accountant="pld") == pytest.approx(exact, abs=1e-4)
    assert exact < epsilon_of(once, DELTA, n_units=UNITS) < 1.15 * exact


@pytest.mark.parametrize("epsilon", [8.0, 3.0, 1.0, 0.5])
def test_the_noise_found_keeps_within_the_budget_and_wastes_none_of_it(epsilon: float) -> None:
    noise = calibrate_noise(epsilon, DELTA, 0.061, 500, n_units=UNITS)
    assert 0.99 * epsilon < epsilon_of(Mechanism(1.0, noise, 0.061, 500), DELTA, n_units=UNITS) <= epsilon


@pytest.mark.parametrize("epsilon", [8.0, 0.5])
def test_the_noise_found_is_just_above_that_of_dp_accountings_own_search(epsilon: float) -> None:
    def training(noise: float) -> dp_accounting.DpEvent:
        step = dp_accounting.PoissonSampledDpEvent(0.061, dp_accounting.GaussianDpEvent(noise))
        return dp_accounting.SelfComposedDpEvent(step, 500)

    bracket = dp_accounting.LowerEndpointAndGuess(0.2, 1.0)
    least = dp_accounting.calibrate_dp_mechanism(RdpAccountant, training, epsilon, DELTA, bracket)
    assert least <= calibrate_noise(epsilon, DELTA, 0.061, 500, n_units=UNITS) < least * (1 + 2 * PRECISION)


def test_what_the_scaler_releases_is_paid_with_more_noise_on_the_gradients() -> None:
    release = calibrate_noise(0.8, DELTA, 1.0, 1, n_units=UNITS)
    alone, together = (
        calibrate_noise(8.0, DELTA, 0.061, 500, n_units=UNITS),
        calibrate_noise(8.0, DELTA, 0.061, 500, n_units=UNITS, releases=[release]),
    )
    assert together > alone
    mechanism = Mechanism(1.0, together, 0.061, 500)
    spent = epsilon_of(mechanism, DELTA, n_units=UNITS, releases=[release])
    assert epsilon_of(mechanism, DELTA, n_units=UNITS) < spent <= 8.0


def test_more_steps_more_sampling_and_less_noise_all_cost_more() -> None:
    usual = epsilon_of(Mechanism(1.0, 2.0, 0.05, 200), DELTA, n_units=UNITS)
    for costlier in (Mechanism(1.0, 2.0, 0.05, 400), Mechanism(1.0, 2.0, 0.1, 200), Mechanism(1.0, 1.5, 0.05, 200)):
        assert epsilon_of(costlier, DELTA, n_units=UNITS) > usual
    assert epsilon_of(Mechanism(7.0, 2.0, 0.05, 200), DELTA, n_units=UNITS) == usual  # noise is counted in clips


def test_a_group_that_is_always_in_the_batch_is_a_unit_that_pulls_as_far_as_all_of_it() -> None:
    together = epsilon_of(Mechanism(1.0, 12.0, 1.0, 20), DELTA, n_units=UNITS, group_size=4)
    alone = epsilon_of(Mechanism(1.0, 3.0, 1.0, 20), DELTA, n_units=UNITS, accountant="pld")
    assert alone <= together < alone + 2 * GROUP_INTERVAL


def test_two_windows_of_a_batch_that_is_drawn_once_cost_what_numerical_integration_says() -> None:
    noise, sampling_prob = 2.0, 0.3
    outcome = np.linspace(-20, 24, 400_001)
    without = norm.pdf(outcome, 0, noise)
    with_them = sum(
        chance * norm.pdf(outcome, k, noise) for k, chance in enumerate(binom.pmf(range(3), 2, sampling_prob))
    )

    def excess(epsilon: float) -> float:
        gaps = (with_them - math.exp(epsilon) * without, without - math.exp(epsilon) * with_them)
        return max(trapezoid(np.maximum(gap, 0), outcome) for gap in gaps) - DELTA

    exact = brentq(excess, 0, 30)
    once = Mechanism(1.0, noise, sampling_prob, 1)
    assert exact <= epsilon_of(once, DELTA, n_units=UNITS, group_size=2) < exact + 2 * GROUP_INTERVAL


def test_ten_windows_cost_far_more_than_ten_times_one() -> None:
    mechanism = Mechanism(1.0, calibrate_noise(8.0, DELTA, 0.061, 500, n_units=UNITS), 0.061, 500)
    assert epsilon_of(mechanism, DELTA, n_units=UNITS, group_size=10) > 15 * 8


@pytest.mark.parametrize("group_size", [0, -1, 2.0, math.nan])
def test_a_group_of_nobody_is_refused(group_size: float) -> None:
    with pytest.raises(ValueError, match="group_size must be a whole number from 1"):
        epsilon_of(Mechanism(1.0, 2.0, 0.5, 10), DELTA, n_units=UNITS, group_size=group_size)


def test_a_budget_that_the_releases_have_eaten_up_is_refused() -> None:
    with pytest.raises(ValueError, match="releases of noise"):
        calibrate_noise(0.5, DELTA, 0.061, 500, n_units=UNITS, releases=[1.0])


def test_a_delta_that_would_let_a_unit_be_published_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="not below 1/35"):
        epsilon_of(Mechanism(1.0, 2.0, 0.5, 100), 0.03, n_units=35)
    with pytest.raises(ValueError, match="rdp, pld"):
        epsilon_of(Mechanism(1.0, 2.0, 0.5, 100), DELTA, n_units=UNITS, accountant="moments")


def test_searching_for_noise_says_nothing_on_the_screen(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        calibrate_noise(37.0, DELTA, 0.061, 501, n_units=UNITS)
    assert not caplog.records


GOOD = {"clip_norm": 1.0, "noise_multiplier": 1.1, "sampling_prob": 0.06, "steps": 500}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"noise_multiplier": 0.0}, "Without noise there is no guarantee"),
        ({"noise_multiplier": -1.0}, "noise_multiplier must be"),
        ({"noise_multiplier": math.nan}, "noise_multiplier must be"),
        ({"clip_norm": None}, "as far as it likes"),
        ({"clip_norm": 0.0}, "above 0"),
        ({"clip_norm": math.inf}, "as far as it likes"),
        ({"sampling_prob": 0.0}, "probability"),
        ({"sampling_prob": 1.5}, "probability"),
        ({"steps": 0}, "whole number"),
        ({"steps": 2.5}, "whole number"),
    ],
)
def test_a_mechanism_without_a_guarantee_cannot_be_made(changed: dict, reason: str) -> None:
    assert Mechanism(**GOOD)
    with pytest.raises((ValueError, TypeError), match=reason):
        Mechanism(**{**GOOD, **changed})


@pytest.mark.parametrize(
    ("epsilon", "delta", "reason"),
    [(0.0, 1e-5, "epsilon"), (-1.0, 1e-5, "epsilon"), (1.0, 0.0, "delta"), (1.0, 1.0, "delta"), (1.0, 0.02, "1/50")],
)
def test_a_target_that_says_nothing_is_refused(epsilon: float, delta: float, reason: str) -> None:
    check_target(1.0, 1e-5, 50)
    with pytest.raises(ValueError, match=reason):
        check_target(epsilon, delta, 50)
