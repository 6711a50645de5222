"""Each variant of each notebook is executed once a session, when its first test asks; the others look at what came out.

The learner's copies run under nbval in a second process with the network cut off, the solved ones through papermill. A
solved copy carries wrong answers: after each check, the solution once more with one thing replaced, and its check
again. Of the mistakes of an exercise two are tried here, all of them in tests/teaching.
"""

import ast
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.teaching.exercises import all_exercises
from pmt_helpers.workbook.build import BEGIN, read_source, solved_copy
from pmt_helpers.workbook.files import ROOT, learner_path, write_notebook
from pmt_helpers.workbook.run import CELL_SECONDS, START_SECONDS, Run, kernel_environment, run_notebooks

HERE = Path(__file__).resolve().parent
SOURCES = sorted((ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py"))


@dataclass(frozen=True)
class Mutant:
    """A wrong answer to an exercise: the solution's cell with `old` replaced, and a phrase that its check must say."""

    exercise: str
    old: str
    new: str
    says: str


MUTANTS = [
    Mutant(exercise.id, mistake.old, mistake.new, f"Not yet: {mistake.message}")
    for exercise in all_exercises()
    for mistake in (exercise.mistakes[0], exercise.mistakes[-1])
]
MUTANTS += [Mutant(**entry) for entry in tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))["mutant"]]


@dataclass(frozen=True)
class Comparison:
    """A fresh run of a stored notebook under nbval: code cells that ran, then (place among the code cells, report)."""

    ran: int
    differences: list[tuple[int, str]]


@dataclass(frozen=True)
class SolvedRun:
    """A solved notebook after its run, mutants included."""

    run: Run
    notebook: NotebookNode


def rerun_and_compare(stored_path: Path, folder: Path) -> Comparison:
    """Run a notebook under nbval in another process without a network; `folder` takes the result file."""
    results = folder / "nbval.xml"
    command = [sys.executable, str(HERE / "cut_off.py"), sys.executable, "-m", "pytest", "-p", "nbval_tolerance"]
    command += ["-c", str(HERE / "nbval.ini"), "--rootdir", str(stored_path.parent), f"--junitxml={results}"]
    command += ["--nbval", "--nbval-current-env", f"--nbval-cell-timeout={CELL_SECONDS}"]
    command += [f"--nbval-kernel-startup-timeout={START_SECONDS}", str(stored_path)]
    with kernel_environment() as variables:
        variables["PYTHONPATH"] += os.pathsep + str(HERE)
        done = subprocess.run(
            command, env=variables, cwd=folder, capture_output=True, text=True, encoding="utf-8", errors="replace"
        )
    assert results.is_file(), f"nbval wrote no results:\n{(done.stdout + done.stderr)[-4000:]}"
    cells = list(ElementTree.parse(results).getroot().iter("testcase"))
    wrong = [
        (place, (report.text or report.get("message") or kind)[:2000])
        for place, cell in enumerate(cells)
        for kind in ("failure", "error", "skipped")
        if (report := cell.find(kind)) is not None
    ]
    return Comparison(len(cells), wrong)


@pytest.fixture(scope="session")
def compare_with_rerun() -> Callable[[Path, Path], Comparison]:
    """rerun_and_compare, for tests which bring notebooks of their own."""
    return rerun_and_compare


@pytest.fixture(scope="session")
def learner_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Comparison]:
    """The comparison of the learner's copy of a source."""
    return cache(lambda source: rerun_and_compare(learner_path(source.stem), tmp_path_factory.mktemp(source.stem)))


@pytest.fixture(scope="session")
def solved_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], SolvedRun]:
    """The solved notebook of a source, executed with the mutants."""

    @cache
    def run_once(source: Path) -> SolvedRun:
        folder = tmp_path_factory.mktemp("solved")
        path = folder / f"{source.stem}.ipynb"
        write_notebook(with_mutants(read_source(source), MUTANTS), path)
        (run,) = run_notebooks([path], folder / "executed", folder=ROOT / "notebooks", html=False)
        return SolvedRun(run, nbformat.read(folder / "executed" / path.name, as_version=4))

    return run_once


def with_mutants(source: NotebookNode, mutants: list[Mutant]) -> NotebookNode:
    """The solved copy with each mutant's cell after the check it should fail, tagged mutant-N (N: place in mutants)."""
    solved = solved_copy(source)
    cells: list[NotebookNode] = []
    solution = ""
    for cell, solved_cell in zip(source.cells, solved.cells, strict=True):
        cells.append(solved_cell)
        if cell.cell_type != "code":
            continue
        own = BEGIN in cell.source
        solution = solved_cell.source if own else solution
        for exercise in checked_exercises(cell.source):
            ours = [(place, mutant) for place, mutant in enumerate(mutants) if mutant.exercise == exercise]
            for place, mutant in ours:
                times = solution.count(mutant.old)
                assert times == 1, f"{mutant}: 'old' stands {times} times in\n{solution}"
                wrong = solution.replace(mutant.old, mutant.new)
                text = wrong if own else f"{wrong}\n\n{cell.source}"
                cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": [f"mutant-{place}"]}))
            if ours:  # what comes later finds the right answer again
                cells.append(nbformat.v4.new_code_cell(solution, metadata={"tags": ["restored"]}))
    return nbformat.v4.new_notebook(cells=cells, metadata=solved.metadata)


def checked_exercises(code: str) -> list[str]:
    """The ids in the calls check("id", ...) of a cell."""
    return [
        node.args[0].value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "check"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]


@pytest.fixture(scope="session")
def mutated() -> Callable[..., NotebookNode]:
    """with_mutants, for a test with a fake exercise."""
    return with_mutants


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The notebooks first, since they are long, one after the other: then no two workers of xdist run the same one."""

    def place(item: pytest.Item) -> tuple[bool, str]:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        return HERE not in item.path.parents, str(params.get("source", ""))

    items.sort(key=place)


def pytest_generate_tests(metafunc: Any) -> None:
    """Tests with an argument `source` run once for each; with `mutant` too, for each where its exercise is checked."""
    if "mutant" in metafunc.fixturenames:
        texts = {source: source.read_text(encoding="utf-8") for source in SOURCES}
        pairs = [
            pytest.param(source, (place, mutant), id=f"{place}-{mutant.exercise}")
            for place, mutant in enumerate(MUTANTS)
            for source in [path for path in SOURCES if f'check("{mutant.exercise}"' in texts[path]] or SOURCES[:1]
        ]
        metafunc.parametrize(("source", "mutant"), pairs)
    elif "source" in metafunc.fixturenames:
        metafunc.parametrize("source", SOURCES, ids=lambda path: path.stem)
