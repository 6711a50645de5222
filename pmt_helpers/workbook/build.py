"""`python -m pmt_helpers notebooks build`: one source, two notebooks.

    notebooks/source/NN_name.py -> notebooks/NN_name.ipynb        the learner's copy, executed, committed
                                -> build/solutions/NN_name.ipynb  solved and executed, not committed

Stored is what the kernel sent, without what differs from run to run or needs a kernel: widget views (their `text/plain`
sentence stays), timings, the path of this folder. In the learner's copy each Plotly output gains a picture. A copy
with the same content as the stored one is left alone, so that git shows no change; one in which somebody has worked is
never overwritten without `force`.

For authors: write "took 1.2 s" where a duration is printed, since compare.py knows that phrase. On a cell's first run,
never display inside `with output:` of an ipywidgets.Output, which shows in the cell where no widget manager runs: use
`output.append_display_data` or `append_stdout`.
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

from pmt_helpers.workbook import files
from pmt_helpers.workbook.files import ROOT, NotebookError
from pmt_helpers.workbook.pages import add_pictures
from pmt_helpers.workbook.run import execute

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "...  # your code here"
TEXT_STUB = "*Your answer here.*"
_PLACE = "__stub_goes_here__"
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_source(path: Path) -> NotebookNode:
    """The source as a notebook with its solutions and tags, without jupytext's own metadata and without cell ids."""
    raw = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    cells = []
    for cell in raw.cells:
        if cell.cell_type == "raw" or not cell.source.strip():
            continue
        new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        metadata = {key: cell.metadata[key] for key in ("tags", "jupyter") if cell.metadata.get(key)}
        cells.append(new(source=cell.source.strip("\n"), metadata=metadata))
    if not cells:
        raise NotebookError(f"{path.name} holds no cells: begin each one with '# %%' or '# %% [markdown]'.")
    return new_notebook(cells=cells, metadata=_METADATA)


def learner_copy(source: NotebookNode, name: str = "notebook") -> NotebookNode:
    """The notebook with a stub in place of every solution. Raises NotebookError where a region has no end."""
    marks = {"begin_solution_delimeter": BEGIN, "end_solution_delimeter": END}
    clear = ClearSolutions(code_stub={"python": _PLACE}, text_stub=TEXT_STUB, enforce_metadata=False, **marks)
    clear.log.setLevel(logging.CRITICAL)  # it logs the cell with its solution; our own message is enough
    cells = []
    for number, cell in enumerate(source.cells, start=1):
        stubs = [_stub(region) for region in solution_regions(cell.source)] if cell.cell_type == "code" else []
        try:
            blank, _ = clear.preprocess_cell(_copy(cell), {"language": "python"}, number)
        except RuntimeError as error:
            text = f"{name}, cell {number}: {error}; every {BEGIN!r} needs one {END!r} below it."
            raise NotebookError(text) from None
        for stub in stubs:
            blank.source = blank.source.replace(_PLACE, stub, 1)
        cells.append(blank)
    return _with_ids(cells)


def solved_copy(source: NotebookNode) -> NotebookNode:
    """The same notebook with its solutions and without the two marks around each."""
    cells = [_copy(cell) for cell in source.cells]
    for cell in cells:
        cell.source = "\n".join(line for line in cell.source.split("\n") if BEGIN not in line and END not in line)
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
    """A notebook whose cell ids are digests of the cells' text: a second build changes nothing, an edit shows."""
    seen: Counter[str] = Counter()
    for cell in cells:
        digest = _digest(cell)
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return new_notebook(cells=cells, metadata=_METADATA)


def _digest(cell: NotebookNode) -> str:
    return hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]


def edited_cells(notebook: NotebookNode) -> list[int]:
    """The cells (counted from 1) in which somebody has worked since the build: changed or new, and not empty.

    A built cell's id is the digest of its text, and JupyterLab keeps ids, so an edited cell no longer fits its own.
    Running a cell changes its outputs only, which the next build makes again: that is no work.
    """
    return [
        number
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.source.strip() and cell.get("id", "").split("-")[0] != _digest(cell)
    ]


def build_notebooks(
    names: Sequence[str] = (),
    *,
    root: Path = ROOT,
    learner: bool = True,
    solutions: bool = True,
    png: bool = True,
    force: bool = False,
    report: Callable[[str], object] = print,
) -> list[Path]:
    """Build the named notebooks (all by default); returns the paths of the copies that changed and were written.

    Parameters
    ----------
    learner, solutions: which copies to build.
    png: draw a picture beside each figure of the learner's copy.
    force: overwrite a learner's copy even where somebody has worked in it.
    report: receives one line for each copy.

    Raises NotebookError before anything is run, for a learner's copy with work in it; later for a cell that stops. The
    copy up to that cell is then in build/failed.
    """
    paths = files.source_paths(names, root)
    if learner and not force:
        _refuse_to_overwrite_work([files.learner_path(path.stem, root) for path in paths], root)
    written = []
    for path in paths:
        source = read_source(path)
        copies = [(learner_copy(source, path.stem), files.learner_path(path.stem, root), png)] if learner else []
        has_solutions = any(solution_regions(cell.source) for cell in source.cells)
        if solutions and has_solutions:  # read in JupyterLab, which draws the figures itself: no pictures
            copies.append((solved_copy(source), root / "build" / "solutions" / f"{path.stem}.ipynb", False))
        for notebook, target, with_pictures in copies:
            changed = _build_one(notebook, target, root, with_pictures)
            report(f"{'written  ' if changed else 'unchanged'}  {target.relative_to(root)}")
            written += [target] if changed else []
    return written


def _refuse_to_overwrite_work(targets: list[Path], root: Path) -> None:
    worked_in = []
    for target in targets:
        stored = _read_stored(target)
        if stored and (cells := edited_cells(stored)):
            worked_in.append(f"{target.relative_to(root)} (cell {', '.join(map(str, cells))})")
    if worked_in:
        raise NotebookError(
            f"Somebody has worked in {'; '.join(worked_in)}, and a build would overwrite it. Save a copy elsewhere and "
            "build with --force, or build only the solved copies with --solutions-only."
        )


def _read_stored(target: Path) -> NotebookNode | None:
    """The stored copy; None where there is none. Raises NotebookError for a file that is no notebook."""
    if not target.is_file():
        return None
    try:
        return nbformat.read(target, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        text = f"{target.name} is not a notebook ({error}). Move it away, or build with --force."
        raise NotebookError(text) from None


def _build_one(notebook: NotebookNode, target: Path, root: Path, png: bool) -> bool:
    try:
        execute(notebook, target.stem, root / "notebooks", root)
    except NotebookError as error:
        failed = root / "build" / "failed" / target.name
        files.write_notebook(notebook, failed)
        raise NotebookError(f"{error.message}\nThe notebook up to there: {failed.relative_to(root)}") from None
    files.normalise(notebook, root)
    try:
        earlier = _read_stored(target)
    except NotebookError:  # only with force
        earlier = None
    add_pictures(notebook, earlier, render=png)
    if earlier is not None and files.same_content(notebook, earlier):
        return False
    files.write_notebook(notebook, target)
    return True
