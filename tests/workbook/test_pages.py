"""A figure's picture: its sentence, its bytes, and what to install where none can be drawn."""

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.files import PLOTLY, NotebookError
from pmt_helpers.workbook.pages import WIDTH, add_pictures


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
    assert WIDTH < 496, "what JupyterLab in a window of 600 pixels leaves for a picture, which it never makes smaller"
    assert one.metadata == {"image/png": {"alt": "The second bar is 2.", "width": WIDTH}}
    assert one.data["image/png"] != other.data["image/png"]
    second = with_figures(2, 5)
    assert add_pictures(second, earlier=first, render=False) == 0
    kept, changed = second.cells[0].outputs
    assert kept.data["image/png"] == one.data["image/png"]
    assert "image/png" not in changed.data


def test_without_a_browser_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    with pytest.raises(NotebookError, match=r"Install one .*--no-png"):
        add_pictures(with_figures(2), earlier=None)
