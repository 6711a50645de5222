"""Notebook files: where they stand, what is taken out of them before they are stored, how they are written."""

import copy
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode

from pmt_helpers.datasets.files import atomic_path

ROOT = Path(__file__).resolve().parents[2]


PLOTLY = "application/vnd.plotly.v1+json"


WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class NotebookError(click.ClickException):
    """A notebook that cannot be read, built or run; the message names it, the cell, the problem and the remedy."""


def source_paths(names: Sequence[str] = (), root: Path = ROOT) -> list[Path]:
    """The sources called for, in order: every one, or those whose name is or begins with one of `names` ("01")."""
    return _chosen(sorted((root / "notebooks" / "source").glob("[0-9][0-9]_*.py")), names, "notebook source")


def learner_paths(names: Sequence[str] = (), root: Path = ROOT) -> list[Path]:
    """The committed learner's copies called for, in order."""
    return _chosen(sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")), names, "notebook")


def _chosen(found: list[Path], names: Sequence[str], what: str) -> list[Path]:
    if not found:
        raise NotebookError(f"No {what} found: use a checkout of the workbook, with its notebooks folder.")
    wanted = [Path(name).stem for name in names]
    for name in wanted:
        if not any(path.stem.startswith(name) for path in found):
            raise NotebookError(f"No {what} called {name!r}; there is {', '.join(path.stem for path in found)}.")
    return [path for path in found if path.stem.startswith(tuple(wanted))] if wanted else found


def learner_path(stem: str, root: Path = ROOT) -> Path:
    """Where the committed copy of a notebook stands."""
    return root / "notebooks" / f"{stem}.ipynb"


def normalise(notebook: NotebookNode, root: Path = ROOT) -> NotebookNode:
    """Take out of an executed notebook, in place, what is of this run or this machine only. Returns it."""
    notebook.metadata = NotebookNode({key: notebook.metadata[key] for key in ("kernelspec", "language_info")})
    notebook.metadata.language_info = NotebookNode(name="python")
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags", "jupyter") if key in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _normalise_output(output, str(root))]
    return notebook


def _normalise_output(output: NotebookNode, root: str) -> bool:
    """Normalise one output in place; False when nothing worth storing is left."""
    if output.output_type == "stream":
        output.text = _without_path(output.text, root)
        return bool(output.text)
    if output.output_type in ("display_data", "execute_result"):
        output.data.pop(WIDGET_VIEW, None)
        output.metadata = NotebookNode()
        for kind in ("text/plain", "text/html", "text/markdown"):
            if kind in output.data:
                output.data[kind] = _without_path(output.data[kind], root)
        return bool(output.data)
    return True


def _without_path(text: str, root: str) -> str:
    return re.sub(re.escape(root) + r"[\\/]?", "", text)


def same_content(one: NotebookNode, other: NotebookNode) -> bool:
    """Whether two notebooks are equal, the bytes of their pictures aside (these differ between browsers)."""
    return _comparable(one) == _comparable(other)


def _comparable(notebook: NotebookNode) -> NotebookNode:
    plain = copy.deepcopy(notebook)
    for cell in plain.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = ""
    return plain


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a valid notebook in one stroke: a reader sees the old file or the new one, never half of it."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


CELL_SECONDS = 120


START_SECONDS = 90


KERNEL_ARGUMENTS = ["--log-level=ERROR"]  # newer kernels warn about their own transport on the terminal


@contextmanager
def kernel_environment(root: Path = ROOT) -> Iterator[dict[str, str]]:
    """Variables for a kernel: settings and answers in a fresh temporary folder, this checkout's package, no bars."""
    with tempfile.TemporaryDirectory(prefix="pmt-kernel-") as folder:
        python_path = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
        yield os.environ | {
            "PMT_WORKBOOK_FILE": str(Path(folder) / "workbook.json"),
            "IPYTHONDIR": str(Path(folder) / "ipython"),
            "PYTHONPATH": os.pathsep.join(python_path),
            "TQDM_DELAY": "86400",
        }


def execute(notebook: NotebookNode, name: str, folder: Path, root: Path = ROOT) -> NotebookNode:
    """Run every cell in a fresh kernel with `folder` as the working directory; fills the outputs in place.

    Raises NotebookError that names the cell and the last line of the traceback; the cells before it keep their output.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        startup_timeout=START_SECONDS,
        kernel_name="python3",
        extra_arguments=KERNEL_ARGUMENTS,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    with kernel_environment(root) as variables:
        try:
            client.execute(env=variables)
        except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as error:
            raise NotebookError(describe_failure(notebook, name, error)) from None
    return notebook


def describe_failure(notebook: NotebookNode, name: str, error: BaseException, cell_seconds: int = CELL_SECONDS) -> str:
    """One sentence: which notebook, which cell (counted from 1, prose included), the last line of what went wrong."""
    begun = [(number, cell) for number, cell in enumerate(notebook.cells, start=1) if cell.get("execution_count")]
    number, cell = begun[-1] if begun else (1, notebook.cells[0])
    where = f"{name}, cell {number} ({cell.source.strip().splitlines()[0]}) stopped"
    if isinstance(error, CellTimeoutError):
        return f"{where}: it ran longer than {cell_seconds} seconds and was given up. Make it shorter."
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return f"{where}: {output.ename}: {output.evalue}"
    return f"{where}: {(str(error).strip() or type(error).__name__).splitlines()[-1]}"
