"""Notebook files: where they are, what is taken out of them before they are stored, how they are written."""

import copy
import re
from collections.abc import Sequence
from pathlib import Path

import click
import nbformat
from nbformat.notebooknode import NotebookNode

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.teaching.display import PAGE

ROOT = Path(__file__).resolve().parents[2]
_NAMES = ("[0-9][0-9]_*", "glossary")
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class NotebookError(click.ClickException):
    """A notebook that cannot be read, built or run; the message names it, the cell, the problem and the remedy."""


def source_paths(names: Sequence[str] = (), root: Path = ROOT) -> list[Path]:
    """The sources in order: all of them, or those whose names begin with one of `names` (such as "01")."""
    return _chosen(_found(root / "notebooks" / "source", ".py"), names, "notebook source")


def learner_paths(names: Sequence[str] = (), root: Path = ROOT) -> list[Path]:
    """The learner's copies in order, chosen in the same way."""
    return _chosen(_found(root / "notebooks", ".ipynb"), names, "notebook")


def _found(folder: Path, suffix: str) -> list[Path]:
    return [path for name in _NAMES for path in sorted(folder.glob(name + suffix))]


def _chosen(paths: list[Path], names: Sequence[str], what: str) -> list[Path]:
    if not paths:
        raise NotebookError(f"No {what} found: use a checkout of the workbook, with its notebooks folder.")
    wanted = [Path(name).stem for name in names]
    for name in wanted:
        if not any(path.stem.startswith(name) for path in paths):
            raise NotebookError(f"No {what} called {name!r}; there is {', '.join(path.stem for path in paths)}.")
    return [path for path in paths if path.stem.startswith(tuple(wanted))] if wanted else paths


def learner_path(stem: str, root: Path = ROOT) -> Path:
    """Where the learner's copy of a notebook is stored."""
    return root / "notebooks" / f"{stem}.ipynb"


def has_code(notebook: NotebookNode) -> bool:
    """Whether there is anything to run: a page of prose, such as the glossary, needs no kernel."""
    return any(cell.cell_type == "code" for cell in notebook.cells)


def normalise(notebook: NotebookNode, root: Path = ROOT) -> NotebookNode:
    """Remove from an executed notebook, in place, what only holds for this run or machine. Returns it."""
    notebook.metadata = NotebookNode(kernelspec=notebook.metadata["kernelspec"])
    notebook.metadata.language_info = NotebookNode(name="python")
    for cell in notebook.cells:
        cell.metadata = NotebookNode({key: cell.metadata[key] for key in ("tags", "jupyter") if key in cell.metadata})
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _normalise_output(output, str(root))]
    return notebook


def _normalise_output(output: NotebookNode, root: str) -> bool:
    """Normalise one output in place; False when nothing is left to store."""
    if output.output_type == "stream":
        output.text = without_path(output.text, root)
        return bool(output.text)
    if output.output_type == "error":
        output.evalue = without_path(output.evalue, root)
        output.traceback = [without_path(line, root) for line in output.traceback]
    if output.output_type in ("display_data", "execute_result"):
        output.data.pop(WIDGET_VIEW, None)
        output.metadata = NotebookNode()
        for kind in ("text/plain", "text/html", "text/markdown", PAGE):
            if kind in output.data:
                output.data[kind] = without_path(output.data[kind], root)
        return bool(output.data)
    return True


def without_path(text: str, root: str = str(ROOT)) -> str:
    """The text with the checkout's files named from its top: where it lies holds its user's name."""
    return re.sub(re.escape(root) + r"[\\/]?", "", text)


def same_content(one: NotebookNode, other: NotebookNode) -> bool:
    """Whether two notebooks are equal except for the bytes of their pictures, which differ between browsers."""
    return _without_pictures(one) == _without_pictures(other)


def _without_pictures(notebook: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = ""
    return bare


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a valid notebook atomically: a reader sees the old file or the new one, never half of it."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
