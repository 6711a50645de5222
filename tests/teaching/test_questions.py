"""Predictions and quizzes: what they ask, keep, compare and explain."""

import ipywidgets
import pytest

from pmt_helpers.teaching import Question, prediction, quiz, reveal
from pmt_helpers.teaching.exercises import NOTEBOOKS
from pmt_helpers.teaching.questions import stored_quiz
from pmt_helpers.teaching.workbook_file import current_workbook
from tests.teaching.test_widgets import all_of, marked, press, two_questions


@pytest.fixture(autouse=True)
def own_workbook(tmp_path, monkeypatch):
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(tmp_path / "my_workbook.json"))


def test_a_guess_is_kept_only_when_it_is_saved(capsys):
    widget = prediction("How much?", (0, 1, 0.01), key="how-much").widget
    (slider,) = all_of(widget, ipywidgets.FloatSlider)
    slider.value = 0.85
    assert current_workbook().get("predictions", "how-much") is None
    press(widget)
    assert current_workbook().get("predictions", "how-much") == pytest.approx(0.85)
    assert any("0.85" in html.value for html in all_of(widget, ipywidgets.HTML))
    (again,) = all_of(prediction("How much?", (0, 1, 0.01), key="how-much").widget, ipywidgets.FloatSlider)
    assert again.value == pytest.approx(0.85)
    reveal("how-much", 0.874)
    assert capsys.readouterr().out == "You said 0.85; the answer is 0.87.\n"


def test_without_a_guess_only_the_value_is_said(capsys):
    reveal("how-much", 0.874)
    reveal("who", "personal")
    assert capsys.readouterr().out == "Answer: 0.87.\nAnswer: personal.\n"


def test_a_choice_is_compared_word_by_word(capsys):
    widget = prediction("Who?", ["shared", "personal"], key="who").widget
    assert marked(widget) == []
    press(widget, "personal")
    assert marked(widget) == ["personal"]
    assert current_workbook().get("predictions", "who") == "personal"
    reveal("who", "shared")
    reveal("who", "personal")
    assert capsys.readouterr().out == "You said personal; the answer is shared.\nYou said personal, which is right.\n"


def test_digits_are_those_asked_for(capsys):
    current_workbook().put("predictions", "epochs", 40)
    reveal("epochs", 37.0, digits=0)
    assert capsys.readouterr().out == "You said 40; the answer is 37.\n"


def test_whole_steps_are_written_as_whole_numbers(capsys):
    widget = prediction("How many points?", (0, 40, 1), key="points").widget
    (slider,) = all_of(widget, ipywidgets.FloatSlider)
    assert slider.readout_format == ".0f"
    slider.value = 5
    (save,) = all_of(widget, ipywidgets.Button)
    save.click()
    assert any("<b>5</b>" in html.value for html in all_of(widget, ipywidgets.HTML))
    reveal("points", 4.9, digits=1)
    reveal("points", 5.0, digits=1)
    assert capsys.readouterr().out == "You said 5; the answer is 4.9.\nYou said 5, which is right.\n"


def test_a_guess_from_another_question_does_no_harm():
    current_workbook().put("predictions", "how-much", "a lot")
    current_workbook().put("predictions", "who", 17)
    prediction("How much?", (0, 1, 0.01), key="how-much")
    prediction("Who?", ["shared", "personal"], key="who")


def test_every_choice_of_a_quiz_explains_itself_and_is_kept():
    widget = quiz("01", two_questions()).widget
    assert marked(widget) == []
    explanations = [html for html in all_of(widget, ipywidgets.HTML) if not html.value]
    press(widget, "no")
    assert "Not quite" in explanations[0].value
    assert "No, because." in explanations[0].value
    press(widget, "yes")
    assert "Right" in explanations[0].value
    press(widget, "left")
    assert "Not &lt;that&gt;." in explanations[1].value
    assert marked(widget) == ["yes", "left"]
    assert current_workbook().section("quiz") == {"01-1": "yes", "01-2": "left"}
    assert marked(quiz("01", two_questions()).widget) == ["yes", "left"]


def test_without_widgets_the_questions_can_still_be_read():
    text = quiz("01", two_questions()).sentence
    assert "Question 1. One?\n  ( ) yes\n  ( ) no\n" in text
    assert "Because." not in text


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_each_notebook_asks_three_questions_and_explains_each_choice(notebook):
    questions = stored_quiz(notebook)
    assert len(questions) == 3
    for question in questions:
        assert len(question.choices) >= 3
        assert all(len(explanation) > 20 for explanation in question.choices.values())
        assert all(len(choice) <= 60 for choice in question.choices)
    places = [list(question.choices).index(question.right) for question in questions]
    assert len(set(places)) > 1  # not always the first


def test_an_unknown_quiz_and_an_unknown_right_choice_are_refused():
    with pytest.raises(KeyError, match="there is one for 00, 01"):
        quiz("99")
    with pytest.raises(ValueError, match="'maybe' is not among"):
        Question("One?", {"yes": "Because."}, right="maybe")
