"""The exercises and the quiz of each notebook, in one module per notebook: nb00, nb01, ..."""

from collections.abc import Iterator
from importlib import import_module

from pmt_helpers.teaching.exercises.base import Exercise, Mistake

__all__ = ["NOTEBOOKS", "Exercise", "Mistake", "all_exercises", "find_exercise"]

NOTEBOOKS = ("00", "01", "02", "03", "04", "05", "06", "07")


def all_exercises() -> Iterator[Exercise]:
    """Every exercise, in the order of the workbook."""
    for notebook in NOTEBOOKS:
        yield from import_module(f"{__name__}.nb{notebook}").EXERCISES


def find_exercise(exercise_id: str) -> Exercise:
    """The exercise with this id. Raises KeyError, with the ids there are, when there is none."""
    known = {exercise.id: exercise for exercise in all_exercises()}
    if exercise_id not in known:
        raise KeyError(f"no exercise is called {exercise_id!r}; the workbook has {', '.join(known)}")
    return known[exercise_id]
