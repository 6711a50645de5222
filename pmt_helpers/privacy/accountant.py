"""How much privacy a mechanism spends, and how much noise a budget asks for; by Google's dp-accounting. Notebook 05.

Neighbouring data sets differ by one unit added or removed. "rdp" is Renyi accounting (Mironov, Talwar and Zhang 2019),
what most papers report; "pld" (privacy loss distributions) is tighter and takes seconds. Both are upper bounds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import dp_accounting
from dp_accounting.dp_event import MixtureOfGaussiansDpEvent
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from scipy.stats import binom

from pmt_helpers.datasets.doors import check_fields
from pmt_helpers.datasets.logs import quiet

ACCOUNTANTS = {"rdp": RdpAccountant, "pld": PLDAccountant}
LEAST_NOISE, MOST_NOISE = 0.2, 1e5  # noise multipliers between which one is looked for
GROUP_INTERVAL = 1e-2  # of privacy losses, for groups: epsilon is too high by as much at most
PRECISION = 1e-3  # of the noise multiplier, relative, and always on the safe side


@dataclass(frozen=True)
class Mechanism:
    """DP-SGD's noisy sum, `steps` times, on Poisson batches: each unit takes part with probability `sampling_prob`.

    A unit is what is protected: one window, or one volunteer with all their windows. clip_norm: the largest L2 norm of
    one unit's gradient; noise_multiplier: standard deviation of the noise on each coordinate of the sum, in clip norms.
    Shuffled or fixed-size batches are not Poisson batches: for them the accountant's epsilon would be too small.
    Raises ValueError for numbers with which nothing is guaranteed.
    """

    clip_norm: float
    noise_multiplier: float
    sampling_prob: float
    steps: int

    def __post_init__(self) -> None:
        check_fields(self)
        check_clip_norm(self.clip_norm)
        if not (_is_number(self.noise_multiplier) and 0 < self.noise_multiplier < math.inf):
            raise ValueError(
                f"noise_multiplier must be a number above 0; got {self.noise_multiplier!r}. Without noise there is no "
                "guarantee: any two sums can be distinguished"
            )
        check_schedule(self.sampling_prob, self.steps)


def check_clip_norm(clip_norm: float) -> None:
    """Raises ValueError unless clip_norm is a number above 0."""
    if not (_is_number(clip_norm) and 0 < clip_norm < math.inf):
        raise ValueError(
            f"clip must be a number above 0; got {clip_norm!r}. Without it one unit can move the sum as far as it "
            "likes, and no noise is large enough"
        )


def check_schedule(sampling_prob: float, steps: int) -> None:
    """Raises ValueError unless sampling_prob is a probability above 0 and steps a whole number from 1 on."""
    if not (_is_number(sampling_prob) and 0 < sampling_prob <= 1):
        raise ValueError(f"sampling is each unit's probability in a step, above 0 and at most 1; got {sampling_prob!r}")
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number from 1 on; got {steps!r}")


def check_target(epsilon: float, delta: float, n_units: int) -> None:
    """Raises ValueError for an epsilon or delta that says nothing about `n_units` protected windows or people."""
    if not (_is_number(epsilon) and epsilon > 0):
        raise ValueError(f"epsilon must be a number above 0 (math.inf for no noise at all); got {epsilon!r}")
    if not (_is_number(delta) and 0 < delta < 1):
        raise ValueError(f"delta must be above 0 and far below 1; got {delta!r}. Gaussian noise never reaches delta 0")
    if delta * n_units >= 1:
        raise ValueError(
            f"delta {delta:g} is not below 1/{n_units}: publishing one of the {n_units} units whole would be allowed. "
            f"Take one well below {1 / n_units:.1e}"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def epsilon_of(
    mechanism: Mechanism, delta: float,
    *, n_units: int, releases: Sequence[float] = (), accountant: str = "rdp", group_size: int = 1,
) -> float:  # fmt: skip
    """The epsilon of a mechanism of Poisson-sampled batches at `delta`, together with plain Gaussian `releases`.

    Parameters
    ----------
    n_units: how many windows or people are protected; delta must be less than one in n_units.
    releases: noise multipliers of what else was published about the same units.
    accountant: "rdp" or "pld".
    group_size: how many units are hidden together, such as all windows of a person. Above 1 the accountant is "pld", on
        a mixture of Gaussians: any number of the group may be in a batch (Ganesh 2024).

    Raises ValueError for a delta that is too large, for an unknown accountant and for a group of nobody.
    """
    check_target(1.0, delta, n_units)
    if not isinstance(group_size, int) or group_size < 1:
        raise ValueError(f"group_size must be a whole number from 1 on; got {group_size!r}")
    schedule = mechanism.noise_multiplier, mechanism.sampling_prob, mechanism.steps
    return _epsilon(*schedule, delta, tuple(releases), accountant if group_size == 1 else "pld", group_size)


def calibrate_noise(
    epsilon: float, delta: float, sampling_prob: float, steps: int, *, n_units: int, releases: Sequence[float] = ()
) -> float:
    """The smallest noise multiplier with which `steps` noisy sums, and the `releases`, stay within epsilon ("rdp").

    Found by bisection, up to PRECISION above the value of dp_accounting.calibrate_dp_mechanism: the stored results were
    made with it, and any other number would be other noise. Parameters as for `epsilon_of`.
    Raises ValueError when the releases alone cost as much as epsilon.
    """
    check_target(epsilon, delta, n_units)
    check_schedule(sampling_prob, steps)
    return _noise(float(epsilon), delta, sampling_prob, steps, tuple(releases))


@lru_cache(maxsize=256)
def _noise(epsilon: float, delta: float, sampling_prob: float, steps: int, releases: tuple[float, ...]) -> float:
    def spent(noise: float) -> float:
        return _epsilon(noise, sampling_prob, steps, delta, releases, "rdp")

    if spent(MOST_NOISE) > epsilon:
        raise ValueError(
            f"epsilon {epsilon:g} at delta {delta:g} cannot be reached with {steps} steps"
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
    noise: float, sampling_prob: float, steps: int, delta: float, releases: tuple[float, ...], accountant: str,
    group_size: int = 1,
) -> float:  # fmt: skip
    if accountant not in ACCOUNTANTS:
        raise ValueError(f"unknown accountant {accountant!r}; choose one of {', '.join(ACCOUNTANTS)}")
    step: dp_accounting.DpEvent = dp_accounting.GaussianDpEvent(noise)
    ledger = ACCOUNTANTS[accountant]()
    if group_size > 1:
        in_batch = range(group_size + 1)
        chances = [float(chance) for chance in binom.pmf(in_batch, group_size, sampling_prob)]
        step = MixtureOfGaussiansDpEvent(noise, list(map(float, in_batch)), chances)
        ledger = PLDAccountant(value_discretization_interval=GROUP_INTERVAL)
        releases = tuple(release / group_size for release in releases)
    elif sampling_prob < 1:
        step = dp_accounting.PoissonSampledDpEvent(sampling_prob, step)
    with quiet("absl"):  # it warns about each Renyi order that it leaves out; the bound is the least over orders anyway
        ledger.compose(dp_accounting.SelfComposedDpEvent(step, steps))
        for release in releases:
            ledger.compose(dp_accounting.GaussianDpEvent(release))
        return float(ledger.get_epsilon(delta))
