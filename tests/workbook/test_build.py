"""Building: what is taken out of a source, what is stored of a run, and that nobody's work is overwritten."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.build import (
    TEXT_STUB,
    build_notebooks,
    edited_cells,
    learner_copy,
    read_source,
    solution_regions,
    solved_copy,
)
from pmt_helpers.workbook.files import WIDGET_VIEW, NotebookError

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


TITLED = '''# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # A title
#
# What holds $x^2$.

# %% tags=["parameters"]
SEED = 0

# %%
def step(weights, gradient, rate):
    """One step downhill."""
    moved = weights
    if rate > 0:
        ### BEGIN SOLUTION
        moved = weights - rate * gradient
        moved = moved.clip(-1, 1)
        ### END SOLUTION
    return moved

# %%
### BEGIN SOLUTION
gain = max(
    3,
    4,
)
### END SOLUTION
print(gain)

# %%
print(gain)
'''


@pytest.fixture
def source_file(tmp_path: Path) -> Path:
    path = tmp_path / "01_title.py"
    path.write_text(TITLED, encoding="utf-8")
    return path


def test_a_stub_keeps_its_indentation_and_the_rest_of_the_function(source_file: Path) -> None:
    cell = learner_copy(read_source(source_file)).cells[2]
    assert cell.source.split("\n")[2:] == [
        "    moved = weights",
        "    if rate > 0:",
        "        ...  # your code here",
        "    return moved",
    ]
    compile(cell.source, "cell", "exec")


def test_a_single_assignment_leaves_its_name_so_that_later_lines_find_it(source_file: Path) -> None:
    assert learner_copy(read_source(source_file)).cells[3].source == "gain = ...  # your code here\nprint(gain)"


@pytest.mark.parametrize(
    ("solution", "stub"),
    [
        ("a, b = 1, 2", "a, b = ..., ...  # your code here"),
        ("table['x'] = 1", "...  # your code here"),
        ("a = 1\nb = 2", "...  # your code here"),
        ("else:\n    a = 1", "...  # your code here"),
        ("", "...  # your code here"),
    ],
)
def test_what_a_stub_looks_like(solution: str, stub: str, tmp_path: Path) -> None:
    path = tmp_path / "01_stub.py"
    path.write_text(f"# %%\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION\n", encoding="utf-8")
    assert learner_copy(read_source(path)).cells[0].source == stub


def test_the_solved_copy_has_the_solution_and_no_marks(source_file: Path) -> None:
    solved = solved_copy(read_source(source_file))
    text = "\n".join(cell.source for cell in solved.cells)
    assert "moved = weights - rate * gradient" in text
    assert "SOLUTION" not in text
    assert "your code" not in text


def test_the_answer_to_a_question_in_prose_is_taken_out_too(tmp_path: Path) -> None:
    path = tmp_path / "01_prose.py"
    path.write_text(
        "# %% [markdown]\n# Why?\n#\n# ### BEGIN SOLUTION\n# Because.\n# ### END SOLUTION\n", encoding="utf-8"
    )
    assert learner_copy(read_source(path)).cells[0].source == f"Why?\n\n{TEXT_STUB}"


@pytest.mark.parametrize("broken", ["### BEGIN SOLUTION\na = 1", "### BEGIN SOLUTION\n### BEGIN SOLUTION\n"])
def test_a_region_without_an_end_is_reported_with_its_cell(broken: str, tmp_path: Path) -> None:
    path = tmp_path / "01_broken.py"
    path.write_text(f"# %%\nx = 1\n\n# %%\n{broken}\n", encoding="utf-8")
    with pytest.raises(NotebookError, match=r"01_broken, cell 2: .*END SOLUTION"):
        learner_copy(read_source(path), path.stem)


def test_copies_are_valid_notebooks_with_little_metadata_and_the_same_bytes_each_time(source_file: Path) -> None:
    first, again = (learner_copy(read_source(source_file)) for _ in range(2))
    nbformat.validate(first)
    assert nbformat.writes(first) == nbformat.writes(again)
    assert set(first.metadata) == {"kernelspec", "language_info"}
    assert [cell.metadata for cell in first.cells] == [{}, {"tags": ["parameters"]}, {}, {}, {}]


def test_a_new_cell_leaves_the_ids_of_the_others_alone(source_file: Path) -> None:
    before = [cell.id for cell in learner_copy(read_source(source_file)).cells]
    source_file.write_text(TITLED.replace("# %% tags", "# %%\nprint(1)\n\n# %% tags"), encoding="utf-8")
    after = [cell.id for cell in learner_copy(read_source(source_file)).cells]
    assert [cell_id for cell_id in after if cell_id in before] == before
    assert len(after) == len(before) + 1


def test_two_equal_cells_have_two_ids(tmp_path: Path) -> None:
    path = tmp_path / "01_twice.py"
    path.write_text("# %%\nprint(1)\n\n# %%\nprint(1)\n", encoding="utf-8")
    ids = [cell.id for cell in learner_copy(read_source(path)).cells]
    assert len(set(ids)) == 2


def test_a_source_without_cells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "01_empty.py"
    path.write_text("", encoding="utf-8")
    with pytest.raises(NotebookError, match=r"01_empty\.py holds no cells"):
        read_source(path)


def test_regions_come_out_dedented(source_file: Path) -> None:
    regions = [region for cell in read_source(source_file).cells for region in solution_regions(cell.source)]
    assert regions[0] == "moved = weights - rate * gradient\nmoved = moved.clip(-1, 1)"
