"""The course for nbgrader, with nbgrader itself: generated, submitted, graded, fed back and exported."""

import copy
import inspect
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.__main__ import cli
from pmt_helpers.teaching.exercises import all_exercises
from pmt_helpers.teaching.exercises.nb00 import accuracy
from pmt_helpers.workbook.build import BEGIN
from pmt_helpers.workbook.course.nbgrading import JudgeApart, write_course
from pmt_helpers.workbook.files import ROOT
from tests.workbook.test_course_release import files_with, lines_of_solutions

NAME = "00_start_here"
RIGHT = inspect.getsource(accuracy).replace("np.ndarray", "object")
WRONG = RIGHT.replace(".mean()", ".sum()")
OTHER = "def accuracy(predicted, actual):\n    return 0.5"
CHEATS = {
    "imports": "from pmt_helpers.teaching.exercises.nb00 import accuracy",
    "asks": "def accuracy(a, b):\n    import sys\n"
    "    return sys.modules['pmt_helpers.teaching.exercises.nb00'].accuracy(a, b)",
    "reads": "def accuracy(a, b):\n    return float(open('/proc/self/stat').read()[0])",
    "equals": "class Same(float):\n    __eq__ = lambda *_: True\n    __hash__ = None\n"
    "    __array__ = lambda *_, **__: Same()\ndef accuracy(a, b):\n    return Same()",
    "redefines": "def check(*_, **__): pass\nassert_almost_equal = judge = check\ndef accuracy(a, b): ...",
    "leaves": "import os\nos._exit(0)\ndef accuracy(a, b):\n    os._exit(0)",
    "patches": "import pmt_helpers.workbook.course.grading as theirs\ntheirs.judge_apart = lambda *_: 1\n" + OTHER,
    "speaks for the judge": 'def accuracy(a, b):\n    import os\n    os.write(1, b"9" * 99)\n    return 0.5',
    "forges": OTHER,  # and writes into the notebook's metadata and outputs, see `forged`
}  # fmt: skip


def nbgrader(course: Path, *arguments: str) -> str:
    paths = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course, env=os.environ | paths, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def facts(cell: nbformat.NotebookNode) -> dict:
    return cell.metadata.get("nbgrader", {})


def forged(notebook: nbformat.NotebookNode) -> None:
    for cell in filter(lambda cell: facts(cell).get("grade"), notebook.cells):
        cell.metadata.nbgrader.points = 100
        cell.source = "100.0"
        cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "100.0"}, execution_count=1)]


def without_test(notebook: nbformat.NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if not facts(cell).get("grade")]


def copied_test(notebook: nbformat.NotebookNode) -> None:
    notebook.cells += [{**copy.deepcopy(cell), "id": "copy"} for cell in notebook.cells if facts(cell).get("grade")]
    notebook.cells = [nbformat.from_dict(cell) for cell in notebook.cells]


def without_marks(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)


def other_marks(notebook: nbformat.NotebookNode) -> None:
    for cell in filter(facts, notebook.cells):
        cell.metadata.nbgrader |= {"solution": True, "locked": False, "points": "many"}


EDITS = (without_test, copied_test, without_marks, other_marks)  # of a notebook with the right answer


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Notebook 00 handed in by everybody. No kernel is started: what does not answer is not run."""
    folder = tmp_path_factory.mktemp("nbgrader") / "course"
    write_course(folder, seed=31, partial=0.25)
    nbgrader(folder, "generate_assignment", NAME)
    released = nbformat.read(folder / "release" / NAME / f"{NAME}.ipynb", 4)
    edits = {edit.__name__: edit for edit in EDITS} | {"forges": forged}
    codes = {"good": RIGHT, "bad": WRONG, "other": OTHER, "blank": None, **CHEATS, **dict.fromkeys(edits, RIGHT)}
    for student, code in (codes | {"forges": OTHER}).items():
        mine = copy.deepcopy(released)
        for cell in mine.cells:
            if facts(cell).get("solution") and code:
                cell.source = code
        edits.get(student, id)(mine)
        place = folder / "submitted" / student / NAME / f"{NAME}.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(mine, place)
    nbgrader(folder, "autograde", NAME)
    nbgrader(folder, "generate_feedback", NAME)
    nbgrader(folder, "export")
    return folder


def test_right_is_full_a_named_mistake_partial_blank_and_every_cheat_nothing(course):
    table = pd.read_csv(course / "grades.csv").set_index("student_id")
    scores = {"good": 1.0, "bad": 0.25, "other": 0.0, "blank": 0.0, **dict.fromkeys(CHEATS, 0.0)}
    scores |= {edit.__name__: 1.0 for edit in EDITS}  # nbgrader itself fails for some of these
    assert table["score"].to_dict() == scores
    assert set(table["max_score"]) == {1.0}


def test_feedback_says_what_the_check_says(course):
    pages = {name: (course / "feedback" / name / NAME / f"{NAME}.html").read_text() for name in ("bad", "imports")}
    assert "divide by the number of windows" in pages["bad"]
    assert "it tried what no answer needs: import pmt_helpers" in pages["imports"]


def test_what_nbgrader_releases_holds_no_answer_and_no_secret(course):
    nbgrader(course, "generate_assignment", "01_base_model")
    lines = lines_of_solutions()
    assert files_with(course / "source", lines), "the search finds what is there"
    assert files_with(course / "release", lines) == {}
    text = "".join(path.read_text() for path in (course / "release").rglob("*.ipynb"))
    assert not any(word in text for word in (BEGIN, "HIDDEN", "JudgeApart", "seed = 31"))


def test_every_exercise_has_one_cell_to_fill_and_one_locked_test_with_points(course):
    found = {"answer": [], "test": []}
    for path in sorted((course / "source").rglob("*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            if mine := facts(cell):
                kind, _, exercise = mine["grade_id"].partition("-")
                found[kind].append(exercise)
                assert mine["locked"] == mine["grade"] == (kind == "test") != mine["solution"]
                assert mine.get("points") == (1 if kind == "test" else None)
                assert mine["schema_version"] == 3
    assert sorted(found["answer"]) == sorted(found["test"]) == sorted(exercise.id for exercise in all_exercises())


def test_a_test_of_the_lecturers_own_is_not_run_and_gives_nothing():
    [output] = JudgeApart()._outputs("test-mine", {}, 1.0)
    assert (output.output_type, output.evalue) == ("error", "this test was not run")


def test_with_other_settings_nobody_gets_a_point_unseen(course):
    notebook = nbformat.read(course / "source" / NAME / f"{NAME}.ipynb", 4)
    [test] = [cell.source for cell in notebook.cells if facts(cell).get("grade")]
    with pytest.raises(RuntimeError, match=r"nbgrader_config\.py of this course"):
        exec(test, {"check": lambda *_, **__: None, "accuracy": accuracy})


def test_without_nbgrader_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    monkeypatch.setitem(sys.modules, "nbgrader.preprocessors", None)
    monkeypatch.delitem(sys.modules, "pmt_helpers.workbook.course.nbgrading", raising=False)
    done = CliRunner().invoke(cli, ["course", "release", str(tmp_path / "out"), "--nbgrader"])
    assert done.exit_code == 1
    assert "pip install 'pmt-helpers[nbgrader]'" in done.output
    assert not (tmp_path / "out").exists()
