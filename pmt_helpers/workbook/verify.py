"""`python -m pmt_helpers notebooks verify`: the stored notebooks against their sources, without a kernel."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from pmt_helpers.workbook.build import learner_copy, read_source, solution_regions
from pmt_helpers.workbook.files import PLOTLY, ROOT, WIDGET_VIEW, has_code, learner_path, source_paths

Issue = tuple[int | None, str, str]  # cell (from 1; None: the whole notebook), problem, remedy
MOST_CELLS = 40
MOST_BYTES = 1_000_000
SHORTEST_LEAK = 14  # characters without spaces: `return result` says nothing, `np.abs(a-b).sum()` does
REBUILD = "build it again: python -m pmt_helpers notebooks build"
_BAR = re.compile(r"\d+%\|")
_ADDRESS = re.compile(r"(?<![\w.:/<~])/(?:[\w.+-]+/)+[\w.+-]+|\b[A-Z]:\\\w+")
_FROM_NETWORK = re.compile(r"<(?:script|img|link|iframe)\b[^>]*?\b(?:src|href)\s*=\s*[\"']?(?:https?:)?//", re.I)
_PICTURE_FROM_NETWORK = re.compile(r"!\[[^\]]*\]\(\s*https?://")
# What is not prose: fenced code, code spans, formulas, link targets, addresses, the number of a heading or section.
_NOT_PROSE = re.compile(
    r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)]*\)|https?://\S+|^#+ *\d[\d.]*"
    r"|\b(?:sections?|figures?|tables?|chapter|version|python)[ \xa0]\d+(?:\.\d+)*",
    re.I | re.S | re.M,
)
_TYPED_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+ ?%?| ?%)(?![\w.]*\d)")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a stored notebook. cell counts from 1, prose included; None: the whole notebook."""

    notebook: str
    cell: int | None
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = self.notebook if self.cell is None else f"{self.notebook}, cell {self.cell}"
        return f"{where}: {self.problem}. To do: {self.remedy}."


def verify_notebooks(root: Path = ROOT) -> list[Finding]:
    """Every finding on the committed notebooks of a checkout; empty when all is well."""
    findings = []
    sources = source_paths(root=root)
    for path in sources:
        findings += [Finding(path.stem, *issue) for issue in _verify_one(path, learner_path(path.stem, root))]
    known = {path.stem for path in sources}
    for stored in sorted((root / "notebooks").glob("*.ipynb")):
        if stored.stem not in known:
            remedy = f"write notebooks/source/{stored.stem}.py, or remove it"
            findings.append(Finding(stored.stem, None, "has no source", remedy))
    return findings


def _verify_one(source_path: Path, stored_path: Path) -> Iterator[Issue]:
    if not stored_path.is_file():
        yield None, "has a source but is not stored", REBUILD
        return
    text = stored_path.read_text(encoding="utf-8")
    size = len(text.encode())
    if size > MOST_BYTES:
        yield None, f"is {size / 1e6:.1f} MB, more than 1 MB", "show fewer points or fewer figures"
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        yield None, str(error), "show missing values as None (null)"
    stored = nbformat.reads(text, as_version=4)
    source = read_source(source_path)
    yield from drift(learner_copy(source, source_path.stem), stored)
    yield from leaks(source, stored)
    yield from lint(stored)


def _refuse(constant: str) -> None:
    raise ValueError(f"is not JSON that a browser reads: it holds {constant}")


def drift(expected: NotebookNode, stored: NotebookNode) -> Iterator[Issue]:
    """The first cell where a stored copy is not what its source makes: its text, kind, id or tags."""
    for number, (wanted, found) in enumerate(zip(expected.cells, stored.cells, strict=False), start=1):
        for what, one, other in (
            ("kind", wanted.cell_type, found.cell_type),
            ("text", wanted.source, found.source),
            ("tags", wanted.metadata.get("tags", []), found.metadata.get("tags", [])),
            ("id", wanted.id, found.get("id")),
        ):
            if one != other:
                yield number, f"differs from its source ({what})", "edit the source only, then " + REBUILD
                return
    if len(expected.cells) != len(stored.cells):
        problem = f"has {len(stored.cells)} cells where its source makes {len(expected.cells)}"
        yield None, problem, "edit the source only, then " + REBUILD


def leaks(source: NotebookNode, stored: NotebookNode) -> Iterator[Issue]:
    """Lines of a solution that a stored copy gives away, in a cell's text or in what it shows."""
    secrets = {}
    for cell in source.cells:
        for region in solution_regions(cell.source):
            for line in region.split("\n"):
                bare = _bare(line.split("#")[0])
                if len(bare) >= SHORTEST_LEAK:
                    secrets[bare] = line.strip()
    for number, cell in enumerate(stored.cells, start=1):
        shown = [cell.source] + [text for output in cell.get("outputs", []) for text in texts(output)]
        bare_text = "\n".join(_bare(line) for text in shown for line in text.split("\n"))
        for bare, line in secrets.items():
            if bare in bare_text:
                yield number, f"gives away a line of a solution: {line}", "say it in other words, or show other code"


def _bare(line: str) -> str:
    return "".join(line.split())


def lint(notebook: NotebookNode) -> Iterator[Issue]:
    """Everything wrong with one stored notebook that shows without its source."""
    for check in (_shape, _counts, _outputs, _figures, _texts, _prose):
        yield from check(notebook)


def texts(output: NotebookNode) -> list[str]:
    """What an output says, in every textual form it has; HTML as a reader sees its characters."""
    if output.output_type == "stream":
        return [output.text]
    data = output.get("data", {})
    forms = {kind: "".join(data[kind]) for kind in ("text/plain", "text/markdown", "text/html") if kind in data}
    return [html.unescape(text) if kind == "text/html" else text for kind, text in forms.items()]


def _numbered_outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            yield number, output


def _shape(notebook: NotebookNode) -> Iterator[Issue]:
    if len(notebook.cells) > MOST_CELLS:
        yield None, f"has {len(notebook.cells)} cells, more than {MOST_CELLS}", "make it shorter, or two notebooks"
    if has_code(notebook) and not any("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells):
        yield None, "no cell has the tag `parameters`", 'begin that cell with # %% tags=["parameters"]'
    if "widgets" in notebook.metadata:
        yield None, "holds widget state", REBUILD


def _counts(notebook: NotebookNode) -> Iterator[Issue]:
    code = [(number, cell) for number, cell in enumerate(notebook.cells, start=1) if cell.cell_type == "code"]
    if code and not any(cell.outputs for _, cell in code):
        yield None, "holds no outputs", REBUILD
        return
    for expected, (number, cell) in enumerate(code, start=1):
        if cell.execution_count != expected:
            yield number, f"has run as number {cell.execution_count}, not {expected}: not from top to bottom", REBUILD
            return


def _outputs(notebook: NotebookNode) -> Iterator[Issue]:
    for number, output in _numbered_outputs(notebook):
        if output.output_type == "error":
            yield number, f"stopped: {output.ename}: {output.evalue}", "fix the cell in the source, then " + REBUILD
        if output.output_type == "stream" and output.name == "stderr":
            first = output.text.strip().split("\n")[0]
            yield number, f"shows a warning to the learner: {first}", "fix its cause; do not hide it"
        if WIDGET_VIEW in output.get("data", {}):
            yield number, "holds a widget, which shows an error where no kernel runs", REBUILD


def _figures(notebook: NotebookNode) -> Iterator[Issue]:
    for number, output in _numbered_outputs(notebook):
        data = output.get("data", {})
        if PLOTLY not in data:
            continue
        if "image/png" not in data:
            yield number, "a figure has no picture beside it", REBUILD + " (without --no-png)"
        if not "".join(data.get("text/plain", "")).strip():
            yield number, "a figure has no sentence (text/plain) that says what it shows", "show it through figures"


def _texts(notebook: NotebookNode) -> Iterator[Issue]:
    for number, output in _numbered_outputs(notebook):
        for text in texts(output):
            if _BAR.search(text):
                yield number, "keeps a progress bar", "use tqdm.auto.tqdm(..., leave=False) without delay or disable"
        if _FROM_NETWORK.search("".join(output.get("data", {}).get("text/html", ""))):
            yield number, "an output loads a script or picture from the network", "put it inline"
        plain = output.text if output.output_type == "stream" else "".join(output.get("data", {}).get("text/plain", ""))
        if found := _ADDRESS.search(plain):
            yield number, f"shows a path of one machine: {found.group()}", "print the path below the project's folder"


def _prose(notebook: NotebookNode) -> Iterator[Issue]:
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "markdown":
            continue
        if _PICTURE_FROM_NETWORK.search(cell.source) or _FROM_NETWORK.search(cell.source):
            yield number, "shows a picture from the network", "ship the picture, or use a link in words"
        found = _TYPED_NUMBER.search(_NOT_PROSE.sub(" ", cell.source))
        if found and "numbers-ok" not in cell.metadata.get("tags", []):
            remedy = 'print it from code or state a range; for a constant of the paper, tag the cell "numbers-ok"'
            yield number, f"prose holds a number typed by hand: {found.group()}", remedy
