"""Names and texts that others wrote, in a real browser: nothing of them runs, and none becomes a link or a picture."""

from pathlib import Path

import nbformat
import plotly.graph_objects as go
from playwright.sync_api import Browser
from plotly.offline import get_plotlyjs

from pmt_helpers.device.logs import read_log
from pmt_helpers.teaching import figures
from pmt_helpers.teaching.display import in_words
from pmt_helpers.teaching.figures.device_series import spans_of, training_rows
from pmt_helpers.teaching.figures.style import Figure
from pmt_helpers.workbook.pages import page
from tests.setup.test_privacy_of_the_workbook import PLANTS
from tests.teaching.test_device_logs import spans_text


def test_nothing_planted_runs_or_becomes_an_element_on_the_pages_of_a_run(chromium: Browser, tmp_path: Path) -> None:
    outputs = []
    for number, plant in enumerate([*PLANTS, "<a href='https://example.org'>log</a>"]):
        for machine in "12":
            text = spans_text(model=f"{machine}{plant}", kernel=plant)
            (tmp_path / f"{machine}.jsonl").write_text(text)
        rows = training_rows(spans_of(read_log(tmp_path / f"{machine}.jsonl") for machine in "12"))
        drawn = figures.seconds_by_samples(rows)
        custom = Figure(go.Figure(go.Scatter(y=[1], customdata=[plant])), f"{number} {plant}")
        for bundle in (drawn.bundle(), custom.bundle(), in_words(plant)):
            outputs.append(nbformat.v4.new_output("display_data", bundle))
        outputs.append(nbformat.v4.new_output("error", ename=plant, evalue=plant, traceback=[plant]))
    cell = nbformat.v4.new_code_cell("# what others wrote", outputs=outputs)
    (tmp_path / "page.html").write_text(page(nbformat.v4.new_notebook(cells=[cell]), PLANTS[0]), encoding="utf-8")
    (tmp_path / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    said, asked = [], []
    tab = chromium.new_context(offline=True).new_page()
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto((tmp_path / "page.html").as_uri())
    tab.wait_for_timeout(3000)
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert tab.locator(".js-plotly-plot").count() == 2 * (len(PLANTS) + 1), "a figure was swallowed"
    assert tab.locator(".main-svg a, [onerror], [onload], [onclick], img").count() == 0
    tab.context.close()
