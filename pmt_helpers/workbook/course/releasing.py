"""What students get: the workbook without its sources, tests and solutions, its exercises compiled to what they return.

The package's own code for the same methods stays, since the notebooks run on it and the third hint sends readers there.
"""

import inspect
import pickle
import shutil
import zlib
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pmt_helpers.teaching.exercises import NOTEBOOKS, Exercise, symptoms
from pmt_helpers.teaching.exercises.judging import _returned
from pmt_helpers.workbook.course import recorded
from pmt_helpers.workbook.course.answers import GIVEN
from pmt_helpers.workbook.files import ROOT, NotebookError, learner_paths

FILES = (
    "CITATION.cff", "LICENSE", "Makefile", "pyproject.toml", "requirements.txt", "requirements-dev.txt",
    "requirements.lock", "requirements-dev.lock", "data", "tools", "binder", "pmt_helpers",
)  # fmt: skip
LECTURERS = ("course", "course.py", "__pycache__", "*.pyc", "nb[0-9][0-9].py", "raspi3b")
README = """# Workbook: privacy-preserving personal model training

1. Install Python 3.11, 3.12 or 3.13. In this folder run `make lab` (once it needs the package registry).
2. Open notebooks/00_start_here.ipynb and go on in the order of the numbers. Write your answers in the cells that say
   `# your code here`; the check below each says at once whether it is right.
3. Hand in the files notebooks/NN_*.ipynb, saved, and notebooks/my_workbook.json, as your lecturer asks.

Answers are graded without the package: import nothing from pmt_helpers in them.
"""
_MUTANT = (
    "        source = inspect.getsource(self.solution)",
    "        return self.solution.mutants[int(mistake.old)]\n",
)


def release_workbook(out: Path, without: Sequence[str] = (), root: Path = ROOT) -> None:
    """Write the students' folder to `out`, without the notebooks in `without`, such as "06"."""
    chosen = [name for name in NOTEBOOKS if name not in without]
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if (root / name).is_dir():
            shutil.copytree(root / name, out / name, ignore=shutil.ignore_patterns(*LECTURERS))
        elif (root / name).exists():
            shutil.copy2(root / name, out / name)
    (out / "notebooks").mkdir()
    for path in learner_paths((), root):
        if path.stem[:2] in chosen or not path.stem[:2].isdigit():
            shutil.copy2(path, out / "notebooks" / path.name)
    (out / "README.md").write_text(README, encoding="utf-8")
    folder = out / "pmt_helpers" / "teaching" / "exercises"
    given = set(GIVEN.values())
    compiled = {name: _compiled(name, given) for name in chosen}
    (folder / recorded.COMPILED).write_bytes(zlib.compress(pickle.dumps(compiled), 9))
    shutil.copy2(inspect.getfile(recorded), folder / "recorded.py")
    for name in chosen:
        lines = [f'"""Notebook {name}: its exercises and quiz, compiled."""\n']
        lines += ["from pmt_helpers.teaching.exercises.recorded import exercises_of, given_function, questions_of\n"]
        lines += [f'EXERCISES = exercises_of("{name}")', f'QUESTIONS = questions_of("{name}")']
        lines += [f'{each} = given_function("{name}", "{each}")' for each in compiled[name]["given"]]
        (folder / f"nb{name}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _edit(folder / "base.py", lambda text: text[: text.index(_MUTANT[0])] + _MUTANT[1])
    _edit(folder / "__init__.py", lambda text: _with_line(text, "NOTEBOOKS = (", f"NOTEBOOKS = {tuple(chosen)!r}"))
    main = out / "pmt_helpers" / "__main__.py"
    _edit(main, lambda text: _with_line(text.replace(', "course": "course:course_group"', ""), '    "course": ', ""))


def _edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    if after == before:
        raise NotebookError(f"{path.name} is not as the release expects: nothing was replaced in it.")
    path.write_text(after, encoding="utf-8")


def _with_line(text: str, begin: str, line: str) -> str:
    """The text with the line that begins so replaced."""
    return "\n".join(line if each.startswith(begin) else each for each in text.split("\n"))


def _compiled(notebook: str, given: set[str]) -> dict[str, Any]:
    module = import_module(f"pmt_helpers.teaching.exercises.nb{notebook}")
    own = {exercise.solution.__name__: exercise.solution for exercise in module.EXERCISES}
    return {
        "exercises": [_facts(exercise) for exercise in module.EXERCISES],
        "questions": module.QUESTIONS,
        "given": {name: inspect.getsource(own[name]) for name in given & set(own)},
    }


def _facts(exercise: Exercise) -> dict[str, Any]:
    """An exercise as values. Its few symptoms that stand beside a solution become what their mistake returns."""
    mistakes, returned = [], [_returned(exercise, exercise.solution)]
    for number, mistake in enumerate(exercise.mistakes):
        symptom = getattr(mistake.symptom, "func", mistake.symptom)  # may be a partial
        known = symptom is not None and symptom.__module__ == symptoms.__name__
        mistakes.append((mistake.name, mistake.message, str(number), "", mistake.symptom if known else None))
        returned.append({} if known else _returned(exercise, exercise.mutant(mistake)))
    fallback = exercise.fallback and (exercise.fallback.name, exercise.fallback.message, "", "")
    return {
        "id": exercise.id, "title": exercise.title, "cases": dict(exercise.cases), "right": exercise.right,
        "hints": exercise.hints, "mistakes": mistakes, "fallback": fallback, "returned": returned,
        "name": exercise.solution.__name__,
        "parameters": f"({', '.join(inspect.signature(exercise.solution).parameters)})",
    }  # fmt: skip
