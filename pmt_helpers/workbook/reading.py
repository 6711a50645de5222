"""How long a notebook takes a reader, and how hard its sentences are: counted, for a test and for the README's minutes.

The core path is what comes before the first heading "Going further"; nothing in it depends on what comes after.
"""

import ast
import inspect
import re
from dataclasses import dataclass

from nbformat.notebooknode import NotebookNode

from pmt_helpers.teaching.exercises import find_exercise
from pmt_helpers.workbook.files import PLOTLY
from pmt_helpers.workbook.verify import texts

WORDS_PER_MINUTE = 200
EASY_MINUTES, HARD_MINUTES, FIGURE_MINUTES = 4, 8, 1
EASY_STATEMENTS = 3  # an exercise whose solution has so many statements or fewer is easy
_FURTHER = re.compile(r"^(?=## Going further)", re.M)
_WORD = re.compile(r"[^\W\d_][\w'-]*")
# Not read as sentences: fenced code, formulas on lines of their own, tables, link targets, headings.
_NOT_SENTENCES = re.compile(r"```.*?```|\$\$.*?\$\$|^ *>? *\|.*?$|^#+ .*?$|\]\([^)]*\)", re.S | re.M)
_INLINE = re.compile(r"`[^`\n]*`|\$[^$\n]+\$")
_END = re.compile(r"(?<=[.!?])[)\"]* +|(?<=[:;]) +(?=[\"(A-Z])")
_ITEM = re.compile(r"^ *(?:[-*]|\d+\.) +", re.M)


@dataclass(frozen=True)
class ReadingTime:
    """What a reader meets in a part of a notebook, and the minutes that it takes."""

    cells: int
    words: int
    exercises: tuple[str, ...]
    figures: int
    minutes: float


def reading_time(part: list[NotebookNode]) -> ReadingTime:
    """Of the cells of a stored notebook: prose, code and what it prints at 200 words a minute, exercises, figures.

    A figure takes a minute; an exercise takes 4, or 8 when its solution has more than three statements.
    """
    words, figures, cells = 0, 0, 0
    exercises: list[str] = []
    for cell in part:
        cells += 1
        if cell.cell_type == "markdown":
            words += count_words(cell.source)
            continue
        if "preflight(" not in cell.source:  # the set-up cell with its imports is run, not read
            words += count_words(cell.source)
        exercises += re.findall(r'^check\("([\w-]+)"', cell.source, re.M)
        for output in cell.get("outputs", []):
            if PLOTLY in output.get("data", {}):
                figures += 1
            else:
                words += sum(count_words(text) for text in texts(output) if not text.lstrip().startswith("<"))
    minutes = words / WORDS_PER_MINUTE + figures * FIGURE_MINUTES + sum(map(exercise_minutes, exercises))
    return ReadingTime(cells, words, tuple(exercises), figures, minutes)


def parts(notebook: NotebookNode) -> list[list[NotebookNode]]:
    """The cells of the core path, then those of each part "Going further"; a heading within a cell divides the cell."""
    found: list[list[NotebookNode]] = [[]]
    for cell in notebook.cells:
        first, *more = _FURTHER.split(cell.source) if cell.cell_type == "markdown" else [cell.source]
        if first.strip():
            found[-1].append(cell if not more else NotebookNode(cell_type="markdown", source=first))
        found += [[NotebookNode(cell_type="markdown", source=text)] for text in more]
    return found


def exercise_minutes(exercise_id: str) -> int:
    """Minutes for an exercise, by the statements of its solution."""
    [function] = ast.parse(inspect.getsource(find_exercise(exercise_id).solution)).body
    statements = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 2  # the function and its docstring
    return EASY_MINUTES if statements <= EASY_STATEMENTS else HARD_MINUTES


def count_words(text: str) -> int:
    """How many words a reader reads: numbers and formulas are none."""
    return len(_WORD.findall(text))


def sentences(markdown: str) -> list[str]:
    """The sentences of a text in Markdown, without code, formulas on lines of their own, tables and headings."""
    text = _INLINE.sub("x", _ITEM.sub("\n\n", re.sub(r"^> ?", "", _NOT_SENTENCES.sub("\n\n", markdown), flags=re.M)))
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        flat = " ".join(re.sub(r"[*_\[\]]", "", paragraph).split())
        found += [part for part in _END.split(flat) if count_words(part)]
    return found
