"""Building: what is stored of a run, what is not, and that a build without a change changes nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.build import build_notebooks, edited_cells
from pmt_helpers.workbook.files import PLOTLY, WIDGET_VIEW, NotebookError, same_content
from pmt_helpers.workbook.pages import add_pictures

SOURCE = """# %% [markdown]
# # A small notebook

# %% tags=["parameters"]
SEED = 0

# %%
import os, time
from pathlib import Path
import ipywidgets
from IPython.display import display
from tqdm.auto import tqdm

for _ in tqdm(range(3), leave=False):
    time.sleep(0.12)
print(Path.cwd() / "data.csv", Path(os.environ["PMT_WORKBOOK_FILE"]).exists())

# %%
slider = ipywidgets.IntSlider()
display({**slider._repr_mimebundle_(), "text/plain": "A slider appears here."}, raw=True)

# %%
def double(x):
    ### BEGIN SOLUTION
    return x + x
    ### END SOLUTION

print(double(21))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with one notebook, built once; the builder's own answers lie about and must not be seen."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "notebooks" / "source").mkdir(parents=True)
    (root / "notebooks" / "source" / "01_small.py").write_text(SOURCE, encoding="utf-8")
    own = root / "my_workbook.json"
    own.write_text("{}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PMT_WORKBOOK_FILE", str(own))
        build_notebooks(root=root, png=False, report=lambda line: None)
    return root


@pytest.fixture
def learner(root: Path) -> NotebookNode:
    return nbformat.read(root / "notebooks" / "01_small.ipynb", as_version=4)


def outputs(notebook: NotebookNode) -> list[str]:
    return [json.dumps(output) for cell in notebook.cells for output in cell.get("outputs", [])]


def test_the_learners_copy_is_blank_and_executed_from_top_to_bottom(learner: NotebookNode) -> None:
    assert [cell.execution_count for cell in learner.cells if cell.cell_type == "code"] == [1, 2, 3, 4]
    assert learner.cells[-1].outputs[0].text == "None\n"
    assert "x + x" not in "".join(cell.source for cell in learner.cells)


def test_the_solved_copy_is_in_build_and_has_the_answer(root: Path) -> None:
    solved = nbformat.read(root / "build" / "solutions" / "01_small.ipynb", as_version=4)
    assert solved.cells[-1].outputs[0].text == "42\n"


def test_a_widget_leaves_its_sentence_and_nothing_else(root: Path, learner: NotebookNode) -> None:
    assert learner.cells[3].outputs[0].data == {"text/plain": "A slider appears here."}
    text = (root / "notebooks" / "01_small.ipynb").read_text(encoding="utf-8")
    assert WIDGET_VIEW not in text
    assert "widgets" not in learner.metadata


def test_nothing_is_left_of_a_progress_bar_of_this_folder_or_of_the_builders_answers(learner: NotebookNode) -> None:
    assert [output.text for output in learner.cells[2].outputs] == ["notebooks/data.csv False\n"]


def test_building_again_writes_nothing(root: Path) -> None:
    stored = root / "notebooks" / "01_small.ipynb"
    before = stored.stat().st_mtime_ns
    lines: list[str] = []
    assert build_notebooks(["01"], root=root, solutions=False, png=False, report=lines.append) == []
    assert stored.stat().st_mtime_ns == before
    assert lines == [f"unchanged  {Path('notebooks') / '01_small.ipynb'}"]


def test_a_cell_that_stops_is_named_and_the_stored_copy_stays(root: Path) -> None:
    stored = root / "notebooks" / "02_stops.ipynb"
    stored.write_text("as it was", encoding="utf-8")
    source = root / "notebooks" / "source" / "02_stops.py"
    source.write_text("# %% [markdown]\n# Text.\n\n# %%\nprint(1)\n\n# %%\n1 / 0\n", encoding="utf-8")
    with pytest.raises(NotebookError, match=r"02_stops, cell 3 \(1 / 0\) stopped: ZeroDivisionError: division by zero"):
        build_notebooks(["02"], root=root, png=False, force=True)
    assert stored.read_text(encoding="utf-8") == "as it was"
    partial = nbformat.read(root / "build" / "failed" / "02_stops.ipynb", as_version=4)
    assert partial.cells[1].outputs[0].text == "1\n"
    source.unlink()


@pytest.fixture
def worked_in(root: Path, tmp_path: Path) -> Path:
    """A checkout whose learner has answered the exercise, without running it."""
    checkout = tmp_path / "checkout"
    shutil.copytree(root / "notebooks", checkout / "notebooks")
    edit(checkout, lambda notebook: notebook.cells[-1].update(source="def double(x):\n    return 2 * x"))
    return checkout


def edit(checkout: Path, change: Callable[[NotebookNode], object]) -> None:
    path = checkout / "notebooks" / "01_small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_a_build_refuses_to_overwrite_an_answer_and_force_does(worked_in: Path) -> None:
    stored = worked_in / "notebooks" / "01_small.ipynb"
    before = stored.read_bytes()
    with pytest.raises(NotebookError, match=r"01_small\.ipynb \(cell 5\).*--force.*--solutions-only"):
        build_notebooks(root=worked_in, png=False)
    assert stored.read_bytes() == before
    assert not (worked_in / "build").exists(), "refused before anything ran"
    build_notebooks(root=worked_in, solutions=False, png=False, force=True)
    assert b"2 * x" not in stored.read_bytes()


def test_solutions_alone_leave_the_notebooks_folder_untouched(worked_in: Path) -> None:
    before = {path: path.read_bytes() for path in worked_in.rglob("*.*") if path.is_file()}
    (built,) = build_notebooks(root=worked_in, learner=False)
    assert built == worked_in / "build" / "solutions" / "01_small.ipynb"
    assert {path: path.read_bytes() for path in (worked_in / "notebooks").rglob("*.*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("change", "cells"),
    [
        (lambda notebook: None, []),
        (lambda notebook: notebook.cells[-1].update(outputs=[], execution_count=9), []),  # only run again
        (lambda notebook: notebook.cells.pop(), []),
        (lambda notebook: notebook.cells.append(nbformat.v4.new_code_cell("")), []),
        (lambda notebook: notebook.cells[1].update(source="SEED = 1"), [2]),
        (lambda notebook: notebook.cells.insert(1, nbformat.v4.new_markdown_cell("My note.")), [2]),
        (lambda notebook: notebook.cells.append(notebook.cells.pop(0)), []),  # moved
    ],
    ids=["nothing", "outputs", "cell removed", "empty cell", "parameter", "note", "cell moved"],
)
def test_what_counts_as_work(change: Callable[[NotebookNode], object], cells: list[int], learner: NotebookNode) -> None:
    change(learner)
    assert edited_cells(learner) == cells


def test_a_changed_source_is_built_over_a_copy_without_work(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "notebooks", tmp_path / "notebooks")
    (tmp_path / "notebooks" / "source" / "01_small.py").write_text("# %%\nprint('new')\n", encoding="utf-8")
    assert build_notebooks(root=tmp_path, solutions=False, png=False) == [tmp_path / "notebooks" / "01_small.ipynb"]


def test_a_file_that_is_no_notebook_is_not_overwritten(worked_in: Path) -> None:
    (worked_in / "notebooks" / "01_small.ipynb").write_text("my notes", encoding="utf-8")
    with pytest.raises(NotebookError, match=r"01_small\.ipynb is not a notebook .*--force"):
        build_notebooks(root=worked_in, png=False)


def with_figures(*heights: float) -> NotebookNode:
    """A notebook with one cell and a figure for each number."""
    cell = nbformat.v4.new_code_cell("show()")
    for height in heights:
        figure = {"data": [{"type": "bar", "y": [1, height]}], "layout": {"height": 300}}
        data = {PLOTLY: figure, "text/plain": f"The second bar is {height}."}
        cell.outputs.append(nbformat.v4.new_output("display_data", data))
    return nbformat.v4.new_notebook(cells=[cell])


def test_each_figure_gets_a_picture_with_its_sentence_and_keeps_it_until_it_changes() -> None:
    pytest.importorskip("kaleido")
    first = with_figures(2, 3)
    try:
        assert add_pictures(first, earlier=None) == 2
    except NotebookError as error:
        pytest.skip(error.message)
    one, other = first.cells[0].outputs
    assert one.data["image/png"].startswith("iVBORw0KGgo")
    assert one.metadata == {"image/png": {"alt": "The second bar is 2.", "width": 800}}
    assert one.data["image/png"] != other.data["image/png"]
    second = with_figures(2, 5)
    assert add_pictures(second, earlier=first, render=False) == 0
    kept, changed = second.cells[0].outputs
    assert kept.data["image/png"] == one.data["image/png"]
    assert "image/png" not in changed.data


def test_pictures_that_differ_in_their_bytes_only_are_no_change() -> None:
    one, other = with_figures(2), with_figures(2)
    one.cells[0].id = other.cells[0].id
    one.cells[0].outputs[0].data["image/png"] = "iVBORw0"
    other.cells[0].outputs[0].data["image/png"] = "iVBORw1"
    assert same_content(one, other)
    assert not same_content(one, with_figures(3))


def test_without_a_browser_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    with pytest.raises(NotebookError, match=r"Install one .*--no-png"):
        add_pictures(with_figures(2), earlier=None)
