"""Slides made from stored notebooks: which cells become slides, in which order, and what of them is shown."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from pmt_helpers.commands.workbook import slides as command
from pmt_helpers.workbook.build import read_source, solution_regions
from pmt_helpers.workbook.files import PLOTLY, NotebookError, learner_path, source_paths
from pmt_helpers.workbook.slides import Slide, gist, slides, write_slides

LESSONS = [path for path in source_paths() if path.stem != "glossary"]
FIRST = """# The title

**The claim this notebook tests:** it works.

About 5 minutes, and 3 more for what goes further.

**After this notebook you can**
1. do one thing;
2. do another,
   which is longer.

> **Threat model: who sees what**
>
> | | you |
> |---|---|
> | data | yes |
"""


def cell(source: str, *outputs: dict, tags: tuple[str, ...] = ("slide",)) -> NotebookNode:
    made = new_code_cell(source, metadata={"tags": list(tags)})
    made.outputs = [new_output("display_data", data) for data in outputs]
    return made


def prose(source: str, *tags: str) -> NotebookNode:
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def deck(*cells: NotebookNode) -> list[Slide]:
    """What these cells add to the slides of a first cell."""
    return slides(new_notebook(cells=[prose(FIRST), *cells]), "00")[3:]


def test_the_first_cell_gives_a_title_the_objectives_and_the_threat_model() -> None:
    title, objectives, threat = slides(new_notebook(cells=[prose(FIRST)]), "00")
    assert title.heading == "The title"
    assert "it works" in title.body
    assert "About 5 minutes" in title.body
    assert objectives.heading == "After this notebook you can"
    assert objectives.body.count("<li>") == 2
    assert "which is longer" in objectives.body
    assert threat.heading == "Threat model: who sees what"
    assert "<td>yes</td>" in threat.body


def test_a_figure_is_a_picture_beside_its_sentence_under_the_heading_of_its_part() -> None:
    figure = {PLOTLY: {"data": []}, "image/png": "iVBO", "text/plain": "A line rises. It ends high."}
    said = {"text/plain": "Ahead from 6 on.", "text/html": "<p>Ahead from 6 on.</p>"}
    (one,) = deck(prose("## Step 1. Look\nRead the figure."), cell("show()", said, figure))
    assert one.heading == "Step 1. Look"
    assert 'src="data:image/png;base64,iVBO" alt="A line rises. It ends high."' in one.body
    assert one.body.index("Ahead from 6 on.") < one.body.index("<p>A line rises. It ends high.</p>")
    assert one.notes == ["Read the figure."]


def test_code_comes_before_the_figure_where_the_tag_asks_for_it_without_what_only_prints() -> None:
    figure = {PLOTLY: {"data": []}, "image/png": "iVBO", "text/plain": "Up."}
    source = "model = train(\n    data,\n)\nsay(\n    f'{model}',\n)\nfigures.show(model)"
    code, picture = deck(cell(source, figure, tags=("slide", "code")))
    bare = re.sub("<.*?>", "", code.body)
    assert bare.split() == ["model", "=", "train(", "data,", ")"]
    assert "iVBO" in picture.body


def test_untagged_cells_are_no_slides_and_their_prose_is_told_by_the_speaker() -> None:
    (one,) = deck(
        cell("hidden = 1", {"text/plain": "hidden"}, tags=()),
        prose("Behind nothing.\n\n## Part\nLeads to it."),
        cell("shown()", {"text/plain": "shown"}),
        prose("Reads it.\n\n## Next\nLeads nowhere."),
    )
    assert one.body == "<p>shown</p>"
    assert one.notes == ["Leads to it.", "Reads it."]


def test_a_prediction_shows_its_choices_and_its_answer_at_the_next_key() -> None:
    question = {"text/plain": "Before you run the next cell: Which? (A place for your guess appears here when ...)"}
    answer = cell('reveal("k", found)', {"text/plain": "Answer: the <other>."}, tags=())
    (texts,) = deck(cell('prediction("Which?", ["one", "the <other>"], key="k")', question), answer)
    assert texts.heading == "Predict"
    assert ">Which?</p>" in texts.body
    assert "<li>the &lt;other&gt;</li>" in texts.body
    assert '<p class="fragment answer">Answer: the &lt;other&gt;.</p>' in texts.body
    guessed = cell('reveal("k", found)', {"text/plain": "You said 2; the answer is 3."}, tags=())
    assert "the answer is 3." in deck(cell('prediction("Which?", (0, 9), key="k")', question), guessed)[0].body
    (numbers,) = deck(cell('prediction(\n    "Which?",\n    (0, 100_000, 10),\n    key="k",\n)', question), answer)
    assert "Between 0 and 100,000" in numbers.body


def test_an_exercise_shows_its_statement_its_formula_and_the_function_to_write() -> None:
    source = 'def f(x):\n    """x (n,). Returns\n    one."""\n    ...  # your code here\n\n\ncheck("f", f)'
    (one,) = deck(prose("## Part\nWhy:\n\n$$a = b$$\n\n**Exercise 1.** Write it. Now."), cell(source))
    assert one.heading == "Exercise 1"
    assert "Write it.\nNow." in one.body
    assert "Why" not in one.body
    assert "<math" in one.body
    bare = re.sub("<.*?>", "", one.body)
    assert "Returns one." in bare
    assert "# your code here" in bare
    assert "check" not in bare


def test_the_gist_of_a_text_is_its_first_sentences_with_every_list_and_formula() -> None:
    text = "One two three. Four five six. Seven.\n\n$$x$$\n\n- item\n\nMore words."
    assert gist(text, words=6).split("\n") == [
        "- One two three.",
        "- Four five six.",
        "",
        "$$x$$",
        "",
        "",
        "- item",
        "",
    ]
    assert gist("A word. Then | none.\n\n| a |\n|---|\n\nLater.", bullets=False).endswith("| a |\n|---|\n")


def test_the_end_is_claims_quiz_and_take_aways_wherever_they_stand() -> None:
    row = "<tr><td>It holds (our question; points).<br><i>So it is.</i></td><td>no number</td><td>{}</td></tr>"
    values = "+0.5 % (a, b)<br>+10.0 % (c)<br>-3.2 % (d)<br>+1.0 % (e)"
    table = f"<table><thead><tr><th>Claim</th></tr></thead><tbody>{row.format(values)}{row.format('2 (x)<br>1 (y)')}"
    (
        claims,
        *quiz,
        last,
    ) = deck(
        cell('claims_table(notebook="00")', {"text/plain": "", "text/html": table}, tags=()),
        cell('quiz("00")', tags=()),
        prose("**Take-aways.** First this. Then that.\n\n**Limits.** Many."),
        cell("later()", {"text/plain": "later"}),
    )[1:]
    assert "It holds (points)." in claims.body
    assert ">–<" in claims.body
    assert "-3.2 to +10.0 % (4 groups)" in claims.body
    assert "2 (x)<br>1 (y)" in claims.body
    assert "So it is." not in claims.body
    assert claims.notes == ["- So it is.\n- So it is."]
    assert [one.heading for one in quiz] == ["Quiz 1", "Quiz 2", "Quiz 3"]
    assert all(re.search(r'class="fragment answer">[ABC]\. \w', one.body) for one in quiz)
    assert last.body.count("<li>") == 2
    assert "Many" not in last.body


@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_every_notebook_gives_a_lecture_of_twelve_to_eighteen_slides(source: Path) -> None:
    made = slides(nbformat.read(learner_path(source.stem), as_version=4), source.stem[:2])
    assert 12 <= len(made) <= 18
    assert sum("<img" in one.body for one in made) >= 2
    assert any("your code here" in one.body for one in made)
    assert [one.heading for one in made[-4:]] == ["Quiz 1", "Quiz 2", "Quiz 3", "Take-aways"]
    assert all(one.heading and one.body for one in made)
    text = "".join(re.sub("<.*?>", "", one.body + "".join(one.notes)) for one in made)
    secrets = {line.strip() for cell in read_source(source).cells for part in solution_regions(cell.source)
               for line in part.split("\n") if len(line.strip()) > 20}  # fmt: skip
    assert not [line for line in secrets if line in text]


def test_the_command_writes_a_file_that_asks_nothing_of_the_network(tmp_path: Path) -> None:
    pytest.importorskip("sphinx_revealjs")
    done = CliRunner().invoke(command, ["00", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert re.search(r"00_start_here\.html: \d+ slides", done.output)
    html = (tmp_path / "00_start_here.html").read_text(encoding="utf-8")
    assert "Reveal.initialize" in html
    slides_themselves = html.split('<div class="slides">')[1].split("<script>")[0]
    assert re.findall(r"\b(?:src|href)=.(.{5})", slides_themselves) == ["data:"] * 2


def test_a_notebook_in_which_somebody_has_worked_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("sphinx_revealjs")
    notebook = nbformat.read(learner_path("00_start_here"), as_version=4)
    notebook.cells[-1].source += " My own words."
    nbformat.write(notebook, tmp_path / "00_start_here.ipynb")
    with pytest.raises(NotebookError, match=r"worked in 00_start_here.ipynb.*show the answers"):
        write_slides([tmp_path / "00_start_here.ipynb"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["00_start_here.ipynb"]


def test_without_the_package_that_ships_reveal_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = CliRunner().invoke(command, ["00", "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "Make them with: make slides" in done.output
