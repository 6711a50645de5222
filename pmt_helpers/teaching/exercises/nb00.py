"""The warm-up exercise of notebook 00: how a check works."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Hints, Mistake


def _cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 6, 50)
    predicted = np.where(rng.random(50) < 0.7, actual, rng.integers(0, 6, 50))
    few = np.array([2, 0, 1, 1])
    return {
        "fifty windows": (predicted, actual),
        "four windows, three right": (np.array([2, 0, 1, 0]), few),
        "all wrong": ((few + 1) % 3, few),
    }


def accuracy(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Share of windows whose predicted class is the actual one."""
    return float(np.mean(np.asarray(predicted) == np.asarray(actual)))


EXERCISES = (
    Exercise(
        id="warm-up",
        notebook="00",
        title="The share of windows that are right",
        signature="accuracy(predicted, actual)",
        right="your accuracy agrees with ours on every case. That is all a check does; those to come work the same "
        "way.",
        hints=Hints(
            nudge="Comparing two arrays element by element gives an array of True and False. What is the average of "
            "that?",
            sketch="Compare the two arrays, then average: True counts as 1 and False as 0, so the average is a share "
            "between 0 and 1. Return it.",
            pointer="The package's own version is at the top of pmt_helpers/activity/evaluation.py.",
        ),
        cases=_cases(),
        reference=accuracy,
        mistakes=(
            Mistake(
                "count",
                "this is how many windows are right. Accuracy is the share of them: divide by the number of windows.",
                lambda predicted, actual: np.sum(predicted == actual),
            ),
            Mistake(
                "percent",
                "this is a percentage. This workbook gives accuracy as a share between 0 and 1, so leave out the "
                "factor of 100.",
                lambda predicted, actual: 100 * np.mean(predicted == actual),
            ),
            Mistake(
                "error rate",
                "this is the share that is wrong. You want its complement: the share that is right.",
                lambda predicted, actual: np.mean(predicted != actual),
            ),
            Mistake(
                "one value a window",
                "you compared every window, which is the right start; now turn those True and False values into one "
                "number.",
                lambda predicted, actual: predicted == actual,
            ),
        ),
    ),
)
