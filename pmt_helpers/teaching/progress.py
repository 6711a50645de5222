"""What a learner has done and what is still open, notebook by notebook, from the workbook file."""

from collections.abc import Iterator
from importlib import import_module

from pmt_helpers.teaching.display import in_words, publish
from pmt_helpers.teaching.exercises import NOTEBOOKS
from pmt_helpers.teaching.questions import stored_quiz
from pmt_helpers.teaching.workbook_file import Workbook, current_workbook


def progress_lines(workbook: Workbook) -> Iterator[str]:
    """One line per notebook: how many exercises and quiz questions are right, and which exercises are open."""
    checks, answers = workbook.section("checks"), workbook.section("quiz")
    for notebook in NOTEBOOKS:
        exercises = import_module(f"{__package__}.exercises.nb{notebook}").EXERCISES
        verdicts = {exercise.title: checks.get(exercise.id) for exercise in exercises}
        still_open = [title for title, verdict in verdicts.items() if verdict != "right"]
        given = [answers.get(f"{notebook}-{number}") for number in range(1, len(stored_quiz(notebook)) + 1)]
        right = sum(answer == question.right for answer, question in zip(given, stored_quiz(notebook), strict=True))
        # A blank exercise that was run says "to do": that is no beginning.
        if not any(verdict in ("right", "not yet") for verdict in verdicts.values()) and not any(given):
            yield f"{notebook}: not begun. Exercises: {len(exercises)}, questions in the quiz: {len(given)}."
            continue
        line = f"{notebook}: {len(exercises) - len(still_open)} of {len(exercises)} exercises are right, "
        line += f"{right} of {len(given)} answers in the quiz."
        yield line + (f" Open: {'; '.join(still_open)}." if still_open else "")


def my_progress() -> None:
    """Show what is right and what is open in each notebook, as your workbook file has it now."""
    publish(in_words("\n".join(progress_lines(current_workbook()))))
