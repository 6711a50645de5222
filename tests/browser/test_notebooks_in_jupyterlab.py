"""Every notebook as a learner meets it: opened in JupyterLab, run from top to bottom, its slider moved by keyboard."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.jupyter import FIGURE_DATA, SCREENSHOTS, THEMES, Notebook

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))  # the glossary has nothing to run


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_opens_runs_and_answers_the_keyboard_without_leaving_the_machine(
    path: Path, open_notebook: Callable[[Path], Notebook]
) -> None:
    notebook = open_notebook(path)
    assert notebook.page.locator(".Toastify__toast").all_inner_texts() == [], "a question of JupyterLab's own"
    assert notebook.problems() == [], "as stored, before anything is run"

    notebook.run_all()
    assert notebook.problems() == []
    assert len(notebook.figures()) > 0, "a notebook of this workbook shows figures"
    notebook.screenshot(SCREENSHOTS / f"{path.stem}-wide.png", 1400)
    assert notebook.problems() == [], "after the window was made taller"

    for theme in THEMES:
        notebook.theme(theme)
        assert notebook.faint() == [], f"texts that are hard to read in {theme}"

    sliders = notebook.sliders()
    for slider in sliders:
        figures, value = notebook.figure_data(), slider.text
        slider.move()
        if slider.has_a_figure:
            notebook.page.wait_for_function(f"before => ({FIGURE_DATA})() !== before", arg=figures)
        slider.settle()  # until the kernel answers a slider of values reads out an index
        assert slider.text != value, "a slider that the arrow keys do not move"
        assert slider.name, "a slider without a name"
        assert slider.text == slider.readout, f"{slider.name}: another value is read out than is written"
        for _ in range(2):
            slider.handle.press("Home")
        slider.settle()
        assert slider.text == slider.readout, f"{slider.name}: a key that changes nothing changes what is read out"
    assert any(slider.has_a_figure for slider in sliders), "a notebook of this workbook has a slider for a figure"
    assert notebook.problems() == [], "after the sliders were moved"

    notebook.screenshot(SCREENSHOTS / f"{path.stem}-narrow.png", 600)
    assert notebook.problems() == [], "in a narrow window"
    too_wide = [figure for figure in notebook.figures() if figure["right"] > 600]
    assert too_wide == [], "figures that a narrow window cuts off"
    assert notebook.outside == [], "requests that tried to leave the machine"
