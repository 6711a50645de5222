"""A page on a class (points, which mistakes were made how often, what was predicted and chosen), naming nobody beside
an answer but whom somebody should look at; and a page for each student."""

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pandas as pd

from pmt_helpers.teaching.exercises import NOTEBOOKS, find_exercise
from pmt_helpers.teaching.exercises.judging import OPENINGS
from pmt_helpers.teaching.questions import stored_quiz
from pmt_helpers.teaching.workbook_file import FILE_NAME, FIRST, Workbook
from pmt_helpers.workbook.course.grading import FORBIDDEN, SIMILAR, VERDICTS
from pmt_helpers.workbook.course.teams import team_scores
from pmt_helpers.workbook.pages import framed, write_html

_MOST = 200  # characters of what an answers file says
_MOODLE = re.compile(r"(\D+) (\d+)")  # "Participant 12", in any language: so Moodle's worksheet calls somebody


def write_report(graded: Path, out: Path, collected: Path | None = None, seed: int | None = None) -> None:
    """Write the page from the tables that `grade_class` wrote.

    collected: adds what the answers files hold; with the secret seed also red and blue team in hidden rounds
    """
    verdicts, similar = _read(graded / VERDICTS), _read(graded / SIMILAR)
    parts = ["<h1>The class</h1>", *_points(verdicts), *_mistakes(verdicts), *_to_look_at(verdicts, similar)]
    if collected is not None:
        parts += _choices(collected)
        parts += [] if seed is None else _teams(collected, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_html(out, framed("The class", "".join(parts)))


def write_feedback(graded: Path) -> None:
    """Write feedback/STUDENT.html: what each answer is, its points, and for those not right what to read again.

    Where the roster is Moodle's worksheet, the names are those under which Moodle gives the pages to its students.
    """
    (graded / "feedback").mkdir(exist_ok=True)
    for name, its in _read(graded / VERDICTS).groupby("student"):
        student = str(name)
        title = f"Feedback for {student}"
        parts = [f"<h1>{escape(title)}</h1><p>{its['points'].sum():g} of {len(its)} points."]
        parts += [" Some answers were tried on numbers that you have not seen.</p>"] * ("fresh" in set(its["cases"]))
        for row in its.itertuples():
            exercise = find_exercise(str(row.exercise))
            parts += [f"<h2>{escape(exercise.title)}</h2><p><b>{OPENINGS[row.state]}</b> ({row.points:g} of 1): "]  # type: ignore[index]
            parts += [f"{escape(str(row.message))}</p>"]
            if row.state != "right":
                notebook = exercise.solution.__module__[-2:]
                parts += [f"<p>Read again: the text above this exercise in notebook {notebook}. "]
                parts += [f"{escape(exercise.hints[0])}</p>"]
        number = _MOODLE.fullmatch(student)
        file = f"{number[1].replace('_', '-')}_{number[2]}_assignfeedback_file_feedback" if number else student
        write_html(graded / "feedback" / f"{file}.html", framed(title, "".join(parts)))


def _read(path: Path) -> pd.DataFrame:
    """A table of ours, in which a student called 007 keeps the zeros."""
    return pd.read_csv(path, keep_default_na=False, dtype={"student": str, "other": str})


def _teams(collected: Path, seed: int) -> Iterator[str]:
    yield "<h2>Red and blue team</h2><p>Points in hidden rounds, the same for all: accuracy that people unknown to the "
    yield "model lose (my_attack), or gain under attack less what they lose without (my_filter). ± is two standard "
    yield "errors over the rounds; the goal is a lead over the best baseline of more than what is needed.</p>"
    for name, table in team_scores(collected, seed).items():
        yield f"<h3>{name}</h3>{_table(table)}"


def _points(verdicts: pd.DataFrame) -> Iterator[str]:
    totals = verdicts.groupby("student")["points"].sum()
    n = verdicts["exercise"].nunique()
    low, middle, high = totals.quantile([0.25, 0.5, 0.75])
    yield f"<p>{len(totals)} students, {n} exercises. Half of the students have between {low:g} and {high:g} points; "
    yield f"the median is {middle:g}.</p><h2>Exercises</h2>"
    rows = []
    for exercise, its in verdicts.groupby("exercise", sort=False):
        states = [int((its["state"] == state).sum()) for state in OPENINGS]
        title = find_exercise(str(exercise)).title
        rows.append((title, f"{(its['state'] == 'right').mean():.0%}", *states, its["cases"].iloc[0]))
    yield _table(pd.DataFrame(rows, columns=["exercise", "share right", *OPENINGS, "cases"]))


def _mistakes(verdicts: pd.DataFrame) -> Iterator[str]:
    """Per exercise the mistakes recognised, most frequent first, with what the check says about each."""
    yield "<h2>Mistakes</h2>"
    wrong = verdicts[(verdicts["state"] == "not yet") & (verdicts["mistake"] != FORBIDDEN)]
    for exercise, its in wrong.groupby("exercise", sort=False):
        yield f"<h3>{escape(find_exercise(str(exercise)).title)}</h3>"
        named = its.assign(mistake=its["mistake"].replace("", "none that the exercise names")).groupby("mistake")
        counts = named.agg(times=("student", "size"), said=("message", "first")).sort_values("times", ascending=False)
        yield _table(counts.reset_index()[["times", "mistake", "said"]])


def _to_look_at(verdicts: pd.DataFrame, similar: pd.DataFrame) -> Iterator[str]:
    yield "<h2>For a person to look at</h2><p>Answers that tried what no answer needs, and pairs of long answers whose "
    yield "code is almost the same. Neither proves anything: ask.</p>"
    yield _table(verdicts[verdicts["mistake"] == FORBIDDEN][["student", "exercise", "message"]])
    yield _table(similar)


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
                table = its["value"].value_counts().rename_axis("answer").reset_index(name="times")
                table["answer"] += [" (right)" * (answer == right) for answer in table["answer"]]
                yield _table(table.assign(share=[f"{times / len(its):.0%}" for times in table["times"]]))


def _table(table: pd.DataFrame) -> str:
    """As HTML that is escaped and short."""
    with pd.option_context("display.max_colwidth", None):
        html = re.sub(r">\s+<", "><", table.to_html(index=False, border=0, justify="left"))
    return f'<div class="scroll">{html}</div>' if len(table) else "<p>None.</p>"
