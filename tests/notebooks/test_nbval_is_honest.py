"""The comparison of stored and fresh outputs can fail: wrong numbers, planted one at a time, are all found."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.files import PLOTLY, ROOT, execute, normalise, write_notebook

Compare = Callable[..., Any]

CELLS = {
    "text": "print('accuracy went from 0.731 to 0.829 for 1,737 windows')",
    "table": "import pandas\npandas.DataFrame({'person': [3], 'accuracy': [0.829]})",
    "figure": f"""
from IPython.display import display
figure = {{"data": [{{"type": "scatter", "y": [0.7, 0.829, 0.9]}}], "layout": {{}}}}
display({{{PLOTLY!r}: figure, "text/plain": "Accuracy rises."}}, raw=True)""",
    "check": """
display({"text/plain": "To do: gain returns nothing yet.", "text/html": "<b>To do</b>: gain returns 0.829."}, raw=True)
""",
    "changes from run to run": """
import ipywidgets, time
from tqdm.auto import tqdm
for _ in tqdm(range(3), leave=False):
    time.sleep(0.15)
slider = ipywidgets.IntSlider()
display({**slider._repr_mimebundle_(), "text/plain": "A slider appears here."}, raw=True)
print(f"took {time.perf_counter() % 60:.1f} s", object())
print(f"Ready: Python 3.11.7, keras 3 on jax, {time.perf_counter():.1f} GB free, data watch: 1,737 windows")""",
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """A small notebook with every kind of output, as the builder stores it."""
    cells = [nbformat.v4.new_code_cell(source.strip(), id=name.split()[0]) for name, source in CELLS.items()]
    notebook = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    return normalise(execute(notebook, "honest", tmp_path_factory.mktemp("honest")))


def plant(notebook: NotebookNode, cell: int, output: int, old: str, new: str) -> None:
    """Make one stored output say something else."""
    text = json.dumps(notebook.cells[cell].outputs[output])
    assert old in text, f"{old} is not in {text}"
    notebook.cells[cell].outputs[output] = nbformat.from_dict(json.loads(text.replace(old, new, 1)))


def test_what_changes_from_run_to_run_is_overlooked_and_every_planted_number_is_found(
    honest: NotebookNode, compare_with_nbval: Compare, tmp_path: Path
) -> None:
    wrong = copy.deepcopy(honest)
    plant(wrong, 0, 0, "1,737", "1,738")  # printed text
    plant(wrong, 1, 0, "0.829", "0.839")  # a table
    plant(wrong, 2, 0, "0.829", "0.839")  # a point in a figure
    plant(wrong, 3, 0, "0.829", "0.839")  # a check
    plant(wrong, 4, 1, "1,737", "1,738")  # what the preflight line says of the data
    write_notebook(honest, tmp_path / "as_stored.ipynb")
    write_notebook(wrong, tmp_path / "planted.ipynb")
    comparison = compare_with_nbval(tmp_path, tmp_path / "as_stored.ipynb", tmp_path / "planted.ipynb")
    assert comparison.cells == 2 * len(CELLS)
    assert comparison.wrong == [f"planted.ipynb Cell {cell}" for cell in range(len(CELLS))], comparison.report


def test_a_number_planted_in_a_real_notebook_is_found(compare_with_nbval: Compare, tmp_path: Path) -> None:
    stored = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    assert stored, "there are no notebooks: build them first"
    notebook = nbformat.read(stored[0], as_version=4)
    last = next(
        place
        for place, cell in enumerate(notebook.cells)
        if any("windows" in output.get("text", "") for output in cell.get("outputs", []))
    )
    notebook.cells = notebook.cells[: last + 1]
    for output in notebook.cells[last].outputs:
        if "windows" in output.get("text", ""):
            output.text = output.text.replace(" windows", "1 windows", 1)
    write_notebook(notebook, tmp_path / "planted.ipynb")
    comparison = compare_with_nbval(tmp_path, tmp_path / "planted.ipynb")
    code_cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    assert [wrong.split()[-1] for wrong in comparison.wrong] == [str(code_cells - 1)], comparison.report
