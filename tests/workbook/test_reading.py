"""Minutes of a core path, and the words of all that a learner reads, counted as an author would count them by hand."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import pmt_helpers
from pmt_helpers.teaching.claims import load_claims
from pmt_helpers.workbook.build import read_source
from pmt_helpers.workbook.files import PLOTLY, ROOT, learner_path, source_paths
from pmt_helpers.workbook.reading import ReadingTime, count_words, exercise_minutes, parts, reading_time, sentences

SOURCES = source_paths()
SAID = {PLOTLY, "text/markdown"}
LESSONS = [path for path in SOURCES if path.stem != "glossary"]
MOST_MINUTES, MOST_CELLS = 50, 30
MEAN_WORDS, MOST_WORDS = 17, 35
UNUSUAL = re.compile(
    r"\b(?:foretell\w*|by lot|lots were|liars?|nobody lies|the bill|in peace|so many|mend(?:s|ed)?|dearer|none other"
    r"|thereby|hence|whence|upon|lest|amid(?:st)?|whilst|whereby|wherein|herein|thus|afresh|besides|told apart|be had"
    r"|(?:bits|seconds|samples|steps|windows|passes|tokens|row|column|dot|value) an? "
    r"(?:word|window|step|second|document|person|class|setting))\b",
    re.I,
)
PACKAGE = Path(pmt_helpers.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def notebook(*cells: str | NotebookNode) -> NotebookNode:
    return new_notebook(cells=[new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells])


def core(of: NotebookNode) -> ReadingTime:
    return reading_time(parts(of)[0])


def shown(**data: object) -> NotebookNode:
    cell = new_code_cell("show()")
    cell.outputs.append(new_output("display_data", data))
    return cell


def strings(code: str) -> Iterator[str]:
    """The texts in a module: not its docstrings; an f-string as one text, with x where a value stands."""
    parts: set[ast.AST] = set()
    for node in ast.walk(ast.parse(code)):  # outer nodes first
        if isinstance(node, ast.Expr):
            parts.add(node.value)
        elif node in parts:
            continue
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
            parts.update(part for part in node.values if isinstance(part, ast.Constant))
            specs = [part.format_spec for part in node.values if isinstance(part, ast.FormattedValue)]
            parts.update(part for spec in specs if spec for part in ast.walk(spec))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def hard_to_read(texts: Iterable[str]) -> list[str]:
    """Sentences that are too long, and unusual words."""
    texts = [text for text in texts if "=> {" not in text]  # but not JavaScript
    long = [sentence for text in texts for sentence in sentences(text) if count_words(sentence) > MOST_WORDS]
    return long + UNUSUAL.findall("\n".join(texts))


def printed(notebook: NotebookNode) -> Iterator[str]:
    """What cells say: printed sentences, and the sentences of figures."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        data = output.get("data", {})
        yield output.text if output.output_type == "stream" else data["text/plain"] if SAID & set(data) else ""


def test_two_hundred_words_take_a_minute_wherever_they_stand() -> None:
    printed = new_code_cell("say(word)")
    printed.outputs.append(new_output("stream", name="stdout", text="word " * 98))
    assert core(notebook("word " * 100, printed)).minutes == pytest.approx(1)


def test_a_figure_takes_a_minute_and_its_alternative_text_none() -> None:
    figure = shown(**{PLOTLY: {"data": []}, "text/plain": "A line that rises."})
    assert core(notebook(figure)).minutes == pytest.approx(1 + 1 / 200)  # and its cell's word is read
    assert core(notebook(figure)).words == 1


def test_an_exercise_takes_four_minutes_or_eight_by_the_length_of_its_solution() -> None:
    assert exercise_minutes("warm-up") == exercise_minutes("trimmed-mean") == 4  # one statement, three
    assert exercise_minutes("clip-and-noise") == exercise_minutes("loss-threshold") == 8
    time = core(notebook(new_code_cell('check("warm-up", accuracy)'), new_code_cell("checked = 1")))
    assert (time.exercises, round(time.minutes)) == (("warm-up",), 4)


def test_the_core_path_ends_where_going_further_begins_even_within_a_cell() -> None:
    time = core(notebook("one two", "three\n\n## Going further: more\nfour", "five", new_code_cell("six()")))
    assert (time.cells, time.words) == (2, 3)


def test_sentences_are_those_that_a_reader_reads() -> None:
    text = (
        "# A heading\nTwo words. And `code.with.dots(1)` between (see $a.b$). Why?\n\n"
        "- an item\n- another one\n\n| a | table |\n|---|---|\n\n$$x = 1. Y$$\n\n> A quoted sentence."
    )
    assert [sentence.rstrip(".") for sentence in sentences(text)] == [
        "Two words", "And x between (see x)", "Why?", "an item", "another one", "A quoted sentence",
    ]  # fmt: skip


@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_a_core_path_fits_a_lesson(source: Path) -> None:
    time = core(nbformat.read(learner_path(source.stem), as_version=4))
    assert time.minutes <= MOST_MINUTES, time
    assert time.cells <= MOST_CELLS, time
    assert len(time.exercises) in (1, 2, 3)


@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_the_minutes_promised_are_those_counted(source: Path) -> None:
    """To five minutes for the core path and for all that goes further, to two for each part; README and map agree."""
    stored = nbformat.read(learner_path(source.stem), as_version=4)
    promised = re.search(r"^About (\d+) minutes(?:, and (\d+) more)?", stored.cells[0].source, re.M)
    assert promised
    first, *further = parts(stored)
    assert abs(int(promised[1]) - reading_time(first).minutes) <= 5
    named = [int(re.search(r"\((\d+) minutes?\b", part[0].source)[1]) for part in further]
    counted = [reading_time(part).minutes for part in further]
    assert [minutes for minutes in zip(named, counted, strict=True) if abs(minutes[0] - minutes[1]) > 2] == []
    assert abs(int(promised[2] or 0) - sum(named)) <= 3
    assert f"{source.stem}.ipynb) | {promised[1]} |" in (ROOT / "README.md").read_text(encoding="utf-8")
    map_line = re.search(rf"\[[^]]*\]\({source.stem}\.ipynb\) \|[^|]*\| (\d+) \|", text_of(LESSONS[0]))
    assert map_line is None or map_line[1] == promised[1]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_sentences_are_short_and_their_words_are_usual(source: Path) -> None:
    cells = read_source(source).cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    lengths = [count_words(sentence) for text in prose for sentence in sentences(text)]
    assert sum(lengths) / len(lengths) < MEAN_WORDS
    assert not hard_to_read(prose)
    assert not hard_to_read(text for cell in cells if cell.cell_type == "code" for text in strings(cell.source))
    assert not hard_to_read(printed(nbformat.read(learner_path(source.stem), as_version=4)))


def test_the_glossary_is_in_order_and_each_term_stands_in_the_notebook_that_it_names() -> None:
    (cell,) = read_source(SOURCES[-1]).cells
    entries = re.findall(r"^- \*\*(.+?)\*\*: (.+?) \[\d\d\]\((\w+)\.ipynb\)$", unwrapped(cell.source), re.M)
    terms = [term for term, _, _ in entries]
    assert len(terms) == cell.source.count("- **") > 40
    assert terms == sorted(set(terms), key=str.lower)
    prose = {source.stem: text_of(source) for source in LESSONS}
    missing = [(term, stem) for term, _, stem in entries if not re.search(stem_of(term), prose[stem], re.I)]
    assert not missing
    assert set(prose) == {stem for _, _, stem in entries}


@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_every_notebook_links_the_glossary(source: Path) -> None:
    assert "[glossary](glossary.ipynb)" in text_of(source)


def unwrapped(text: str) -> str:
    return re.sub(r"\n  +", " ", text)


def text_of(source: Path) -> str:
    return " ".join(" ".join(cell.source for cell in read_source(source).cells).split())


def stem_of(term: str) -> str:
    """A pattern for the term in any number: canary, canaries."""
    return rf"\b{re.escape(term[:-1] if term[-1] in 'sy' else term)}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_so_are_messages_hints_quizzes_and_the_texts_of_figures(module: Path) -> None:
    assert not hard_to_read(strings(module.read_text(encoding="utf-8")))


def test_claims_use_usual_words_too() -> None:
    assert not hard_to_read(text for claim in load_claims() for text in (claim.claim, claim.reason))


def test_a_long_sentence_and_an_unusual_word_are_found_in_any_text_but_a_docstring() -> None:
    long = "word " * (MOST_WORDS + 1)
    assert hard_to_read(strings(f'say(f"{{a}} {long}{{b:{{c}}.2f}}")')) == [f"x {long}x"]
    code = """say("A row a person.", title=f"{z} upon it")\nsay(f"{x if y else 'whence'}")"""
    assert sorted(hard_to_read(strings(code))) == ["row a person", "upon", "whence"]
    assert not hard_to_read(strings(f'"""Hence {long}"""'))
    shown_text = shown(**{PLOTLY: {}, "text/plain": long})
    assert hard_to_read(printed(notebook(shown_text))) == [long.strip()]
