"""Minutes of a core path, and the words of its sentences, counted as an author would count them by hand."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from pmt_helpers.teaching.claims import load_claims
from pmt_helpers.teaching.exercises import NOTEBOOKS, all_exercises
from pmt_helpers.teaching.questions import stored_quiz
from pmt_helpers.workbook.build import read_source
from pmt_helpers.workbook.files import PLOTLY, learner_path, source_paths
from pmt_helpers.workbook.reading import count_words, exercise_minutes, reading_time, sentences

SOURCES = source_paths()
LESSONS = [path for path in SOURCES if path.stem != "glossary"]
MOST_MINUTES, MOST_CELLS = 50, 30
MEAN_WORDS, MOST_WORDS = 17, 35
UNUSUAL = re.compile(
    r"\b(?:foretell\w*|by lot|lots were|liars?|nobody lies|the bill|in peace|so many|mend(?:s|ed)?|dearer|none other"
    r"|(?:bits|seconds|samples|steps|windows|passes|tokens) a (?:word|window|step|second|document|person))\b",
    re.I,
)


def notebook(*cells: str | NotebookNode) -> NotebookNode:
    return new_notebook(cells=[new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells])


def shown(**data: object) -> NotebookNode:
    cell = new_code_cell("show()")
    cell.outputs.append(new_output("display_data", data))
    return cell


def test_two_hundred_words_take_a_minute_wherever_they_stand() -> None:
    printed = new_code_cell("say(...)")
    printed.outputs.append(new_output("stream", name="stdout", text="word " * 100))
    assert reading_time(notebook("word " * 100, printed)).minutes == pytest.approx(1)


def test_a_figure_takes_a_minute_and_its_alternative_text_none() -> None:
    figure = shown(**{PLOTLY: {"data": []}, "text/plain": "A line that rises."})
    assert reading_time(notebook(figure)).minutes == 1
    assert reading_time(notebook(figure)).words == 0


def test_an_exercise_takes_four_minutes_or_eight_by_the_length_of_its_solution() -> None:
    assert exercise_minutes("warm-up") == exercise_minutes("trimmed-mean") == 4  # one statement, three
    assert exercise_minutes("clip-and-noise") == exercise_minutes("loss-threshold") == 8
    time = reading_time(notebook(new_code_cell('check("warm-up", accuracy)'), new_code_cell("checked = 1")))
    assert (time.exercises, time.minutes) == (("warm-up",), 4)


def test_the_core_path_ends_where_going_further_begins_even_within_a_cell() -> None:
    time = reading_time(notebook("one two", "three\n\n## Going further: more\nfour", "five", new_code_cell("six()")))
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
    time = reading_time(nbformat.read(learner_path(source.stem), as_version=4))
    assert time.minutes <= MOST_MINUTES, time
    assert time.cells <= MOST_CELLS, time
    assert len(time.exercises) in (1, 2, 3)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_sentences_are_short_and_their_words_are_usual(source: Path) -> None:
    prose = [cell.source for cell in read_source(source).cells if cell.cell_type == "markdown"]
    lengths = {sentence: count_words(sentence) for text in prose for sentence in sentences(text)}
    assert sum(lengths.values()) / len(lengths) < MEAN_WORDS
    assert not [sentence for sentence, words in lengths.items() if words > MOST_WORDS]
    assert not UNUSUAL.findall("\n".join(prose))


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


def test_claims_and_exercises_use_usual_words_too() -> None:
    told = [text for claim in load_claims() for text in (claim.claim, claim.reason)]
    for exercise in all_exercises():
        told += [exercise.title, exercise.right, *exercise.hints, *(mistake.message for mistake in exercise.mistakes)]
    for notebook in NOTEBOOKS:
        told += [text for question in stored_quiz(notebook) for text in (question.text, *question.choices.values())]
    assert not UNUSUAL.findall("\n".join(told))
