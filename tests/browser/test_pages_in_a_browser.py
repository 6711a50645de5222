"""The site of a run, and slides, from a folder with the network off: on a phone and a wide screen, by keyboard."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page

from pmt_helpers.workbook.files import PLOTLY, learner_paths, write_notebook
from pmt_helpers.workbook.pages import plotly_outputs
from pmt_helpers.workbook.run import run_notebooks
from tests.browser.test_figures_in_a_browser import COLLISIONS

INTRODUCTION = r"""# The first page

The [next page](01_next.ipynb) says what $\frac{n_k}{n}$ is.

> **Who sees what**
>
> | | your windows on this device | shared weights | your personal weights | your own predictions |
> |---|---|---|---|---|
> | the volunteers of the study | no | yes | no | no |

$$p(k) \propto \frac{n_{kw} + \beta}{n_k + V\beta} = \text{a formula too long for a phone}\,\frac{n_{kw}}{n_k}$$
"""
CODE = """
import pandas as pd
from IPython.display import display
from pmt_helpers.teaching import explore, figures, prediction, quiz, reveal

rows = pd.DataFrame({"user": [1, 2] * 3, "accuracy": [0.5, 0.7, 0.6, 0.9, 0.7, 1.0], "size": [10, 10, 20, 20, 30, 30]})
figures.per_person(rows[rows["size"] == 10]).show()  # a line of code that is too long for any telephone ............
display(explore(rows, "size", figures.per_person, "samples", start=20, label="{} windows".format))
display(prediction("How many?", (0, 10), key="how-many"))
reveal("how-many", 7.0)
display(quiz("00"))
display(pd.DataFrame([[f"a wide table, column {number}" for number in range(12)]]))
"""
# What reaches out of the window, apart from what scrolls in a box of its own.
TOO_WIDE = """() => [...document.querySelectorAll('body *')].filter(node =>
    node.getBoundingClientRect().right > innerWidth + 1
    && !node.parentElement.closest('.scroll, pre, .output_html')).map(node => node.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_markdown_cell(INTRODUCTION, id="a"), nbformat.v4.new_code_cell(CODE.strip(), id="b")]
    write_notebook(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "00_first.ipynb")
    last = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# The next page", id="a")])
    write_notebook(last, folder / "01_next.ipynb")
    paths = [folder / "00_first.ipynb", folder / "01_next.ipynb"]
    assert not [run.failure for run in run_notebooks(paths, folder / "out", report=lambda line: None) if run.failure]
    return folder / "out"


@contextmanager
def alone(chromium: Browser, page: Path, **window: Any) -> Iterator[Page]:
    """A page with no network; at the end, nothing has been asked for and nothing has gone wrong."""
    context = chromium.new_context(offline=True, **window)
    tab = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    tab.goto(page.as_uri())
    yield tab
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert wrong == []
    context.close()


@pytest.fixture(params=[390, 1400])
def tab(request: pytest.FixtureRequest, chromium: Browser, site: Path) -> Iterator[Page]:
    """The contents."""
    phone = request.param == 390
    window = {"viewport": {"width": request.param, "height": 850}, "is_mobile": phone, "has_touch": phone}
    with alone(chromium, site / "index.html", **window) as tab:
        yield tab


def press_until(tab: Page, selector: str) -> None:
    """Press Tab until the element has the focus: a keyboard must be able to reach it."""
    for _ in range(60):
        if tab.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached with the Tab key")


def open_first(tab: Page) -> None:
    press_until(tab, "a[href='00_first.html']")
    tab.keyboard.press("Enter")
    tab.locator(".js-plotly-plot .main-svg").nth(1).wait_for()


def test_links_lead_from_page_to_page_by_keyboard(tab: Page) -> None:
    open_first(tab)
    press_until(tab, "main a[href='01_next.html']")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/01_next.html")
    press_until(tab, "nav a[href='00_first.html']")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/00_first.html")


def test_nothing_but_boxes_of_their_own_scrolls_sideways(tab: Page) -> None:
    for _ in range(2):
        assert tab.evaluate(TOO_WIDE) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]
        if not tab.url.endswith("00_first.html"):
            open_first(tab)
    assert tab.evaluate("[...document.querySelectorAll('pre')].some(box => box.scrollWidth > box.clientWidth)")


def test_a_slider_moves_by_keyboard_and_its_figure_sentence_and_spoken_value_follow(tab: Page) -> None:
    open_first(tab)
    place = tab.locator(".pmt-frames", has=tab.locator("input"))
    slider = tab.get_by_role("slider", name="samples")
    drawn = "node => node.data.flatMap(trace => [...trace.y || []])"

    def seen() -> tuple[str, str, str, list[float]]:
        figure = place.locator(".js-plotly-plot")
        assert figure.get_attribute("aria-label") == place.locator("p").inner_text()
        assert slider.get_attribute("aria-valuetext") == place.locator("output").inner_text()
        return (place.locator("output").inner_text(), place.locator("p").inner_text(), figure.evaluate(drawn))

    start = seen()
    assert start[0] == "20 windows"
    assert "75%" in start[1]
    assert 0.9 in start[2]
    press_until(tab, ".pmt-frames input")
    tab.keyboard.press("ArrowRight")
    more = seen()
    assert more[0] == "30 windows"
    assert "85%" in more[1]
    assert 1.0 in more[2]
    tab.keyboard.press("ArrowRight")
    assert seen() == more, "the last value"
    tab.keyboard.press("Home")
    assert seen()[0] == "10 windows"


def test_a_choice_of_the_quiz_is_explained_and_an_answer_unfolds_by_keyboard(tab: Page) -> None:
    open_first(tab)
    explained = tab.locator("fieldset").first.locator(".pmt-why:visible")
    assert explained.count() == 0
    press_until(tab, "input[name='00-1']")
    tab.keyboard.press("Space")
    first = explained.inner_text()
    tab.keyboard.press("ArrowDown")
    assert explained.count() == 1
    assert explained.inner_text() != first
    answer = tab.get_by_text("Answer: 7.00.")
    assert not answer.is_visible()
    tab.reload()
    press_until(tab, "summary")
    tab.keyboard.press("Enter")
    assert answer.is_visible()


def test_formulas_are_drawn_by_the_browser_itself(tab: Page) -> None:
    open_first(tab)
    boxes = tab.locator("mfrac").evaluate_all(
        "fractions => fractions.map(fraction => [...fraction.children].map(part => part.getBoundingClientRect().top))"
    )
    assert len(boxes) == 3
    assert all(above < below for above, below in boxes)
    assert "$" not in tab.locator("main").inner_text().replace(CODE, "")


def test_a_finger_on_a_figure_scrolls_the_page(tab: Page) -> None:
    if not tab.evaluate("matchMedia('(pointer: coarse)').matches"):
        return
    open_first(tab)
    figure = tab.locator(".js-plotly-plot").first
    figure.evaluate("figure => figure.scrollIntoView({block: 'center'})")
    box, before = figure.bounding_box(), tab.evaluate("scrollY")
    assert box
    session = tab.context.new_cdp_session(tab)
    for step in range(26):
        finger = {"x": 180, "y": box["y"] + box["height"] / 2 + 10 * step}
        kind = "touchMove" if step else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [finger]})
        tab.wait_for_timeout(20)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.wait_for_timeout(300)
    assert tab.evaluate("scrollY") < before - 100


def test_on_a_phone_no_text_of_a_notebooks_figure_collides_or_is_cut(site: Path, chromium: Browser) -> None:
    tab = chromium.new_page(viewport={"width": 390, "height": 850})
    tab.goto((site / "00_first.html").as_uri())
    tab.locator(".js-plotly-plot .main-svg").nth(1).wait_for()
    width = tab.locator(".pmt-figure").first.evaluate("node => node.clientWidth")
    assert width == 366, "the page and its margins"
    lines = []
    for path in learner_paths():
        for output in plotly_outputs(nbformat.read(path, as_version=4)):
            small = tab.evaluate("figure => narrowed(figure)", output.data[PLOTLY])
            n_texts, found = tab.evaluate(COLLISIONS, [small, width])
            assert n_texts > 2
            lines += [f"{path.stem}, {small['layout']['title']['text']}: {', '.join(found)}"] if found else []
    assert lines == []
    sizes = tab.evaluate("[...document.querySelectorAll('.xtick text')].map(node => getComputedStyle(node).fontSize)")
    assert sizes
    assert set(sizes) <= {"8px", "9px", "10px"}, "the page's own figures are drawn small, too"
    tab.close()


# --- Slides

DECKS = [path for path in learner_paths() if path.stem != "glossary"]
# What reaches out of the slide shown, or into the corner with its number; and how small its smallest text is.
CUT = """() => [...document.querySelectorAll('section.present :not(aside, aside *)')].filter(node => {
    const box = node.getBoundingClientRect();
    return box.right > 1280 || box.bottom > 680 || (node.matches('pre') && node.scrollWidth > node.clientWidth);
}).map(node => node.outerHTML.slice(0, 100))"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll('section.present :is(p, li, td, pre):not(aside *)')].map(
    node => parseFloat(getComputedStyle(node).fontSize)))"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("slides")
    subprocess.run([sys.executable, "-m", "pmt_helpers", "slides", "--out", folder], check=True)
    return {path.stem: path for path in folder.glob("*.html")}


@pytest.mark.parametrize("name", [path.stem for path in DECKS])
def test_every_slide_fits_its_screen_and_keys_lead_from_the_first_to_the_last(
    name: str, decks: dict[str, Path], chromium: Browser
) -> None:
    with alone(chromium, decks[name], viewport={"width": 1280, "height": 720}) as tab:
        tab.wait_for_function("window.Reveal && Reveal.isReady()")
        count = tab.evaluate("Reveal.getTotalSlides()")
        assert 12 <= count <= 18
        answers = tab.locator(".fragment").count()
        assert answers >= 4, "a prediction and three questions of the quiz"
        for _ in range(count + answers):
            heading = tab.locator("section.present > h2").inner_text()
            assert tab.evaluate(CUT) == [], heading
            assert tab.evaluate(SMALLEST) >= 16, heading
            picture = tab.evaluate("document.querySelector('section.present img')?.naturalWidth ?? 1200")
            assert picture >= 1200, f"{heading}: the stored picture, drawn for a column of JupyterLab"
            tab.keyboard.press("ArrowRight")
        assert tab.evaluate("Reveal.isLastSlide()")
        assert tab.locator("section.present > h2").inner_text() == "Take-aways"
        tab.keyboard.press("Home")
        assert tab.evaluate("Reveal.isFirstSlide()")
