"""The solved notebooks: every check says right, and wrong answers are told what is wrong."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.build import read_source
from pmt_helpers.workbook.run import check_text, check_verdicts

MOST_MEGABYTES = 800  # Binder promises 1 GB, and the server needs its share

SOURCE = """
# %%
from pmt_helpers.teaching import check

def accuracy(predicted, actual):
    ### BEGIN SOLUTION
    return (predicted == actual).mean()
    ### END SOLUTION

# %%
check("warm-up", accuracy)
"""


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def test_a_mutant_is_the_solution_with_one_thing_replaced_and_its_check(
    mutated: Callable[..., NotebookNode], tmp_path: Path
) -> None:
    (tmp_path / "00_fake.py").write_text(SOURCE, encoding="utf-8")
    mutant = SimpleNamespace(exercise="warm-up", old=".mean()", new=".sum()")
    other = SimpleNamespace(exercise="another", old="", new="")
    notebook = mutated(read_source(tmp_path / "00_fake.py"), [other, mutant])
    solution, check, wrong, restored = notebook.cells
    assert check.source == 'check("warm-up", accuracy)'
    assert tags(wrong) == ["mutant-1"]
    assert wrong.source == solution.source.replace(".mean()", ".sum()") + "\n\n" + check.source
    assert restored.source == solution.source
    assert "SOLUTION" not in solution.source


def test_a_mutant_that_changes_nothing_is_refused(mutated: Callable[..., NotebookNode], tmp_path: Path) -> None:
    (tmp_path / "00_fake.py").write_text(SOURCE, encoding="utf-8")
    mutant = SimpleNamespace(exercise="warm-up", old="np.median", new="")
    with pytest.raises(AssertionError, match="stands 0 times"):
        mutated(read_source(tmp_path / "00_fake.py"), [mutant])


def test_a_solved_notebook_runs_through_and_every_check_says_right(
    source: Path, solved_run: Callable[[Path], Any]
) -> None:
    solved = solved_run(source)
    assert not solved.run.failure
    mutants_aside = [cell for cell in solved.notebook.cells if not any(tag.startswith("mutant") for tag in tags(cell))]
    verdicts = Counter(check_verdicts(nbformat.v4.new_notebook(cells=mutants_aside)))
    assert verdicts["right"] > 0
    assert set(verdicts) == {"right"}, verdicts


def test_a_wrong_answer_is_told_what_is_wrong(
    source: Path, mutant: tuple[int, Any], solved_run: Callable[[Path], Any]
) -> None:
    place, wrong = mutant
    cells = [cell for cell in solved_run(source).notebook.cells if f"mutant-{place}" in tags(cell)]
    assert cells, f"no solution cell with a check of {wrong.exercise}"
    said = [text for cell in cells for output in cell.outputs if (text := check_text(output)) is not None]
    assert said
    for text in said:
        assert text.startswith(("Not yet", "To do"))
        assert wrong.says in text


def test_a_kernel_fits_on_binder(source: Path, solved_run: Callable[[Path], Any]) -> None:
    peak = solved_run(source).run.peak_mb
    assert 50 < peak < MOST_MEGABYTES, f"{source.stem} peaks at {peak} MB"
