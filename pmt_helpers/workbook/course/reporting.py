"""One page on a class: points, which mistakes were made how often, what was predicted and chosen; no student is named
beside an answer, but for the pairs that somebody should look at."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

import pandas as pd

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.teaching.exercises import NOTEBOOKS, find_exercise
from pmt_helpers.teaching.questions import stored_quiz
from pmt_helpers.teaching.workbook_file import FILE_NAME, FIRST, Workbook
from pmt_helpers.workbook.course.grading import FORBIDDEN, SIMILAR, VERDICTS

_MOST = 200  # characters of what an answers file says
_STYLE = """body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: auto; padding: 1em }
table { border-collapse: collapse; display: block; overflow-x: auto } td, th { padding: 0.2em 0.7em; text-align: left }
tr { border-bottom: 1px solid #ccc } meter { width: 8em }"""


def write_report(graded: Path, out: Path, collected: Path | None = None) -> None:
    """Write the page from the tables that `grade_class` wrote and, if given, the answers files that were collected."""
    verdicts = pd.read_csv(graded / VERDICTS, keep_default_na=False)
    parts = [*_points(verdicts), *_mistakes(verdicts), *_to_look_at(verdicts, pd.read_csv(graded / SIMILAR))]
    if collected is not None:
        parts += _choices(collected)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    page = f'<!doctype html><html lang="en">{head}<title>The class</title><h1>The class</h1>{"".join(parts)}</html>\n'
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _points(verdicts: pd.DataFrame) -> Iterator[str]:
    totals = verdicts.groupby("student")["points"].sum()
    n = verdicts["exercise"].nunique()
    low, middle, high = totals.quantile([0.25, 0.5, 0.75])
    yield f"<p>{len(totals)} students, {n} exercises. Half of the students have between {low:g} and {high:g} points; "
    yield f"the median is {middle:g}.</p><h2>Exercises</h2>"
    rows = []
    for exercise, its in verdicts.groupby("exercise", sort=False):
        count = its["state"].value_counts()
        states = [int(count.get(state, 0)) for state in ("right", "not yet", "to do")]
        rows.append((find_exercise(str(exercise)).title, _bar(states[0], len(its)), *states, its["cases"].iloc[0]))
    yield _table(("exercise", "share right", "right", "not yet", "to do", "cases"), rows)


def _mistakes(verdicts: pd.DataFrame) -> Iterator[str]:
    """Per exercise the mistakes recognised, most frequent first, with what the check says about each."""
    yield "<h2>Mistakes</h2>"
    wrong = verdicts[(verdicts["state"] == "not yet") & (verdicts["mistake"] != FORBIDDEN)]
    for exercise, its in wrong.groupby("exercise", sort=False):
        yield f"<h3>{escape(find_exercise(str(exercise)).title)}</h3>"
        named = its.assign(mistake=its["mistake"].where(its["mistake"] != "", "none that the exercise names"))
        counts = named.groupby("mistake").agg(times=("student", "size"), said=("message", "first"))
        counts = counts.sort_values("times", ascending=False).reset_index()
        yield _table(("times", "mistake", "what the check says"), counts[["times", "mistake", "said"]].to_numpy())


def _to_look_at(verdicts: pd.DataFrame, similar: pd.DataFrame) -> Iterator[str]:
    forbidden = verdicts[verdicts["mistake"] == FORBIDDEN]
    yield "<h2>For a person to look at</h2><p>Answers that tried what no answer needs, and pairs of long answers whose "
    yield "code is almost the same. Neither proves anything: ask.</p>"
    yield _table(("student", "exercise", "what"), forbidden[["student", "exercise", "message"]].to_numpy())
    yield _table(("exercise", "student", "other", "alike"), similar.to_numpy())


def _choices(collected: Path) -> Iterator[str]:
    """What was answered in the quizzes and predicted, over all answers files; first choices where the file has them."""
    found: dict[str, list[tuple[str, str]]] = {"quiz": [], "predictions": []}
    for path in sorted(collected.glob(f"*/{FILE_NAME}")):
        workbook = Workbook(path)
        first = workbook.section(FIRST)
        for section, answers in found.items():
            for key, value in workbook.section(section).items():
                answers.append((key, str(first.get(key, value))[:_MOST]))
    questions = {f"{name}-{n}": each for name in NOTEBOOKS for n, each in enumerate(stored_quiz(name), start=1)}
    for section, answers in found.items():
        yield f"<h2>{section.capitalize()}</h2>"
        for name, its in pd.DataFrame(answers, columns=["key", "value"]).groupby("key"):
            key = str(name)
            question = questions.get(key) if section == "quiz" else None
            title, right = (f"{key}. {question.text}", question.right) if question else (key[:_MOST], "")
            numbers = pd.to_numeric(its["value"], errors="coerce").dropna()
            yield f"<h3>{escape(title)}</h3>"
            if len(numbers) == len(its):
                low, middle, high = numbers.quantile([0.25, 0.5, 0.75])
                yield f"<p>{len(numbers)} guesses; half of them from {low:g} to {high:g}, median {middle:g}.</p>"
            else:
                counts = its["value"].value_counts()
                rows = [
                    (_bar(n, len(its)), n, f"{value}{' (right)' * (value == right)}") for value, n in counts.items()
                ]
                yield _table(("share", "times", "answer"), rows)


class _Markup(str):
    """HTML of ours: not escaped."""


def _bar(part: int, whole: int) -> _Markup:
    return _Markup(f'<meter max="{whole}" value="{part}">{part} of {whole}</meter>')


def _table(columns: tuple[str, ...], rows: object) -> str:
    def cell(value: object) -> str:
        return value if isinstance(value, _Markup) else escape(str(value))

    body = [f"<tr>{''.join(f'<td>{cell(value)}</td>' for value in row)}</tr>" for row in rows]  # type: ignore[attr-defined]
    if not body:
        return "<p>None.</p>"
    return f"<table><tr>{''.join(f'<th>{column}</th>' for column in columns)}</tr>{''.join(body)}</table>"
