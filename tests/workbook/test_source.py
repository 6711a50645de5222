"""From source to learner's and solved copy: what is taken out, and that nothing else moves."""

from pathlib import Path

import nbformat
import pytest

from pmt_helpers.workbook.build import TEXT_STUB, learner_copy, read_source, solution_regions, solved_copy
from pmt_helpers.workbook.files import NotebookError, source_paths

SOURCE = '''# ---
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
    path.write_text(SOURCE, encoding="utf-8")
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
    source_file.write_text(SOURCE.replace("# %% tags", "# %%\nprint(1)\n\n# %% tags"), encoding="utf-8")
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


def test_notebooks_are_named_by_number_or_in_full_and_an_unknown_name_lists_them(tmp_path: Path) -> None:
    folder = tmp_path / "notebooks" / "source"
    folder.mkdir(parents=True)
    for name in ("00_start", "01_activity"):
        (folder / f"{name}.py").touch()
    assert [path.stem for path in source_paths(root=tmp_path)] == ["00_start", "01_activity"]
    assert [path.stem for path in source_paths(["01"], tmp_path)] == ["01_activity"]
    assert [path.stem for path in source_paths(["notebooks/00_start.ipynb"], tmp_path)] == ["00_start"]
    with pytest.raises(NotebookError, match="'07'; there is 00_start, 01_activity"):
        source_paths(["07"], tmp_path)
