"""`python -m pmt_helpers run`: execute notebooks through papermill, and say how long and how much memory each took.

A notebook that stops does not stop the others. Timeouts are always set: papermill has been seen to wait for ever for
a cell with a slider.
"""

import csv
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

import nbformat
import papermill
import psutil
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.workbook.files import (
    CELL_SECONDS,
    KERNEL_ARGUMENTS,
    START_SECONDS,
    describe_failure,
    kernel_environment,
    normalise,
    write_notebook,
)
from pmt_helpers.workbook.pages import write_page

_EVERY_SECONDS = 0.2


class PeakMemory:
    """Watches a process from a thread while a `with` block runs; `.megabytes` is its peak (0 when it never started).

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
        while not self._stop.wait(_EVERY_SECONDS):
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


_VERDICTS = {"Right": "right", "To do": "to_do", "Not yet": "not_yet"}


@dataclass(frozen=True)
class Run:
    """How one notebook went. seconds: wall clock, kernel start included; peak_mb: of the kernel, 1e6 bytes."""

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
            log=logging.getLogger("papermill"),
        )
        memory: PeakMemory = options["memory"]
        client.on_cell_start = lambda **_: memory.watch(client.km.provisioner.pid)
        with kernel_environment() as variables, memory:
            client.execute(env=variables)


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

    parameters reach only notebooks whose cell tagged `parameters` names them. report receives the lines of the table.
    A notebook that fails keeps what it has up to there, and its Run says where it stopped.
    """
    out_dir = out_dir.resolve()
    out_dir.mkdir(parents=True, exist_ok=True)
    runs = [
        _run_one(path.resolve(), out_dir, folder or path.resolve().parent, parameters or {}, cell_seconds, html)
        for path in paths
    ]
    _write_summary(runs, out_dir / "summary.csv")
    for line in table(runs):
        report(line)
    return runs


def _run_one(
    path: Path, out_dir: Path, folder: Path, parameters: Mapping[str, object], cell_seconds: int, html: bool
) -> Run:
    target = out_dir / path.name
    memory = PeakMemory()
    failure = ""
    started = perf_counter()
    try:
        papermill.execute_notebook(
            path,
            target,
            parameters={name: value for name, value in parameters.items() if _takes(path, name)},
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
    if not failure:
        normalise(notebook)
        write_notebook(notebook, target)
        if html:
            write_page(notebook, target.with_suffix(".html"))
    counts = Counter(check_verdicts(notebook))
    return Run(
        notebook=path.stem,
        seconds=round(seconds, 1),
        peak_mb=round(memory.megabytes),
        right=counts["right"],
        to_do=counts["to_do"],
        not_yet=counts["not_yet"],
        failure=failure,
    )


def _takes(path: Path, parameter: str) -> bool:
    """Whether the notebook's parameters cell sets this name (papermill would warn about any other)."""
    for cell in nbformat.read(path, as_version=4).cells:
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
    """The summary for a terminal: one line a notebook, then one for each failure."""
    width = max([len(run.notebook) for run in runs] + [8])
    lines = [f"{'notebook':{width}}  seconds  peak MB  checks right / to do / not yet"]
    for run in runs:
        checks = f"{run.right} / {run.to_do} / {run.not_yet}" if not run.failure else "stopped, see below"
        lines.append(f"{run.notebook:{width}}  {run.seconds:7.1f}  {run.peak_mb:7.0f}  {checks}")
    return lines + [run.failure for run in runs if run.failure]


def _write_summary(runs: Sequence[Run], path: Path) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Run)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(run) for run in runs)
