"""Notebook 00: the warm-up exercise, which shows how a check works, and the quiz."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Mistake, where
from pmt_helpers.teaching.questions import Question


def accuracy(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Share of predictions that are right. Both are NumPy arrays of class numbers, (n_windows,)."""
    return (predicted == actual).mean()


def _cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 6, 50)
    predicted = np.where(rng.random(50) < 0.7, actual, rng.integers(0, 6, 50))
    few = np.array([2, 0, 1, 1])
    return {
        "fifty windows": (predicted, actual),
        "four windows, three right": (np.array([2, 0, 1, 0]), few),
        "all wrong": ((few + 1) % 3, few),
        "one right of three thousand": (np.arange(3000) % 6, np.append((np.arange(2999) + 1) % 6, 2999 % 6)),
    }


EXERCISES = (
    Exercise(
        id="warm-up",
        title="The share of windows that are right",
        solution=accuracy,
        cases=_cases(),
        right="your accuracy agrees with ours in every case. All later checks work the same way.",
        hints=(
            "Comparing the two arrays gives an array of True and False. What is the average of this array?",
            "Compare the arrays and return the average: True counts as 1 and False as 0.",
            where("scores", "activity.evaluation", "computes it, and two other scores."),
        ),
        mistakes=(
            Mistake("count", "this is how many are right: divide by the number of windows.", ".mean()", ".sum()"),
            Mistake("percent", "this is a percentage: return a share from 0 to 1.", "return (", "return 100 * ("),
            Mistake("error rate", "this is the share that is wrong: return the share that is right.", "==", "!="),
            Mistake("rounded", "this is rounded: return the share as it is.", ".mean()", ".mean().round(2)"),
            Mistake("one value per window", "the comparison is right: now return its average.", ".mean()", ""),
        ),
    ),
)

QUESTIONS = (
    Question(
        "You trained a personal model on your own device. What has left the device?",
        {
            "My windows, without my name": "Your windows stay at home. And your name is not all that identifies you: "
            "the way you move does, too.",
            "My weights": "Other methods send weights. Here the personal weights are trained at home and stay there.",
            "Nothing": "The shared model comes to you, and nothing goes back. Notebook 05 asks what your model would "
            "reveal if you shared it.",
        },
        right="Nothing",
    ),
    Question(
        "The shared model has 70% accuracy over all people. What accuracy will it have for you?",
        {
            "70%": "That is the average. People differ by far more than a few points: see notebook 01's first figure.",
            "Anything from far below to far above it": "An average hides how much people differ: some move as the "
            "volunteers did, others do not.",
            "More than 70%, once the average is high": "Even with a high average the model fails for some people.",
        },
        right="Anything from far below to far above it",
    ),
    Question(
        "A check says 'Not yet'. What now?",
        {
            "The notebook is broken: start again": "It is not broken: no later cell needs your answer. Go on, and "
            "come back later.",
            "Read what it says, change the cell, run it again": "As often as you like. If you are stuck, open the "
            "three hints below the verdict, one after the other.",
            "Wait until it says 'Right'": "Nothing changes while you wait: a check runs only when you run its cell.",
        },
        right="Read what it says, change the cell, run it again",
    ),
)
