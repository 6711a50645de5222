"""A kernel in which a notebook always does the same: nothing of the person who runs it leaks in or out.

Every way of executing a notebook here (builder, runner, nbval in the tests) uses this one environment.

Progress bars. Show them with plain `tqdm.auto.tqdm(..., leave=False)` and never pass `delay` or `disable`. In a
learner's JupyterLab that is a widget that goes away by itself. Here TQDM_DELAY keeps a bar from appearing at all, so
that no stored output holds half a bar and nbval compares like with like.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode

from pmt_helpers.teaching.notebook_files import ROOT, NotebookError

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
