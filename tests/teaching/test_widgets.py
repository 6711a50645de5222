"""Sliders, predictions, quizzes and the menu: what they show, keep and compare, with and without a browser."""

import ipywidgets
import pandas as pd
import pytest

from pmt_helpers.datasets import load_activity
from pmt_helpers.experiments import stored_curve
from pmt_helpers.teaching import (
    Question,
    choose_person,
    explore,
    figures,
    my_person,
    prediction,
    quiz,
    say,
)
from pmt_helpers.teaching.workbook_file import current_workbook

VIEW = "application/vnd.jupyter.widget-view+json"
PLOTLY = "application/vnd.plotly.v1+json"


@pytest.fixture(autouse=True)
def own_workbook(tmp_path, monkeypatch):
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(tmp_path / "my_workbook.json"))


def all_of(widget, kind):
    """Every widget of a kind inside of a box, in order."""
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += all_of(child, kind)
    return found


def grid():
    return pd.DataFrame({"size": [10, 10, 5, 5], "user": [1, 2, 1, 2], "accuracy": [0.8, 0.9, 0.5, 0.6]})


def two_questions():
    return [
        Question("One?", {"yes": "Because.", "no": "No, because."}, right="yes"),
        Question("Two?", {"left": "Not <that>.", "right": "Indeed."}, right="right"),
    ]


EVERY = {
    "explore": lambda: explore(grid(), "size", figures.per_person, "samples"),
    "prediction, numbers": lambda: prediction("How much?", (0, 1, 0.01), key="how-much"),
    "prediction, choices": lambda: prediction("Who?", ["shared", "personal"], key="who"),
    "quiz": lambda: quiz("01", two_questions()),
    "choose_person": lambda: choose_person("watch", default=3),
}


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY.keys())
def test_a_widget_is_one_output_with_a_sentence_in_its_place(make, monkeypatch):
    bundles = []
    monkeypatch.setattr("pmt_helpers.teaching.display.publish", bundles.append)
    shown = make()
    shown._ipython_display_()
    assert len(bundles) == 1
    assert set(bundles[0]) == {VIEW, "text/plain", "text/html"}
    assert bundles[0][VIEW]["model_id"] == shown.widget.model_id
    assert bundles[0]["text/plain"] == shown.sentence == repr(shown)
    assert "ipywidgets" not in shown.sentence


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY.keys())
def test_the_sentence_is_the_same_whatever_was_answered_before(make):
    before = make().sentence
    for section, key, value in (
        ("person", "watch", 7),
        ("predictions", "how-much", 0.25),
        ("predictions", "who", "shared"),
        ("quiz", "01-1", "no"),
    ):
        current_workbook().put(section, key, value)
    assert make().sentence == before


def test_the_slider_draws_its_first_value_and_then_the_one_chosen():
    drawn = []

    def draw(rows):
        drawn.append(rows["size"].unique().tolist())
        return figures.per_person(rows)

    widget = explore(grid(), "size", draw, "samples").widget
    (slider,), (output, _) = all_of(widget, ipywidgets.SelectionSlider), all_of(widget, ipywidgets.Output)
    assert slider.options == (("5", 5), ("10", 10))
    assert not slider.continuous_update
    first = output.outputs
    slider.value = 10
    assert drawn == [[5], [10]]
    assert first[0]["data"][PLOTLY] != output.outputs[0]["data"][PLOTLY]
    assert [set(out["data"]) for out in output.outputs] == [{PLOTLY, "text/plain"}, {"text/plain", "text/html"}]
    assert output.outputs[1]["data"]["text/plain"] == output.outputs[0]["data"]["text/plain"]
    assert "mean 85%" in output.outputs[1]["data"]["text/plain"]


def test_the_slider_can_start_elsewhere_but_not_where_nothing_is():
    (slider,) = all_of(
        explore(grid(), "size", figures.per_person, "samples", start=10).widget, ipywidgets.SelectionSlider
    )
    assert slider.value == 10
    named = explore(grid(), "size", figures.per_person, "samples", label="{} windows".format)
    (slider,) = all_of(named.widget, ipywidgets.SelectionSlider)
    assert slider.options == (("5 windows", 5), ("10 windows", 10))
    assert "5 windows to 10 windows" in named.sentence
    with pytest.raises(ValueError, match=r"cannot start at 7: column 'size' holds \[5, 10\]"):
        explore(grid(), "size", figures.per_person, "samples", start=7)
    with pytest.raises(ValueError, match="at least one row"):
        explore(grid().head(0), "size", figures.per_person, "samples")


@pytest.mark.parametrize("place", [0, 5, 10], ids=["at its start", "half way", "at its end"])
def test_wherever_the_slider_stands_the_figure_is_that_of_the_value_read_out(place):
    shares = [tenth / 10 for tenth in range(11)]
    frame = pd.DataFrame({"user": [1, 2], "accuracy": 0.0}).merge(pd.DataFrame({"share": shares}), how="cross")
    frame["accuracy"] = 0.9 - 0.5 * frame["share"]
    widget = explore(frame, "share", figures.per_person, "share of malicious volunteers", 0.3, "{:.0%}".format).widget
    (slider,), (output, spoken) = all_of(widget, ipywidgets.SelectionSlider), all_of(widget, ipywidgets.Output)
    slider.index = place
    rows = frame[frame["share"] == shares[place]]
    assert output.outputs == figures.per_person(rows).outputs()
    assert (slider.description, slider.label) == ("share of malicious volunteers", f"{10 * place}%")
    said = spoken.outputs[0]["data"]
    assert said["text/plain"] == f"share of malicious volunteers: {10 * place}%"
    assert f'.pmtSaid = "{10 * place}%"' in said["application/javascript"]


def test_a_slider_of_numbers_says_them_as_they_are_written():
    widget = prediction("How much?", (-1, 1, 0.01), key="how-much").widget
    (slider,), (spoken,) = all_of(widget, ipywidgets.FloatSlider), all_of(widget, ipywidgets.Output)
    for value, written in ((0.8, "0.80"), (-0.2, "−0.20")):
        slider.value = value
        assert spoken.outputs[0]["data"]["text/plain"] == f"How much?: {written}"


def press(widget, text="Save my guess"):
    (button,) = [button for button in all_of(widget, ipywidgets.Button) if button.description.endswith(text)]
    button.click()


def marked(widget):
    return [button.description[2:] for button in all_of(widget, ipywidgets.Button) if button.description[0] == "●"]


def test_no_widget_needs_the_arrow_keys_of_jupyterlab():
    """Radio buttons are out of the keyboard's reach there; sliders answer the arrow keys before JupyterLab does."""
    for make in EVERY.values():
        assert not all_of(make().widget, ipywidgets.RadioButtons)


def test_the_menu_shows_everybodys_windows_and_keeps_the_choice():
    widget = choose_person("watch", default=3).widget
    (menu,), (about,) = all_of(widget, ipywidgets.Dropdown), all_of(widget, ipywidgets.HTML)
    assert menu.value == 3
    assert [value for _, value in menu.options] == list(range(1, 11))
    assert my_person("watch", default=3) == 3
    menu.value = 7
    assert my_person("watch", default=3) == 7
    from pmt_helpers.datasets import load_activity

    data = load_activity("watch")
    mine = data.y[data.users == 7]
    assert f"Person 7 has {len(mine)} windows: {(mine == 0).sum()} {data.class_names[0]}" in about.value
    (later,) = all_of(choose_person("watch", default=3).widget, ipywidgets.Dropdown)
    assert later.value == 7


def test_a_person_kept_from_another_dataset_is_not_offered():
    current_workbook().put("person", "watch", 99)
    (menu,) = all_of(choose_person("watch", default=3).widget, ipywidgets.Dropdown)
    assert menu.value in range(1, 11)


def test_say_prints_one_paragraph(capsys):
    say("One thing.", "", "  Another. ")
    assert capsys.readouterr().out == "One thing. Another.\n"


def test_in_a_notebook_a_sentence_wraps_between_words_and_is_no_markup(monkeypatch):
    shown = []
    monkeypatch.setattr("pmt_helpers.teaching.display.in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    say("1. a_b_c *5* < 6 | $x$ & 7.", "8\n9.")
    html = "<p>1. a_b_c *5* &lt; 6 | <span>$</span>x<span>$</span> &amp; 7. 8<br>9.</p>"
    assert shown == [{"text/plain": "1. a_b_c *5* < 6 | $x$ & 7. 8\n9.", "text/html": html}]


def test_outside_of_a_notebook_the_text_is_printed(capsys):
    from pmt_helpers.teaching.display import publish

    publish({"text/plain": "A sentence.", "text/html": "<b>no</b>"})
    assert capsys.readouterr().out == "A sentence.\n"


@pytest.mark.parametrize("dataset", ["watch", "wisdm"])
def test_on_a_page_the_menu_of_people_is_a_slider_over_what_is_stored_of_each(dataset, monkeypatch):
    data = load_activity("watch")
    monkeypatch.setattr("pmt_helpers.datasets.load_activity", lambda name: data)  # WISDM itself may not be here
    html = choose_person(dataset, default=3).page()
    everybody = stored_curve(dataset).query("n_samples == 15")
    assert html.count('"sentence"') == everybody["user"].nunique()
    mean = everybody.query("user == 3").groupby("model")["accuracy"].mean()
    assert f"of person 3 that no model has seen, shared is right for {mean['shared']:.0%}" in html
    assert 'value="2"' in html, "it starts at the person chosen"
    assert "stored results" in html
