"""Grade what was collected: each exercise of each student, judged in a process of its own; points as CSV.

Nothing of a notebook is run but the definitions that an answer needs, and these only in `worker`.
"""

import ast
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

import nbformat
import pandas as pd

from pmt_helpers.teaching.exercises import NOTEBOOKS, Exercise, all_exercises
from pmt_helpers.teaching.exercises.calling import TimeUp
from pmt_helpers.teaching.exercises.judging import Verdict, judge
from pmt_helpers.workbook.course.answers import Submitted, submitted_answers
from pmt_helpers.workbook.course.cases import fresh_cases
from pmt_helpers.workbook.course.collecting import MAXIMA, folder_name, student_names
from pmt_helpers.workbook.course.sandbox import SECONDS, Sandboxed
from pmt_helpers.workbook.files import NotebookError

FORBIDDEN = "forbidden"
VERDICTS, GRADES, SIMILAR = "verdicts.csv", "grades.csv", "similar.csv"
LEAST_CODE = 150  # characters of normalised code: two short answers are alike because the exercise is
ALIKE = 0.95


@dataclass(frozen=True)
class Graded:
    """One row of verdicts.csv. cases: "fresh" or "shipped"; seconds: what judging took."""

    student: str
    exercise: str
    state: str
    mistake: str
    points: float
    message: str
    cases: str
    seconds: float


def with_cases(exercise: Exercise, seed: int | None) -> tuple[Exercise, str]:
    """The exercise with cases from a secret seed where it can have them, and "fresh" or "shipped"."""
    ours = exercise if seed is None else fresh_cases(exercise, seed)
    return ours, "shipped" if ours is exercise else "fresh"


def chosen_exercises(notebooks: Sequence[str] = (), seed: int | None = None) -> list[tuple[Exercise, str]]:
    """The exercises of these notebooks ("01"; all by default), each `with_cases`."""
    modules = tuple(f"nb{notebook}" for notebook in notebooks or NOTEBOOKS)
    chosen = [exercise for exercise in all_exercises() if exercise.solution.__module__.endswith(modules)]
    return [with_cases(exercise, seed) for exercise in chosen]


def judge_apart(exercise: Exercise, answer: Submitted, seconds: float = SECONDS) -> Verdict:
    """The verdict on an answer that is run in another process; its `mistake` is FORBIDDEN for what no answer needs."""
    if answer.problem:
        return Verdict("not yet", answer.problem, "no Python")
    if answer.blank or not answer.expression:
        return Verdict("to do", "nothing written.")
    try:
        with closing(Sandboxed(answer.code, answer.expression, seconds)) as function:
            verdict = judge(exercise, function if function.is_function else ...)
            tried = function.forbidden
    except TimeUp:
        return Verdict("not yet", f"its definitions, or all calls together, take longer than {seconds:g} s.")
    except Exception as error:  # whatever stops its definitions
        tried = getattr(error, "forbidden", "")
        verdict = Verdict("not yet", f"its definitions stopped with {type(error).__name__}: {error}")
    return Verdict("not yet", f"it tried what no answer needs: {tried}", FORBIDDEN) if tried else verdict


def check_sandbox() -> None:
    """Raise NotebookError where no answer can be judged, lest a whole class gets no points."""
    exercise = next(all_exercises())
    name = exercise.solution.__name__
    try:
        verdict = judge_apart(exercise, Submitted(exercise.id, f"def {name}(a, b):\n    return (a == b).mean()", name))
    except (OSError, ValueError, ImportError) as error:
        verdict = Verdict("not yet", str(error))
    if verdict.state != "right":
        raise NotebookError(f"Answers cannot be run apart on this system ({verdict.message}). Grade on Linux.")


def grade_student(
    student: str, answers: dict[str, Submitted], exercises: Iterable[tuple[Exercise, str]], partial: float = 0.0
) -> list[Graded]:
    """A row per exercise: 1 point for right, `partial` for a mistake that the exercise names, else 0."""
    rows = []
    for exercise, cases in exercises:
        began = time.perf_counter()
        verdict = judge_apart(exercise, answers.get(exercise.id, Submitted(exercise.id)))
        named = verdict.mistake in {mistake.name for mistake in exercise.mistakes}
        points = 1.0 if verdict.state == "right" else partial if named else 0.0
        seconds = round(time.perf_counter() - began, 2)
        text = verdict.message.replace("\x00", "").encode(errors="replace").decode()  # what an answer said may be in it
        rows.append(Graded(student, exercise.id, verdict.state, verdict.mistake or "", points, text, cases, seconds))
    return rows


def alike(students: dict[str, dict[str, Submitted]], exercises: Iterable[Exercise]) -> pd.DataFrame:
    """Pairs of long answers whose code is almost the same but for names, comments and layout: a hint, no proof."""
    rows = []
    for exercise in exercises:
        codes = {name: _normalised(answers.get(exercise.id)) for name, answers in students.items()}
        long = {name: code for name, code in codes.items() if len(code) >= LEAST_CODE}
        for one, other in combinations(long, 2):
            match = SequenceMatcher(None, long[one], long[other], autojunk=False)
            if match.real_quick_ratio() >= ALIKE and match.quick_ratio() >= ALIKE and (share := match.ratio()) >= ALIKE:
                rows.append((exercise.id, one, other, round(share, 3)))
    return pd.DataFrame(rows, columns=["exercise", "student", "other", "alike"])


def _normalised(answer: Submitted | None) -> str:
    """The code with its own names numbered in order, without docstrings and imports: renaming hides no copy."""
    if answer is None or answer.blank or answer.problem:
        return ""
    tree = ast.parse(answer.code)
    numbers: dict[str, str] = {}
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        for field in ("arg", "id"):
            if isinstance(node, ast.arg | ast.Name) and getattr(node, field, None) in own:
                setattr(node, field, numbers.setdefault(getattr(node, field), f"v{len(numbers)}"))
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return ast.unparse(tree)


def grade_class(
    collected: Path, out: Path, *, notebooks: Sequence[str] = (), seed: int | None = None, partial: float = 0.0,
    roster: pd.DataFrame | None = None, report: Callable[[str], None] = print,
) -> pd.DataFrame:  # fmt: skip
    """Grade every folder of `collected` (one per student) and write three tables to `out`. Returns grades.csv.

    verdicts.csv: a row per student and exercise. similar.csv: see `alike`. grades.csv: the roster's own columns (so
    that Moodle or Canvas, from which it was exported, takes them back), points per exercise, and their sum.
    """
    exercises = chosen_exercises(notebooks, seed)
    check_sandbox()
    students, rows = {}, []
    folders = sorted(path for path in collected.iterdir() if path.is_dir())
    if not folders:
        raise NotebookError(f"{collected} holds no student's folder: name the one that course collect wrote.")
    for folder in folders:
        answers: dict[str, Submitted] = {}
        for path in sorted(folder.glob("*.ipynb")):
            try:
                answers |= submitted_answers(nbformat.read(path, as_version=4))
            except Exception as error:  # nbformat raises many kinds for what is no notebook
                raise NotebookError(f"{path} is no notebook ({error}): course collect leaves such files out.") from None
        students[folder.name] = answers
        rows += grade_student(folder.name, answers, exercises, partial)
        mine = rows[-len(exercises) :]
        report(
            f"{folder.name}: {sum(row.points for row in mine):g} of {len(mine)}, {sum(r.seconds for r in mine):.1f} s"
        )
    verdicts = pd.DataFrame(rows, columns=list(Graded.__dataclass_fields__))
    out.mkdir(parents=True, exist_ok=True)
    verdicts.to_csv(out / VERDICTS, index=False)
    alike(students, [exercise for exercise, _ in exercises]).to_csv(out / SIMILAR, index=False)
    table = verdicts.pivot(index="student", columns="exercise", values="points")
    table = table[[exercise.id for exercise, _ in exercises]].assign(total=lambda points: points.sum(axis=1))
    if roster is not None:
        names = student_names(roster).map(folder_name).reindex(roster.index).fillna(MAXIMA)
        table.loc[MAXIMA] = [1.0] * len(exercises) + [float(len(exercises))]
        kept = roster.drop(columns=table.columns, errors="ignore")  # such as those of the last grades.csv
        table = kept.set_axis(names, axis=0).join(table).fillna({"total": 0.0})
    table.reset_index(drop=roster is not None).to_csv(out / GRADES, index=False)
    report(f"Cases: {', '.join(f'{exercise.id} {cases}' for exercise, cases in exercises)}.")
    return table
