"""A figure's picture, and the site of a run: links, formulas and what takes the place of a widget."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner
from nbformat.notebooknode import NotebookNode

from pmt_helpers.commands.workbook import pages
from pmt_helpers.teaching import explore, figures, prediction, quiz, reveal
from pmt_helpers.teaching.display import PAGE
from pmt_helpers.teaching.questions import Question
from pmt_helpers.workbook.files import PLOTLY, NotebookError, source_paths, write_notebook
from pmt_helpers.workbook.pages import WIDTH, add_pictures, installing, page, write_site


def with_figures(*heights: float) -> NotebookNode:
    """A notebook with one cell and a figure for each number."""
    cell = nbformat.v4.new_code_cell("show()")
    for height in heights:
        figure = {"data": [{"type": "bar", "y": [1, height]}], "layout": {"height": 300}}
        data = {PLOTLY: figure, "text/plain": f"The second bar is {height}."}
        cell.outputs.append(nbformat.v4.new_output("display_data", data))
    return nbformat.v4.new_notebook(cells=[cell])


def test_each_figure_gets_a_picture_with_its_sentence_and_keeps_it_until_it_changes() -> None:
    pytest.importorskip("kaleido")
    first = with_figures(2, 3)
    try:
        assert add_pictures(first, earlier=None) == 2
    except NotebookError as error:
        pytest.skip(error.message)
    one, other = first.cells[0].outputs
    assert one.data["image/png"].startswith("iVBORw0KGgo")
    assert WIDTH < 496, "what JupyterLab in a window of 600 pixels leaves for a picture, which it never makes smaller"
    assert one.metadata == {"image/png": {"alt": "The second bar is 2.", "width": WIDTH}}
    assert one.data["image/png"] != other.data["image/png"]
    second = with_figures(2, 5)
    assert add_pictures(second, earlier=first, render=False) == 0
    kept, changed = second.cells[0].outputs
    assert kept.data["image/png"] == one.data["image/png"]
    assert "image/png" not in changed.data


def test_without_a_browser_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    with pytest.raises(NotebookError, match=r"Install one .*--no-png"):
        add_pictures(with_figures(2), earlier=None)


# --- The site


def prose(*cells: str) -> NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(cell) for cell in cells])


MAP = (
    "## The map\n\n| notebook | minutes |\n|---|---|\n| **00 start** | 10 |\n| [01 next](01_next.ipynb) | 35 |\n\nMore."
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with three pages, made from this README's badge of a copy without an address."""
    write_notebook(
        prose(
            "# Start <here>\n\n[terms](glossary.ipynb#one), [gone](09_gone.ipynb), [far](https://a.org/b.ipynb)", MAP
        ),
        tmp_path / "00.ipynb",
    )
    write_notebook(prose("# Second"), tmp_path / "01_next.ipynb")
    write_notebook(prose("# Glossary"), tmp_path / "glossary.ipynb")
    write_site(tmp_path, ["00", "01_next", "glossary"])
    return tmp_path


def links(path: Path) -> dict[str, str]:
    """The links of a page: text and address."""
    found = re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', path.read_text(encoding="utf-8"))
    return {text: address for address, text in found}


def test_links_between_notebooks_lead_to_pages_and_to_none_that_is_not_there(site: Path) -> None:
    assert links(site / "00.html")["terms"] == "glossary.html#one"
    assert links(site / "00.html")["far"] == "https://a.org/b.ipynb"
    assert "gone" not in links(site / "00.html")
    assert "gone" in (site / "00.html").read_text(encoding="utf-8")


def test_every_page_leads_to_the_contents_the_one_before_and_the_one_after(site: Path) -> None:
    assert links(site / "01_next.html") == {
        "Contents": "index.html",
        "Previous: Start &lt;here&gt;": "00.html",
        "Next: Glossary": "glossary.html",
        "Download the notebook": "01_next.ipynb",
    }
    html = (site / "01_next.html").read_text(encoding="utf-8")
    assert '<a href="01_next.ipynb" download>' in html, "a browser would show its JSON"
    assert not any(text.startswith("Next") for text in links(site / "glossary.html"))


def test_the_index_is_the_map_with_its_minutes_and_without_a_map_the_titles(site: Path) -> None:
    assert links(site / "index.html") == {"00 start": "00.html", "01 next": "01_next.html"}
    assert "<td>35</td>" in (site / "index.html").read_text(encoding="utf-8")
    write_site(site, ["01_next", "glossary"])
    assert links(site / "index.html") == {"Second": "01_next.html", "Glossary": "glossary.html"}


def test_the_buttons_for_binder_and_colab_appear_once_the_badges_have_an_address(site: Path) -> None:
    readme = Path(__file__).resolve().parents[2] / "README.md"
    (site / "README.md").write_text(readme.read_text(encoding="utf-8").replace("OWNER/REPO", "someone/workbook"))
    write_site(site, ["01_next"], root=site)
    address = "https://mybinder.org/v2/gh/someone/workbook/HEAD?urlpath=lab/tree/notebooks/01_next.ipynb"
    assert links(site / "01_next.html")["Open in Binder"] == address
    address = "https://colab.research.google.com/github/someone/workbook/blob/gh-pages/colab/01_next.ipynb"
    assert links(site / "01_next.html")["Open in Colab"] == address


def test_pages_are_written_again_for_what_the_last_run_executed_to_its_end(site: Path) -> None:
    (site / "summary.csv").write_text("notebook,failure\n01_next,\n00,stopped\n", encoding="utf-8")
    (site / "index.html").unlink()
    done = CliRunner().invoke(pages, ["--out", str(site)])
    assert done.exit_code == 0, done.output
    assert links(site / "index.html") == {"Second": "01_next.html"}


def test_without_a_run_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(pages, ["--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "no summary.csv. Execute the notebooks: make run" in done.output


def test_formulas_are_mathml_and_a_table_in_a_quote_is_a_table() -> None:
    html = page(
        prose("Let $n_k$ be.\n\n$$\\frac{a}{b}$$\n\n> **Who**\n>\n> | a | b |\n> |---|---|\n> | $x$ | no |"), "t"
    )
    assert html.count("<math") == 3
    assert 'display="block"' in html
    assert "<mfrac>" in html
    assert re.search(r"<blockquote>.*<table>.*<td>no</td>.*</blockquote>", html, re.S)
    assert "$" not in html.split("<main>")[1].split("</main>")[0]


def test_a_formula_that_cannot_be_read_stands_as_it_is_written() -> None:
    assert "<code>x_a_b</code>" in page(prose("Twice: $x_a_b$."), "t")


@pytest.mark.parametrize("path", source_paths(), ids=lambda path: path.stem)
def test_every_formula_of_the_workbook_is_understood(path: Path) -> None:
    cells = re.findall(r"^# %% \[markdown\].*\n((?:#.*\n?)+)", path.read_text(encoding="utf-8"), re.M)
    text = "\n\n".join(re.sub(r"^# ?", "", cell, flags=re.M) for cell in cells)
    html = page(prose(text), "t").split("<main>")[1]
    bare = re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.S)
    assert "$" not in bare.split("</main>")[0]
    assert not re.findall(r"<m[a-z]+[^>]*>\\[^<]*", html), "a command that the converter does not know"
    assert not re.findall(r"<code>[^<]*\\[a-zA-Z]+[^<]*</code>", html), "a formula that could not be converted"


# --- What stands in the place of a widget


def test_a_slider_holds_the_figure_and_the_sentence_of_every_value() -> None:
    rows = pd.DataFrame({"user": [1, 2] * 2, "accuracy": [0.5, 0.7, 0.6, 0.9], "size": [10, 10, 20, 20]})
    html = explore(rows, "size", figures.per_person, "n < m", start=20, label="<{}>".format).page()
    assert html.count('"sentence"') == 2
    assert 'min="0" max="1" value="1"' in html
    assert "n &lt; m" in html
    assert "<output>&lt;20&gt;</output>" in html
    assert figures.per_person(rows[rows["size"] == 20]).sentence in html


def test_a_question_of_the_quiz_explains_each_choice() -> None:
    html = quiz("00", [Question("Who?", {"<me>": "No.", "you": "Yes."}, right="you")]).page()
    assert html.count('type="radio" name="00-1"') == 2
    assert "&lt;me&gt;" in html
    assert re.search(r"Not quite:</b> No\..*Right:</b> Yes\.", html, re.S)


def test_a_guess_is_asked_for_and_its_answer_is_folded_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(tmp_path / "workbook.json"))
    assert "Make a guess (between 0 and 10)." in prediction("How many?", (0, 10), "k").page()
    assert "Make a guess (a, b)." in prediction("Which?", ["a", "b"], "k").page()
    shown: list[dict] = []
    monkeypatch.setattr("pmt_helpers.teaching.questions.publish", shown.append)
    reveal("k", 0.874)
    monkeypatch.setenv("PMT_PAGES", "1")
    reveal("k", 0.874)
    assert PAGE not in shown[0], "a learner's notebook is not made longer"
    assert re.search(r"<details><summary>.*</summary><p>Answer: 0.87.</p></details>", shown[1][PAGE])


# --- Copies for Colab, and for a folder without the workbook


@pytest.fixture
def install_cell(site: Path) -> str:
    """What the copies' additional cell holds: its notebook's first code cell, below the title."""
    notebook = with_figures(1)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# Title"))
    write_notebook(notebook, site / "02_code.ipynb")
    write_site(site, ["00", "02_code"], root=site)
    copied = nbformat.read(site / "colab" / "02_code.ipynb", as_version=4)
    assert [cell.cell_type for cell in copied.cells] == ["markdown", "code", "code"]
    assert nbformat.read(site / "colab" / "00.ipynb", as_version=4) == nbformat.read(site / "00.ipynb", as_version=4)
    return copied.cells[1].source


def run_in(folder: Path, cell: str, *options: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the cell in a Python of its own, in this folder; also returns how it called pip, which is a stub."""
    stub = folder / "stubs" / "pip" / "__main__.py"
    stub.parent.mkdir(parents=True, exist_ok=True)
    stub.with_name("__init__.py").touch()
    stub.write_text("import sys\nprint(*sys.argv[1:], file=open('calls', 'a'))\n")
    (folder / "calls").write_text("")
    environment = os.environ | {"PYTHONPATH": str(folder / "stubs")}
    command = [sys.executable, *options, "-c", cell]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    return done, (folder / "calls").read_text().splitlines()


def test_the_install_cell_does_nothing_where_the_package_is(install_cell: str, tmp_path: Path) -> None:
    (tmp_path / "pmt_helpers-0.1-py3-none-any.whl").touch()
    done, calls = run_in(tmp_path, install_cell)
    assert (done.returncode, done.stdout, done.stderr, calls) == (0, "", "", [])


def test_the_install_cell_installs_the_wheel_beside_it_and_the_lock_first(install_cell: str, tmp_path: Path) -> None:
    none, calls = run_in(tmp_path, install_cell, "-S")  # -S: without the packages of this environment
    assert "Put the file pmt_helpers-*.whl beside this notebook" in none.stderr
    assert calls == []
    (tmp_path / "pmt_helpers-0.1-py3-none-any.whl").touch()
    done, calls = run_in(tmp_path, install_cell, "-S")
    assert calls == ["install --quiet pmt_helpers-0.1-py3-none-any.whl"]
    assert "Installed. Restart Python" in done.stderr
    (tmp_path / "requirements.lock").touch()
    _, calls = run_in(tmp_path, install_cell, "-S")
    assert calls == [
        "install --quiet --requirement requirements.lock",
        "install --quiet --no-deps pmt_helpers-0.1-py3-none-any.whl",
    ]


def test_the_install_cell_takes_the_repository_once_the_badge_has_an_address(install_cell: str, tmp_path: Path) -> None:
    address = "https://colab.research.google.com/github/someone/workbook/blob/gh-pages/colab/02_code.ipynb"
    cell = installing(with_figures(1), [address]).cells[1].source
    _, calls = run_in(tmp_path, cell, "-S")
    assert calls == ["install --quiet git+https://github.com/someone/workbook"]
