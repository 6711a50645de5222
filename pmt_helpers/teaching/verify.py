"""`python -m pmt_helpers notebooks verify`: the stored notebooks against their sources, without a kernel."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from pmt_helpers.teaching.notebook_files import ROOT, learner_path, source_paths
from pmt_helpers.teaching.notebook_findings import REBUILD, Trouble, texts, troubles
from pmt_helpers.teaching.notebook_source import learner_copy, read_source, solution_regions

MOST_BYTES = 1_000_000
SHORTEST_LEAK = 14  # characters, spaces left out: `return result` says nothing, `np.abs(a-b).sum()` does


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


def verify(root: Path = ROOT) -> list[Finding]:
    """Every finding on the committed notebooks of a checkout; empty when all is well."""
    findings = []
    sources = source_paths(root=root)
    for path in sources:
        findings += [Finding(path.stem, *trouble) for trouble in _verify_one(path, learner_path(path.stem, root))]
    known = {path.stem for path in sources}
    for stored in sorted((root / "notebooks").glob("*.ipynb")):
        if stored.stem not in known:
            remedy = f"write notebooks/source/{stored.stem}.py, or remove it"
            findings.append(Finding(stored.stem, None, "has no source", remedy))
    return findings


def _verify_one(source_path: Path, stored_path: Path) -> Iterator[Trouble]:
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
    yield from troubles(stored)


def _refuse(constant: str) -> None:
    raise ValueError(f"is not JSON that a browser reads: it holds {constant}")


def drift(expected: NotebookNode, stored: NotebookNode) -> Iterator[Trouble]:
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
        yield (
            None,
            f"has {len(stored.cells)} cells where its source makes {len(expected.cells)}",
            "edit the source only, then " + REBUILD,
        )


def leaks(source: NotebookNode, stored: NotebookNode) -> Iterator[Trouble]:
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
