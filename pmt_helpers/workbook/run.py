"""Run notebooks: through nbclient for a build, through papermill with seconds and memory for `pmt_helpers run`.

A notebook that stops does not stop the others. Timeouts are always set: papermill can wait for ever for a cell with a
slider.
"""

import csv
import logging
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

import nbformat
import papermill
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.workbook.files import ROOT, NotebookError, has_code, normalise, without_path, write_notebook
from pmt_helpers.workbook.pages import write_site

CELL_SECONDS = 120
START_SECONDS = 90
KERNEL_ARGUMENTS = ["--log-level=ERROR"]  # newer kernels warn about their own transport on the terminal
_POLL_SECONDS = 0.2
_VERDICTS = {"Right:": "right", "To do:": "to_do", "Not yet:": "not_yet"}


@contextmanager
def kernel_environment(root: Path = ROOT) -> Iterator[dict[str, str]]:
    """Variables for a kernel: settings and answers in a temporary folder, this checkout's package, no progress bars.

    What is built or compared never shows anybody's recordings, unless PMT_RECORDINGS names them.
    """
    with tempfile.TemporaryDirectory(prefix="pmt-kernel-") as folder:
        python_path = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
        yield os.environ | {
            "PMT_WORKBOOK_FILE": str(Path(folder) / "workbook.json"),
            "PMT_RECORDINGS": os.environ.get("PMT_RECORDINGS", str(Path(folder) / "my_recordings")),
            "IPYTHONDIR": str(Path(folder) / "ipython"),
            "PYTHONPATH": os.pathsep.join(python_path),
            "TQDM_DELAY": "86400",
        }


def execute(notebook: NotebookNode, name: str, folder: Path, root: Path = ROOT) -> NotebookNode:
    """Run every cell in a fresh kernel with `folder` as the working directory; fills the outputs in place.

    Raises NotebookError that names the cell and the last line of the traceback; the cells before it keep their output.
    """
    if not has_code(notebook):
        return notebook
    kernel: dict[str, Any] = {
        "kernel_name": "python3",
        "extra_arguments": KERNEL_ARGUMENTS,
        "startup_timeout": START_SECONDS,
    }
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=CELL_SECONDS, record_timing=False, resources=resources, **kernel)
    with kernel_environment(root) as variables:
        try:
            client.execute(env=variables)
        except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as error:
            raise NotebookError(describe_failure(notebook, name, error)) from None
    return notebook


def describe_failure(notebook: NotebookNode, name: str, error: BaseException, cell_seconds: int = CELL_SECONDS) -> str:
    """One sentence: which notebook, which cell (counted from 1, prose included), the last line of what went wrong."""
    started = [(number, cell) for number, cell in enumerate(notebook.cells, start=1) if cell.get("execution_count")]
    number, cell = started[-1] if started else (1, notebook.cells[0])
    where = f"{name}, cell {number} ({cell.source.strip().splitlines()[0]}) stopped"
    if isinstance(error, CellTimeoutError):
        return f"{where}: it ran longer than {cell_seconds} seconds and was stopped. Make it shorter."
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            return f"{where}: {output.ename}: {output.evalue}"
    return f"{where}: {(str(error).strip() or type(error).__name__).splitlines()[-1]}"


class PeakMemory:
    """Watch a process from a thread during a `with` block; `.megabytes` is its peak (0 when it never started).

    On Linux the kernel keeps the high-water mark itself (VmHWM), on Windows so does the process table; elsewhere it is
    the highest of the sizes seen every 0.2 s. Give the process id, when known, with `.watch(pid)`.
    """

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._pid: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def watch(self, pid: int | None) -> None:
        """From now on look at this process."""
        self._pid = pid

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            if self._pid is not None:
                self.megabytes = max(self.megabytes, peak_megabytes(self._pid))


def peak_megabytes(pid: int) -> float:
    """Peak resident size of a process in MB (1e6 bytes) as far as the system tells; 0 for one that has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0.0
    return getattr(memory, "peak_wset", memory.rss) / 1e6


@dataclass(frozen=True)
class Run:
    """The result of one notebook. seconds: wall clock with kernel start; peak_mb: of the kernel, in 1e6 bytes."""

    notebook: str
    seconds: float
    peak_mb: float
    right: int
    to_do: int
    not_yet: int
    failure: str


class _MeasuredEngine(NBClientEngine):
    """papermill's own engine, in the workbook's kernel environment, with the kernel's peak memory measured."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernel_name,
            timeout=options["execution_timeout"],
            startup_timeout=options["start_timeout"],
            extra_arguments=KERNEL_ARGUMENTS,
            shutdown_kernel="immediate",  # asked politely after Ctrl-C, a kernel prints a traceback of its sockets
            log=logging.getLogger("papermill"),
        )
        memory: PeakMemory = options["memory"]
        client.on_cell_start = lambda **_: memory.watch(client.km.provisioner.pid)
        with kernel_environment() as variables, memory:
            client.execute(env=variables | {"PMT_PAGES": "1"})


papermill_engines.register("pmt-measured", _MeasuredEngine)


def run_notebooks(
    paths: Sequence[Path],
    out_dir: Path,
    *,
    parameters: Mapping[str, object] | None = None,
    folder: Path | None = None,
    cell_seconds: int = CELL_SECONDS,
    html: bool = True,
    report: Callable[[str], object] = print,
) -> list[Run]:
    """Execute each notebook in the folder it stands in, or in `folder`; write out_dir/NN.ipynb, NN.html, summary.csv.

    A notebook that stops keeps its outputs so far, and its Run says where it stopped.

    Parameters
    ----------
    parameters : set in notebooks whose cell tagged `parameters` names them
    cell_seconds : a cell that runs longer stops its notebook
    html : also write the site: index.html and a page of each
    report : receives the lines of the table
    """
    out_dir = out_dir.resolve()
    out_dir.mkdir(parents=True, exist_ok=True)
    runs = [
        _run_one(path.resolve(), out_dir, folder or path.resolve().parent, parameters or {}, cell_seconds)
        for path in paths
    ]
    if html:
        write_site(out_dir, [run.notebook for run in runs if not run.failure])
    with atomic_path(out_dir / "summary.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Run)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(run) for run in runs)
    for line in table(runs):
        report(line)
    return runs


def sound_runs(out_dir: Path) -> list[str]:
    """The notebooks that the last run into this folder executed to their end, by its summary.csv."""
    summary = out_dir / "summary.csv"
    if not summary.exists():
        raise NotebookError(f"No run found in {out_dir}: there is no summary.csv. Execute the notebooks: make run")
    with summary.open(encoding="utf-8", newline="") as file:
        return [row["notebook"] for row in csv.DictReader(file) if not row["failure"]]


def _run_one(path: Path, out_dir: Path, folder: Path, parameters: Mapping[str, object], cell_seconds: int) -> Run:
    target = out_dir / path.name
    stored = nbformat.read(path, as_version=4)
    if not has_code(stored):
        write_notebook(stored, target)
        return Run(path.stem, 0, 0, 0, 0, 0, "")
    memory = PeakMemory()
    failure = ""
    started = perf_counter()
    try:
        papermill.execute_notebook(
            path,
            target,
            parameters={name: value for name, value in parameters.items() if takes(stored, name)},
            engine_name="pmt-measured",
            kernel_name="python3",
            cwd=folder,
            progress_bar={"desc": path.stem},
            start_timeout=START_SECONDS,
            execution_timeout=cell_seconds,
            memory=memory,
        )
    except PapermillExecutionError as error:
        first = error.source.strip().split("\n")[0]
        failure = f"{path.stem}, cell {error.cell_index + 1} ({first}) stopped: {error.ename}: {error.evalue}"
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        failure = describe_failure(nbformat.read(target, as_version=4), path.stem, error, cell_seconds)
    seconds = perf_counter() - started
    notebook = nbformat.read(target, as_version=4)
    write_notebook(normalise(notebook), target)
    counts = Counter(check_verdicts(notebook))
    right, to_do, not_yet = (counts[verdict] for verdict in ("right", "to_do", "not_yet"))
    return Run(path.stem, round(seconds, 1), round(memory.megabytes), right, to_do, not_yet, without_path(failure))


def takes(notebook: NotebookNode, parameter: str) -> bool:
    """Whether the notebook's parameters cell sets this name (papermill would warn about any other)."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            return any(line.split("=")[0].split(":")[0].strip() == parameter for line in cell.source.splitlines())
    return False


def check_verdicts(notebook: NotebookNode) -> list[str]:
    """What each check in an executed notebook says, in order: "right", "to_do" or "not_yet"."""
    verdicts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if (text := check_text(output)) is not None:
                verdicts.append(next(verdict for words, verdict in _VERDICTS.items() if text.startswith(words)))
    return verdicts


def check_text(output: NotebookNode) -> str | None:
    """The text of an output, if it is a check's: one bundle of text and HTML that starts with its verdict."""
    data = output.get("data", {})
    text = "".join(data.get("text/plain", ""))
    return text if "text/html" in data and text.startswith(tuple(_VERDICTS)) else None


def table(runs: Sequence[Run]) -> list[str]:
    """The summary for a terminal: one line per notebook, then one per failure."""
    width = max([len(run.notebook) for run in runs] + [8])
    lines = [f"{'notebook':{width}}  seconds  peak MB  checks right / to do / not yet"]
    for run in runs:
        checks = f"{run.right} / {run.to_do} / {run.not_yet}" if not run.failure else "stopped, see below"
        lines.append(f"{run.notebook:{width}}  {run.seconds:7.1f}  {run.peak_mb:7.0f}  {checks}")
    return lines + [run.failure for run in runs if run.failure]
