"""`python -m pmt_helpers notebooks build`: one source, two notebooks.

    notebooks/source/NN_name.py -> notebooks/NN_name.ipynb        the learner's copy, executed, committed
                                -> build/solutions/NN_name.ipynb  solved and executed, not committed

What is stored is what the kernel sent, less what differs from run to run or cannot work without a kernel: widget
views and their state (their `text/plain` sentence stays), timings, the path of this folder. In the learner's copy
each Plotly output gains a picture. A copy that would say the same as the one already there is left alone, so that git
shows no change.

For authors: see notebook_kernel for progress bars; write "took 1.2 s" where a duration is printed, since the nbval
test's sanitize.cfg knows that phrase; never display inside `with output:` of an ipywidgets.Output on a cell's first
run (nbval has no widget manager and would see the output in the cell): use `output.append_display_data` or
`append_stdout`.
"""

import ast
import hashlib
import logging
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import jupytext
import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.preprocessors import ClearSolutions

from pmt_helpers.workbook.files import (
    ROOT,
    NotebookError,
    execute,
    learner_path,
    normalise,
    same_content,
    source_paths,
    write_notebook,
)
from pmt_helpers.workbook.pages import add_pictures

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


STUB = "...  # your code here"


TEXT_STUB = "*Your answer here.*"


_PLACE = "__stub_goes_here__"


_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_source(path: Path) -> NotebookNode:
    """The source as a notebook with its solutions, free of jupytext's own metadata. Tags are kept, cells have no id."""
    raw = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    cells = []
    for cell in raw.cells:
        if cell.cell_type == "raw" or not cell.source.strip():
            continue
        new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        kept = {key: cell.metadata[key] for key in ("tags", "jupyter") if cell.metadata.get(key)}
        cells.append(new(source=cell.source.strip("\n"), metadata=kept))
    if not cells:
        raise NotebookError(f"{path.name} holds no cells: begin each one with '# %%' or '# %% [markdown]'.")
    return new_notebook(cells=cells, metadata=_METADATA)


def learner_copy(source: NotebookNode, name: str = "notebook") -> NotebookNode:
    """What a learner opens: every solution replaced by a stub. Raises NotebookError where a region has no end."""
    clear = ClearSolutions(
        code_stub={"python": _PLACE},
        text_stub=TEXT_STUB,
        begin_solution_delimeter=BEGIN,
        end_solution_delimeter=END,
        enforce_metadata=False,
    )
    clear.log.setLevel(logging.CRITICAL)  # it logs the cell with its solution; our own message is enough
    cells = []
    for number, cell in enumerate(source.cells, start=1):
        stubs = [_stub(region) for region in solution_regions(cell.source)] if cell.cell_type == "code" else []
        try:
            blank, _ = clear.preprocess_cell(_copy(cell), {"language": "python"}, number)
        except RuntimeError as error:
            raise NotebookError(
                f"{name}, cell {number}: {error}; every {BEGIN!r} needs one {END!r} below it."
            ) from None
        for stub in stubs:
            blank.source = blank.source.replace(_PLACE, stub, 1)
        cells.append(blank)
    return _with_ids(cells)


def solved_copy(source: NotebookNode) -> NotebookNode:
    """The same notebook with its solutions and without the two marks around each."""
    cells = [_copy(cell) for cell in source.cells]
    for cell in cells:
        kept = [line for line in cell.source.split("\n") if BEGIN not in line and END not in line]
        cell.source = "\n".join(kept)
    return _with_ids(cells)


def solution_regions(cell_source: str) -> list[str]:
    """The text of each solution in a cell, dedented, without its marks."""
    regions: list[str] = []
    inside: list[str] | None = None
    for line in cell_source.split("\n"):
        if BEGIN in line:
            inside = []
        elif END in line and inside is not None:
            regions.append(textwrap.dedent("\n".join(inside)))
            inside = None
        elif inside is not None:
            inside.append(line)
    return regions


def _stub(region: str) -> str:
    """`gain = ...  # your code here` for a region that is one assignment to plain names, else the bare stub."""
    try:
        body = ast.parse(region).body
    except SyntaxError:  # a region may be half a statement, such as an `else:` branch
        return STUB
    if len(body) != 1 or not isinstance(body[0], ast.Assign) or len(body[0].targets) != 1:
        return STUB
    target = body[0].targets[0]
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    if not all(isinstance(name, ast.Name) for name in names):
        return STUB
    return f"{ast.unparse(target).strip('()')} = {', '.join(['...'] * len(names))}  # your code here"


def _copy(cell: NotebookNode) -> NotebookNode:
    new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
    return new(source=cell.source, metadata=cell.metadata)


def _with_ids(cells: list[NotebookNode]) -> NotebookNode:
    """A notebook whose cell ids follow from the cells' own text: building again without a change changes nothing."""
    seen: Counter[str] = Counter()
    for cell in cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return new_notebook(cells=cells, metadata=_METADATA)


def build(
    names: Sequence[str] = (),
    *,
    root: Path = ROOT,
    solutions: bool = True,
    png: bool = True,
    report: Callable[[str], object] = print,
) -> list[Path]:
    """Build the learner's copies, and the solved ones too, of the named notebooks (all by default).

    report receives one line for each copy. Returns the paths of the copies that were written; one that has not changed
    is not. Raises NotebookError; a copy that stopped at a cell is kept in build/failed for a look.
    """
    written = []
    for path in source_paths(names, root):
        source = read_source(path)
        copies = [(learner_copy(source, path.stem), learner_path(path.stem, root), png)]
        if solutions:  # read in JupyterLab, which draws the figures itself: no pictures
            copies.append((solved_copy(source), root / "build" / "solutions" / f"{path.stem}.ipynb", False))
        for notebook, target, with_pictures in copies:
            changed = _build_one(notebook, target, root, with_pictures)
            report(f"{'written  ' if changed else 'unchanged'}  {target.relative_to(root)}")
            written += [target] if changed else []
    return written


def _build_one(notebook: NotebookNode, target: Path, root: Path, png: bool) -> bool:
    try:
        execute(notebook, target.stem, root / "notebooks", root)
    except NotebookError as error:
        failed = root / "build" / "failed" / target.name
        write_notebook(notebook, failed)
        raise NotebookError(f"{error.message}\nThe notebook up to there: {failed.relative_to(root)}") from None
    normalise(notebook, root)
    earlier = nbformat.read(target, as_version=4) if target.is_file() else None
    add_pictures(notebook, earlier, render=png)
    if earlier is not None and same_content(notebook, earlier):
        return False
    write_notebook(notebook, target)
    return True
