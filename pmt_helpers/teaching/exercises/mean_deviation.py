"""Exercise `feature-by-hand` (notebook 01): the mean absolute deviation of each axis, one of the 43 features."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake


def mean_absolute_deviation(window: np.ndarray) -> np.ndarray:
    """Mean over readings of |a - mean(a)|, for each axis. window: (readings, 3), m/s2. Returns (3,)."""
    return np.abs(window - window.mean(axis=0)).mean(axis=0)


def _cases() -> dict[str, tuple[np.ndarray]]:
    rng = np.random.default_rng(1)
    seconds = np.arange(100) / 20
    stride = np.sin(2 * np.pi * 2 * seconds)[:, None] * [1.0, 4.0, 2.0] + [0.5, 9.8, -1.0]
    bumps = rng.exponential(1.0, (40, 3)) * [1.0, 2.0, 5.0]  # skewed, so the median is far from the mean
    return {
        "a walk": (stride + rng.normal(0, 0.3, (100, 3)),),
        "bumps": (bumps,),
        "five readings": (rng.normal(0, 1, (5, 3)) + np.array([0.0, 9.8, 0.0]),),
    }


_SPREAD = (
    "this is the standard deviation: it squares the distances before it averages them. "
    "The mean absolute deviation takes their absolute value instead."
)
_ONE_NUMBER = (
    "this is one number for the whole window. Average over the readings only, and keep one value for each axis."
)
_PER_READING = (
    "this has one value for each reading. Average along the readings (the first axis), not across x, y and z."
)

FEATURE_BY_HAND = Exercise(
    id="feature-by-hand",
    notebook="01",
    title="One of the 43 features, by hand",
    signature="mean_absolute_deviation(window)",
    right="your three values agree with ours for every window. You have just written XABSOLDEV, YABSOLDEV and "
    "ZABSOLDEV.",
    hints=Hints(
        nudge="How far is each reading from its own axis's mean, whatever the direction? Then: on average?",
        sketch="Three moves: the mean of each axis (average along the first axis of the array), the distance of every "
        "reading from it without its sign, and the average of those distances, again for each axis.",
        pointer="The package computes it for many windows at once: the ABSOLDEV part of extract_features in "
        "pmt_helpers/datasets/features.py.",
    ),
    cases=_cases(),
    reference=mean_absolute_deviation,
    mistakes=(
        Mistake("standard deviation", _SPREAD, lambda window: window.std(axis=0)),
        Mistake("standard deviation, n - 1", _SPREAD, lambda window: window.std(axis=0, ddof=1)),
        Mistake(
            "variance",
            "this is the variance: the average of squared distances. Take the absolute value of a distance instead of "
            "its square.",
            lambda window: window.var(axis=0),
        ),
        Mistake(
            "deviation from the median",
            "this is the distance from the median. The feature measures it from the mean, which a few large readings "
            "can pull away.",
            lambda window: np.abs(window - np.median(window, axis=0)).mean(axis=0),
        ),
        Mistake(
            "median of the deviations",
            "the distances are right, but this is their median. Average them instead.",
            lambda window: np.median(np.abs(window - window.mean(axis=0)), axis=0),
        ),
        Mistake(
            "no absolute value",
            "the distances cancel out: above and below the mean add up to almost 0. Drop their signs before you "
            "average.",
            lambda window: (window - window.mean(axis=0)).mean(axis=0),
        ),
        Mistake(
            "sum",
            "this is the sum of the distances. Divide by the number of readings, so that long and short windows "
            "compare.",
            lambda window: np.abs(window - window.mean(axis=0)).sum(axis=0),
        ),
        Mistake(
            "grand mean",
            "the distances are from one mean for all three axes. Gravity sits on one of them, so each axis needs its "
            "own mean.",
            lambda window: np.abs(window - window.mean()).mean(axis=0),
        ),
        Mistake("one number", _ONE_NUMBER, lambda window: np.abs(window - window.mean(axis=0)).mean()),
        Mistake("one number, one mean", _ONE_NUMBER, lambda window: np.abs(window - window.mean()).mean()),
        Mistake("over axes", _PER_READING, lambda window: np.abs(window - window.mean(axis=0)).mean(axis=1)),
        Mistake(
            "over axes, mean too",
            _PER_READING,
            lambda window: np.abs(window - window.mean(axis=1, keepdims=True)).mean(axis=1),
        ),
    ),
)
