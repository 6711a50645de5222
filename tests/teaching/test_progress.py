"""What a learner is told about the way behind and the way ahead."""

from pathlib import Path

import pytest

from pmt_helpers.teaching import my_progress
from pmt_helpers.teaching.exercises import NOTEBOOKS, all_exercises
from pmt_helpers.teaching.progress import progress_lines
from pmt_helpers.teaching.questions import stored_quiz
from pmt_helpers.teaching.workbook_file import Workbook


@pytest.fixture
def workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbook:
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(tmp_path / "my_workbook.json"))
    return Workbook(tmp_path / "my_workbook.json")


def line(workbook: Workbook, notebook: str) -> str:
    return next(text for text in progress_lines(workbook) if text.startswith(notebook))


def test_without_a_file_no_notebook_is_begun_and_none_is_written(workbook: Workbook) -> None:
    lines = list(progress_lines(workbook))
    assert [text[:2] for text in lines] == list(NOTEBOOKS)
    assert all("not begun" in text for text in lines)
    assert not workbook.path.exists()


def test_running_a_blank_exercise_is_no_beginning_and_a_wrong_answer_is_one(workbook: Workbook) -> None:
    workbook.put("checks", "sgd-step", "to do")
    assert "not begun" in line(workbook, "01")
    workbook.put("checks", "sgd-step", "not yet")
    assert "0 of 4 exercises are right" in line(workbook, "01")
    assert "One step of learning" in line(workbook, "01").partition("Open:")[2]


def test_what_is_right_is_counted_and_no_longer_open(workbook: Workbook) -> None:
    workbook.put("checks", "sgd-step", "right")
    for number, question in enumerate(stored_quiz("01"), start=1):
        wrong = next(choice for choice in question.choices if choice != question.right)
        workbook.put("quiz", f"01-{number}", wrong if number == 2 else question.right)
    told = line(workbook, "01")
    assert "1 of 4 exercises are right, 2 of 3 answers in the quiz" in told
    assert "One step of learning" not in told
    for exercise in all_exercises():
        workbook.put("checks", exercise.id, "right")
    assert "Open" not in line(workbook, "01")


def test_a_file_of_another_edition_stops_nothing(workbook: Workbook) -> None:
    workbook.put("checks", "an-exercise-of-long-ago", "right")
    workbook.put("checks", "warm-up", ["not", "a", "verdict"])
    workbook.put("quiz", "00-1", {"answer": 3})
    assert "0 of 1 exercises are right, 0 of 3 answers" in line(workbook, "00")


def test_a_notebook_shows_the_same_lines(workbook: Workbook, capsys: pytest.CaptureFixture[str]) -> None:
    workbook.put("checks", "warm-up", "right")
    my_progress()
    assert capsys.readouterr().out.splitlines() == list(progress_lines(workbook))
