"""Fresh cases from a secret seed: an answer that has learnt the shipped cases by heart is not right on these."""

from dataclasses import replace
from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises import Exercise
from pmt_helpers.teaching.exercises.judging import judge

# Exercises whose solution means the same for any values of these shapes. In the others the values hang together (rows
# that sum to one, counts behind published topics), and moved ones would be no case of the exercise.
MOVABLE = {
    "feature-by-hand", "forward-pass", "sgd-step", "online-sgd", "trimmed-mean", "clip-and-noise", "fit-line",
    "predict-zero",
}  # fmt: skip
_SHARE = 0.05  # by which a value moves at most


def fresh_cases(exercise: Exercise, seed: int) -> Exercise:
    """The exercise with every value of its arrays moved at random, or itself where that makes no fair case.

    Checked each time: the solution is right, and each known mistake is told as before.
    """
    if exercise.id not in MOVABLE:
        return exercise
    rng = np.random.default_rng([seed, *exercise.id.encode()])
    cases = {name: tuple(_moved(part, rng) for part in arguments) for name, arguments in exercise.cases.items()}
    fresh = replace(exercise, cases=cases)
    mutants = [exercise.solution, *map(exercise.mutant, exercise.mistakes)]
    same = all(judge(fresh, mutant).mistake == judge(exercise, mutant).mistake for mutant in mutants)
    return fresh if same and judge(fresh, fresh.solution).state == "right" else exercise


def _moved(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value * rng.uniform(1 - _SHARE, 1 + _SHARE, value.shape)
    return value
