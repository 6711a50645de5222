"""How to tell what is wrong with an interval of a mean gain (exercise `paired-bootstrap`, notebook 02).

Right answers may draw their random numbers in any order, so no two need agree. But with accuracies in thousandths every
mean that a resample can have is known, and how probable it is: an interval is judged by the share of resamples that lie
below and above it.
"""

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer

N_RESAMPLES = 4000
OUTSIDE = 0.025  # of the resamples, on each side
TOLERANCE = 0.0125  # five standard errors of that share with so many resamples
SEEDS = range(4)

Array = np.ndarray


def _cases() -> dict[str, tuple[Array, Array, int, int]]:
    rng = np.random.default_rng(8)

    def people(n: int, gain: float, spread: float) -> tuple[Array, Array]:
        """People who differ far more from each other than by what retraining changes."""
        before = rng.integers(150, 850, n)
        return before / 1000, (before + rng.normal(gain, spread, n).round()) / 1000

    return {
        "twelve people": (*people(12, 70, 40), N_RESAMPLES, 0),
        "thirty people, hardly a gain": (*people(30, 5, 30), N_RESAMPLES, 1),
    }


def resampled_means(values: Array) -> tuple[Array, Array]:
    """Each mean that a resample of `values` (thousandths) can have, and the share of resamples below it, exactly.

    Half of those that are equal to it count as below.
    """
    n = len(values)
    steps = np.rint(1000 * values).astype(int)
    one_draw = np.bincount(steps - steps.min()) / n
    shares = np.ones(1)
    for _ in range(n):
        shares = np.convolve(shares, one_draw)
    return (np.arange(len(shares)) + n * steps.min()) / (1000 * n), np.cumsum(shares) - shares / 2


CASES = _cases()
_BEFORE, _AFTER, *_ = CASES["twelve people"]
_MEAN = float((_AFTER - _BEFORE).mean())
_MEANS, _BELOW = resampled_means(_AFTER - _BEFORE)
_LOW, _HIGH = np.interp([OUTSIDE, 1 - OUTSIDE], _BELOW, _MEANS)
_WIDTH = _HIGH - _LOW


def ends_swapped(answer: Answer) -> bool:
    low, high = _interval(answer)
    return _near(high, _LOW) and _near(low, _HIGH)


def sign_swapped(answer: Answer) -> bool:
    low, high = _interval(answer)
    return _near(low, -_HIGH) and _near(high, -_LOW)


def percent(answer: Answer) -> bool:
    low, high = _interval(answer)
    return _near(low / 100, _LOW) and _near(high / 100, _HIGH)


def no_width_at_the_mean(answer: Answer) -> bool:
    return all(abs(end - _MEAN) < 1e-3 * _WIDTH for end in _interval(answer))


def no_width(answer: Answer) -> bool:
    low, high = _interval(answer)
    return abs(high - low) < 1e-3 * _WIDTH


def over_people(answer: Answer) -> bool:
    """Whether it is as wide as the gains of people are: 2.7 to 3.7 times, by quantiles or by standard deviation."""
    low, high = _interval(answer)
    return low < _MEAN < high and 2.3 < (high - low) / _WIDTH < 5


def far_too_wide(answer: Answer) -> bool:
    """Resampling the people of one of the two already makes it seven times as wide, of both ten times."""
    low, high = _interval(answer)
    return high - low > 5 * _WIDTH


def ninety_percent(answer: Answer) -> bool:
    return abs(_outside(answer) - 0.10) < 2 * TOLERANCE


def extremes(answer: Answer) -> bool:
    return _outside(answer) < 0.004


def not_the_interval(answer: Answer) -> bool:
    def off(before: Array, after: Array, n_resamples: int, seed: int) -> bool:
        means, below = resampled_means(after - before)
        low, high = np.asarray(answer(before.copy(), after.copy(), n_resamples, seed), float)
        outside = np.interp(low, means, below), 1 - np.interp(high, means, below)
        return not all(abs(share - OUTSIDE) < TOLERANCE for share in outside)  # so that NaN is off

    return any(off(*case) for case in CASES.values())


def seed_ignored(answer: Answer) -> bool:
    first, *others = [_interval(answer, 100, seed) for seed in SEEDS]
    return all(other == first for other in others)


def not_repeatable(answer: Answer) -> bool:
    return any(_interval(answer, 100, seed) != _interval(answer, 100, seed) for seed in SEEDS)


def _interval(answer: Answer, n_resamples: int = N_RESAMPLES, seed: int = 0) -> tuple[float, float]:
    low, high = np.asarray(answer(_BEFORE.copy(), _AFTER.copy(), n_resamples, seed), float)
    return float(low), float(high)


def _near(found: float, end: float) -> bool:
    """Whether an end is where a mistake puts it: the luck of the draw moves it by a tenth of what is allowed."""
    return bool(abs(found - end) < 0.1 * _WIDTH)


def _outside(answer: Answer) -> float:
    """Share of the resamples outside the interval, both sides together."""
    low, high = _interval(answer)
    return float(np.interp(low, _MEANS, _BELOW) + 1 - np.interp(high, _MEANS, _BELOW))
