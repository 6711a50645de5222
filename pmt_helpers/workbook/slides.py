"""Slides of a stored notebook for a lecture: one HTML file with reveal.js in it, which needs no network and no kernel.

Each notebook gives a title, its objectives and threat model, the claims table, the quiz and the take-aways. Between
objectives and claims stands what its cells tagged `slide` show: a figure with its sentence, a prediction and its
answer, an exercise, the gist of a text, what a cell prints (with the tag `code`, its code too). All other prose becomes
the speaker's notes.
"""

import ast
import base64
import html
import importlib.util
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from jinja2 import Template
from nbformat.notebooknode import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.teaching.questions import stored_quiz
from pmt_helpers.workbook.build import edited_cells
from pmt_helpers.workbook.files import PLOTLY, NotebookError
from pmt_helpers.workbook.pages import HEIGHT, TITLE, as_html, draw_figures, title_of
from pmt_helpers.workbook.reading import count_words

FIGURE_WIDTH = 600  # as wide as a figure is tested to be readable; the slide shows it larger
TALL, TALL_WIDTH, TALLEST = 480, 760, 540  # a tall figure is drawn wider and lower, else its texts would be small
MOST_CLAIMS = 7  # rows of a table on one slide
MOST_WORDS = 80  # of prose on a slide, and half as many for an exercise
MOST_SAID = 800  # characters of printed sentences: where there are more, they end at their semicolons
MOST_BESIDE = 400  # characters of a figure's sentences beside it
_FRAME = Path(__file__).with_name("slides.html")
_SENTENCE = re.compile(r"(?<=[.!?])[)*\"]* +(?=[A-Z*`\"($])")
_ANSWERS = ("Answer: ", "You said ")  # how what `reveal` says begins
_KEPT = re.compile(r"\$\$|[-*] |\d+\. |\||> ")  # how a paragraph begins that a slide shows whole
_VALUES = re.compile(r">((?:[+-]?[\d.,]*\d[^(),<>]* \([^()<>]*\)(?:<br>)?){3,})<")
_SURPLUS = re.compile(r"<br><i>.*?</i>|our question; ")  # in a row of the claims table


@dataclass
class Slide:
    """A heading, what stands below it (HTML), and the prose behind it (Markdown), for the speaker."""

    heading: str
    body: str
    notes: list[str] = field(default_factory=list)


def write_slides(paths: Sequence[Path], folder: Path) -> list[tuple[Path, int]]:
    """Write folder/NN_name.html for each stored notebook; returns the files and how many slides each has.

    Raises NotebookError for a notebook in which somebody has worked: a class would see the answers.
    """
    found = importlib.util.find_spec("sphinx_revealjs")  # looked up, not imported: only its files are needed
    if found is None:
        raise NotebookError("Slides need reveal.js, of the package sphinx-revealjs. Make them with: make slides")
    reveal = Path(next(iter(found.submodule_search_locations or ()))) / "_static" / "revealjs"
    parts = {
        "reveal_style": (reveal / "dist" / "reveal.css").read_text(encoding="utf-8"),
        "reveal_script": (reveal / "dist" / "reveal.js").read_text(encoding="utf-8"),
        "notes_script": (reveal / "plugin" / "notes" / "notes.js").read_text(encoding="utf-8"),
        "code_style": HtmlFormatter().get_style_defs(".highlight"),
    }
    parts = {name: text.replace("</script", "<\\/script") for name, text in parts.items()}
    frame = Template(_FRAME.read_text(encoding="utf-8"))
    written = []
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    if worked_in := [path.name for path, notebook in notebooks.items() if edited_cells(notebook)]:
        raise NotebookError(
            f"Somebody has worked in {', '.join(worked_in)}, and slides would show the answers. Make them in another "
            "checkout, or store these notebooks as they were: git stash"
        )
    _draw_large(notebooks.values())
    for path, notebook in notebooks.items():
        deck = slides(notebook, path.stem[:2])
        sections = [
            {"heading": one.heading, "body": one.body, "notes": as_html("\n\n".join(one.notes))} for one in deck
        ]
        with atomic_path(folder / f"{path.stem}.html") as temporary:
            text = frame.render(title=title_of(notebook, path.stem), slides=sections, **parts)
            temporary.write_text(text + "\n", encoding="utf-8", newline="\n")
        written.append((folder / f"{path.stem}.html", len(deck)))
    return written


def _draw_large(notebooks: Iterable[NotebookNode]) -> None:
    """Draw the slides' figures larger than they are stored; without a browser, the stored pictures must do."""
    cells = [cell for notebook in notebooks for cell in notebook.cells if _tagged(cell, "slide")]
    outputs = [output for cell in cells for output in _figures(cell)]
    figures = []
    for output in outputs:
        layout = output.data[PLOTLY]["layout"]
        height = layout.get("height") or HEIGHT
        size = {"width": TALL_WIDTH if height > TALL else FIGURE_WIDTH, "height": min(height, TALLEST)}
        figures.append(
            output.data[PLOTLY] | {"layout": layout | size | {"updatemenus": []}}
        )  # a picture has no buttons
    try:
        drawn = draw_figures(figures, scale=2)
    except NotebookError:
        return
    for output, png in zip(outputs, drawn, strict=True):
        output.data["image/png"] = base64.b64encode(png).decode()


def slides(notebook: NotebookNode, number: str) -> list[Slide]:
    """The slides of a stored notebook, in its order; `number` is the quiz's ("02")."""
    deck: list[Slide] = []
    closing: list[Slide] = []
    waiting: list[str] = []  # prose that leads to the next slide
    heading, statement = "", ""
    for place, cell in enumerate(notebook.cells):
        new: list[Slide] = []
        if cell.cell_type == "markdown" and place == 0:
            deck += _opening(cell.source)
        elif cell.cell_type == "markdown":
            behind, begins, text = f"\n{cell.source}".rpartition("\n## ")
            if begins:
                heading, _, text = text.partition("\n")
                heading = re.sub(r"^Going further: | \(.*minutes?.*\)$", "", heading)
                heading = heading[:1].upper() + heading[1:]
                waiting.append(text)
            if deck:
                deck[-1].notes.append(behind.strip() if begins else cell.source)
            statement = text
            if "**Take-aways.**" in cell.source:
                closing.append(_take_aways(cell.source))
            elif _tagged(cell, "slide"):
                new = [Slide(heading, as_html(gist(text.partition("**Exercise")[0])))]
        else:
            if _tagged(cell, "slide"):
                new = list(_code_slides(cell, heading, statement, notebook.cells[place + 1 :]))
            if "claims_table(" in cell.source:
                closing += _claims(cell)
            if re.search(r"^quiz\(", cell.source, re.M):
                closing += _quiz(number)
        if new:
            new[0].notes = [*waiting, *new[0].notes]
            waiting = []
        deck += new
    return deck + closing


def _tagged(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _figures(cell: NotebookNode) -> list[NotebookNode]:
    return [output for output in cell.get("outputs", []) if PLOTLY in output.get("data", {})]


def gist(markdown: str, words: int = MOST_WORDS, bullets: bool = True) -> str:
    """What a slide shows of a text: its first sentences, and its lists, tables and formulas with what leads to them."""
    kept: list[str] = []
    used = 0
    for paragraph in (part.strip() for part in re.split(r"\n\s*\n", markdown.strip())):
        if _KEPT.match(paragraph):
            kept.append(f"\n{paragraph}\n")
            if paragraph.startswith("|"):
                break
            continue
        for sentence in _SENTENCE.split(" ".join(paragraph.split())):
            if used and used + count_words(sentence) > words:
                used = words
                break
            used += count_words(sentence)
            kept.append(f"- {sentence}" if bullets else sentence)
    return "\n".join(kept)


def _opening(source: str) -> Iterator[Slide]:
    """Title, objectives and threat model, from a notebook's first cell."""
    title = re.search(r"^# (.+)", source)
    claim = re.search(r"^\*\*The claim.*?(?=\n\n)", source, re.M | re.S)
    minutes = re.search(r"^About .+? minutes", source, re.M)
    body = as_html(claim[0] if claim else "") + (f"<p class='small'>{minutes[0]}. {TITLE}.</p>" if minutes else "")
    yield Slide(
        title[1] if title else "",
        f'<div class="title">{body}</div>',
        [source.partition("\n")[2].partition("**After")[0]],
    )
    if found := re.search(r"^\*\*(After .+?)\*\*\n((?:\d\..*\n(?: +.*\n)*)+)", source, re.M):
        yield Slide(found[1], as_html(found[2]))
    if quoted := re.findall(r"^> ?(.*)", source, re.M):
        yield Slide(quoted[0].strip("*"), f'<div class="box">{as_html(chr(10).join(quoted[1:]))}</div>')


def _code_slides(cell: NotebookNode, heading: str, statement: str, later: Sequence[NotebookNode]) -> Iterator[Slide]:
    said = _said(cell)
    if match := re.search(r"^(prediction\(.*^\)|prediction\(.*\))$", cell.source, re.M | re.S):
        yield Slide("Predict", _prediction(match[1], said[0], later))
        return
    if re.search(r"^check\(", cell.source, re.M):
        yield Slide(*_exercise(cell.source, statement))
        return
    if _tagged(cell, "code"):
        yield Slide(heading, _code(_without_say(cell.source)))
    if not _figures(cell):
        long = sum(map(len, said)) > MOST_SAID and not any("<table" in text for text in said)
        short = [re.sub(r";.*(?=</p>)", "", text, flags=re.S) for text in said]
        yield Slide(heading, "".join(short if long else said), said if long else [])
    if any("<table" in text for text in said):
        said = []  # there is no room for a table beside a figure, nor for what leads to it
    for place, output in enumerate(_figures(cell)):
        sentence = html.escape("".join(output.data["text/plain"]).strip())
        texts = [*(said if place == 0 else []), f"<p>{_first(sentence)}</p>"]
        image = f'<img src="data:image/png;base64,{output.data["image/png"]}" alt="{sentence}">'
        notes = [sentence] if _first(sentence) != sentence else []
        yield Slide(heading, f'<div class="figure">{image}<div>{"".join(texts)}</div></div>', notes)


def _first(text: str) -> str:
    """As many of its sentences as there is room for beside a figure."""
    kept = ""
    for sentence in _SENTENCE.split(text):
        if kept and len(kept) + len(sentence) > MOST_BESIDE:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def _without_say(source: str) -> str:
    """The code without the statements that only show something: what they show is on this slide, or the next."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if re.match(r"say\(|figures\.|started = ", lines[node.lineno - 1]):
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines)


def _said(cell: NotebookNode) -> list[str]:
    """What the cell printed, as HTML: no answers of predictions, and no sentence that a figure has already."""
    sentences = {"".join(output.data["text/plain"]) for output in _figures(cell)}
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        plain = "".join(data.get("text/plain", ""))
        if plain and PLOTLY not in data and plain not in sentences and not plain.startswith(_ANSWERS):
            rich = "".join(data.get("text/html", ""))
            found.append(rich if "<table" in rich else f"<p>{html.escape(plain)}</p>")
    return found


def _prediction(call: str, said: str, later: Sequence[NotebookNode]) -> str:
    """The question and its choices, as the call has them; the answer appears at the next key."""
    question = re.sub(r"<p>[^:]*: (.*) \(A place for your guess.*", r"<p class='question'>\1</p>", said)
    choices = ast.parse(call).body[0].value.args[1]  # type: ignore[attr-defined]
    answers = ast.literal_eval(choices)
    if isinstance(answers, tuple):
        listed = f"<p>Between {answers[0]:,} and {answers[1]:,}</p>"
    else:
        listed = f"<ul>{''.join(f'<li>{html.escape(answer)}</li>' for answer in answers)}</ul>"
    outputs = [output for cell in later for output in cell.get("outputs", [])]
    texts = ["".join(output.get("data", {}).get("text/plain", "")) for output in outputs]
    answer = next((text for text in texts if text.startswith(_ANSWERS)), "")
    return f'{question}{listed}<p class="fragment answer">{html.escape(answer)}</p>'


def _exercise(source: str, statement: str) -> tuple[str, str]:
    """An exercise's name, and its statement in short with the function to be written."""
    before, name, text = re.split(r"\*\*(Exercise \d+|Warm-up)\.\*\* *", statement, maxsplit=1)
    formulas = re.findall(r"\$\$.*?\$\$", before if "$$" not in text else "", re.S)
    body = "".join(map(as_html, formulas)) + as_html(gist(text, MOST_WORDS // 2, bullets=False))
    return name, body + _code(_stub(source))


def _stub(source: str) -> str:
    """The first function of the cell, its docstring in lines short enough for a slide."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    said = function.body[0]
    parts = re.split(r"\n\s*\n", f'"""{ast.get_docstring(function)}"""')
    filled = textwrap.indent("\n\n".join(textwrap.fill(" ".join(part.split()), 72) for part in parts), "    ")
    lines = source.splitlines()
    return "\n".join([*lines[: said.lineno - 1], filled, *lines[said.end_lineno : function.end_lineno]])


def _code(source: str) -> str:
    return highlight(source, PythonLexer(), HtmlFormatter())


def _claims(cell: NotebookNode) -> Iterator[Slide]:
    """The claims table without its reasons, which become notes; a long one goes on."""
    table = next(text for output in cell.outputs if "<thead>" in (text := "".join(output.data.get("text/html", ""))))
    head, _, body = table.partition("<tbody>")
    rows = re.findall(r"<tr>.*?</tr>", body, re.S)
    count = -(-len(rows) // MOST_CLAIMS)
    for number in range(count):
        part = rows[number * len(rows) // count : (number + 1) * len(rows) // count]
        short = "".join(_VALUES.sub(_range, _SURPLUS.sub("", row)) for row in part).replace(">no number<", ">–<")
        reasons = [f"- {reason}" for row in part for reason in re.findall(r"<i>(.+?)</i>", row)]
        heading = "What the paper says, and what we measured" if count == 1 else f"Claims, {number + 1} of {count}"
        yield Slide(heading, f'<div class="claims">{head}{short}</table></div>', ["\n".join(reasons)])


def _range(values: re.Match[str]) -> str:
    """Many values, each with its group, as the lowest and the highest; three short ones as they are."""
    found = sorted(re.findall(r"([+-]?[\d.,]*\d)([^(),]*) \(", values[1]), key=lambda one: float(one[0].replace(",", "")))
    if len(found) == 3 and len(values[1]) < 80:
        return values[0]
    return f">{found[0][0]} to {found[-1][0]}{found[0][1]} ({len(found)} groups)<"


def _quiz(number: str) -> Iterator[Slide]:
    """One slide for each question of the quiz; the right choice is told at the next key."""
    for place, question in enumerate(stored_quiz(number), 1):
        choices = "".join(f"<li>{html.escape(choice)}</li>" for choice in question.choices)
        letter = "ABC"[list(question.choices).index(question.right)]
        why = html.escape(question.choices[question.right])
        text = f"<p class='question'>{html.escape(question.text)}</p><ol type='A'>{choices}</ol>"
        yield Slide(f"Quiz {place}", f'{text}<p class="fragment answer">{letter}. {why}</p>')


def _take_aways(source: str) -> Slide:
    found = re.search(r"\*\*Take-aways\.\*\* (.*?)(?=\n\n|$)", source, re.S)
    points = _SENTENCE.split(" ".join((found[1] if found else "").split()))
    return Slide("Take-aways", as_html("\n".join(f"- {point}" for point in points)))
