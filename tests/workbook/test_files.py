"""Notebook files: how they are chosen, and when two have the same content."""

from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.files import PLOTLY, NotebookError, same_content, source_paths


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


def figure(height: float) -> NotebookNode:
    cell = nbformat.v4.new_code_cell("show()")
    data = {PLOTLY: {"data": [{"type": "bar", "y": [1, height]}]}, "text/plain": "Two bars."}
    cell.outputs.append(nbformat.v4.new_output("display_data", data))
    return nbformat.v4.new_notebook(cells=[cell])


def test_pictures_that_differ_in_their_bytes_only_are_no_change() -> None:
    one, other = figure(2), figure(2)
    one.cells[0].id = other.cells[0].id
    one.cells[0].outputs[0].data["image/png"] = "iVBORw0"
    other.cells[0].outputs[0].data["image/png"] = "iVBORw1"
    assert same_content(one, other)
    assert not same_content(one, figure(3))
