"""The committed notebooks, as a learner finds them: run afresh, offline, they show what is stored."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from pmt_helpers.workbook.files import ROOT, learner_path
from pmt_helpers.workbook.run import check_verdicts
from pmt_helpers.workbook.verify import verify_notebooks


def test_there_are_notebooks_to_look_at() -> None:
    assert sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")), "python -m pmt_helpers notebooks build"


def test_the_stored_copies_agree_with_their_sources_and_hold_nothing_they_should_not() -> None:
    """Drift, leaked solutions, size, widget state, warnings, typed numbers: every kind of finding."""
    findings = verify_notebooks()
    assert not findings, "\n".join(map(str, findings))


def test_a_fresh_run_without_network_shows_what_is_stored(source: Path, learner_run: Callable[[Path], Any]) -> None:
    """Stored outputs are those of Python 3.11 and its lock. Other Pythons get other versions: there they only run."""
    comparison = learner_run(source)
    stored = nbformat.read(learner_path(source.stem), as_version=4)
    assert comparison.ran == sum(cell.cell_type == "code" for cell in stored.cells) > 0
    wrong = comparison.differences
    if sys.version_info[:2] != (3, 11):
        wrong = [(cell, report) for cell, report in wrong if "DIFFERENCE" not in report]
    assert not wrong, "\n".join(f"code cell {cell}: {report}" for cell, report in wrong)


def test_every_check_of_a_blank_exercise_says_to_do(source: Path) -> None:
    """The stored verdicts; that a fresh run gives the same is the test above."""
    verdicts = check_verdicts(nbformat.read(learner_path(source.stem), as_version=4))
    assert verdicts, f"{source.stem} shows no check at all"
    assert set(verdicts) == {"to_do"}
