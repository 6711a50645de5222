"""The workbook as a course of nbgrader, and the step that marks there: needs the extra `nbgrader`.

nbgrader would execute a submission from top to bottom and read the points off a test cell, in a Python that the
student's cells have run in first. Here autograde runs no cell: `JudgeApart` takes nbgrader's place for that, and gives
each test cell the points that `course grade` gives to the code of its answer.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer

from pmt_helpers.teaching.exercises import NOTEBOOKS, all_exercises
from pmt_helpers.workbook.build import BEGIN, STUB, _with_ids, read_source
from pmt_helpers.workbook.course.answers import CHECK, Submitted, submitted_answers
from pmt_helpers.workbook.course.grading import check_sandbox, grade_student, with_cases
from pmt_helpers.workbook.files import source_paths, write_notebook

CONFIG = '''"""nbgrader's settings. Keep this folder to yourself: it holds solutions and the secret seed."""

c = get_config()  # noqa: F821 (nbgrader's own)
c.CourseDirectory.course_id = "personal-models"
c.ClearSolutions.code_stub = {{"python": "{stub}"}}

# Seconds for a cell, where nbgrader executes: `validate` does, `autograde` does not.
c.ExecutePreprocessor.timeout = 120

# No cell of a submission is run but the code of its answers, each in a process of its own.
c.Autograde.sanitize_preprocessors = ["nbgrader.preprocessors.ClearOutput", "{step}"]
c.Autograde.autograde_preprocessors = [
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]

# Your secret number: fresh cases where an exercise can draw them.
c.JudgeApart.seed = {seed!r}

# Share of a cell's points for a mistake that the exercise names.
c.JudgeApart.partial = {partial!r}
'''
_HIDDEN = """### BEGIN HIDDEN TESTS
raise RuntimeError("Points come from JudgeApart: autograde with the nbgrader_config.py of this course.")
### END HIDDEN TESTS
"""
_TEST = "test-"


class JudgeApart(NbGraderPreprocessor):  # type: ignore[misc]
    """Makes each test cell anew from the gradebook, with the verdict on its exercise: nbgrader reads its points there.

    Cells that a student deleted, copied or marked otherwise count as they were released. A test of the lecturer's own
    is not run, and gets no points: mark it by hand.
    """

    seed = Integer(None, allow_none=True).tag(config=True)
    partial = Float(0.0).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        check_sandbox()
        answers, place = submitted_answers(nb), resources["nbgrader"]
        with Gradebook(place["db_url"]) as book:
            stored = book.find_notebook(place["notebook"], place["assignment"])
            points = {cell.name: float(cell.max_score) for cell in stored.grade_cells}
            known = {cell.name: cell.source for cell in stored.source_cells}
            to_fill = {cell.name for cell in stored.solution_cells}
        mine: dict[str, NotebookNode] = {}
        for cell in nb.cells:
            facts = cell.metadata.pop("nbgrader", None)
            if isinstance(facts, dict):
                mine.setdefault(str(facts.get("grade_id")), cell)
        for name, source in known.items():
            cell, is_test = mine.get(name), name in points and name not in to_fill
            if cell is None or (is_test and cell.cell_type != "code"):
                cell = new_code_cell()
                nb.cells.append(cell)
            facts = {"grade": name in points, "solution": name in to_fill, "locked": name not in to_fill}
            cell.metadata = _cell("", name, **facts, **({"points": points[name]} if name in points else {})).metadata
            cell.source = cell.source if name in to_fill else source
            if is_test:
                cell.outputs = list(self._outputs(name, answers, points[name]))
        return nb, resources

    def _outputs(self, name: str, answers: dict[str, Submitted], points: float) -> Iterator[NotebookNode]:
        """What nbgrader reads as so many points: a number, or an error for none."""
        exercises = [each for each in all_exercises() if _TEST + each.id == name]
        rows = grade_student("", answers, [with_cases(each, self.seed) for each in exercises], self.partial)
        message = rows[0].message if rows else "this test was not run"
        if rows and rows[0].points:
            yield new_output("stream", name="stdout", text=f"{message}\n")
            yield new_output("execute_result", {"text/plain": repr(rows[0].points * points)}, execution_count=None)
        else:
            yield new_output("error", ename="NotYet", evalue=message, traceback=[message])


def write_course(out: Path, without: Sequence[str] = (), seed: int | None = None, partial: float = 0.0) -> None:
    """Write nbgrader_config.py and source/NN_name/NN_name.ipynb: an assignment per notebook, a point per exercise."""
    out.mkdir(parents=True)
    for path in source_paths([name for name in NOTEBOOKS if name not in without]):
        cells = [part for cell in read_source(path).cells for part in _parts(cell)]
        write_notebook(_with_ids(cells), out / "source" / path.stem / f"{path.stem}.ipynb")
    config = CONFIG.format(stub=STUB, step=f"{__name__}.JudgeApart", seed=seed, partial=partial)
    (out / "nbgrader_config.py").write_text(config, encoding="utf-8")


def _parts(cell: NotebookNode) -> Iterator[NotebookNode]:
    """A cell with a check as two: the answer's, which students fill, and the test's, which is locked."""
    match = CHECK.search(cell.source) if cell.cell_type == "code" else None
    if match is None or BEGIN not in cell.source:
        yield cell
        return
    answer, test, exercise = cell.source[: match.start()].rstrip(), cell.source[match.start() :], match[1]
    yield _cell(answer, f"answer-{exercise}", grade=False, solution=True, locked=False)
    yield _cell(_HIDDEN + test, f"{_TEST}{exercise}", grade=True, solution=False, locked=True, points=1)


def _cell(source: str, grade_id: str, **facts: Any) -> NotebookNode:
    return new_code_cell(
        source, metadata={"nbgrader": {"schema_version": 3, "task": False, "grade_id": grade_id} | facts}
    )
