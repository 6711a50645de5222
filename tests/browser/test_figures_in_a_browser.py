"""Every figure at three widths: no text on another, turned, cut or left out. In JupyterLab's two themes: none faint."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page
from plotly.offline import get_plotlyjs

from pmt_helpers.workbook.files import PLOTLY, learner_paths
from pmt_helpers.workbook.pages import plotly_outputs
from tests.browser.jupyter import THEMES, Notebook
from tests.teaching.test_figures import EVERY

WIDTHS = (480, 600, 1400)  # JupyterLab in a window of 600 pixels leaves 480 for a figure

# All that is written on a figure, and the buttons. plotly hides a tick label that would be cut.
COLLISIONS = """async ([figure, width]) => {
    const place = document.body.appendChild(document.createElement('div'));
    place.style.width = `${width}px`;
    await Plotly.newPlot(place, figure.data, {...figure.layout, autosize: true}, {displayModeBar: false});
    const all = selector => [...place.querySelectorAll(selector)].filter(node => node.textContent.trim());
    const around = place.querySelector('.main-svg').getBoundingClientRect();
    const found = [];
    const boxes = [];
    for (const node of all(`.xtick text, .ytick text, .cbaxis text, .xtitle, .ytitle, .cbtitle text, .gtitle,
            .legendtext, .annotation-text, .textpoint text, .bartext, .updatemenu-button`)) {
        const box = node.getBoundingClientRect(), text = node.textContent, style = getComputedStyle(node);
        if (!box.width || style.visibility === 'hidden' || style.opacity === '0') {
            found.push(`"${text}" is left out`);
            continue;
        }
        const angle = /rotate\\(([^,)]*)/.exec(node.getAttribute('transform'));
        if (node.closest('.xtick, .ytick') && angle && Number(angle[1])) found.push(`"${text}" is turned`);
        if (box.left < around.left - 1 || box.right > around.right + 1
            || box.top < around.top - 1 || box.bottom > around.bottom + 1) found.push(`"${text}" is cut`);
        const tick = node.closest('.xtick') !== null; // two numbers without a gap read as one
        for (const [other, its, its_tick] of boxes)
            if (Math.min(box.right, its.right) - Math.max(box.left, its.left) > (tick && its_tick ? -2 : 1)
                && Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top) > 2)
                found.push(`"${text}" on "${other}"`);
        boxes.push([text, box, tick]);
    }
    place.remove();
    return [boxes.length, found];
}"""


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Page:
    page = chromium.new_page(viewport={"width": max(WIDTHS), "height": 900})
    page.set_content('<!doctype html><body style="margin: 0">')
    page.add_script_tag(content=get_plotlyjs())
    return page


def collisions(page: Page, figures: dict[str, dict]) -> list[str]:
    """A line for each figure and width: what collides there."""
    lines = []
    for name, figure in figures.items():
        for width in WIDTHS:
            n_texts, found = page.evaluate(COLLISIONS, [figure, width])
            assert n_texts > 2, f"{name}: nothing is written on it"
            lines += [f"{name} at {width} px: {', '.join(found)}"] if found else []
    return lines


def test_no_text_of_a_figure_collides_is_turned_or_cut(page: Page) -> None:
    found = collisions(page, {name: draw().bundle()[PLOTLY] for name, draw in EVERY.items()})
    assert not found, "\n".join(found)


def test_none_does_in_the_notebooks_either(page: Page) -> None:
    stored = {}
    for path in learner_paths():
        for number, output in enumerate(plotly_outputs(nbformat.read(path, as_version=4)), start=1):
            title = output.data[PLOTLY].layout.title.text
            stored[f"{path.stem}, figure {number} ({title})"] = output.data[PLOTLY]
    found = collisions(page, stored)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        ({"xaxis": {"ticktext": ["a long name of a class"] * 2, "tickangle": 0}}, 'class" on "a long'),
        ({"xaxis": {"ticktext": ["some", "any"], "tickangle": 30}}, "is turned"),
        ({"margin": {"r": 0}, "xaxis": {"ticktext": ["a", "long"], "range": [0, 1]}}, '"long" is left out'),
        ({"title": {"text": "much too long a title " * 5}}, "is cut"),
    ],
)
def test_a_planted_collision_is_found(page: Page, layout: dict, says: str) -> None:
    xaxis = {"tickvals": [0, 1], **layout.get("xaxis", {})}
    figure = {"data": [{"x": [0, 1], "y": [1, 2]}], "layout": {"height": 300, "width": 200, **layout, "xaxis": xaxis}}
    assert any(says in line for line in collisions(page, {"planted": figure}))


# What the learner's copies do not show: every figure, a check in each state, a guess, a wrong and a right answer.
STATES = """
from pmt_helpers.teaching import check, prediction, quiz

def shown(answer):
    "what your answer is used for."

check("warm-up", lambda predicted, actual: None, use=shown)
check("warm-up", lambda predicted, actual: print("here") or 100 * (predicted == actual).mean())
check("warm-up", lambda predicted, actual: (predicted == actual).mean())
display(prediction("How many?", (0, 1, 0.01), key="how-many"), prediction("Which?", ["a", "b"], key="which"))
display(quiz("00"))
"""
IMPORT = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from tests.teaching.test_figures import EVERY
"""


def test_no_text_of_a_figure_a_check_or_a_question_is_faint_in_the_light_or_the_dark(
    opened: Callable[..., Notebook],
) -> None:
    notebook = opened(STATES, IMPORT, *(f"EVERY[{name!r}]()" for name in EVERY))
    notebook.run_all()
    for button in notebook.page.locator(".jp-OutputArea .jupyter-button").all():
        button.click()  # of each question's answers, the last is kept
    notebook.page.get_by_text("Not quite").first.wait_for()
    notebook.page.get_by_text("Right:").nth(1).wait_for()
    assert notebook.problems() == []
    assert len(notebook.figures()) == len(EVERY)
    for theme in THEMES:
        notebook.theme(theme)
        found = notebook.faint()
        assert not found, f"{theme}:\n" + "\n".join(found)


def test_a_faint_text_is_found_in_the_theme_where_it_is_faint(opened: Callable[..., Notebook]) -> None:
    notebook = opened(
        "from IPython.display import HTML; HTML('<p style=\"color: #767676\">grey on the page</p>')",
        "HTML('<p style=\"color: white; opacity: 0.5\">white on the page</p>')",
        "HTML('<p style=\"color: #333; background: white\">dark on its own paper</p><p>as the theme has it</p>')",
        "import plotly.graph_objects as go; from pmt_helpers.teaching.figures import Figure",
        "bar = dict(y=[1, 1], text=['on its bar', 'also'], textposition='inside', textfont_color='white')",
        "Figure(go.Figure(go.Bar(**bar, marker_color=['black', '#EEEEEE'])), 'two bars')",
    )
    notebook.run_all()
    found = {}
    for theme in THEMES:
        notebook.theme(theme)
        found[theme] = [line.split(": ", 2)[2] for line in notebook.faint()]
    assert found["JupyterLab Light"] == ["'white on the page'", "'also'"]
    assert found["JupyterLab Dark"] == ["'grey on the page'", "'also'"]
