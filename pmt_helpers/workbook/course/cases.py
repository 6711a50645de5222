"""Fresh cases from a secret seed: an answer that has learnt the shipped cases by heart is not right on these."""

from dataclasses import replace
from hashlib import pbkdf2_hmac
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
    """The exercise with the values of its arrays moved at random, or itself where that makes no fair case.

    Each value moves by itself or, where equal ones must stay equal, each array as a whole. Checked each time: the
    solution is right, and each known mistake is told as before.
    """
    if exercise.id not in MOVABLE:
        return exercise
    rng = np.random.default_rng([seed, *exercise.id.encode()])
    mutants = [exercise.solution, *map(exercise.mutant, exercise.mistakes)]
    for whole in (False, True):
        cases = {name: tuple(_moved(part, rng, whole) for part in given) for name, given in exercise.cases.items()}
        fresh = replace(exercise, cases=cases)
        same = all(judge(fresh, mutant).mistake == judge(exercise, mutant).mistake for mutant in mutants)
        if same and judge(fresh, fresh.solution).state == "right":
            return fresh
    return exercise


def _moved(value: Any, rng: np.random.Generator, whole: bool) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value * rng.uniform(1 - _SHARE, 1 + _SHARE, () if whole else value.shape)
    return value


def seed_of(secret: int, student: str) -> int:
    """A seed of a student's own. Slow on purpose: nobody finds the secret by trying, and it needs 12 digits or more."""
    return int.from_bytes(pbkdf2_hmac("sha256", str(secret).encode(), student.encode(), 200_000))
