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

import numpy as np
import pandas as pd
from nbformat.notebooknode import NotebookNode
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from tqdm import tqdm

from pmt_helpers.datasets import load_activity
from pmt_helpers.teaching.exercises import NOTEBOOKS, Exercise, symptoms
from pmt_helpers.teaching.exercises.judging import _returned
from pmt_helpers.workbook.course import recorded
from pmt_helpers.workbook.course.answers import GIVEN
from pmt_helpers.workbook.course.cases import seed_of
from pmt_helpers.workbook.course.collecting import folder_name
from pmt_helpers.workbook.course.grading import with_cases
from pmt_helpers.workbook.files import ROOT, NotebookError, learner_paths, write_notebook
from pmt_helpers.workbook.run import takes

FILES = (
    "CITATION.cff", "LICENSE", "Makefile", "pyproject.toml", "requirements.txt", "requirements-dev.txt",
    "requirements.lock", "requirements-dev.lock", "data", "tools", "binder", "pmt_helpers",
)  # fmt: skip
LECTURERS = ("course", "course.py", "__pycache__", "*.pyc", "nb[0-9][0-9].py", "raspi3b")
SAMPLES = (5, 10, 15)  # those that every notebook takes, for every person
README = """# Workbook: privacy-preserving personal model training

1. Install Python 3.11, 3.12 or 3.13. In this folder run `make lab` (once it needs the package registry).
2. If you were given notebooks of your own, copy all files of their folder into notebooks.
3. Open notebooks/00_start_here.ipynb and go on in the order of the numbers. Write your answers in the cells that say
   `# your code here`; the check below each says at once whether it is right.
4. Hand in the files notebooks/NN_*.ipynb, saved, and notebooks/my_workbook.json, as your lecturer asks.

Answers are graded without the package and without the notebook's data: import nothing from pmt_helpers in them. They
may use functions, imports and values that other cells define, but nothing that such a cell appends or changes in place.
"""
_MUTANT = (
    "        source = inspect.getsource(self.solution)",
    "        return self.solution.mutants[int(mistake.old)]\n",
)


def release_workbook(out: Path, without: Sequence[str] = (), root: Path = ROOT) -> None:
    """Write the students' folder to `out`, without the notebooks in `without`, such as "06".

    The notebooks have no outputs: those would show the answers of predictions before anybody has voted.
    """
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
            write_notebook(_without_outputs(load_notebook_node(str(path))), out / "notebooks" / path.name)
    (out / "README.md").write_text(README, encoding="utf-8")
    folder = out / "pmt_helpers" / "teaching" / "exercises"
    compiled = _compile(folder, chosen)
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


def write_variants(
    released: Path, out: Path, lecturers: Path, students: Sequence[str], secret: int, without: Sequence[str] = ()
) -> pd.DataFrame:
    """Write out/NAME/notebooks, with parameters and cases of one's own, and lecturers/variants.csv.

    released: what `release_workbook` wrote. The same secret gives the same variants, and no file holds it.
    """
    people, rows = load_activity("watch").user_ids, []
    for student in tqdm(students, desc="variants", unit="student", leave=False):
        seed = seed_of(secret, student)
        rng = np.random.default_rng(seed)
        own = {"PERSON": rng.choice(people), "N_SAMPLES": rng.choice(SAMPLES), "SEED": rng.integers(1, 10**6)}
        own = {name: int(value) for name, value in own.items()}
        rows.append({"student": student} | own)
        folder = out / folder_name(student) / "notebooks"
        for path in learner_paths((), released):
            write_notebook(_variant(load_notebook_node(str(path)), own), folder / path.name)
        _compile(folder, [name for name in NOTEBOOKS if name not in without], seed)
    lecturers.mkdir()
    table = pd.DataFrame(rows)
    table.to_csv(lecturers / "variants.csv", index=False)
    return table


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _variant(notebook: NotebookNode, own: dict[str, int]) -> NotebookNode:
    """A released notebook with those of these parameters that it has."""
    mine = {name: value for name, value in own.items() if takes(notebook, name)}
    return parameterize_notebook(notebook, mine) if mine else notebook


def _edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    if after == before:
        raise NotebookError(f"{path.name} is not as the release expects: nothing was replaced in it.")
    path.write_text(after, encoding="utf-8")


def _with_line(text: str, begin: str, line: str) -> str:
    """The text with the line that begins so replaced."""
    return "\n".join(line if each.startswith(begin) else each for each in text.split("\n"))


def _compile(folder: Path, chosen: Sequence[str], seed: int | None = None) -> dict[str, Any]:
    """Write what `recorded` reads: exercises and quiz of these notebooks, with the shipped cases or some of a seed."""
    compiled = {}
    for name in chosen:
        module = import_module(f"pmt_helpers.teaching.exercises.nb{name}")
        own = {exercise.solution.__name__: exercise.solution for exercise in module.EXERCISES}
        compiled[name] = {
            "exercises": [_facts(with_cases(exercise, seed)[0]) for exercise in module.EXERCISES],
            "questions": module.QUESTIONS,
            "given": {given: inspect.getsource(own[given]) for given in GIVEN.values() if given in own},
        }
    (folder / recorded.COMPILED).write_bytes(zlib.compress(pickle.dumps(compiled), 9))
    return compiled


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
