"""The browser test is worth its minutes only if it can fail: here it meets a good notebook, then planted faults."""

from collections.abc import Callable

from tests.browser.jupyter import Notebook

GOOD = """
import ipywidgets, plotly.graph_objects as go
from IPython.display import display

out = ipywidgets.Output()
def draw(change):
    figure = go.Figure(go.Bar(y=[1, 2, change["new"]]))
    with out:
        out.clear_output(wait=True)
        display({"application/vnd.plotly.v1+json": figure.to_plotly_json(), "text/plain": "bars"}, raw=True)

slider = ipywidgets.IntSlider(3, 1, 10, continuous_update=False)
slider.observe(draw, "value")
draw({"new": 3})
ipywidgets.VBox([slider, out])
"""


def test_a_good_notebook_passes_and_its_slider_changes_the_figure(opened: Callable[..., Notebook]) -> None:
    notebook = opened("print('first')", GOOD)
    notebook.run_all(seconds=60)
    assert notebook.problems() == []
    assert [figure["traces"] for figure in notebook.figures()] == [1]
    (slider,) = notebook.sliders()
    assert slider.has_a_figure
    slider.move()
    bars = "JSON.stringify(document.querySelector('.js-plotly-plot').data[0].y)"
    notebook.page.wait_for_function(f"() => {bars} === '[1,2,4]'")
    assert slider.text == "4"
    assert notebook.outside == []


def test_each_planted_fault_is_found(opened: Callable[..., Notebook]) -> None:
    dead_widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "gone", "version_major": 2}}
    blank = {"application/vnd.plotly.v1+json": {"data": [], "layout": {}}}
    notebook = opened(
        "import sys; print('careful', file=sys.stderr)",
        f"from IPython.display import display; display({dead_widget}, raw=True)",
        f"display({blank}, raw=True)",
        "from IPython.display import HTML; HTML('<img src=\"https://example.org/a.png\">')",
        "1 / 0",
    )
    notebook.run_all(seconds=60)
    text = "\n".join(notebook.problems())
    for sign in ("stderr: careful", "cell 2: dead widget", "cell 3: blank figure", "ZeroDivisionError"):
        assert sign in text
    assert set(notebook.outside) == {"https://example.org/a.png"}
