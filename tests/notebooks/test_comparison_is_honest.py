"""The comparison of stored and fresh outputs can fail: what is planted wrong, one thing at a time, is all found."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.compare import differences
from pmt_helpers.workbook.files import PLOTLY, learner_paths, normalise, write_notebook
from pmt_helpers.workbook.run import execute

Compare = Callable[[Path, Path], Any]

CELLS = {
    "text": "print('accuracy went from 0.731 to 0.829 for 1,737 windows')",
    "table": "import pandas\npandas.DataFrame({'person': [3], 'accuracy': [0.829]})",
    "figure": f"""
from IPython.display import display
figure = {{"data": [{{"type": "scatter", "y": [0.7, 0.829, 0.9]}}], "layout": {{}}}}
display({{{PLOTLY!r}: figure, "text/plain": "Accuracy rises by 13%."}}, raw=True)""",
    "check": """
display({"text/plain": "To do: gain returns nothing yet.", "text/html": "<b>To do</b>: gain returns 0.829."}, raw=True)
""",
    "changes from run to run": """
import ipywidgets, sys, time
from tqdm.auto import tqdm
for _ in tqdm(range(3), leave=False):
    time.sleep(0.15)
slider = ipywidgets.IntSlider()
display({**slider._repr_mimebundle_(), "text/plain": "A slider appears here."}, raw=True)
print(f"took {time.perf_counter() % 60:.1f} s", object())
print(f"Ready: Python 3.11.7, keras 3 on jax, {time.perf_counter():.1f} GB free, data watch: 1,737 windows")""",
    "sentence": "from pmt_helpers.teaching import say\nsay('accuracy went from 0.731 to 0.829 for 1,737 windows')",
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """A small notebook with every kind of output, as the builder stores it."""
    cells = [nbformat.v4.new_code_cell(source.strip(), id=name.split()[0]) for name, source in CELLS.items()]
    notebook = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    return normalise(execute(notebook, "honest", tmp_path_factory.mktemp("honest")))


def plant(notebook: NotebookNode, cell: int, old: str, new: str) -> None:
    """Make the stored outputs of a cell say something else."""
    text = json.dumps(notebook.cells[cell].outputs)
    assert old in text, f"{old} is not in {text}"
    notebook.cells[cell].outputs = [nbformat.from_dict(output) for output in json.loads(text.replace(old, new))]


def test_what_changes_from_run_to_run_is_overlooked(
    honest: NotebookNode, compare_with_rerun: Compare, tmp_path: Path
) -> None:
    write_notebook(honest, tmp_path / "honest.ipynb")
    comparison = compare_with_rerun(tmp_path / "honest.ipynb", tmp_path)
    assert (comparison.ran, comparison.differences) == (len(CELLS), [])


def test_what_is_planted_in_a_file_is_found_by_its_run(
    honest: NotebookNode, compare_with_rerun: Compare, tmp_path: Path
) -> None:
    wrong = copy.deepcopy(honest)
    plant(wrong, 0, "1,737", "1,738")
    plant(wrong, 1, "0.829", "0.929")
    plant(wrong, 2, "rises", "falls")
    wrong.cells[3].outputs = []
    write_notebook(wrong, tmp_path / "planted.ipynb")
    comparison = compare_with_rerun(tmp_path / "planted.ipynb", tmp_path)
    assert [cell for cell, _ in comparison.differences] == [0, 1, 2, 3]


PLANTED = [
    pytest.param(0, "1,737", "1,738", id="a count in text"),
    pytest.param(0, "0.829", "0.729", id="a measure in text"),
    pytest.param(0, "accuracy", "error", id="a word"),
    pytest.param(1, "0.829", "0.929", id="a measure in a table"),
    pytest.param(1, "<td>3</td>", "<td>4</td>", id="a count in a table"),
    pytest.param(2, "0.829", "0.729", id="a point in a figure"),
    pytest.param(2, "0.7, 0.829", "0.829", id="a point less in a figure"),
    pytest.param(2, "scatter", "bar", id="the kind of a figure"),
    pytest.param(2, "13%", "19%", id="a percentage in a figure's sentence"),
    pytest.param(2, "rises", "falls", id="a word in a figure's sentence"),
    pytest.param(3, "returns 0.829", "returns 0.729", id="a number in a check"),
    pytest.param(3, "To do: gain", "Right: gain", id="a verdict"),
    pytest.param(4, "1,737", "1,738", id="what the preflight line says of the data"),
    pytest.param(4, "took", "in", id="the words around a duration"),
    pytest.param(5, "1,737", "1,738", id="a count in a sentence"),
    pytest.param(5, "0.829", "0.729", id="a measure in a sentence"),
    pytest.param(5, "accuracy", "error", id="a word in a sentence"),
]


@pytest.mark.parametrize(("cell", "old", "new"), PLANTED)
def test_what_is_planted_wrong_is_found(cell: int, old: str, new: str, honest: NotebookNode) -> None:
    wrong = copy.deepcopy(honest)
    plant(wrong, cell, old, new)
    assert [number for number, _ in differences(wrong, honest)] == [cell + 1]


@pytest.mark.parametrize("cell", range(len(CELLS)))
def test_a_missing_and_a_new_output_are_found(cell: int, honest: NotebookNode) -> None:
    less = copy.deepcopy(honest)
    less.cells[cell].outputs.pop()
    assert [number for number, _ in differences(less, honest)] == [cell + 1]
    assert [number for number, _ in differences(honest, less)] == [cell + 1]


def test_a_small_change_of_a_measure_is_allowed(honest: NotebookNode) -> None:
    other = copy.deepcopy(honest)
    for cell in (0, 1, 2, 3):
        plant(other, cell, "0.829", "0.839")
    plant(other, 2, "13%", "14%")
    assert list(differences(honest, other)) == []


def test_a_count_planted_in_a_real_notebook_is_found(compare_with_rerun: Compare, tmp_path: Path) -> None:
    notebook = nbformat.read(learner_paths()[0], as_version=4)
    last = next(place for place, cell in enumerate(notebook.cells) if " windows" in json.dumps(cell.get("outputs", [])))
    notebook.cells = notebook.cells[: last + 1]
    plant(notebook, last, " windows", "1 windows")
    write_notebook(notebook, tmp_path / "planted.ipynb")
    comparison = compare_with_rerun(tmp_path / "planted.ipynb", tmp_path)
    code_cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    assert [cell for cell, _ in comparison.differences] == [code_cells - 1]
