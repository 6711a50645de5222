"""How much privacy a mechanism spends, and how much noise a budget asks for; by Google's dp-accounting. Notebook 04.

Neighbouring data sets differ by one unit added or removed. "rdp" is Renyi accounting (Mironov, Talwar and Zhang 2019),
what most papers report; "pld" (privacy loss distributions) is tighter and takes seconds. Both are upper bounds.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import dp_accounting
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant

from pmt_helpers.privacy.mechanism import Mechanism, check_schedule, check_target

ACCOUNTANTS = {"rdp": RdpAccountant, "pld": PLDAccountant}
LEAST_NOISE, MOST_NOISE = 0.2, 1e5  # noise multipliers between which one is looked for
PRECISION = 1e-3  # of the noise multiplier, relative, and always on the safe side


def epsilon_of(
    mechanism: Mechanism, delta: float, *, n_units: int = 1, releases: Sequence[float] = (), accountant: str = "rdp"
) -> float:
    """The epsilon of a mechanism at `delta`, together with plain Gaussian `releases` of these noise multipliers.

    n_units: windows or people protected, of which delta must be less than one in. Raises ValueError for a delta that
    is not, and for an unknown accountant.
    """
    check_target(1.0, delta, n_units)
    schedule = mechanism.noise_multiplier, mechanism.sampling, mechanism.steps
    return _epsilon(*schedule, delta, tuple(releases), accountant)


def noise_for(epsilon: float, delta: float, sampling: float, steps: int, *, releases: Sequence[float] = ()) -> float:
    """The smallest noise multiplier with which `steps` noisy sums, and the `releases`, stay within epsilon ("rdp").

    Raises ValueError when the releases alone cost as much as epsilon.
    """
    check_target(epsilon, delta, 1)
    check_schedule(sampling, steps)
    return _noise(float(epsilon), delta, sampling, steps, tuple(releases))


def release_noise(epsilon: float, delta: float) -> float:
    """The noise multiplier of a single Gaussian release that costs epsilon ("rdp")."""
    return noise_for(epsilon, delta, 1.0, 1)


@lru_cache(maxsize=256)
def _noise(epsilon: float, delta: float, sampling: float, steps: int, releases: tuple[float, ...]) -> float:
    def spent(noise: float) -> float:
        return _epsilon(noise, sampling, steps, delta, releases, "rdp")

    if spent(MOST_NOISE) > epsilon:
        raise ValueError(
            f"epsilon {epsilon:g} at delta {delta:g} cannot be had with {steps} steps"
            + (f" and releases of noise {releases}, which cost as much alone" if releases else "")
        )
    low, high = LEAST_NOISE, 1.0  # high is always enough noise
    while spent(high) > epsilon:
        low, high = high, 2 * high
    while high - low > PRECISION * high and high > LEAST_NOISE:
        middle = (low + high) / 2
        low, high = (middle, high) if spent(middle) > epsilon else (low, middle)
    return high


@lru_cache(maxsize=1024)
def _epsilon(
    noise: float, sampling: float, steps: int, delta: float, releases: tuple[float, ...], accountant: str
) -> float:
    if accountant not in ACCOUNTANTS:
        raise ValueError(f"unknown accountant {accountant!r}; choose one of {', '.join(ACCOUNTANTS)}")
    step: dp_accounting.DpEvent = dp_accounting.GaussianDpEvent(noise)
    if sampling < 1:
        step = dp_accounting.PoissonSampledDpEvent(sampling, step)
    counted = ACCOUNTANTS[accountant]()
    with _quiet():
        counted.compose(dp_accounting.SelfComposedDpEvent(step, steps))
        for release in releases:
            counted.compose(dp_accounting.GaussianDpEvent(release))
        return float(counted.get_epsilon(delta))


@contextmanager
def _quiet() -> Iterator[None]:
    """absl warns about every Renyi order that it leaves out; the bound is the least over orders, so it stays one."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
