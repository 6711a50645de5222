"""The map of topics as a learner has it: drawn without network, nothing cut off, with the keyboard alone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Browser, Frame, Page

from pmt_helpers.datasets import DocumentData, load_documents
from pmt_helpers.teaching import topic_map
from pmt_helpers.topics import TopicModel, personalise_topics, train_shared_topics
from tests.browser.jupyter import SCREENSHOTS, Notebook

# What is drawn and cut off by the frame or by its own svg; and everything drawn, to know that there is something.
CUT = """() => [...document.querySelectorAll('button, input, .model:not([hidden]) :is(text, circle, rect)')]
    .filter(node => node.getClientRects().length && node.getAttribute('opacity') !== '0')
    .map(node => [node.textContent || node.className?.baseVal || node.id, node.getBoundingClientRect(),
                  node.closest('.model > svg')?.getBoundingClientRect() ?? new DOMRect(0, 0, innerWidth, innerHeight)])
    .filter(([name, box, around]) =>
        box.left < Math.max(around.left, 0) - 1 || box.right > Math.min(around.right, innerWidth) + 1
        || box.top < Math.max(around.top, 0) - 1 || box.bottom > Math.min(around.bottom, innerHeight) + 1)
    .map(([name]) => name)"""
TERMS = """() => [...document.querySelectorAll('.model:not([hidden]) .terms')]
    .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)
    .map(term => term.textContent)"""
TITLE = "() => document.querySelector('.model:not([hidden]) .bubble-tool').textContent"


@pytest.fixture(scope="module")
def news() -> DocumentData:
    return load_documents("news")


@pytest.fixture(scope="module")
def models(news: DocumentData) -> dict[str, TopicModel]:
    shared = train_shared_topics(news, 10, iterations=20)
    return {"shared": shared, "personal": personalise_topics(shared, news.select(np.arange(60)), iterations=20)}


@pytest.fixture
def opened(chromium: Browser, models, news) -> Iterator[Callable[..., tuple[Page, Frame]]]:
    html = topic_map(models, news).to_html()
    context = chromium.new_context()
    wrong: list[str] = []

    def at_width(width: int) -> tuple[Page, Frame]:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 1600})
        page.on("request", lambda request: wrong.append(f"request {request.url}"))
        page.on("pageerror", lambda error: wrong.append(f"error {error}"))
        page.route("**/*", lambda route: route.abort())
        page.set_content(f'<!doctype html><body style="margin: 0">{html}')
        (frame,) = page.main_frame.child_frames
        frame.wait_for_selector(".terms")
        return page, frame

    yield at_width
    context.close()
    assert wrong == []


@pytest.mark.parametrize("width", [480, 600, 900, 1400])
def test_everything_is_drawn_and_nothing_cut_off(width: int, opened) -> None:
    page, frame = opened(width)
    for name in ("shared", "personal"):
        frame.get_by_role("button", name=name).click()
        frame.get_by_role("button", name="Next Topic").click()
        page.wait_for_timeout(300)
        svg = frame.locator(".model:not([hidden]) > svg").bounding_box()
        assert svg["width"] > 0.9 * min(width, 680)
        assert frame.locator(".model:not([hidden]) .dot").count() == 10
        assert len(frame.evaluate(TERMS)) == 20
        assert frame.evaluate(CUT) == []
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"topic-map-{name}-{width}.png")


def test_a_cut_map_would_be_noticed(opened) -> None:
    _, frame = opened(1400)
    frame.evaluate("() => { document.getElementById('stage').style.transform = 'scale(1.3)'; }")
    assert len(frame.evaluate(CUT)) > 5


def test_the_map_follows_the_windows_width(opened) -> None:
    page, frame = opened(1400)
    assert frame.evaluate("document.body.className") == "wide"
    page.set_viewport_size({"width": 600, "height": 1600})
    frame.wait_for_function("document.body.className === 'tall'")
    assert frame.evaluate(CUT) == []


def test_the_keyboard_chooses_model_topic_and_lambda(opened, models) -> None:
    page, frame = opened(1400)
    best = {
        name: [model.vocabulary[word] for word in np.argsort(-model.phi[1], kind="stable")[:20]]
        for name, model in models.items()
    }
    frame.get_by_role("button", name="Next Topic").focus()
    for _ in range(2):
        page.keyboard.press("Enter")
    assert frame.evaluate(TITLE).startswith("Top-20 Most Relevant Terms for Topic 2 (")
    assert frame.evaluate(TERMS) == best["shared"]
    numbers = frame.locator(".model:not([hidden]) .xaxis text").all_text_contents()
    longest = frame.evaluate(
        "Math.max(...[...document.querySelectorAll('.bar-totals')].map(bar => bar.__data__.Total))"
    )
    assert longest <= float(numbers[-1].replace(",", "")) * 1.3, "the axis' numbers are those of the bars shown"

    frame.get_by_role("button", name="shared").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    pressed = [button.get_attribute("aria-pressed") for button in frame.locator("#buttons button").all()]
    assert pressed == ["false", "true"]
    page.wait_for_timeout(300)
    assert frame.evaluate(TITLE).startswith("Top-20 Most Relevant Terms for Topic 2 (")  # still
    assert frame.evaluate(TERMS) == best["personal"] != best["shared"]

    frame.get_by_role("slider").last.focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(2500)  # the bars move to their new places
    assert frame.evaluate("document.getElementById('map-1-lambda-value').textContent") == "0.4"
    assert len(frame.evaluate(TERMS)) == 20
    assert frame.evaluate(TERMS) != best["personal"]
    frame.get_by_role("button", name="shared").click()
    assert frame.evaluate("document.getElementById('map-0-lambda').value") == "0.4"


MADE = """
import numpy as np
from pmt_helpers.datasets import load_documents
from pmt_helpers.teaching import topic_map, topic_table
from pmt_helpers.topics import personalise_topics, train_shared_topics

news = load_documents("news")
shared = train_shared_topics(news, 10, iterations=5)
personal = personalise_topics(shared, news.select(np.arange(60)), iterations=5)
topic_map({"shared": shared, "personal": personal}, news)
"""


def test_in_jupyterlab_the_sentence_first_and_the_map_when_it_is_run(
    tmp_path: Path, open_notebook: Callable[[Path], Notebook], models, news
) -> None:
    shown = topic_map(models, news)
    cells = [nbformat.v4.new_code_cell(MADE), nbformat.v4.new_code_cell("topic_table({'shared': shared}, news)")]
    data = {"text/html": shown.to_html(), "text/plain": shown.sentence}
    cells[0].outputs = [nbformat.v4.new_output("display_data", data)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "made" / "made.ipynb"
    path.parent.mkdir()
    nbformat.write(notebook, path)

    stored = open_notebook(path)
    text = stored.page.locator(".jp-OutputArea-output").first.inner_text()
    assert shown.sentence in text, "a stored map that JupyterLab does not trust is read as its sentence"
    stored.run_all(seconds=120)
    assert stored.problems() == []
    frame = next(frame for frame in stored.page.frames if frame.parent_frame == stored.page.main_frame)
    assert len(frame.evaluate(TERMS)) == 20
    for width in (600, 1400):
        stored.screenshot(SCREENSHOTS / f"topic-map-in-lab-{width}.png", width)
        assert frame.evaluate(CUT) == []
    assert stored.outside == []
