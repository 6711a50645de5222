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

from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from pmt_helpers.teaching.notebook_files import (
    ROOT,
    NotebookError,
    learner_path,
    normalise,
    same_content,
    source_paths,
    write_notebook,
)
from pmt_helpers.teaching.notebook_kernel import execute
from pmt_helpers.teaching.notebook_png import add_pictures
from pmt_helpers.teaching.notebook_source import learner_copy, read_source, solved_copy


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
