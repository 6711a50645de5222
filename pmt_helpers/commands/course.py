"""python -m pmt_helpers course: release what students get, collect what they hand in, grade it, report on a class."""

import secrets
from pathlib import Path

import click
import pandas as pd

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
OUT = click.Path(file_okay=False, path_type=Path)
PAGE = click.Path(dir_okay=False, path_type=Path)
ROSTER = click.Path(exists=True, dir_okay=False, path_type=Path)
SMALLEST_SECRET = 10**11
SEED = click.option("--seed", type=int, help="Your secret number: fresh cases where an exercise can draw them.")
PARTIAL = click.option(
    "--partial", type=click.FloatRange(0, 1), default=0.0, show_default=True,
    help="Points for an answer whose mistake the exercise names.",
)  # fmt: skip


def _listed(context: click.Context, option: click.Parameter, text: str | None) -> tuple[str, ...]:
    """ "01,02" as ("01", "02"), each a notebook of the workbook."""
    from pmt_helpers.teaching.exercises import NOTEBOOKS

    names = tuple(part.strip() for part in (text or "").split(",") if part.strip())
    if strange := [name for name in names if name not in NOTEBOOKS]:
        raise click.BadParameter(f"expected some of {','.join(NOTEBOOKS)}, found {', '.join(strange)}")
    return names


def _roster(path: Path | None) -> pd.DataFrame | None:
    """The roster as text, one row per student."""
    from pmt_helpers.workbook.course.collecting import student_names

    if path is None:
        return None
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} is no CSV table in UTF-8 ({error}): export it again.") from None
    student_names(table)
    return table


@click.group("course")
def course_group() -> None:
    """Teach a class: release the workbook without answers, collect, grade, report."""


@course_group.command()
@click.argument("collected", type=FOLDER)
@click.option("--out", type=OUT, default=Path("build/grades"), show_default=True, help="Folder for the tables.")
@click.option("--notebooks", callback=_listed, help="Notebooks to grade, such as 01,02 (all by default).")
@SEED
@PARTIAL
@click.option("--roster", type=ROSTER, help="CSV of the class: its columns come first in grades.csv.")
def grade(
    collected: Path, out: Path, notebooks: tuple[str, ...], seed: int | None, partial: float, roster: Path | None
) -> None:
    """Grade the folder that `course collect` wrote: points as CSV, a page of feedback per student."""
    from pmt_helpers.workbook.course.grading import grade_class
    from pmt_helpers.workbook.course.reporting import write_feedback

    grade_class(
        collected, out, notebooks=notebooks, seed=seed, partial=partial, roster=_roster(roster), report=click.echo
    )
    write_feedback(out)
    click.echo(f"Written to {out}: grades.csv, feedback, verdicts.csv, similar.csv (pairs for a person to look at).")


@course_group.command()
@click.argument("folder", type=FOLDER)
@click.option("--out", type=OUT, default=Path("build/collected"), show_default=True, help="Folder for what is used.")
@click.option("--roster", type=ROSTER, help="CSV of the class, as Moodle or Canvas exports it.")
def collect(folder: Path, out: Path, roster: Path | None) -> None:
    """Sort the submissions in FOLDER (zips, nbgrader's submitted, notebooks) into one folder per student."""
    from pmt_helpers.workbook.course.collecting import collect_submissions

    if out.exists() and any(out.iterdir()):
        raise click.ClickException(f"{out} is not empty: name another folder, so that no older submission is graded.")
    for file, reason in collect_submissions(folder, out, _roster(roster), click.echo).itertuples(index=False):
        click.echo(f"  {file}: {reason}")


@course_group.command()
@click.argument("out", type=OUT)
@click.option("--without", callback=_listed, help="Notebooks to leave out, such as 06,07.")
@click.option("--nbgrader", is_flag=True, help="Write a course for nbgrader into OUT/lecturer.")
@click.option("--variants", type=ROSTER, help="CSV of the class: each gets notebooks of one's own, drawn from --seed.")
@SEED
@PARTIAL
def release(
    out: Path, without: tuple[str, ...], nbgrader: bool, variants: Path | None, seed: int | None, partial: float
) -> None:
    """Write to OUT what students get: notebooks, package and data, without solutions.

    With --nbgrader or --variants that is OUT/workbook, and OUT/lecturer is for you alone.
    """
    from pmt_helpers.workbook.course.collecting import student_names
    from pmt_helpers.workbook.course.releasing import release_workbook, write_variants

    if not nbgrader and (partial or (seed is not None and variants is None)):
        raise click.UsageError("--partial needs --nbgrader, and --seed needs --nbgrader or --variants.")
    if out.exists() and any(out.iterdir()):
        raise click.ClickException(f"{out} is not empty: name another folder.")
    roster = _roster(variants)
    if nbgrader and roster is not None:
        raise click.UsageError("--nbgrader has one notebook for all: leave out --variants.")
    if roster is not None and (seed is None or seed < SMALLEST_SECRET):
        proposed = 10**17 + secrets.randbelow(9 * 10**17)
        raise click.UsageError(f"--variants needs --seed with 12 digits or more, so that nobody guesses it: {proposed}")
    place = out / "workbook" if nbgrader or roster is not None else out
    if nbgrader:
        try:
            from pmt_helpers.workbook.course.nbgrading import write_course
        except ModuleNotFoundError as error:
            raise click.ClickException(f"{error.name} is missing: pip install 'pmt-helpers[nbgrader]'") from None
        write_course(out / "lecturer", without, seed, partial)
    release_workbook(place, without)
    if roster is not None:
        assert seed is not None
        write_variants(place, out / "students", out / "lecturer", list(student_names(roster)), seed, without)
    click.echo(f"Written to {out}. Try it as a student would: make -C {place} lab")
    if place != out:
        click.echo(f"{out / 'lecturer'} is for you alone: it holds answers, or tells who got what.")


@course_group.command()
@click.argument("graded", type=FOLDER)
@click.option("--out", type=PAGE, default=Path("build/class.html"), show_default=True, help="Page to write.")
@click.option("--collected", type=FOLDER, help="Folder of `course collect`: adds quiz answers and predictions.")
@click.option("--seed", type=int, help="Your secret number: scores the attacks and filters collected in hidden rounds.")
def report(graded: Path, out: Path, collected: Path | None, seed: int | None) -> None:
    """Write one page on the class from the folder GRADED that `course grade` wrote."""
    from pmt_helpers.workbook.course.grading import VERDICTS
    from pmt_helpers.workbook.course.reporting import write_report

    if not (graded / VERDICTS).exists():
        raise click.ClickException(f"{graded} holds no {VERDICTS}: name the folder that course grade wrote.")
    write_report(graded, out, collected, seed)
    click.echo(f"Written to {out}.")
