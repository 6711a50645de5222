"""Verifying: a sound notebook gives no finding, and each way of going wrong gives its own, with cell and remedy."""

import copy
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.build import learner_copy, read_source
from pmt_helpers.workbook.files import PLOTLY, WIDGET_VIEW, write_notebook
from pmt_helpers.workbook.verify import Finding, verify_notebooks

SOURCE = """# %% [markdown]
# # Sound
# Accuracy lies between a half and one; see section 2.2 and `rate=0.05`, in Python 3.11.

# %% tags=["parameters"]
SEED = 0

# %%
show()

# %%
def spread(window):
    ### BEGIN SOLUTION
    middle = window.mean()
    return abs(window - middle).mean()
    ### END SOLUTION

# %%
check("spread", spread)
"""
STORED = Path("notebooks") / "01_sound.ipynb"


def stream(text: str, name: str = "stdout") -> NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


def display(**kinds: object) -> NotebookNode:
    names = {"plain": "text/plain", "html": "text/html", "plotly": PLOTLY, "png": "image/png", "widget": WIDGET_VIEW}
    return nbformat.v4.new_output("display_data", {names[kind]: value for kind, value in kinds.items()})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one sound notebook, which no kernel had to run."""
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    source = tmp_path / "notebooks" / "source" / "01_sound.py"
    source.write_text(SOURCE, encoding="utf-8")
    notebook = learner_copy(read_source(source))
    for count, cell in enumerate(notebook.cells[1:], start=1):
        cell.execution_count = count
    figure = {"data": [{"type": "bar", "y": [1, 2]}], "layout": {}}
    notebook.cells[2].outputs = [
        display(plotly=figure, png="iVBORw0", plain="Two bars."),
        stream("Two bars; 3 of 10 people, 12 m/s, either/or, accuracy 0.83.\n"),
    ]
    notebook.cells[4].outputs = [display(plain="To do: spread returns nothing yet.", html="<b>To do</b>")]
    write_notebook(notebook, tmp_path / STORED)
    return tmp_path


def doctored(root: Path, change: Callable[[NotebookNode], object]) -> list[Finding]:
    """The findings after a change to the stored notebook."""
    notebook = nbformat.read(root / STORED, as_version=4)
    change(notebook)
    (root / STORED).write_text(nbformat.writes(notebook), encoding="utf-8")
    return verify_notebooks(root)


def test_a_sound_notebook_gives_no_finding(root: Path) -> None:
    assert verify_notebooks(root) == []


def set_tags(notebook: NotebookNode) -> None:
    notebook.cells[2].metadata["tags"] = ["raises-exception"]


def many_cells(notebook: NotebookNode) -> None:
    notebook.cells += [nbformat.v4.new_markdown_cell("More.") for _ in range(36)]


def clear_all(notebook: NotebookNode) -> None:
    for cell in notebook.cells[1:]:
        cell.outputs, cell.execution_count = [], None


def grow(notebook: NotebookNode) -> None:
    notebook.cells[2].outputs[0].data["image/png"] = "A" * 1_000_001


def not_json(notebook: NotebookNode) -> None:
    notebook.cells[2].outputs[0].data[PLOTLY]["data"][0]["y"] = [1.0, float("nan")]


def edit(cell: int, **change: object) -> Callable[[NotebookNode], object]:
    return lambda notebook: notebook.cells[cell].update(change)


def show(cell: int, output: NotebookNode) -> Callable[[NotebookNode], object]:
    return lambda notebook: notebook.cells[cell].outputs.append(copy.deepcopy(output))


ERROR = nbformat.v4.new_output("error", ename="ValueError", evalue="no data", traceback=[])
NO_PICTURE = display(plotly={"data": [], "layout": {}}, plain="Nothing.")
NO_SENTENCE = display(plotly={"data": [], "layout": {}}, png="iVBORw0")


@pytest.mark.parametrize(
    ("change", "cell", "problem"),
    [
        pytest.param(edit(2, source="show(2)"), 3, "differs from its source (text)", id="edited by hand"),
        pytest.param(edit(0, id="another"), 1, "differs from its source (id)", id="another id"),
        pytest.param(set_tags, 3, "differs from its source (tags)", id="another tag"),
        pytest.param(lambda nb: nb.cells.pop(), None, "has 4 cells where its source makes 5", id="a cell less"),
        pytest.param(many_cells, None, "has 41 cells, more than 40", id="too long"),
        pytest.param(clear_all, None, "holds no outputs", id="never run"),
        pytest.param(edit(3, execution_count=7), 4, "has run as number 7, not 3", id="run out of order"),
        pytest.param(show(2, ERROR), 3, "stopped: ValueError: no data", id="error"),
        pytest.param(show(2, stream("Warning: old\n", "stderr")), 3, "shows a warning", id="warning"),
        pytest.param(
            edit(3, source="def spread(w):\n    return abs(window  -  middle).mean()"),
            4,
            "gives away a line of a solution: return abs(window - middle).mean()",
            id="solution in a cell",
        ),
        pytest.param(
            show(4, display(plain="Not yet", html="<code>middle = window.mean()&nbsp;</code>")),
            5,
            "gives away a line of a solution: middle = window.mean()",
            id="solution in an output",
        ),
        pytest.param(grow, None, "is 1.0 MB, more than 1 MB", id="too big"),
        pytest.param(not_json, None, "holds NaN", id="NaN"),
        pytest.param(lambda nb: nb.metadata.update(widgets={}), None, "holds widget state", id="widget state"),
        pytest.param(show(2, display(widget={}, plain="x")), 3, "holds a widget", id="widget"),
        pytest.param(show(2, NO_PICTURE), 3, "no picture beside it", id="figure without picture"),
        pytest.param(show(2, NO_SENTENCE), 3, "has no sentence", id="figure without sentence"),
        pytest.param(show(2, display(plain=" 33%|███   | 1/3 [00:00<?]")), 3, "keeps a progress bar", id="bar"),
        pytest.param(show(2, stream("read /home/ada/data.csv")), 3, "one machine: /home/ada/data.csv", id="path"),
        pytest.param(
            show(2, display(plain="map", html='<script src="https://d3js.org/d3.js"></script>')),
            3,
            "loads a script or picture from the network",
            id="CDN",
        ),
    ],
)
def test_each_way_of_going_wrong_is_found(
    change: Callable[[NotebookNode], object], cell: int | None, problem: str, root: Path
) -> None:
    findings = doctored(root, change)
    assert any(finding.cell == cell and problem in finding.problem for finding in findings), findings
    for finding in findings:
        assert finding.notebook == "01_sound"
        assert finding.remedy


@pytest.mark.parametrize(
    ("prose", "problem"),
    [
        ("Accuracy went up to 0.83.", "typed by hand: 0.83"),
        ("Three in four, so 75% of them.", "typed by hand: 75%"),
        ("Look: ![a badge](https://example.org/badge.svg)", "picture from the network"),
        ("It takes 30 to 45 minutes for 10 people.", None),
        ("As `0.83` in code, [a link](page_1.5.html), $x = 0.5$, https://example.org/v2.1/", None),
        ("## 1.2 Step\nFigure 8.1 of the paper, WISDM v1.1.", None),
        ("```\nrate = 0.05\n```", None),
    ],
)
def test_numbers_in_prose_are_not_typed_by_hand(prose: str, problem: str | None, root: Path) -> None:
    findings = [finding.problem for finding in doctored(root, edit(0, source=prose)) if "source" not in finding.problem]
    assert (findings == []) if problem is None else (problem in findings[0])


def test_a_constant_of_the_paper_is_allowed_by_its_tag(root: Path) -> None:
    def tagged(notebook: NotebookNode) -> None:
        notebook.cells[0].source = "The paper uses 0.548."
        notebook.cells[0].metadata["tags"] = ["numbers-ok"]

    assert not [finding for finding in doctored(root, tagged) if "typed" in finding.problem]


def test_a_notebook_without_a_parameters_cell_is_found(root: Path) -> None:
    findings = doctored(root, lambda notebook: notebook.cells[1].metadata.clear())
    assert any("tag `parameters`" in finding.problem for finding in findings)


def test_a_notebook_that_was_never_built_and_one_without_a_source_are_found(root: Path) -> None:
    (root / STORED).rename(root / "notebooks" / "09_lost.ipynb")
    assert {(finding.notebook, finding.problem) for finding in verify_notebooks(root)} == {
        ("01_sound", "has a source but is not stored"),
        ("09_lost", "has no source"),
    }


def test_a_finding_reads_as_one_line_with_the_remedy() -> None:
    finding = Finding("01_sound", 3, "holds a widget", "build it again")
    assert str(finding) == "01_sound, cell 3: holds a widget. To do: build it again."
